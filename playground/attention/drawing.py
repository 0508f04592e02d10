"""Pictures of a view as SVG, pure text: the heatmap, and the text with what one token reads from.

Owns the drawing. Every text goes through `_escaped` and stands in an element of its own, so no token can end a tag,
run, or turn the direction of its neighbours. Fonts are the reader's; widths are those of a monospaced one. Knows no
page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from torch import Tensor

from playground.attention.export import View, shown
from playground.attention.pooling import Pool, cells, pool_map

MOST_CELLS = 128
MOST_AXIS_TOKENS = 64
LONGEST_LABEL = 16
CELL = 12.0
FONT = 11.0
TEXT_FONT = 18.0
LINE = 32.0
ARROW_LINKS = 8
LEAST_OPACITY = 0.02
"""A paler shade is not seen, and thousands of them make a picture slow to open."""
_STYLE = "font-family=\"ui-monospace, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace\""
_INK, _PAPER, _WARM, _PALE = "#1f2933", "#ffffff", "#d9480f", "#667085"


@dataclass(frozen=True)
class Titles:
    """Words on the picture; they come from the page, in its language."""

    rows: str = "reads from"
    columns: str = "being read"
    pooled: str = "each square: {how} of {rows} x {columns} tokens"
    note: str = ""
    """A line below everything, such as that attention is evidence and no explanation."""


def heatmap_svg(view: View, *, titles: Titles | None = None, pool: Pool = "max") -> str:
    """The weights as squares, dark where much is read. More than MOST_CELLS tokens are pooled, and the picture says
    so."""
    words = titles or Titles()
    rows, columns = view.weights.shape
    high, wide = min(rows, MOST_CELLS), min(columns, MOST_CELLS)
    weights = view.weights
    if (high, wide) != (rows, columns):
        weights = pool_map(weights, cells(rows, high), cells(columns, wide), pool)
    left = top = LONGEST_LABEL * FONT * 0.62 + 28
    parts = [_text(left, 16, view.caption, size=13), _text(left, top - 6, words.columns, size=FONT, colour=_PALE)]
    parts.append(_text(8, top - 6, words.rows, size=FONT, colour=_PALE))
    parts += _axis_labels(view, left, top, high, wide)
    parts += _squares(weights, left, top)
    parts.append(_box(left, top, wide * CELL, high * CELL, f'fill="none" stroke="{_PALE}" stroke-width="0.5"'))
    bottom = top + high * CELL + 18
    width = max(left + wide * CELL, left + _width_of(view.caption, 13))
    for line in _footer(view, words, pool, (rows, high), (columns, wide)):
        parts.append(_text(8, bottom, line, size=FONT, colour=_PALE))
        bottom, width = bottom + 16, max(width, 8 + _width_of(line, FONT))
    return _document(width + 12, bottom, parts)


def reading_svg(
    tokens: Sequence[str],
    weights: Tensor,
    pointed: int | None,
    *,
    caption: str = "",
    titles: Titles | None = None,
    width: float = 760.0,
) -> str:
    """The text, each token shaded by its part of `weights` [tokens]; the token `pointed` at has a frame, and thin arcs
    go to what it reads most. Raises ValueError where tokens and weights do not fit together."""
    if weights.shape != (len(tokens),):
        raise ValueError(f"{len(tokens)} tokens need as many weights, not {tuple(weights.shape)}")
    places, bottom = _flow(tokens, width)
    shares = weights.tolist()
    highest = max(shares, default=0.0) or 1.0
    parts = [_text(12, 20, caption, size=13)]
    for token, share, (x, y, size) in zip(tokens, shares, places, strict=True):
        opacity = 0.85 * (max(share, 0.0) / highest) ** 0.5
        if opacity >= LEAST_OPACITY:
            fill = f'fill="{_WARM}" fill-opacity="{opacity:.3f}"'
            parts.append(_box(x, y - TEXT_FONT, size, TEXT_FONT * 1.4, f'{fill} rx="4"', title=f"{share:.4f}"))
        if token.strip():
            lead = _columns_of(token[: len(token) - len(token.lstrip())]) * TEXT_FONT * 0.6
            parts.append(_text(x + lead, y, token.strip(), size=TEXT_FONT))
    if pointed is not None and 0 <= pointed < len(tokens):
        x, y, size = places[pointed]
        parts.append(_box(x, y - TEXT_FONT, size, TEXT_FONT * 1.4, f'fill="none" stroke="{_INK}" rx="4"'))
        parts += _arcs(places, shares, pointed)
    note = (titles or Titles()).note
    parts.append(_text(12, bottom + 8, note, size=FONT, colour=_PALE))
    return _document(width, bottom + 20, parts)


def _squares(weights: Tensor, left: float, top: float) -> Iterator[str]:
    for row, line in enumerate(weights.tolist()):
        for column, weight in enumerate(line):
            opacity = min(1.0, max(0.0, weight)) ** 0.5
            if opacity >= 0.004:
                place = f'x="{left + column * CELL:g}" y="{top + row * CELL:g}" width="{CELL:g}" height="{CELL:g}"'
                yield f'<rect {place} fill="{_WARM}" fill-opacity="{opacity:.3f}"/>'


def _axis_labels(view: View, left: float, top: float, high: int, wide: int) -> Iterator[str]:
    if len(view.row_tokens) == high <= MOST_AXIS_TOKENS:
        for row, token in enumerate(view.row_tokens):
            yield _text(left - 6, top + row * CELL + CELL - 2, _label(token), size=FONT, more='text-anchor="end"')
    if len(view.column_tokens) == wide <= MOST_AXIS_TOKENS:
        for column, token in enumerate(view.column_tokens):
            x, y = left + column * CELL + CELL - 2, top - 20
            yield _text(x, y, _label(token), size=FONT, more=f'transform="rotate(-60 {x:g} {y:g})"')


def _footer(view: View, words: Titles, pool: Pool, rows: tuple[int, int], columns: tuple[int, int]) -> Iterator[str]:
    if rows[0] > rows[1] or columns[0] > columns[1]:
        sizes = {"rows": -(-rows[0] // rows[1]), "columns": -(-columns[0] // columns[1])}
        yield words.pooled.format(how=pool, **sizes)
    yield from (line for line in (view.model, words.note) if line)


def _flow(tokens: Sequence[str], width: float) -> tuple[list[tuple[float, float, float]], float]:
    """(left, baseline, width) of each token in lines, and the bottom of the last line."""
    places, x, y = [], 12.0, 64.0
    for token in tokens:
        size = max(_columns_of(token.replace("\n", "")) * TEXT_FONT * 0.6, 8.0)
        if x + size > width - 12 and x > 12:
            # The space in front of a word hangs out of the line.
            x, y = 12.0 - TEXT_FONT * 0.6 * token.startswith(" "), y + LINE
        places.append((x, y, size))
        x += size
        if "\n" in token:
            x, y = 12.0, y + LINE
    return places, y + LINE


def _arcs(places: Sequence[tuple[float, float, float]], shares: Sequence[float], pointed: int) -> Iterator[str]:
    x, y, size = places[pointed]
    strongest = sorted((index for index in range(len(shares)) if index != pointed), key=lambda index: -shares[index])
    for index in strongest[:ARROW_LINKS]:
        if shares[index] <= 0.02:
            return
        to_x, to_y, to_size = places[index]
        start, end, height = x + size / 2, to_x + to_size / 2, min(y, to_y) - TEXT_FONT - 18
        path = f"M{start:g} {y - TEXT_FONT:g} Q{(start + end) / 2:g} {height:g} {end:g} {to_y - TEXT_FONT:g}"
        yield f'<path d="{path}" fill="none" stroke="{_WARM}" stroke-width="{0.5 + 2.5 * shares[index]:.2f}"/>'


def _columns_of(text: str) -> int:
    """Width in columns of a monospaced font."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in shown(text))
    return len(shown(text)) + wide


def _width_of(text: str, size: float) -> float:
    return _columns_of(text) * size * 0.62


def _label(token: str) -> str:
    text = shown(token)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _text(x: float, y: float, text: str, *, size: float, colour: str = _INK, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" {more}>{_escaped(text)}</text>'


def _box(x: float, y: float, width: float, height: float, look: str, *, title: str = "") -> str:
    inside = f"<title>{_escaped(title)}</title>" if title else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {look}>{inside}</rect>'


def _escaped(text: str) -> str:
    return escape(shown(text), quote=True)


def _document(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_STYLE} xml:space="preserve">'
    paper = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
    return "\n".join([head, paper, *parts, "</svg>"]) + "\n"
