"""Models that do nothing but translate: how they call the languages, and what comes of their answers."""

from __future__ import annotations

import math
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from playground.engine.companion_results import Generation
from playground.engine.recording import RecordingStopped
from playground.errors import InvalidInput
from playground.tasks.translation_companion import CompanionWriter, language_codes
from playground.tasks.translation_prompts import Sentence


@dataclass
class FakeCompanion:
    """As `engine.Companion`."""

    hub_repo: str = "facebook/nllb-200-distilled-600M"
    languages: tuple[str, ...] = ("eng_Latn", "fra_Latn", "zho_Hans")
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def spec(self) -> Any:
        """The model."""
        return SimpleNamespace(hub_repo=self.hub_repo, id=self.hub_repo, name="Fake")

    def generate(self, text: str, *, cancel: threading.Event, on_text: Any, **more: Any) -> Generation:
        """Two words."""
        self.asked.append(more)
        if cancel.is_set():
            raise RecordingStopped("Stopped.")
        on_text("Bonjour")
        return Generation("Bonjour !", (1, 2), math.log(0.5), True)


@pytest.mark.parametrize(
    ("known", "codes"),
    [
        (("eng_Latn", "fra_Latn"), ("eng_Latn", "fra_Latn")),
        ((">>eng<<", ">>fra<<"), (">>eng<<", ">>fra<<")),
        (("en_XX", "fr_XX"), ("en_XX", "fr_XX")),
        ((">>fra<<", ">>spa<<"), ("", ">>fra<<")),
        ((), ("", "")),
    ],
)
def test_languages_are_called_as_the_model_calls_them(known: tuple[str, ...], codes: tuple[str, str]) -> None:
    companion: Any = FakeCompanion(languages=known)
    assert language_codes(companion, "en", "fr") == codes


def test_a_model_of_one_pair_refuses_another_with_a_sentence() -> None:
    companion: Any = FakeCompanion("Helsinki-NLP/opus-mt-en-fr", ())
    assert language_codes(companion, "en", "fr") == ("", "")
    with pytest.raises(InvalidInput, match="English to French alone"):
        language_codes(companion, "en", "de")


def test_a_language_that_the_model_does_not_know_is_refused_with_a_sentence() -> None:
    companion: Any = FakeCompanion()
    with pytest.raises(InvalidInput, match="does not know German"):
        language_codes(companion, "en", "de")


def test_a_generation_becomes_a_draft() -> None:
    companion: Any = FakeCompanion()
    seen: list[str] = []
    writer = CompanionWriter(lambda: nullcontext(companion))
    draft = writer.write(Sentence("Hello!", "en", "fr"), "beams", threading.Event(), seen.append)
    assert draft.text == "Bonjour !" and draft.probability == pytest.approx(0.5) and seen == ["Bonjour"]
    assert companion.asked[0]["target_language"] == "fra_Latn" and companion.asked[0]["beams"] > 1


def test_a_cancelled_generation_is_a_cancelled_draft() -> None:
    cancel = threading.Event()
    cancel.set()
    companion: Any = FakeCompanion()
    writer = CompanionWriter(lambda: nullcontext(companion))
    assert writer.write(Sentence("Hello!", "en", "fr"), "greedy", cancel, lambda _: None).cancelled
