"""A real small model behind the task: whatever it writes, lines, sentences and placeholders come back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.engine.engine import Engine
from playground.models.catalog import SMALLEST
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.tasks.translation import Translator
from playground.tasks.translation_events import Finished, TranslationJob
from playground.tasks.translation_writer import EngineWriter

pytestmark = pytest.mark.real

TEXT = "# Welcome\n\nHello {name}, how are you? Open https://example.org now.\n\n- one apple\n- 42\n"


@pytest.fixture(scope="module")
def engine(real_cache: Path) -> Iterator[Engine]:
    engine = Engine(ModelShelf(real_cache, Sources(use_hub=False)).load)
    engine.open(SMALLEST)
    while engine.state.loaded is None:
        if engine.state.error is not None:
            raise engine.state.error
        time.sleep(0.05)
    yield engine
    engine.close()


def test_the_skeleton_and_what_is_protected_come_back(engine: Engine) -> None:
    translator = Translator(EngineWriter(engine, chat=True, owner="test"), at_once=4)
    *_, last = translator.translate(TranslationJob((TEXT,), "fr", "en"))
    assert isinstance(last, Finished)
    found = last.translation
    lines = found.text.splitlines()
    assert (
        not found.error and len(found.sentences) == 4 and all(one is not None and one.text for one in found.sentences)
    )
    assert len(lines) == 6 and lines[0].startswith("# ") and lines[4].startswith("- ") and lines[5] == "- 42"
    assert found.text.count("{name}") == 1 and found.text.count("https://example.org") == 1
