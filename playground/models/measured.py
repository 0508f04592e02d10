"""How well the models of the catalogue do each task, as `make quality` has measured it.

Owns the file with the figures, and what a figure means. Knows no task.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

MEASURED_FILE = Path(__file__).resolve().parents[2] / "assets" / "quality" / "models.json"
Task = Literal["translate", "summarize", "sentiment", "ask"]
Level = Literal[1, 2, 3]
FROM: dict[Task, tuple[float, float]] = {
    "translate": (0.4, 0.8),
    "summarize": (18.0, 22.0),
    "sentiment": (0.75, 0.90),
    "ask": (0.40, 0.60),
}
"""From which figures on a model does a task fairly, and well. Translation: share of the measured directions in which
the meaning comes across; summaries: ROUGE-1 with summaries by people (the first sentence alone reaches 14); sentiment:
share of reviews judged right (a list of words reaches 0.63); questions: F1 with answers by people."""


@dataclass(frozen=True)
class Skill:
    """How a model does one task: 1 poorly, 2 fairly, 3 well. `figure` in the unit of `FROM`."""

    task: Task
    figure: float
    level: Level


def skills(model_id: str) -> tuple[Skill, ...]:
    """What was measured of a model, in the order of the tabs; nothing for a model that was not."""
    found = _measured().get(model_id, {})
    return tuple(Skill(task, found[task], _level(task, found[task])) for task in FROM if task in found)


def keep(figures: Mapping[str, Mapping[str, float]]) -> None:
    """Write what was measured, by model and task, over what was known; the rest stays."""
    known = json.loads(MEASURED_FILE.read_text("utf-8")) if MEASURED_FILE.exists() else {}
    for model_id, found in figures.items():
        known[model_id] = dict(sorted({**known.get(model_id, {}), **found}.items()))
    MEASURED_FILE.parent.mkdir(parents=True, exist_ok=True)
    MEASURED_FILE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", "utf-8")
    _measured.cache_clear()


def _level(task: Task, figure: float) -> Level:
    fair, well = FROM[task]
    return 3 if figure >= well else 2 if figure >= fair else 1


@cache
def _measured() -> dict[str, dict[Task, float]]:
    return json.loads(MEASURED_FILE.read_text("utf-8")) if MEASURED_FILE.exists() else {}
