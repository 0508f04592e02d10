"""Tables as text (CSV, TSV and their relatives): bytes to rows of cells, and back.

Owns encoding, delimiter, quotation marks, whether the first line names the columns, and what a spreadsheet must not be
given. Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playground.errors import InvalidInput
from playground.text.encodings import decode

MOST_BYTES = 20 * 1024 * 1024
MOST_COLUMNS = 100
MOST_CELL_CHARACTERS = 1_000_000
LONGEST_NAME = 60
DELIMITERS = (",", ";", "\t", "|")
NO_DELIMITER = "\x1f"
"""Stands in no text: every line is one cell."""
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 200_000
_CONSISTENT = 0.8
"""Part of the rows that has the same number of cells, where a delimiter is one."""
_SEPARATOR_LINE = re.compile(r"\A\s*\"?sep=(.)\"?[ \t]*(?:\r\n|\n|\r)", re.IGNORECASE)
"""How Excel says its delimiter."""
_NUMBER = re.compile(r"\A\s*[-+−]?\(?[\d.,' ]*\d[\d.,' ]*\)?\s*%?\s*\Z")
_USUAL_NAMES = frozenset((
    "text", "texts", "tweet", "tweets", "review", "reviews", "comment", "comments", "sentence", "content", "message",
    "body", "title", "label", "labels", "sentiment", "rating", "score", "stars", "date", "time", "day", "id", "user",
    "author", "language", "lang", "category", "group", "product", "source", "文本", "内容", "评论", "标签", "情感", 
    "日期", "评分", "类别", "编号",
))  # fmt: skip
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"\A[-+]?\d+(?:[.,]\d+)*%?\Z")


@dataclass(frozen=True)
class TextTable:
    """Every row has as many cells as there are `columns`. `uneven` rows had more or fewer in the file; `notes` are
    sentences about what was found odd."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str
    encoding: str
    has_header: bool
    uneven: int = 0
    notes: tuple[str, ...] = ()

    def column(self, place: int) -> list[str]:
        """All cells of a column."""
        return [row[place] for row in self.rows]


