"""Which models are offered for a pair of languages, what is said of them, and the names under which a language goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from playground.errors import InvalidInput
from playground.models.catalog import CPU_DEFAULT, SMALLEST, find
from playground.models.companion_models import find_companion
from playground.tasks.translation_guards import Problem
from playground.tasks.translation_quality import KnownQuality
from playground.text.languages import LANGUAGES
from playground.ui import translate_models
from playground.ui.strings import text
from playground.ui.tabs.translate import TranslateTab
from playground.ui.translate_asked import code_of, usual_target
from playground.ui.translate_models import TranslationModels, better_than, pair_level
from tests.ui.conftest import make_services
from tests.ui.tiny_companions import bert_folder, marian_folder
from tests.ui.translate_desk import REQUEST, TranslatingEngine, run

MEASURED = {("qwen2.5-coder-0.5b-instruct", "en", "fr"): 45.0, ("qwen2.5-coder-1.5b-instruct", "en", "fr"): 56.0,
            ("smollm2-135m-instruct", "en", "fr"): 14.0}  # fmt: skip


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(model_id: str, source: str, target: str) -> KnownQuality | None:
        score = MEASURED.get((model_id, source, target))
        if score is None:
            return None
        return KnownQuality(score, "good" if score >= 52 else "fair" if score >= 42 else "poor")

    monkeypatch.setattr(translate_models, "known_quality", known)


def test_what_was_measured_counts_before_what_the_catalogue_says() -> None:
    assert pair_level(CPU_DEFAULT, "en", "fr") == ("fair", 45.0, "")
    assert pair_level(SMALLEST, "en", "fr") == ("poor", 14.0, "")
    assert pair_level(SMALLEST, "en", "de") == ("untrained", None, "de")
    assert pair_level(CPU_DEFAULT, "zh", "en") == ("", None, ""), "nothing is known, so nothing is said"


def test_a_model_of_one_direction_does_no_other() -> None:
    opus = find_companion("opus-mt-en-de")
    assert pair_level(opus, "en", "de")[0] == ""
    assert pair_level(opus, "de", "en")[0] == "untrained"


def test_a_poor_pair_names_a_better_model() -> None:
    assert better_than(SMALLEST, "en", "fr") == find("qwen2.5-coder-1.5b-instruct")
    assert better_than(CPU_DEFAULT, "en", "de") == find_companion("opus-mt-en-de")
    assert better_than(SMALLEST, "en", "fr", ()) is None


def test_the_page_hears_of_the_pair_and_of_all_other_targets(tmp_path: Path) -> None:
    models = TranslationModels(make_services(TranslatingEngine(), tmp_path))
    about = models.about_pair("", "en", "fr")
    assert (about["level"], about["score"], about["model"]) == ("poor", 14.0, SMALLEST.name)
    assert about["better"] == {"name": "Qwen2.5 Coder 1.5B", "id": ""}, "which is changed in the frame"
    assert about["levels"]["ja"] == "untrained" and "en" not in about["levels"]
    from_german = models.about_pair("", "de", "en")
    assert from_german["missing"] == "de" and from_german["better"]["id"] == "opus-mt-de-en"
    assert from_german["levels"]["en"] == "" == models.about_pair("", "ja", "en")["levels"]["en"], "not English's fault"
    assert models.about_pair("some/model", "en", "fr")["level"] == "", "a typed model is not known"


def test_models_of_the_pair_come_first_and_a_shared_machine_offers_what_is_there(tmp_path: Path) -> None:
    offer = TranslationModels(make_services(TranslatingEngine(), tmp_path)).offered("de", "en", "en")
    assert [card["id"] for card in offer["models"] if card["fits"]] == [offer["models"][0]["id"]] == ["opus-mt-de-en"]
    shared = TranslationModels(make_services(TranslatingEngine(), tmp_path, PLAYGROUND_SHARED="on"))
    assert shared.offered("de", "en", "en")["models"] == [] and not shared.offered("de", "en", "en")["may_type"]
    with pytest.raises(InvalidInput, match="shared machine"):
        shared.choose("opus-mt-de-en", "somebody")


def test_base_models_are_asked_in_another_way_than_chat_models(tmp_path: Path) -> None:
    engine = TranslatingEngine()
    engine.loaded.spec = replace(SMALLEST, chat=False)
    chosen = TranslationModels(make_services(engine, tmp_path)).choose("", "local")
    assert chosen.name == SMALLEST.name and chosen.companion is None
    assert chosen.translator._writer.ways("fr")[0] == "list"


def test_a_model_beside_the_chats_translates_and_is_named(tmp_path: Path) -> None:
    engine = TranslatingEngine()
    tab = TranslateTab(make_services(engine, tmp_path))
    folder = str(marian_folder(tmp_path / "opus-mt-en-fr"))
    views = run(tab, text="The small black cat sleeps.", model=folder)
    view = tab.open_translation({"run": views[-1]["run"]}, REQUEST)
    assert view["companion"] == folder and view["model"] == "opus-mt-en-fr" and not engine.requests
    again = tab.sentences.other_wordings({"run": view["id"], "index": 0, "tab": "page"}, REQUEST)
    assert "wordings" in again and not engine.requests, "the same model is asked again"


def test_a_model_that_does_not_translate_or_not_this_pair_is_refused_with_a_sentence(tmp_path: Path) -> None:
    tab = TranslateTab(make_services(TranslatingEngine(), tmp_path))
    wrong_way = str(marian_folder(tmp_path / "opus-mt-en-fr"))
    asked = {"text": "The small black cat sleeps on the chair.", "target": "de"}
    assert "translates from English to French alone" in run(tab, **asked, model=wrong_way)[-1]["refused"]
    encoder = str(bert_folder(tmp_path / "bert"))
    assert "is no translation model" in run(tab, **asked, model=encoder, sequence=2)[-1]["refused"]


def test_a_language_goes_by_its_code_and_by_both_of_its_names() -> None:
    for one in LANGUAGES:
        assert code_of(one.code) == code_of(one.english.upper()) == code_of(one.native) == one.code
    assert code_of("zh-CN") == "zh"
    for name in ("", None, "klingon", 7):
        with pytest.raises(InvalidInput):
            code_of(name)


def test_the_usual_target_is_never_the_source() -> None:
    for one in LANGUAGES:
        assert usual_target(one.code, "en") != one.code and usual_target(one.code, "zh") != one.code
    assert usual_target("de", "zh") == "zh" and usual_target("de") == "en"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_problem_has_its_badge_and_its_sentence(language: str) -> None:
    for problem in get_args(Problem):
        assert text(language, f"tr_badge_{problem}") and text(language, f"tr_problem_{problem}")
