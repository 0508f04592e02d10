"""A draft is worth more the more it says of what the text speaks of, and less where it only copies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.summary_choice import Salience, agreement
from playground.text.sentences import cut

TEXT = (
    "The harbour in Kingsport will be dredged in spring so that larger ferries can dock. "
    "Ferries have had to anchor outside the harbour since sand closed its mouth. "
    "Mayor Ada Holm said that the ferries bring half of the town's guests. A bakery near it sells rolls on Sundays."
)


def salience(text: str = TEXT) -> Salience:
    return Salience(cut(text).segments)


def test_what_comes_early_and_often_is_worth_more_than_what_stands_at_the_end() -> None:
    about, aside = "Larger ferries will soon reach the harbour.", "Someone near it sells rolls on many Sundays."
    assert salience().worth(about) > salience().worth(aside)


def test_a_name_is_worth_more_than_the_same_word_as_a_noun() -> None:
    text = "It rained, and {} came along the road with a cart full of apples."
    named, unnamed = salience(text.format("Holm")), salience(text.format("holm"))
    assert named.worth("Along came holm.") > unnamed.worth("Along came holm.")


def test_a_copied_sentence_is_worth_less_than_the_same_said_anew() -> None:
    copied = "Ferries have had to anchor outside the harbour since sand closed its mouth."
    anew = "Ferries had to anchor outside its harbour after sand closed the mouth of it."
    assert salience().copied(copied) == 1.0 and salience().copied(anew) < 0.5
    assert salience().worth(anew) > salience().worth(copied)


def test_of_a_copyist_a_copied_half_counts_but_not_a_phrase() -> None:
    copyist = Salience(cut(TEXT).segments, copyist=True)
    half = "Ferries have had to anchor outside the harbour, which is full of fresh sand in many places."
    phrase = "The harbour will be made deeper for big ferries, which could not reach it."
    assert copyist.worth(half) < salience().worth(half) and copyist.worth(phrase) == salience().worth(phrase)


def test_words_that_the_text_does_not_have_lower_the_worth() -> None:
    said = "Larger ferries will reach the harbour"
    assert salience().worth(f"{said}.") > salience().worth(f"{said} with elephants and purple umbrellas.")


@given(st.text(max_size=200), st.text(max_size=200), st.booleans())
def test_any_two_texts_can_be_compared(text: str, draft: str, copyist: bool) -> None:
    found = Salience(cut(text).segments, copyist=copyist)
    assert -0.25 <= found.worth(draft) <= 2 and 0 <= found.copied(draft) <= 1


def test_the_draft_that_says_what_the_others_say_agrees_most() -> None:
    drafts = ["The harbour will be dredged.", "A baker sells rolls.", "The harbour in town will be dredged."]
    near = agreement(drafts)
    assert near.index(min(near)) == 1 and near[0] > 0.3
    assert agreement(drafts[:1]) == [0.0] and agreement([]) == []
