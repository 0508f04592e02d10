"""What was measured of summaries, kept row by row for each model, so that rows can be measured a few at a time.

Owns the files and the means; holds no text of anybody. Knows no model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HUNDRED = 100


@dataclass(frozen=True)
class Row:
    """One summary beside a person's: ROUGE F1 (0 to 1), numbers, names and dates that are invented, words, seconds (of
    several at once, so its share), and how it came about."""

    one: float
    two: float
    longest: float
    invented: int
    words: int
    seconds: float = 0.0
    second_try: bool = False
    extract: bool = False


@dataclass(frozen=True)
class Measured:
    """Means over rows: ROUGE F1 times 100, inventions per 100 summaries."""

    one: float
    two: float
    longest: float
    invented: float
    words: float
    seconds: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Measured:
        """The means; zeros without rows."""
        count = max(1, len(rows))

        def mean(name: str, times: int = 1) -> float:
            return times * sum(getattr(row, name) for row in rows) / count

        return cls(
            mean("one", HUNDRED), mean("two", HUNDRED), mean("longest", HUNDRED), mean("invented", HUNDRED),
            mean("words"), mean("seconds"),
        )  # fmt: skip


@dataclass
class ModelRows:
    """What is known of one model, by the number of the row: the plain prompt and ours."""

    model: str
    plain: dict[int, Row] = field(default_factory=dict)
    ours: dict[int, Row] = field(default_factory=dict)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Rows of which both are known."""
        return tuple(sorted(self.plain.keys() & self.ours.keys()))


def keep(measured: ModelRows, folder: Path) -> None:
    """Beside what is kept of this model."""
    known = kept(measured.model, folder)
    known.plain |= measured.plain
    known.ours |= measured.ours
    folder.mkdir(parents=True, exist_ok=True)
    _file(measured.model, folder).write_text(json.dumps(asdict(known), indent=1), "utf-8")


def kept(model: str, folder: Path) -> ModelRows:
    """What is kept of a model; nothing where it was never measured."""
    file = _file(model, folder)
    found: Mapping[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"plain": {}, "ours": {}}
    plain, ours = ({int(number): Row(**row) for number, row in found[way].items()} for way in ("plain", "ours"))
    return ModelRows(model, plain, ours)


def _file(model: str, folder: Path) -> Path:
    return folder / f"summaries-{model}.json"
