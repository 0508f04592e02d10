"""Looking into models beside the chat's: encoders, models that fill gaps, translation models; all tiny and random."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError
from playground.models.companion_models import COMPANIONS
from playground.ui.attention_companions import CompanionLooks, Wish, languages_for
from playground.ui.attention_jobs import Job
from playground.ui.attention_pairs import PairRun, alignment_view, view_of
from playground.ui.attention_runs import AttentionRuns, Run
from playground.ui.attention_steps import heads_view, steps_view
from playground.ui.attention_view import Choice, exact_row_view, overview_view, strongest_pairs_view, unit_rows
from playground.ui.attention_whatif import lens_view
from tests.ui.conftest import make_services
from tests.ui.fakes import FakeEngine
from tests.ui.tiny_companions import SENTENCE, TRANSLATION, bert_folder, marian_folder, t5_folder

Look = Callable[..., Any]
MAKERS = {"bert": bert_folder, "encoder": lambda folder: bert_folder(folder, masked=False), "marian": marian_folder,
          "t5": t5_folder}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("models")
    return {name: make(top / f"tiny-{name}") for name, make in MAKERS.items()}


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompanionLooks]:
    services = make_services(FakeEngine(), tmp_path_factory.mktemp("home"))
    yield CompanionLooks(services)
    services.companions.close()


@pytest.fixture(scope="module")
def look(looks: CompanionLooks, folders: dict[str, Path]) -> Look:
    def into(name: str, text: str = SENTENCE, job: Job | None = None, **wish: Any) -> Any:
        make = looks.maker({"model": str(folders[name]), **wish})
        assert make is not None
        return make(job or Job("ann", "page", 1, "en", beside=True), text)

    return into


@pytest.fixture(scope="module")
def bert(look: Look) -> Run:
    return look("bert")


@pytest.fixture(scope="module", params=["marian", "t5"])
def pair(look: Look, request: pytest.FixtureRequest) -> PairRun:
    return look(request.param, translation=TRANSLATION)


def floats(view: dict[str, Any]) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(view["data"])), dtype=torch.float32)


def test_without_a_name_it_is_the_chats_model(looks: CompanionLooks) -> None:
    assert looks.maker({}) is None and looks.maker({"model": " "}) is None and looks.maker({"model": 3}) is None


def test_an_encoder_is_read_both_ways_with_its_marks_named(bert: Run) -> None:
    view = view_of(bert)
    assert (view["kind"], view["both_ways"], view["rolls_out"], view["next"]) == ("masked", True, True, None)
    assert [view["tokens"][index] for index in view["special"]] == ["[CLS]", "[SEP]"]
    assert view["model"] == "tiny-bert" and view["deviation"] < 1e-4
    rows = unit_rows(bert, Choice(words=True), 0, len(bert.words))
    assert torch.allclose(rows.sum(1), torch.ones(len(rows)), atol=1e-5)
    assert rows[2, 6] > 0 and rows[6, 2] > 0


def test_pieces_of_a_word_are_one_word(look: Look) -> None:
    run = look("bert", "The trophy and the suitcase.")
    assert " suitcase" in [word.text for word in run.words] and len(run.words) == len(run.tokens) - 1


def test_a_rollout_is_the_product_of_all_layers(bert: Run) -> None:
    expected = torch.eye(len(bert.tokens))
    for layer in range(3):
        mean = unit_rows(bert, Choice(layer), 0, len(bert.tokens))
        expected = (0.5 * mean + 0.5 * torch.eye(len(mean))) @ expected
    choice = Choice.from_untrusted({"rolled_out": True}, bert)
    assert torch.allclose(unit_rows(bert, choice, 0, len(bert.tokens)), expected, atol=1e-5)
    assert floats(exact_row_view(bert, choice, 2)).sum() == pytest.approx(1.0, abs=1e-5)


def test_marks_are_hidden_only_where_attention_rests_on_them(bert: Run) -> None:
    assert bert.resting == () and not Choice.from_untrusted({"hide_first": True}, bert).hide_first


def test_the_hidden_word_has_its_place_in_the_list_of_guesses(looks: CompanionLooks, bert: Run) -> None:
    view = looks.guesses(bert, 4, 5)
    chances = [chance for _, chance in view["guesses"]]
    assert chances == sorted(chances, reverse=True) and sum(chances) <= 1.0001
    text, chance = view["original"]
    assert text.strip() == "cat" and view["rank"] >= 1
    if view["rank"] <= len(chances):
        assert view["guesses"][view["rank"] - 1][1] == pytest.approx(chance, abs=1e-5)
    else:
        assert chance <= chances[-1]


def test_a_word_of_several_pieces_leaves_one_gap(looks: CompanionLooks, look: Look) -> None:
    run = look("bert", "The trophy and the suitcase.")
    word = next(word for word in run.words if word.text == " suitcase")
    view = looks.guesses(run, word.start, word.stop)
    assert (view["pieces"], view["original"], view["rank"]) == (2, None, None) and view["guesses"]


def test_what_cannot_be_guessed_is_refused_with_the_reason(looks: CompanionLooks, look: Look, bert: Run) -> None:
    with pytest.raises(InvalidInput):
        looks.guesses(bert, 0, 1)  # [CLS]
    for first, end in ((3, 3), (5, 2), (0, 99), ("x", 2), (True, 2)):
        with pytest.raises(InvalidInput):
            looks.guesses(bert, first, end)
    with pytest.raises(ModelUnavailable, match="tiny-encoder was not made to fill gaps"):
        looks.guesses(look("encoder"), 1, 2)


def test_rows_of_the_alignment_are_shares_of_the_source(pair: PairRun) -> None:
    for words in (True, False):
        choice = Choice.from_untrusted({"words": words, "layer": 1, "head": 2}, pair)
        view = alignment_view(pair, choice)
        map_ = floats(view).view(view["rows"], view["columns"])
        assert torch.allclose(map_.sum(1), torch.ones(view["rows"]), atol=1e-5)
    view = view_of(pair)
    assert "".join(text for _, _, text in view["words"]) == TRANSLATION == view["translation"]
    assert "".join(text for _, _, text in view["source"]["words"]) == f"{SENTENCE}</s>"
    assert not view["generated"] and view["text"] == SENTENCE


def test_the_row_of_a_word_is_the_step_that_wrote_it(pair: PairRun) -> None:
    """The step that reads a word writes the next one: both maps are one, a row apart."""
    read = pair.parts["read"]
    tokens = len(pair.tokens)
    assert pair.tokens == read.tokens
    written = unit_rows(pair, Choice(0, 1), 0, tokens)
    assert torch.equal(written[1:], unit_rows(read, Choice(0, 1), 0, tokens)[:-1])


def test_inside_either_text_are_runs_of_their_own(pair: PairRun) -> None:
    runs = AttentionRuns()
    runs.keep(pair)
    source = runs.find("ann", f"{pair.id}.source")
    translation = runs.find("ann", f"{pair.id}.translation")
    assert view_of(source)["both_ways"] and not view_of(translation)["both_ways"]
    assert translation.special == {0} and view_of(translation)["next"] is None
    rows = unit_rows(translation, Choice(), 0, len(translation.tokens))
    assert rows.triu(1).abs().max() == 0
    for stranger, name in (("bob", f"{pair.id}.source"), ("ann", f"{pair.id}.nothing")):
        with pytest.raises(PlaygroundError):
            runs.find(stranger, name)


def test_every_view_of_every_part_can_be_had(looks: CompanionLooks, pair: PairRun, bert: Run) -> None:
    for run in (bert, pair, *pair.parts.values()):
        assert len(overview_view(run, Choice())["heads"]) == len(run.recording.layers) * 4
        view = steps_view(run, 1, 1, 2, 1)
        assert view["query"]["text"] == run.tokens[2] and view["key"]["text"] == run.looked_at.tokens[1]
        heads = heads_view(looks.model_of(run), run, 1, 2)
        assert sum(part["share"] for part in heads["parts"]) == pytest.approx(1.0, abs=1e-3)
        assert strongest_pairs_view(run, Choice(0, 0))["pairs"]
        values = Choice.from_untrusted({"value_weighted": True}, run)
        assert torch.allclose(unit_rows(run, values, 1, 2).sum(1), torch.ones(1), atol=1e-5)


def test_without_a_translation_the_model_writes_one(look: Look) -> None:
    job = Job("ann", "page", 1, "en", beside=True)
    run = look("t5", job=job)
    assert run.generated and run.parts["translation"].text.strip() and job.phase == "writing" and job.done > 0


def test_a_model_of_several_languages_is_told_which(
    looks: CompanionLooks, tmp_path_factory: pytest.TempPathFactory
) -> None:
    known = (">>deu<<", ">>fra<<")
    folder = marian_folder(tmp_path_factory.mktemp("models") / "tiny-many", languages=known)
    for wish, told in (
        ({}, ">>fra<<"),
        ({"target_language": ">>deu<<"}, ">>deu<<"),
        ({"target_language": "?"}, known[1]),
    ):
        make = looks.maker({"model": str(folder), "translation": TRANSLATION, **wish})
        assert make is not None
        view = view_of(make(Job("ann", "page", 1, "en", beside=True), SENTENCE))
        assert set(view["languages"]) == set(known) and view["target_language"] == told
        assert told in view["source"]["tokens"] and "".join(text for _, _, text in view["words"]) == TRANSLATION


def test_an_alignment_is_of_translation_models_only(bert: Run) -> None:
    with pytest.raises(InvalidInput, match="Only a translation model"):
        alignment_view(bert, Choice())


def test_what_if_stays_with_the_chats_model(bert: Run) -> None:
    engine: Any = FakeEngine()
    with pytest.raises(ModelUnavailable, match="chat's model only"):
        lens_view(engine, bert)


def test_a_model_that_is_not_there_is_refused_in_a_sentence(looks: CompanionLooks) -> None:
    with pytest.raises(ModelUnavailable, match="There is no model"):
        looks.maker({"model": "/no/such/folder"})


def test_on_a_shared_machine_only_what_is_there_can_be_looked_into(folders: dict[str, Path], tmp_path: Path) -> None:
    shared = CompanionLooks(make_services(FakeEngine(), tmp_path, PLAYGROUND_SHARED="on"))
    offer = shared.models("en")
    assert offer["models"] == [] and not offer["may_type"]
    for name in (str(folders["bert"]), COMPANIONS[0].id, "google-bert/bert-base-uncased"):
        with pytest.raises(PlaygroundError):
            shared.maker({"model": name})


def test_the_choice_lists_the_chats_model_and_the_catalogue(looks: CompanionLooks) -> None:
    offer = looks.models("zh")
    assert [model["id"] for model in offer["models"]] == [spec.id for spec in COMPANIONS] and offer["may_type"]
    assert {model["kind"] for model in offer["models"]} >= {"encoder", "masked", "translator"}


def test_a_cancelled_look_never_becomes_a_run(look: Look) -> None:
    job = Job("ann", "page", 1, "en", beside=True)
    job.cancel.set()
    for name in ("bert", "t5"):
        with pytest.raises(PlaygroundError):
            look(name, job=job)


def test_the_language_of_a_translation_is_guessed_from_what_the_model_knows() -> None:
    def chosen(*known: str, **wish: str) -> tuple[str, str]:
        return languages_for(known, Wish(COMPANIONS[0], **wish))

    assert chosen() == ("", "")
    assert chosen("deu_Latn", "eng_Latn", "fra_Latn") == ("eng_Latn", "fra_Latn")
    assert chosen("deu_Latn", "eng_Latn", source_language="deu_Latn", target_language="eng_Latn") == (
        "deu_Latn", "eng_Latn",
    )  # fmt: skip
