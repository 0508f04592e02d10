"""What was measured of translations, kept for each model, so that models and directions can be measured one by one.

Owns the files; knows no model and no score.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.sides import RESULTS, ROOT

SCORES = ROOT / "assets" / "examples" / "translation_scores.json"
"""What the page tells about a model and a direction."""


@dataclass(frozen=True)
class Measured:
    """One model and direction: chrF++ and seconds a sentence of the plain prompt, of ours, and of ours with care (None
    where that is nothing else or was not measured), and what the guards found."""

    model: str
    pair: str
    sentences: int
    plain: float
    ours: float
    plain_s: float
    ours_s: float
    dropped: int
    retried: int
    problems: dict[str, int]
    careful: float | None = None
    careful_s: float | None = None

    @property
    def short_text(self) -> float:
        """chrF++ of what a short text gets: with care, where that was measured."""
        return self.ours if self.careful is None else self.careful


@dataclass(frozen=True)
class Kept:
    """One model's sentences with placeholders, addresses and tags: how many in all, and in how many one is broken."""

    model: str
    sentences: int
    plain_broken: int
    ours_broken: int


def keep_scores(pairs: Sequence[Measured]) -> None:
    """For the page: chrF++ of what a short text gets by model and direction, beside what is kept of other models."""
    scores: dict[str, dict[str, float]] = json.loads(SCORES.read_text("utf-8")) if SCORES.exists() else {}
    for one in pairs:
        scores.setdefault(one.model, {})[one.pair] = round(one.short_text, 1)
    SCORES.write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n", "utf-8")


def keep(model: str, measured: Measured | Kept) -> None:
    """Beside what is kept of this model: a run that ends early has not been for nothing."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"translation-{model}.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"pairs": {}, "kept": None}
    if isinstance(measured, Kept):
        found["kept"] = asdict(measured)
    else:
        found["pairs"][measured.pair] = asdict(measured)
    file.write_text(json.dumps(found, indent=1), "utf-8")


def kept_of(model: str) -> list[Measured | Kept]:
    """What is kept of a model."""
    file = RESULTS / f"translation-{model}.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"pairs": {}, "kept": None}
    marked = [Kept(**found["kept"])] if found["kept"] else []
    return [*(Measured(**pair) for pair in found["pairs"].values()), *marked]


def kept_models(models: Sequence[str], pairs_in_order: Sequence[str]) -> tuple[list[Measured], list[Kept]]:
    """What is kept of all models, so that they can be measured one by one."""
    known = [one for model in models for one in kept_of(model)]
    pairs = [one for one in known if isinstance(one, Measured) and one.pair in pairs_in_order]
    order = {(model, pair): place for place, (model, pair) in enumerate(itertools.product(models, pairs_in_order))}
    pairs.sort(key=lambda one: order[one.model, one.pair])
    return pairs, [one for one in known if isinstance(one, Kept)]
