"""The tab's handlers for a model beside the chat's, from the wish of a page to what it draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from playground.ui.edge import answered
from playground.ui.tabs.attention import AttentionTab
from playground.ui.visitors import owner_of
from tests.ui.conftest import make_services
from tests.ui.test_attention_tab import REQUEST, LookingEngine, views_of
from tests.ui.tiny_companions import SENTENCE, TRANSLATION, bert_folder, t5_folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    top = tmp_path_factory.mktemp("models")
    return {"bert": str(bert_folder(top / "tiny-bert")), "t5": str(t5_folder(top / "tiny-t5"))}


@pytest.fixture
def engine() -> LookingEngine:
    return LookingEngine()


@pytest.fixture
def tab(engine: LookingEngine, tmp_path: Path) -> AttentionTab:
    return AttentionTab(make_services(engine, tmp_path))


def test_a_text_is_read_by_the_model_that_the_page_names(
    tab: AttentionTab, engine: LookingEngine, folders: dict[str, str]
) -> None:
    last = views_of(tab, text=SENTENCE, model=folders["bert"])[-1]
    assert last["refused"] is None and not engine.read, "the chat's model read nothing"
    run = tab.open_run({"run": last["run"]}, REQUEST)
    assert (run["model"], run["model_id"], run["kind"]) == ("tiny-bert", folders["bert"], "masked")
    assert tab.overview({"run": run["id"]}, REQUEST)["thumbnails"]
    assert tab.rows({"run": run["id"], "rolled_out": True, "first": 0}, REQUEST)["width"] == len(run["tokens"])
    assert tab.layer_heads({"run": run["id"], "layer": 0, "head": 0, "query": 3}, REQUEST)["parts"]
    assert tab.beside.guess({"run": run["id"], "first": 4, "end": 5}, REQUEST)["rank"] >= 1


def test_a_translation_and_its_parts_are_opened_by_the_id_of_the_look(
    tab: AttentionTab, folders: dict[str, str]
) -> None:
    last = views_of(tab, text=SENTENCE, model=folders["t5"], translation=TRANSLATION)[-1]
    run = tab.open_run({"run": last["run"]}, REQUEST)
    assert run["kind"] == "cross" and run["translation"] == TRANSLATION
    view = tab.beside.alignment({"run": run["id"], "words": True}, REQUEST)
    assert (view["rows"], view["columns"]) == (len(run["words"]), len(run["source"]["words"]))
    for part in ("source", "translation"):
        inside = tab.open_run({"run": f"{run['id']}.{part}"}, REQUEST)
        assert inside["kind"] == part and inside["id"] == f"{run['id']}.{part}"
        assert tab.rows({"run": inside["id"], "first": 0}, REQUEST)["count"] == len(inside["tokens"])


def test_nobody_else_can_open_or_ask_about_it(tmp_path: Path, folders: dict[str, str]) -> None:
    local = AttentionTab(make_services(LookingEngine(), tmp_path))
    name = views_of(local, text=SENTENCE, model=folders["t5"], translation=TRANSLATION)[-1]["run"]
    tab = AttentionTab(make_services(LookingEngine(), tmp_path, PLAYGROUND_SHARED="on"))
    visitors: list[Any] = [SimpleNamespace(cookies={"playground_visitor": sign * 40}, headers={}) for sign in "ab"]
    run = local.runs.find(owner_of(REQUEST, shared=False), name)
    tab.runs.keep(replace(run, owner=owner_of(visitors[0], shared=True)))
    for part in (name, f"{name}.source", f"{name}.read"):
        assert "error" not in answered(tab.open_run)({"run": part}, visitors[0])
        for function in (tab.open_run, tab.beside.alignment, tab.beside.guess, tab.rows):
            data = {"run": part, "first": 0, "end": 1}
            assert list(answered(function)(data, visitors[1])) == ["error"]


def test_a_model_that_cannot_be_opened_costs_a_sentence_and_no_text(
    tab: AttentionTab, folders: dict[str, str], tmp_path: Path
) -> None:
    first = views_of(tab, sequence=1, text=SENTENCE, model=folders["bert"])[-1]["run"]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}', "utf-8")
    for sequence, name in enumerate(("no/such/thing/at/all", str(broken), "../../etc"), start=2):
        last = views_of(tab, sequence=sequence, text=SENTENCE, model=name)[-1]
        assert last.get("run") is None and last["refused"].endswith("."), name
    assert tab.open_run({"run": first}, REQUEST)["text"] == SENTENCE


def test_the_list_of_models_names_the_chats_first(tab: AttentionTab) -> None:
    offer = tab.beside.look_models({"language": "en"}, REQUEST)
    assert offer["chat"] == "SmolLM2 135M" and offer["models"] and offer["may_type"]
