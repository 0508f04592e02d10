"""How well a model is known to translate in a direction, as measured by benchmarks/quality_translation.py.

Reads the file that the benchmark writes. Knows no engine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

SCORES_FILE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "translation_scores.json"
Level = Literal["good", "fair", "poor"]
GOOD, FAIR = 52.0, 42.0
"""chrF++ from which on a translation reads well, or its meaning can be made out."""
GOOD_WITHOUT_BLANKS, FAIR_WITHOUT_BLANKS = 26.0, 19.0
"""The same into Chinese and Japanese, where one sign is a word and chance finds fewer."""


@dataclass(frozen=True)
class KnownQuality:
    """chrF++ (0 to 100) on FLORES and what it means. Levels can be compared between languages, scores cannot."""

    chrf: float
    level: Level


@cache
def _scores() -> dict[str, dict[str, float]]:
    return json.loads(SCORES_FILE.read_text("utf-8")) if SCORES_FILE.exists() else {}


def known_quality(model_id: str, source: str, target: str) -> KnownQuality | None:
    """What was measured, None for what was not: nothing is said then, not that it is bad."""
    score = _scores().get(model_id, {}).get(f"{source}-{target}")
    if score is None:
        return None
    return KnownQuality(score, level_of(score, target))


def level_of(chrf: float, target: str) -> Level:
    """What a score means in the language that it was reached in."""
    good, fair = (GOOD_WITHOUT_BLANKS, FAIR_WITHOUT_BLANKS) if target in ("zh", "ja") else (GOOD, FAIR)
    return "good" if chrf >= good else "fair" if chrf >= fair else "poor"
