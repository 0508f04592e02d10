"""What the columns of a table seem to be: which holds the texts, which sort them by day or by group.

Owns the guesses, which a person can change. Knows no labels and no file format.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from playground.text.tables import TextTable

TEXT_NAMES = ("text", "tweet", "review", "comment", "content", "sentence", "message", "body", "feedback", "answer",
              "文本", "内容", "评论", "正文", "句子")  # fmt: skip
_SAMPLE = 500
_MOST_GROUPS = 12
_LETTERS = re.compile(r"[^\W\d_]")
_DATE = re.compile(r"\A(\d{1,4})[-./年](\d{1,2})[-./月](\d{1,4})日?(?:[T ,].*)?\Z")
Period = Literal["day", "month", "year"]


@dataclass(frozen=True)
class Grouping:
    """Rows by what a column says: `of_row` has the place in `names` for every row, None where it says nothing.

    `period` is that of dates, whose names are in order, "" for other groups.
    """

    names: tuple[str, ...]
    of_row: tuple[int | None, ...]
    period: Period | Literal[""] = ""


def text_column(table: TextTable) -> int:
    """The column with the texts: many letters, hardly two rows alike, or a name that says so."""
    return max(range(len(table.columns)), key=lambda place: _text_worth(table, place))


def group_columns(table: TextTable) -> list[int]:
    """Columns by which texts may be sorted, dates first."""
    dates = [place for place in range(len(table.columns)) if _dates(_sample(table, place)) is not None]
    groups = [place for place in range(len(table.columns)) if place not in dates and _has_groups(table, place)]
    return [*dates, *groups]


def grouping(table: TextTable, place: int) -> Grouping | None:
    """The groups of a column, None where there are too many to be looked at side by side."""
    cells = [cell.strip() for cell in table.column(place)]
    dates = _dates(cells)
    if dates is not None:
        return _by_period(dates)
    names = sorted(set(filter(None, cells)), key=lambda name: (-cells.count(name), name))
    if not 1 < len(names) <= _MOST_GROUPS:
        return None
    return Grouping(tuple(names), tuple(names.index(cell) if cell else None for cell in cells))


def _text_worth(table: TextTable, place: int) -> float:
    cells = _sample(table, place)
    if not cells:
        return -1.0
    letters = sum(min(400, len(_LETTERS.findall(cell))) for cell in cells) / len(cells)
    spaced = sum(" " in cell or any(letter > "\u2e80" for letter in cell) for cell in cells) / len(cells)
    name = table.columns[place].casefold() if table.has_header else ""
    named = 4.0 if name in TEXT_NAMES else 1.5 if any(part in name for part in TEXT_NAMES) else 1.0
    return letters * (0.2 + spaced) * (len(set(cells)) / len(cells)) * named


def _has_groups(table: TextTable, place: int) -> bool:
    cells = _sample(table, place)
    names = set(cells)
    enough = 1 < len(names) <= _MOST_GROUPS and len(cells) >= 2 * len(names)
    return enough and len(cells) > 0.8 * min(_SAMPLE, len(table.rows)) and max(map(len, names)) <= 40


def _sample(table: TextTable, place: int) -> list[str]:
    return [row[place].strip() for row in table.rows[:_SAMPLE] if row[place].strip()]


def _dates(cells: Sequence[str]) -> list[datetime.date | None] | None:
    """The dates of a column, None where it holds others than dates. Day before month, unless that cannot be."""
    found = [_DATE.match(cell) for cell in cells]
    if not any(cells) or any(cell and not match for cell, match in zip(cells, found, strict=True)):
        return None
    parts = [tuple(map(int, match.groups())) if match else None for match in found]
    for order in ((2, 1, 0), (2, 0, 1)):
        dates = [_date(part, order) if part else None for part in parts]
        if all(date is not None or part is None for date, part in zip(dates, parts, strict=True)):
            return dates
    return None


def _date(part: tuple[int, ...], order: tuple[int, int, int]) -> datetime.date | None:
    year, month, day = part if part[0] > 31 else (part[place] for place in order)
    year += 2000 if year < 100 else 0
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _by_period(dates: Sequence[datetime.date | None]) -> Grouping | None:
    known = [date for date in dates if date is not None]
    days = (max(known) - min(known)).days
    period: Period = "day" if days <= 31 else "month" if days <= 3 * 366 else "year"
    length = {"day": 10, "month": 7, "year": 4}[period]
    names = sorted({date.isoformat()[:length] for date in known})
    if len(names) < 2:
        return None
    places = {name: place for place, name in enumerate(names)}
    return Grouping(tuple(names), tuple(places[date.isoformat()[:length]] if date else None for date in dates), period)
