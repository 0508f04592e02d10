"""Looking into a model beside the chat's: which ones there are, runs of them, and what such a model would put in a gap.

Owns what a visitor may open that way. What is drawn of a run is decided elsewhere; knows no event.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from playground.engine.companion import Companion
from playground.engine.companion_attention import Part
from playground.engine.companions import Companions
from playground.engine.recording import Recording
from playground.errors import InvalidInput, ModelUnavailable
from playground.models.catalog import ModelSpec
from playground.models.companion_models import COMPANIONS, find_companion
from playground.models.transfer import size_text
from playground.ui.attention_jobs import Job, MakeRun
from playground.ui.attention_pairs import pair_run, run_of_tokens
from playground.ui.attention_runs import LONGEST_CHARACTERS, Run
from playground.ui.attention_steps import Projects, index_in
from playground.ui.attention_values import ValueNorms
from playground.ui.attention_view import OUT_OF_DATE
from playground.ui.contract import Services
from playground.ui.strings import sentence

GUESSES = 12
LONGEST_NAME = 500
PARTS: dict[str, Part] = {"source": "encoder", "translation": "decoder", "cross": "cross", "read": "cross"}
"""Kind of a run -> what the model calls the layers it is of."""


@dataclass(frozen=True)
class Wish:
    """Which model beside the chat's shall be looked into; for a translation model also what it shall do."""

    spec: ModelSpec
    translation: str | None = None
    """None: the model translates itself."""
    source_language: str = ""
    target_language: str = ""


class CompanionLooks:
    """Everything of the tab that is about models beside the chat's. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def models(self, language: str) -> dict[str, Any]:
        """What can be chosen: the chat's model, and the others with what they are good for."""
        state, shared = self._services.engine.state, self._services.settings.shared
        cards = [_card(spec, self._services.shelf.is_here(spec), language) for spec in COMPANIONS]
        return {
            "chat": state.spec.name if state.spec else "",
            "models": [card for card in cards if card["here"] or not shared],
            "may_type": not shared,
        }

    def maker(self, values: dict[str, Any]) -> MakeRun | None:
        """How the run that a page asks for is made; None for the chat's model. Raises InvalidInput and
        ModelUnavailable."""
        name = values.get("model") or ""
        if not isinstance(name, str) or not name.strip():
            return None
        translation = values.get("translation")
        wish = Wish(
            self._allowed(name.strip()[:LONGEST_NAME]),
            translation.strip()[:LONGEST_CHARACTERS] or None if isinstance(translation, str) else None,
            str(values.get("source_language") or "")[:40],
            str(values.get("target_language") or "")[:40],
        )
        return lambda job, text: self._make(wish, job, text)

    def model_of(self, run: Run) -> Projects:
        """What a run was made with, for its output projections."""
        if run.spec is None:
            return self._services.engine
        return _Projections(self._services.companions, run.spec, PARTS.get(run.kind, "encoder"))

    def guesses(self, run: Run, first: object, end: object) -> dict[str, Any]:
        """What the run's model would put in place of the tokens from `first` to `end` (not included).

        `guesses` are [text, probability], likeliest first; `original` is the token that stands there with its
        probability, and `rank` its place in the list of all (1 is first), both None where several stand there: they
        leave one gap, which one token has to fill. Raises InvalidInput, for a mark such as [CLS] too, and
        ModelUnavailable for a model that fills no gaps.
        """
        start = index_in(first, len(run.tokens))
        stop = index_in(end, len(run.tokens) + 1)
        if stop <= start:
            raise InvalidInput(OUT_OF_DATE)
        if run.spec is None or run.kind != "masked":
            raise ModelUnavailable(f"{run.model} was not made to fill gaps. A model such as BERT does that.")
        ids = run.recording.token_ids
        with self._services.companions.using(run.spec) as model:
            filled = model.fill([*ids[: start + 1], *ids[stop:]], start, top=GUESSES)
        alone = stop - start == 1 and start not in run.special  # a gap in the text itself has no original
        return {
            "guesses": [[text, round(chance, 6)] for text, chance in filled.guesses],
            "pieces": stop - start,
            "original": [filled.original[0], round(filled.original[1], 6)] if alone else None,
            "rank": filled.rank if alone else None,
        }

    def _allowed(self, name: str) -> ModelSpec:
        shared = self._services.settings.shared
        spec = find_companion(name, allow_folder=not shared)
        if shared and not (spec in COMPANIONS and self._services.shelf.is_here(spec)):
            raise InvalidInput(
                "On a shared machine only the models that are there can be looked into. Run the app yourself to choose "
                "another."
            )
        return spec

    def _make(self, wish: Wish, job: Job, text: str) -> Run:
        with self._services.companions.using(wish.spec, on_progress=_opening(job), cancel=job.cancel) as model:
            job.phase = "reading"
            make = _pair if model.kind == "translator" else _encoded
            return self._with_norms(make(model, wish, job, text))

    def _with_norms(self, run: Run) -> Run:
        """The run with what its tokens hand over, computed once somebody asks for it."""
        model = self.model_of(run)
        return replace(
            run,
            norms=ValueNorms(run.recording.layers, lambda layer: model.output_projection(layer)),
            parts={name: self._with_norms(part) for name, part in run.parts.items()},
        )


