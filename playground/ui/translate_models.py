"""Which model translates: the chat's, or one beside it that does nothing else; and how well it is known to.

Owns what a visitor may choose. Knows no event of the page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from playground.engine.companion import Companion
from playground.errors import InvalidInput, ModelUnavailable
from playground.models.catalog import MODELS, ModelSpec
from playground.models.companion_models import COMPANIONS, find_companion
from playground.models.transfer import size_text
from playground.tasks.translation import Translator
from playground.tasks.translation_companion import CompanionWriter
from playground.tasks.translation_quality import Level, known_quality
from playground.tasks.translation_writer import EngineWriter, earlier_for
from playground.text.languages import CODES
from playground.ui.contract import Services
from playground.ui.strings import sentence

AT_ONCE, AT_ONCE_SHARED = 8, 3
"""Sentences of one visitor in a batch: where others wait for their answers, some places are left to them."""
WAIT_S = 0.1
OnDetail = Callable[[str, float | None], None]
TRANSLATORS = tuple(spec for spec in COMPANIONS if spec.kind == "translator")


@dataclass(frozen=True)
class Chosen:
    """A model that translates: `companion` is None for the chat's."""

    name: str
    translator: Translator
    companion: ModelSpec | None = None


class TranslationModels:
    """The models that a visitor can have something translated by. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def choose(
        self, wanted: str, owner: str, *, cancel: threading.Event | None = None, on_detail: OnDetail | None = None
    ) -> Chosen:
        """The model that is asked for, "" for the chat's, opened on this thread. Raises InvalidInput and
        ModelUnavailable; a model beside the chat's raises Cancelled when it is stopped while it opens."""
        if wanted:
            spec = self._allowed(wanted)
            opened = self._services.companions.open(spec, on_progress=on_detail, cancel=cancel)
            if opened.kind != "translator":
                raise InvalidInput(
                    f"{spec.name} is no translation model. Choose one such as Helsinki-NLP/opus-mt-en-de."
                )
            return Chosen(spec.name, Translator(CompanionWriter(partial(self._using, spec)), at_once=1), spec)
        engine = self._services.engine
        while engine.state.phase == "opening" and not (cancel is not None and cancel.is_set()):
            time.sleep(WAIT_S)
        model = engine.state.spec
        if model is None:
            raise ModelUnavailable("No model is open yet. Choose one first.")
        at_once = AT_ONCE_SHARED if self._services.settings.shared else AT_ONCE
        earlier = earlier_for(chat=model.chat, parameters=model.parameters)
        writer = EngineWriter(engine, chat=model.chat, owner=owner, earlier=earlier)
        return Chosen(model.name, Translator(writer, at_once=at_once))

    def offered(self, source: str, target: str, language: str) -> dict[str, Any]:
        """What can be chosen, those first that were made for this pair."""
        state, shared = self._services.engine.state, self._services.settings.shared
        cards = [_card(spec, self._services.shelf.is_here(spec), source, target, language) for spec in TRANSLATORS]
        return {
            "chat": state.spec.name if state.spec else "",
            "models": sorted(
                (card for card in cards if card["here"] or not shared),
                key=lambda card: (not card["fits"], card["name"]),
            ),
            "may_type": not shared,
        }

    def about_pair(self, wanted: str, source: str, target: str) -> dict[str, Any]:
        """How well the model does a pair, which one here does it better, and the level of every other target."""
        spec = self._services.engine.state.spec if not wanted else _known(wanted)
        if spec is None:
            return {"level": "", "model": "", "score": None, "missing": "", "better": None, "levels": {}}
        level, score, missing = pair_level(spec, source, target)
        better = self._better(spec, source, target) if level in ("poor", "untrained") else None
        return {
            "level": level,
            "score": score,
            "missing": missing,
            "model": spec.name,
            "better": None if better is None else {"name": better.name, "id": better.id if _known(better.id) else ""},
            "levels": {code: _level_of_target(spec, source, code) for code in CODES if code != source},
        }

    def _better(self, spec: ModelSpec, source: str, target: str) -> ModelSpec | None:
        """On a shared machine nothing is fetched, and the chat's model stays."""
        shared, shelf = self._services.settings.shared, self._services.shelf
        among = [one for one in (*TRANSLATORS, *MODELS) if not shared or (_known(one.id) and shelf.is_here(one))]
        return better_than(spec, source, target, tuple(among))

    def _allowed(self, wanted: str) -> ModelSpec:
        shared = self._services.settings.shared
        spec = find_companion(wanted, allow_folder=not shared)
        if shared and not (spec in TRANSLATORS and self._services.shelf.is_here(spec)):
            raise InvalidInput(
                "On a shared machine only the models that are there can translate. Run the app yourself to choose "
                "another."
            )
        return spec

    def _using(self, spec: ModelSpec) -> AbstractContextManager[Companion]:
        return self._services.companions.using(spec)


def pair_level(spec: ModelSpec, source: str, target: str) -> tuple[Level | str, float | None, str]:
    """(level, chrF++, missing language). Measured if possible: "good", "fair", "poor"; else "untrained" where the model
    does not know one of the languages, which is named, "" where nothing is known."""
    if (measured := known_quality(spec.id, source, target)) is not None:
        return measured.level, round(measured.chrf, 1), ""
    if spec.kind == "translator" and len(spec.languages) == 2:
        missing = next((code for code, own in zip((source, target), spec.languages, strict=True) if code != own), "")
    else:
        missing = next((code for code in (target, source) if spec.languages and code not in spec.languages), "")
    return ("untrained" if missing else ""), None, missing


def better_than(
    spec: ModelSpec, source: str, target: str, among: tuple[ModelSpec, ...] = (*TRANSLATORS, *MODELS)
) -> ModelSpec | None:
    """A model that is known to do a pair better; else one that knows both languages and is larger, or does nothing but
    translate."""
    own = known_quality(spec.id, source, target)
    measured = {one: known for one in among if (known := known_quality(one.id, source, target)) is not None}
    best = max(measured, key=lambda one: measured[one].chrf, default=None)
    if best is not None and measured[best].level != "poor" and (own is None or measured[best].chrf > own.chrf):
        return best
    fitting = (one for one in among if one.languages and pair_level(one, source, target)[0] == "")
    least = spec.parameters or 0
    return next((one for one in fitting if one.kind == "translator" or (one.parameters or 0) > least), None)


def _level_of_target(spec: ModelSpec, source: str, target: str) -> str:
    """The level of a pair as far as it is the target's fault."""
    level, _, missing = pair_level(spec, source, target)
    return "" if level == "untrained" and missing != target else level


def _known(wanted: str) -> ModelSpec | None:
    return next((spec for spec in TRANSLATORS if spec.id == wanted), None)


def _card(spec: ModelSpec, here: bool, source: str, target: str, language: str) -> dict[str, Any]:
    return {
        "id": spec.id,
        "name": spec.name,
        "good_at": sentence(language, spec.good_at),
        "size": size_text(spec.download_bytes) if spec.download_bytes else "",
        "here": here,
        "fits": pair_level(spec, source, target)[0] != "untrained",
    }
