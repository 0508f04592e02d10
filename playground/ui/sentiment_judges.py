"""Which model judges: the chat's, or a classifier beside it that does nothing else.

Owns what a visitor may choose, and the waiting until a model is open. Knows no event of the page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from playground.errors import InvalidInput, ModelUnavailable
from playground.models.catalog import MODELS, ModelSpec
from playground.models.companion_models import COMPANIONS, find_companion
from playground.models.transfer import size_text
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_analysis import Judge
from playground.tasks.sentiment_classifier import ClassifierJudge
from playground.tasks.sentiment_labels import LabelSet
from playground.ui.contract import Services
from playground.ui.strings import sentence

WAIT_S = 0.1
CLASSIFIERS = tuple(spec for spec in COMPANIONS if spec.kind == "classifier")
OnDetail = Callable[[str, float | None], None]


class Fits(Protocol):
    """What visitors have fitted on texts of their own."""

    def find(self, owner: str, model_id: str, labels: LabelSet) -> Calibration | None:
        """The visitor's own calibration, None for none."""
        ...


class SentimentJudges:
    """The models that a visitor can have texts judged by. Thread-safe."""

    def __init__(self, services: Services, fits: Fits) -> None:
        self._services, self._fits = services, fits

    def open(
        self,
        labels: LabelSet,
        *,
        model: str = "",
        names: Mapping[str, str] | None = None,
        owner: str = "",
        cancel: threading.Event | None = None,
        on_detail: OnDetail | None = None,
    ) -> Judge:
        """The model that is asked for, "" for the chat's, opened on this thread; a classifier has labels of its own
        (`judge.labels`). Raises InvalidInput and ModelUnavailable; a classifier raises Cancelled when it is stopped
        while it opens."""
        if model:
            spec = self.classifier(model)
            opened = self._services.companions.open(spec, on_progress=on_detail, cancel=cancel)
            using = partial(self._services.companions.using, spec)
            return ClassifierJudge(using, opened.spec, opened.labels, opened.independent_labels, names or {})
        engine = self._services.engine
        while engine.state.phase == "opening" and not (cancel is not None and cancel.is_set()):
            time.sleep(WAIT_S)
        spec = engine.state.spec
        if spec is None:
            raise ModelUnavailable("No model is open yet. Choose one first.")
        calibration = self._fits.find(owner, spec.id, labels)
        return SentimentJudge(engine, spec.id, labels, calibration=calibration, owner=owner, model_name=spec.name)

    def switch(self, model_id: str, *, cancel: threading.Event) -> bool:
        """Open another of the chat's models, for everybody, and wait for it; False where that was stopped.

        Raises InvalidInput on a shared machine, ModelUnavailable where it cannot be opened.
        """
        if self._services.settings.shared:
            raise InvalidInput("On a shared machine the model stays as it is. Run the app yourself to choose another.")
        engine, shelf = self._services.engine, self._services.shelf
        spec = next((one for one in MODELS if one.id == model_id), None)
        if spec is None or not shelf.is_here(spec):
            raise InvalidInput("This model is not on this machine yet. Fetch it in the model panel first.")
        engine.open(spec)
        while not cancel.wait(WAIT_S):
            state = engine.state
            if state.phase == "failed":
                raise ModelUnavailable(f"{spec.name} could not be opened. {state.error or ''}".strip())
            if state.phase == "ready" and state.spec is not None and state.spec.id == spec.id:
                return True
        return False

    def classifier(self, wanted: str) -> ModelSpec:
        """The classifier that a visitor names. Raises InvalidInput and ModelUnavailable."""
        shared = self._services.settings.shared
        spec = find_companion(wanted, allow_folder=not shared)
        if spec in COMPANIONS and spec not in CLASSIFIERS:
            raise InvalidInput(f"{spec.name} gives no labels. Choose a classifier (text classification).")
        if shared and not (spec in CLASSIFIERS and self._services.shelf.is_here(spec)):
            raise InvalidInput(
                "On a shared machine only the models that are there can judge. Run the app yourself to choose another."
            )
        return spec

    def offered(self, language: str) -> dict[str, Any]:
        """What can be chosen: the chat's model now, its other models that are here, and classifiers."""
        state, shelf, shared = self._services.engine.state, self._services.shelf, self._services.settings.shared
        others = [] if shared else [spec for spec in MODELS if spec != state.spec and shelf.is_here(spec)]
        cards = [_card(spec, shelf.is_here(spec), language) for spec in CLASSIFIERS]
        return {
            "chat": state.spec.name if state.spec else "",
            "chat_id": state.spec.id if state.spec else "",
            "others": [_card(spec, True, language) for spec in others],
            "classifiers": [card for card in cards if card["here"] or not shared],
            "may_type": not shared,
        }


def _card(spec: ModelSpec, here: bool, language: str) -> dict[str, Any]:
    return {
        "id": spec.id,
        "name": spec.name,
        "good_at": sentence(language, spec.good_at) if spec.good_at else "",
        "size": size_text(spec.download_bytes) if spec.download_bytes else "",
        "here": here,
    }
