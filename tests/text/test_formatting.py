"""A translated sentence over runs of format: nothing is lost, names and code keep their own run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.formatting import Run, lay_over
from playground.text.sentences import cut


def laid(runs: list[Run], texts: list[str], target: str = "fr") -> list[str]:
    return lay_over(runs, cut("".join(run.text for run in runs)).pieces(texts, target))


def test_a_run_whose_text_stands_in_the_translation_goes_there() -> None:
    runs = [Run("Ask "), Run("John Smith", "bold"), Run(" today.")]
    assert laid(runs, ["Demandez à John Smith aujourd'hui."]) == ["Demandez à ", "John Smith", " aujourd'hui."]
    assert laid(runs, ["Aujourd'hui, demandez à John Smith."]) == ["Aujourd'hui, demandez à ", "John Smith", "."]


def test_other_runs_keep_their_place_in_proportion_and_whole_words() -> None:
    runs = [Run("This is "), Run("very important", "bold"), Run(" news. "), Run("More", "italic"), Run(" follows.")]
    parts = laid(runs, ["C'est une nouvelle très importante.", "La suite arrive."])
    assert "".join(parts) == "C'est une nouvelle très importante. La suite arrive."
    assert parts[1].strip() and not parts[1].startswith(" ") and parts[3].strip() in ("La", "La suite")


def test_a_sentence_in_one_format_stays_in_it() -> None:
    runs = [Run("All bold. ", "bold"), Run("Not bold.")]
    assert laid(runs, ["Tout en gras.", "Pas du tout."]) == ["Tout en gras. ", "Pas du tout."]


def test_fixed_runs_never_change_and_take_their_backticks_along() -> None:
    runs = [Run("Run "), Run("pip", "code", fixed=True), Run(" now.")]
    assert laid(runs, ["Maintenant, lancez `pip`."]) == ["Maintenant, lancez ", "pip", "."]
    parts = laid(runs, ["Lancez maintenant."])
    assert parts[1] == "pip" and parts[0] + parts[2] == "Lancez maintenant."


STYLED = st.lists(st.builds(Run, st.text("ab. é中", max_size=8), st.sampled_from(["", "b", "i"])), max_size=6)


@settings(deadline=None)
@given(STYLED, st.text("xyz ,中'", max_size=12))
def test_no_letter_of_a_translation_is_lost_or_doubled(runs: list[Run], change: str) -> None:
    skeleton = cut("".join(run.text for run in runs))
    texts = [change] * len(skeleton.segments)
    if runs:
        assert "".join(lay_over(runs, skeleton.pieces(texts, "en"))) == skeleton.rebuild(texts, "en")


@settings(deadline=None)
@given(STYLED)
def test_unchanged_sentences_leave_every_run_as_it_was(runs: list[Run]) -> None:
    skeleton = cut("".join(run.text for run in runs))
    own = [segment.text for segment in skeleton.segments]
    assert lay_over(runs, skeleton.pieces(own)) == [run.text for run in runs]
