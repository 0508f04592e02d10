"""How often a model was right when it said so much: measured on texts whose labels are known, kept for the app.

Owns the file with these figures, for the models of the catalogue. Knows no model.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playground.tasks.calibration import Agreement, Bin

RELIABILITY_FILE = Path(__file__).resolve().parents[2] / "assets" / "calibration" / "reliability.json"
FEWEST_TEXTS = 15
"""A bin of fewer says little."""
DIGITS = 4


@dataclass(frozen=True)
class Reliability:
    """What was measured on `rows` texts of the set `name`, by how sure the model was."""

    name: str
    rows: int
    bins: tuple[Bin, ...]

    def around(self, share: float) -> Bin | None:
        """The texts about which the model was as sure; None where there were too few."""
        near = (one for one in self.bins if one.low <= share <= one.high and one.texts >= FEWEST_TEXTS)
        return next(near, None)


def reliability(model_id: str, label_set_id: str, language: str) -> Reliability | None:
    """What is known of a model, a set of labels and a language; None where nothing was measured."""
    found = _measured().get(model_id, {}).get(label_set_id, {}).get(language)
    return (
        None if found is None else Reliability(found["set"], found["rows"], tuple(Bin(**one) for one in found["bins"]))
    )


def keep(model_id: str, label_set_id: str, language: str, name: str, measured: Agreement) -> None:
    """Write what was measured over what was known of the same; the rest stays."""
    known: dict[str, Any] = json.loads(RELIABILITY_FILE.read_text("utf-8")) if RELIABILITY_FILE.exists() else {}
    bins = [
        {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in asdict(one).items()}
        for one in measured.bins
    ]
    found = {"set": name, "rows": measured.texts, "bins": bins}
    known.setdefault(model_id, {}).setdefault(label_set_id, {})[language] = found
    RELIABILITY_FILE.parent.mkdir(parents=True, exist_ok=True)
    RELIABILITY_FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    _measured.cache_clear()


@cache
def _measured() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    return json.loads(RELIABILITY_FILE.read_text("utf-8")) if RELIABILITY_FILE.exists() else {}
