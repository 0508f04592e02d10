"""The sentiment tab without a browser: one end for each request, parts, tries, other models, whose runs they are."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from playground.errors import InvalidInput, ModelUnavailable, NotFound
from playground.models.catalog import MODELS
from playground.tasks.sentiment_labels import SENTIMENT
from tests.tasks.classifier_folders import build_classifier
from tests.ui.judging import MIXED, Page, ScoringEngine, make_tab, until, visitor

NEGATIVE, NEUTRAL, POSITIVE = range(3)


def best(probabilities: list[float]) -> int:
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def test_a_text_has_a_verdict_sentences_words_and_aspects(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    views = page.ask(MIXED)
    assert {view["tab"] for view in views} == {"page"} and [view["phase"] for view in views][-1] == "ended"
    run = page.open(views[-1]["run"])
    assert run["complete"] and run["stored"] and run["text"] == MIXED
    assert [name for name, *_ in run["labels"]] == ["negative", "neutral", "positive"]
    assert [best(shares) for _, _, shares in run["sentences"]] == [POSITIVE, NEGATIVE, NEUTRAL]
    assert [MIXED[start:end] for start, end, _ in run["sentences"]][1] == "The food was awful!"
    (heat,) = run["heats"]
    assert heat["span"] == [0, len(MIXED)] and len(heat["words"]) == heat["total"] == len(MIXED.split())
    assert [one["name"] for one in run["aspects"]] == ["food"]
    assert run["lexicon"]["label"] is not None and ["awful", -2.0] in run["lexicon"]["words"]


def test_places_are_counted_as_a_browser_does(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    text = "😀😀 It was good. 👍 The food was bad."
    run = page.judged(text)
    units = text.encode("utf-16-le")
    shown = [units[2 * start : 2 * end].decode("utf-16-le") for start, end, _ in run["sentences"]]
    assert shown[-1].endswith("The food was bad.")
    words = [units[2 * start : 2 * end].decode("utf-16-le") for start, end, _ in run["heats"][0]["words"]]
    assert words == text.replace(".", "").split()
    tries = page.call(page.tab.try_text, run=run["id"], span=run["heats"][0]["words"][-1][:2], to="good")["tries"]
    assert tries[0]["from"] == "bad" and best(tries[0]["probabilities"]) == POSITIVE


def test_a_verdict_is_there_before_the_words_and_a_stop_keeps_it(tmp_path: Path) -> None:
    gate = threading.Semaphore(0)
    page = Page(make_tab(tmp_path, ScoringEngine(gate=gate)))
    asked = page.begin("What a good and lovely day it was")
    gate.release()  # the text itself; its words have to wait
    until(lambda: page.job() is not None and page.job().run_id, timeout_s=20)
    assert page.stop() == {"stopped": True}
    end = asked.result(30)[-1]
    run = page.open(end["run"])
    assert best(run["overall"]["probabilities"]) == POSITIVE and end["refused"] is None


def test_a_stop_before_the_verdict_leaves_nothing(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path, ScoringEngine(gate=threading.Semaphore(0))))
    asked = page.begin(MIXED)
    until(lambda: page.job() is not None, timeout_s=20)
    page.stop()
    end = asked.result(30)[-1]
    assert (end["run"], end["refused"]) == (None, None)
    assert page.call(page.tab.runs.list_entries)["entries"] == []


def test_a_long_text_has_its_words_weighed_sentence_by_sentence(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    text = " ".join(["It was a good day in the old town by the sea."] * 8)
    run = page.judged(text)
    assert not run.get("heats")
    for index in (1, 0, 1):
        end = page.ask(kind="words", run=run["id"], span=run["sentences"][index][:2])[-1]
        assert not end["refused"]
    heats = page.open(run["id"])["heats"]
    assert [heat["span"] for heat in heats] == [run["sentences"][index][:2] for index in (0, 1)]
    assert all(start >= run["sentences"][0][0] for start, _, _ in heats[0]["words"])


def test_tries_are_kept_cleared_and_brought_back(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    run = page.judged("The food was good")
    for to in ("bad", "so-so", "bad"):
        tries = page.call(page.tab.try_text, run=run["id"], span=[13, 17], to=to)["tries"]
    assert [one["to"] for one in tries] == ["so-so", "bad"] and best(tries[1]["probabilities"]) == NEGATIVE
    assert page.open(run["id"])["tries"] == tries
    assert page.call(page.tab.forget_tries, run=run["id"])["tries"] == []
    assert page.call(page.tab.forget_tries, run=run["id"], undo=True)["tries"] == tries


@pytest.mark.parametrize("span", [[0, 99], [5, 2], [-1, 3], "all", [0.5, 1], [0, 17, 3]])
def test_a_change_at_a_place_that_is_not_there_is_refused(tmp_path: Path, span: Any) -> None:
    page = Page(make_tab(tmp_path))
    run = page.judged("The food was good")
    with pytest.raises(InvalidInput, match="out of date"):
        page.call(page.tab.try_text, run=run["id"], span=span, to="x")
    with pytest.raises(InvalidInput, match="no text"):
        page.call(page.tab.try_text, run=run["id"], span=[0, 17], to=" ")


def test_a_visitor_may_name_an_aspect_of_the_text(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    run = page.judged("We liked the good view, but parking was bad.")
    found = page.call(page.tab.judge_aspect, run=run["id"], name="Parking")["aspects"]
    assert found[-1]["name"] == "parking" and best(found[-1]["probabilities"]) == NEGATIVE
    with pytest.raises(InvalidInput, match="not in the text"):
        page.call(page.tab.judge_aspect, run=run["id"], name="breakfast")
    assert page.open(run["id"])["aspects"] == found


def test_labels_are_presets_or_a_visitors_own(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    own = {"set": "own", "own": "fun: lovely, good\nwork: meeting"}
    run = page.judged("What a lovely time", labels=own)
    assert run["labels"] == [["fun", "lovely", "good"], ["work", "meeting"], ["none of these", "none of these"]]
    assert best(run["overall"]["probabilities"]) == 0 and run["lexicon"] is None
    assert run["settings"]["labels"] == own
    assert len(page.judged("What a lovely time", labels={"set": "emotions"})["labels"]) == 6
    for labels in ({"set": "nonsense"}, {"set": "own", "own": "one"}, {"set": "own", "own": "x" * 5000}):
        assert page.ask("A text", labels=labels)[-1]["refused"]
    assert page.call(page.tab.check_labels, labels=own)["labels"][0] == ["fun", "lovely", "good"]


def test_another_of_the_chats_models_takes_its_place_and_both_verdicts_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScoringEngine()
    page = Page(make_tab(tmp_path, engine))
    run = page.judged("A good day")
    other = MODELS[0]
    refused = page.ask(kind="compare", run=run["id"], other=other.id)[-1]["refused"]
    assert "not on this machine" in refused
    monkeypatch.setattr(type(page.tab._services.shelf), "is_here", lambda shelf, spec: True)
    page.ask(kind="compare", run=run["id"], other=other.id)
    assert engine.opened == [other.id]
    shown = page.open(run["id"])
    assert shown["model"] != other.name and [one["model"] for one in shown["others"]] == [other.name]
    assert shown["overall"] == run["overall"]
    for call in (
        lambda: page.call(page.tab.try_text, run=run["id"], span=[2, 6], to="bad"),
        lambda: page.call(page.tab.judge_aspect, run=run["id"], name="day"),
    ):
        with pytest.raises(InvalidInput, match=f"{other.name} is open now"):
            call()
    assert "Judge it again first" in page.ask(kind="words", run=run["id"], span=[0, 6])[-1]["refused"]


def test_a_classifier_judges_by_its_own_labels_and_beside_the_chats_model(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    folder = str(build_classifier(tmp_path, ["LABEL_0", "LABEL_1"]).folder)
    run = page.judged("The cat sat on the mat. Hello world.", model=folder)
    assert run["nameless"] == ["LABEL_0", "LABEL_1"] and run["calibration"] is None
    assert sum(run["overall"]["probabilities"]) == pytest.approx(1, abs=1e-3)
    again = page.judged("The cat sat.", model=folder, names={"LABEL_0": "negative", "LABEL_1": "positive"})
    assert [name for name, *_ in again["labels"]] == ["negative", "positive"] and again["set"] == "two_sides"
    tries = page.call(page.tab.try_text, run=again["id"], span=[4, 7], to="dog")["tries"]
    assert len(tries[0]["probabilities"]) == 2, "tries are judged by the model of the run"
    chat = page.judged("A good day")
    page.ask(kind="compare", run=chat["id"], model=folder)
    assert [name for name, *_ in page.open(chat["id"])["others"][0]["labels"]] == ["LABEL_0", "LABEL_1"]


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    assert "gives no labels" in page.ask("A text", model="all-minilm-l6-v2")[-1]["refused"]
    assert "There is no model" in page.ask("A text", model="no such thing")[-1]["refused"]
    shared = Page(make_tab(tmp_path / "shared", PLAYGROUND_SHARED="on"), visitor("a"))
    assert "On a shared machine" in shared.ask("A text", model="some/repo")[-1]["refused"]
    run = shared.judged("A good day")
    assert "On a shared machine" in shared.ask(kind="compare", run=run["id"], other=MODELS[0].id)[-1]["refused"]
    offered = shared.call(shared.tab.sentiment_models)
    assert offered["others"] == [] and not offered["may_type"]


def test_runs_belong_to_their_visitor(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, PLAYGROUND_SHARED="on")
    anna, ben = Page(tab, visitor("a")), Page(tab, visitor("b"))
    run = anna.judged("A good day")
    for call in (
        lambda: ben.open(run["id"]),
        lambda: ben.call(tab.try_text, run=run["id"], span=[0, 1], to="x"),
        lambda: ben.call(tab.judge_aspect, run=run["id"], name="day"),
        lambda: ben.call(tab.runs.delete_entry, id=run["id"]),
    ):
        with pytest.raises(NotFound):
            call()
    assert ben.ask(kind="words", run=run["id"])[-1]["refused"]
    assert ben.call(tab.runs.list_entries)["entries"] == []


def test_an_entry_is_listed_deleted_and_brought_back_and_holds_everything(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path))
    run = page.judged(MIXED)
    page.call(page.tab.try_text, run=run["id"], span=[0, 2], to="There")
    (entry,) = page.call(page.tab.runs.list_entries)["entries"]
    assert entry["text"] == MIXED and entry["label"] in ("negative", "neutral", "positive") and entry["share"] > 0
    page.call(page.tab.runs.delete_entry, id=run["id"])
    with pytest.raises(NotFound):
        page.open(run["id"])
    page.call(page.tab.runs.restore_entry, id=run["id"])
    page.tab.runs._runs.clear()  # as after a restart
    assert len(page.open(run["id"])["tries"]) == 1


def test_the_endpoint_needs_a_text_alone(tmp_path: Path) -> None:
    tab = make_tab(tmp_path)
    found = tab.sentiment_of(MIXED)
    assert found["label"] in found["probabilities"] and sum(found["probabilities"].values()) == pytest.approx(
        1, abs=0.01
    )
    assert [one["label"] for one in found["sentences"]] == ["positive", "negative", "neutral"]
    assert [MIXED[one["start"] : one["end"]] for one in found["sentences"]] == [
        one["text"] for one in found["sentences"]
    ]
    assert set(tab.sentiment_of("x", "emotions")["probabilities"]) >= {"joy", "anger"}
    assert set(tab.sentiment_of("x", "up, down")["probabilities"]) == {"up", "down", "none of these"}
    for text, labels in (("", ""), ("x", "one")):
        with pytest.raises(gr.Error):
            tab.sentiment_of(text, labels)


def test_without_a_model_the_reason_is_given(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, ScoringEngine(phase="empty"))
    assert "No model is open" in Page(tab).ask("A text")[-1]["refused"]
    with pytest.raises(ModelUnavailable):
        tab.judges.open(SENTIMENT)