def read_table(data: bytes | str, *, most_rows: int, has_header: bool | None = None) -> TextTable:
    """The table in a file or in what was pasted. `has_header` None: found out.

    Raises InvalidInput for what is too large, no text, or without a row.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"This table is too large. Tables up to {MOST_BYTES // 1024**2} MB can be read here.")
    text, encoding = (data, "") if isinstance(data, str) else _decoded(data)
    text = text.removeprefix("\ufeff")
    told = _SEPARATOR_LINE.match(text)
    if told:
        text = text[told.end() :]
    delimiter = told[1] if told else delimiter_of(text)
    lines, notes = _lines(text, delimiter)
    if not lines:
        raise InvalidInput("There is no row in this table. Choose a file with a text in every row.")
    widths = Counter(map(len, lines))
    width = max(widths, key=lambda count: (widths[count], count))
    header = looks_like_header(lines, width) if has_header is None else has_header
    rows = lines[1:] if header else lines
    if not rows:
        raise InvalidInput("This table has a line with the names of its columns and no row below it.")
    if len(rows) > most_rows:
        raise InvalidInput(f"This table has {len(rows):,} rows; {most_rows:,} are the most here. Split the file.")
    if width > MOST_COLUMNS:
        raise InvalidInput(f"This table has {width:,} columns; {MOST_COLUMNS} are the most here. Leave some out.")
    uneven = sum(len(row) != width for row in rows)
    columns = _names(lines[0] if header else (), width)
    return TextTable(columns, tuple(_fitted(row, width) for row in rows), delimiter, encoding, header, uneven, notes)


def delimiter_of(text: str) -> str:
    """What stands between the cells: what gives the most alike rows; NO_DELIMITER where every line is one cell."""
    sample = text[:_SAMPLE_CHARACTERS]
    best, best_worth = NO_DELIMITER, 0.0
    for delimiter in DELIMITERS:
        rows = _some_rows(sample, delimiter)
        widths = Counter(map(len, rows))
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]), default=(1, 0))
        alike = count / max(1, len(rows))
        # One row says little: a sentence with a comma is not a table.
        sure = len(rows) > 1 or width > 2 or delimiter == "\t" or (rows and _are_usual(rows[0]))
        if width > 1 and alike >= _CONSISTENT and sure:
            worth = alike + 0.01 * min(width, 10)
            if worth > best_worth:
                best, best_worth = delimiter, worth
    return best


def looks_like_header(lines: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first line names the columns: short, different names, unlike what stands below them."""
    first, others = [cell.strip() for cell in lines[0]], lines[1 : _SAMPLE_LINES + 1]
    if len(first) != width or not all(first) or len(set(first)) < width:
        return False
    if not others:
        return _are_usual(first)
    if any(len(cell) > LONGEST_NAME or _NUMBER.match(cell) for cell in first):
        return False
    if any(cell.casefold() in _USUAL_NAMES for cell in first):
        return True
    signs = 0
    for place, name in enumerate(first):
        cells = [row[place].strip() for row in others if len(row) > place and row[place].strip()]
        if not cells:
            continue
        if name in cells:
            return False
        numbers = sum(bool(_NUMBER.match(cell)) for cell in cells)
        longer = sum(len(cell) > 2 * len(name) + 10 for cell in cells)
        signs += max(numbers, longer) > 0.8 * len(cells)
    return signs > 0


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV that spreadsheets open as it is: with a byte order mark, and no cell that they would run as a formula."""
    out = io.StringIO(newline="")
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(column) for column in columns])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def harmless(cell: str) -> str:
    """The cell; one that a spreadsheet would take for a formula gets an apostrophe before it. Numbers stay."""
    if cell.lstrip(" ").startswith(_DANGEROUS) and not _PLAIN_NUMBER.match(cell.strip()):
        return f"'{cell}"
    return cell


def _are_usual(cells: Sequence[str]) -> bool:
    return all(cell.strip().casefold() in _USUAL_NAMES for cell in cells)


def _decoded(data: bytes) -> tuple[str, str]:
    found = decode(data)
    return found.text, found.encoding


def _lines(text: str, delimiter: str) -> tuple[list[list[str]], tuple[str, ...]]:
    """All rows that are not empty. Where a quotation mark is never closed, such marks are letters like others."""
    notes: tuple[str, ...] = ()
    csv.field_size_limit(MOST_CELL_CHARACTERS)
    try:
        rows = list(_reader(text, delimiter, strict=True))
    except csv.Error:
        try:
            rows = list(_reader(text, delimiter, strict=False))
            if any(cell.count("\n") > _SAMPLE_LINES for row in rows[-1:] for cell in row) or text.count('"') % 2:
                rows = list(_reader(text, delimiter, quotes=False))
                notes = (
                    "A quotation mark in this file is never closed, so that quotation marks were read like letters.",
                )
        except csv.Error as error:
            raise InvalidInput("A cell of this table is too large to be read. Is it a table of texts?") from error
    return [row for row in rows if any(cell.strip() for cell in row)], notes


def _some_rows(sample: str, delimiter: str) -> list[list[str]]:
    whole = len(sample) < _SAMPLE_CHARACTERS
    rows: list[list[str]] = []
    for quotes in (True, False):
        rows.clear()
        try:
            for row in _reader(sample, delimiter, strict=whole and quotes, quotes=quotes):
                if any(cell.strip() for cell in row):
                    rows.append(row)
                if len(rows) >= _SAMPLE_LINES:
                    return rows
            break
        except csv.Error:
            continue
    # The sample may end within a row.
    return rows if whole else rows[:-1]


def _reader(text: str, delimiter: str, *, strict: bool = False, quotes: bool = True) -> Iterable[list[str]]:
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        strict=strict,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        skipinitialspace=True,
    )


def _names(first: Sequence[str], width: int) -> tuple[str, ...]:
    names: list[str] = []
    for place in range(width):
        name = " ".join(first[place].split())[:LONGEST_NAME] if place < len(first) else ""
        name = name or f"Column {place + 1}"
        again = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return tuple(names)


def _fitted(row: Sequence[str], width: int) -> tuple[str, ...]:
    return (*row[:width], *[""] * (width - len(row)))
