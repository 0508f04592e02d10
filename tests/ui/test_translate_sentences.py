"""One sentence at a time: other wordings, the way back, a wording of one's own, and the comparison of the whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from playground.errors import InvalidInput
from playground.text.scores import chrf
from playground.ui.tabs.translate import TranslateTab
from playground.ui.translate_sentences import closeness
from tests.ui.conftest import make_services, until
from tests.ui.translate_desk import REQUEST, TRANSLATED, TranslatingEngine, forget, translate


@pytest.fixture
def engine() -> TranslatingEngine:
    return TranslatingEngine()


@pytest.fixture
def tab(engine: TranslatingEngine, tmp_path: Path) -> TranslateTab:
    return TranslateTab(make_services(engine, tmp_path))


def test_other_wordings_are_others_than_what_stands_there(tab: TranslateTab) -> None:
    view = translate(tab)
    answer = tab.sentences.other_wordings({"run": view["id"], "index": 0, "tab": "page"}, REQUEST)
    assert [one["text"] for one in answer["wordings"]] == ["Salut à vous tous."]


def test_a_translation_goes_back_to_the_language_it_came_from(tab: TranslateTab) -> None:
    view = translate(tab)
    exact = tab.sentences.translate_back({"run": view["id"], "index": 1, "tab": "page"}, REQUEST)
    assert exact["text"] == "The library is closed on Friday." and exact["close"] == "same"
    near = tab.sentences.translate_back({"run": view["id"], "index": 0, "tab": "page"}, REQUEST)
    assert near["nearness"] < exact["nearness"] == 100


def test_what_was_only_repeated_cannot_be_put_back(tab: TranslateTab, engine: TranslatingEngine) -> None:
    engine.table["The library is closed on Friday."] = "The library is closed on Friday."
    view = translate(tab)
    assert "echo" in view["sentences"][1]["problems"]
    with pytest.raises(InvalidInput, match="not translated yet"):
        tab.sentences.translate_back({"run": view["id"], "index": 1, "tab": "page"}, REQUEST)


def test_a_wording_that_was_chosen_stays_also_after_a_restart_and_can_be_taken_back(tab: TranslateTab) -> None:
    view = translate(tab)
    answer = tab.sentences.replace_sentence({"run": view["id"], "index": 0, "text": "Salut  à tous.\n"}, REQUEST)
    assert answer["sentence"]["text"] == "Salut à tous." and answer["replaced"] == [0]
    forget(tab, view["id"])
    again = tab.open_translation({"run": view["id"]}, REQUEST)
    assert again["sentences"][0]["text"] == "Salut à tous." and again["replaced"] == [0]
    assert again["sentences"][0]["probability"] is None, "the model did not write it"
    back = tab.sentences.replace_sentence({"run": view["id"], "index": 0, "text": "Bonjour à vous tous."}, REQUEST)
    assert back["sentence"] == view["sentences"][0], "with the figures that the model gave"
    assert tab.entries.open("local", view["id"]).text() == TRANSLATED


def test_a_wording_of_ones_own_is_checked_as_the_models_is(tab: TranslateTab) -> None:
    view = translate(tab)
    answer = tab.sentences.replace_sentence({"run": view["id"], "index": 2, "text": "Elle rouvre en mai."}, REQUEST)
    assert answer["sentence"]["problems"] == ["number"] and answer["sentence"]["numbers"] == ["7"]


@pytest.mark.parametrize(
    ("index", "text"), [(0, " "), (0, "x" * 5000), (3, "Oui."), (-1, "Oui."), (True, "Oui."), ("0", "Oui."), (0, None)]
)
def test_what_cannot_be_put_there_is_refused(tab: TranslateTab, index: object, text: object) -> None:
    view = translate(tab)
    with pytest.raises(InvalidInput):
        tab.sentences.replace_sentence({"run": view["id"], "index": index, "text": text}, REQUEST)
    assert tab.open_translation({"run": view["id"]}, REQUEST) == view


def test_leaving_the_card_ends_its_question(tab: TranslateTab, engine: TranslatingEngine) -> None:
    view = translate(tab)
    engine.held = set(engine.table)
    answers: list[dict[str, object]] = []
    data = {"run": view["id"], "index": 0, "tab": "page"}
    thread = threading.Thread(target=lambda: answers.append(tab.sentences.other_wordings(data, REQUEST)))
    thread.start()
    until(lambda: tab.sentences.stop_asking({"tab": "page"}, REQUEST)["stopped"])
    thread.join(5)
    assert answers == [{"wordings": [], "stopped": True}]
    assert tab.sentences.stop_asking({"tab": "page"}, REQUEST) == {"stopped": False}


@pytest.mark.parametrize(
    ("code", "text", "back", "close"),
    [
        ("en", "The weather is nice today.", "The weather is fine today.", "same"),
        ("en", "The cat sat on the mat.", "Stocks fell sharply today.", "far"),
        ("zh", "他昨天买了三本书。", "昨天他买了三本书。", "same"),
        ("zh", "图书馆在九点打开。", "图书馆九点开门。", "close"),
        ("zh", "图书馆周一九点开门。", "我们明天去市场买鱼。", "far"),
    ],
)
def test_a_way_back_into_a_language_without_blanks_is_judged_by_its_own_measure(
    code: str, text: str, back: str, close: str
) -> None:
    assert closeness(chrf([back], [text]), code) == close


def test_the_comparison_says_how_near_and_what_differs(tab: TranslateTab) -> None:
    view = translate(tab)
    exact = tab.sentences.compare({"run": view["id"], "reference": TRANSLATED}, REQUEST)
    assert exact == {"score": 100.0, "changes": [["same", TRANSLATED]]}
    other = tab.sentences.compare({"run": view["id"], "reference": TRANSLATED.replace("fermée", "close")}, REQUEST)
    assert 40 < other["score"] < 100
    assert ["removed", "fermée"] in other["changes"] and ["added", "close"] in other["changes"]
    with pytest.raises(InvalidInput, match="no reference"):
        tab.sentences.compare({"run": view["id"], "reference": " "}, REQUEST)


def test_terms_of_the_glossary_are_used_or_not(tab: TranslateTab) -> None:
    view = translate(
        tab, glossary=[["library", "bibliothèque"], ["Friday", "mercredi"], ["whale", "baleine"], ["", ""]]
    )
    terms = view["sentences"][1]["terms"]
    assert sorted(terms) == [["Friday", "mercredi", False], ["library", "bibliothèque", True]]
    assert view["sentences"][0]["terms"] == []
