"""What a script found out: figures with their targets, tables, and how both are kept and shown.

Pure but for `save` and `load_all`. Knows neither models nor processes.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Verdict = Literal["aim reached", "reached", "missed", "not measured", ""]


@dataclass(frozen=True)
class Figure:
    """One number that the project wants to reach; a ratio unless `unit` says otherwise."""

    name: str
    value: float | None
    """None: it could not be measured here."""
    must_reach: float | None = None
    aim: float | None = None
    unit: str = ""
    lower_is_better: bool = False

    @property
    def verdict(self) -> Verdict:
        """How the value stands to its targets; "" for a figure without any."""
        if self.value is None:
            return "not measured"
        if self.must_reach is None:
            return ""
        if self.aim is not None and self._reaches(self.value, self.aim):
            return "aim reached"
        return "reached" if self._reaches(self.value, self.must_reach) else "missed"

    def _reaches(self, value: float, target: float) -> bool:
        return value <= target if self.lower_is_better else value >= target


@dataclass(frozen=True)
class Table:
    """Columns and rows of finished text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """All that one script has to say."""

    script: str
    """Name of the module: `python -m benchmarks.<script>` measures it again."""
    title: str
    how: str
    """What was measured and how, in a few sentences."""
    rounds: int
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()
    machine: dict[str, str] = field(default_factory=dict)
    """Where and when; see `machine.py`."""
    by_model: dict[str, dict[str, float]] = field(default_factory=dict)
    """What the cards of models tell: the figure of each task (see `playground.models.measured`)."""


def median(values: Sequence[float]) -> float:
    """The middle one. Raises statistics.StatisticsError without values."""
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float] | None) -> float | None:
    """Ratio of the medians; None where there is nothing to compare with."""
    return median(ours) / median(theirs) if theirs else None


def with_spread(values: Sequence[float] | None) -> str:
    """Median and range as text, such as "63.1 (60.2–65.0)"; a dash without values."""
    if not values:
        return "–"
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"


def number(value: float | None) -> str:
    """Three significant digits, with thousands marked: 0.0812, 1.24, 63.1, 1,627."""
    if value is None:
        return "–"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}" if abs(value) >= 0.995 else f"{value:.3f}"


def markdown_table(table: Table) -> str:
    """A table in Markdown."""
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def figures_table(figures: Sequence[Figure]) -> Table:
    """Figures with their targets, one row each."""
    rows = tuple(
        (figure.name, _with_unit(figure.value, figure), _target(figure.must_reach, figure), _target(figure.aim, figure),
         figure.verdict)
        for figure in figures
    )  # fmt: skip
    return Table(("figure", "measured", "must reach", "aim", ""), rows)


def markdown(result: Result) -> str:
    """One section: title, how, figures, tables, command."""
    parts = [f"## {result.title}", result.how]
    if result.figures:
        parts.append(markdown_table(figures_table(result.figures)))
    parts += [markdown_table(table) for table in result.tables]
    facts = [f"`python -m benchmarks.{result.script} --rounds {result.rounds}`"]
    facts += [result.machine[fact] for fact in ("date",) if fact in result.machine]
    if disturbed := result.machine.get("used by other programs"):
        facts.append(f"other programs used {disturbed} of the processors meanwhile")
    parts.append(", ".join(facts))
    return "\n\n".join(parts) + "\n"


def save(result: Result, folder: Path) -> None:
    """Keep a result as `<script>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.script}.json").write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False), "utf-8")


def load_all(folder: Path, scripts: Sequence[str]) -> list[Result]:
    """The kept results of `scripts`, in their order; what has never been measured is left out."""
    paths = [folder / f"{script}.json" for script in scripts]
    return [_from_json(json.loads(path.read_text("utf-8"))) for path in paths if path.exists()]


def _from_json(kept: dict) -> Result:
    figures = tuple(Figure(**figure) for figure in kept.pop("figures"))
    tables = tuple(
        Table(tuple(table["columns"]), tuple(tuple(row) for row in table["rows"])) for table in kept.pop("tables")
    )
    return Result(figures=figures, tables=tables, **kept)


def _with_unit(value: float | None, figure: Figure) -> str:
    return f"{number(value)} {figure.unit}".strip()


def _target(value: float | None, figure: Figure) -> str:
    if value is None:
        return ""
    return f"{'≤' if figure.lower_is_better else '≥'} {value:g} {figure.unit}".strip()