@dataclass(frozen=True)
class _Projections:
    """The output projections of one part of a model beside the chat's, which is opened again for them."""

    companions: Companions
    spec: ModelSpec
    part: Part

    def output_projection(self, layer: int, *, of: Recording | None = None) -> Tensor:
        with self.companions.using(self.spec) as model:
            return model.output_projection(layer, self.part)


def _opening(job: Job) -> Callable[[str, float | None], None]:
    """Tells a job how far the opening of its model is."""
    job.phase = "opening"

    def report(detail: str, fraction: float | None = None) -> None:
        share = "" if fraction is None else f" {fraction:.0%}"
        job.detail = f"{sentence(job.language, detail)}{share}"

    return report


def _encoded(model: Companion, wish: Wish, job: Job, text: str) -> Run:
    tokens = model.split(text)
    job.progress(0, len(tokens))
    recording = model.record([token.id for token in tokens], cancel=job.cancel)
    kind = model.kind if model.kind != "translator" else "encoder"
    return run_of_tokens(
        tokens, recording, owner=job.owner, name=secrets.token_urlsafe(12), spec=model.spec, text=text, kind=kind
    )


def _pair(model: Companion, wish: Wish, job: Job, text: str) -> Run:
    source, target = languages_for(model.languages, wish)

    def written(done: int, total: int) -> None:
        job.phase = "writing"
        job.progress(done, total)

    pair = model.record_pair(
        text, wish.translation, source_language=source, target_language=target, cancel=job.cancel, on_progress=written
    )
    return pair_run(
        pair, owner=job.owner, name=secrets.token_urlsafe(12), spec=model.spec, languages=model.languages,
        source_language=source, target_language=target,
    )  # fmt: skip


def languages_for(known: tuple[str, ...], wish: Wish) -> tuple[str, str]:
    """Codes for a model that has to be told: as the page says, else from English to French, else its first ones."""

    def chosen(wanted: str, usual: str) -> str:
        near = (code for code in known if code.lower().strip("_><").startswith(usual))
        return wanted if wanted in known else next(near, known[0]) if known else ""

    return chosen(wish.source_language, "en"), chosen(wish.target_language, "fr")


def _card(spec: ModelSpec, here: bool, language: str) -> dict[str, Any]:
    return {
        "id": spec.id,
        "name": spec.name,
        "kind": spec.kind,
        "good_at": sentence(language, spec.good_at) if spec.good_at else "",
        "size": size_text(spec.download_bytes) if spec.download_bytes else "",
        "here": here,
    }
