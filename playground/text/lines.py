"""The lines of a text and what stands before and between their words: indents, bullets, heading marks, table bars.

Reads Markdown where there is any; plain text has no marks and comes out the same. Knows no sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Marks before the words of a line: quotation, bullet, number, checkbox, heading; several may follow each other.
MARKS = re.compile(
    r"[\s\u3000]*(?:>[ \t]?|[-*+•·◦‣▪–—][ \t]+|\(?\d{1,3}[.)）][ \t]+|\d{1,3}、"
    r"|[（(]?[一二三四五六七八九十]{1,3}[、)）]|[①-⑳]\s?|[a-z]\)[ \t]+|\[[ xX]\][ \t]+|#{1,6}[ \t]+)*[\s\u3000]*"
)
HEADING = re.compile(r"[\s\u3000]*(?:>[ \t]?)*#{1,6}[ \t]")
HEADING_END = re.compile(r"[ \t]+#+[ \t]*$")
FENCE = re.compile(r"[ \t]*(?:>[ \t]?)*(`{3,}|~{3,})")
TABLE_RULE = re.compile(r"(?=[^|]*\|)[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)*(?:[ \t]*:?-+:?[ \t]*)?$")
BAR = re.compile(r"(?<!\\)\|")
DEFINITION = re.compile(r"[ \t]*\[(?!\^)[^\]]+\]:[ \t]+\S+(?:[ \t]+[\"'(].*)?$")
FRONT_MATTER = re.compile(r"---[ \t]*\r?\n[\w-]+[ \t]*:[^\n]*\n(?:(?!---)[^\n]*\n){0,200}---[ \t]*(?:\r?\n|$)")


@dataclass(frozen=True)
class Line:
    """A line with words: `cells` are the (start, end) of its pieces in the text (one, but for tables and tabs).
    `kind` as in Segment; `marked`: something stands before the words; `paragraph` counts runs between blank lines."""

    number: int
    kind: str
    marked: bool
    paragraph: int
    cells: tuple[tuple[int, int], ...]


def lines_of(text: str) -> Iterator[Line]:
    """The lines that may hold words: no fenced code, front matter, table rules or link definitions."""
    matter = FRONT_MATTER.match(text)
    skipped_until = matter.end() if matter else 0
    lines = text.splitlines(keepends=True)
    tables = table_lines(lines)
    start, paragraph, fence = 0, 0, ""
    for number, whole in enumerate(lines):
        end = start + len(whole)
        content = whole.rstrip()
        fence, in_code = next_fence(fence, content)
        if not content:
            paragraph += 1
        elif not (in_code or start < skipped_until or number in tables.rules or DEFINITION.match(content)):
            line = line_of(content, start, number, paragraph, number in tables.rows)
            # A line of marks alone has no words.
            if line.cells:
                yield line
        start = end


def next_fence(fence: str, content: str) -> tuple[str, bool]:
    """(the open fence after this line, whether the line belongs to code)."""
    found = FENCE.match(content)
    if not fence:
        # An info string with backticks is inline code: ```x``` in a line.
        opens = found and "`" not in content[found.end() :]
        return (found[1], True) if found and opens else ("", False)
    closes = found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and found.end() == len(content)
    return ("" if closes else fence), True


@dataclass(frozen=True)
class Tables:
    """The numbers of the lines that are rules (|---|---|) and rows with words."""

    rules: frozenset[int]
    rows: frozenset[int]


def table_lines(lines: list[str]) -> Tables:
    """The tables: a rule with a row of bars above it, and the rows below."""
    rules = {number for number, line in enumerate(lines) if TABLE_RULE.match(line.rstrip()) and "-" in line}
    rows = set()
    for rule in rules:
        if rule and BAR.search(lines[rule - 1]):
            rows.add(rule - 1)
        following = rule + 1
        while following < len(lines) and BAR.search(lines[following]):
            rows.add(following)
            following += 1
    return Tables(frozenset(rules), frozenset(rows - rules))


def line_of(content: str, start: int, number: int, paragraph: int, in_table: bool) -> Line:
    """A line split into its marks and its cells (between bars, or between tabs)."""
    if in_table:
        bars = [match.start() for match in BAR.finditer(content)]
        edges = zip([0, *(bar + 1 for bar in bars)], [*bars, len(content)], strict=True)
        return Line(number, "cell", True, paragraph, tuple((start + left, start + right) for left, right in edges))
    marks = MARKS.match(content)
    first = marks.end() if marks else 0
    is_heading = HEADING.match(content)
    closing = HEADING_END.search(content, first) if is_heading else None
    last = closing.start() if closing else len(content)
    marked = bool(content[:first].strip())
    kind = "heading" if is_heading else "item" if marked else "sentence"
    cells = [(first + m.start(), first + m.end()) for m in re.finditer(r"[^\t]+", content[first:last])]
    return Line(number, kind, marked, paragraph, tuple((start + left, start + right) for left, right in cells))
