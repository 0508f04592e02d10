"""The numbers of a view as files: CSV, NPZ and JSON.

Owns the formats and how tokens are written into them. Tokens are hostile text: a spreadsheet must not take one for a
formula, and no mark of writing direction may hide what a line says. Knows no page and no picture.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from torch import Tensor

FORMAT_VERSION = 1
DIGITS = 6
_FORMULA_STARTS = ("=", "+", "-", "@")
# Control characters, marks of direction and other invisible ones, halves of characters, private and unassigned ones.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, eq=False)
class View:
    """What is shown and saved: weights with the tokens of their rows and columns."""

    weights: Tensor
    """float32 [rows, columns]"""
    row_tokens: tuple[str, ...]
    """The tokens that read."""
    column_tokens: tuple[str, ...]
    """The tokens being read."""
    caption: str
    """What the weights are: head or average, and what was done to them."""
    model: str = ""
    text: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError where tokens and weights do not fit together."""
        if self.weights.shape != (len(self.row_tokens), len(self.column_tokens)):
            raise ValueError(f"weights {tuple(self.weights.shape)} need as many tokens")


def shown(token: str) -> str:
    """A token with everything invisible written out: a line break as \\n, other characters as \\u202e; spaces stay."""
    return "".join(_visible(character) for character in token)


def csv_lines(view: View) -> Iterator[str]:
    """CSV line by line: the tokens being read in the first line, then a line for each token that reads.

    A token that a spreadsheet could take for a formula gets an apostrophe in front, as spreadsheets write it
    themselves.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for line in _lines(view):
        writer.writerow(line)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_text(view: View) -> str:
    """All of `csv_lines`."""
    return "".join(csv_lines(view))


def npz_bytes(view: View) -> bytes:
    """A compressed NPZ archive for `numpy.load` without pickle: `weights` float32, the tokens as UTF-8 texts, and
    `about`, the rest as JSON."""
    buffer = io.BytesIO()
    numpy.savez_compressed(
        buffer,
        weights=view.weights.numpy(),
        row_tokens=numpy.array([_storable(token) for token in view.row_tokens], dtype=numpy.str_),
        column_tokens=numpy.array([_storable(token) for token in view.column_tokens], dtype=numpy.str_),
        about=numpy.array(json.dumps(_about(view), ensure_ascii=False)),
    )
    return buffer.getvalue()


def json_dict(view: View, *, digits: int = DIGITS) -> dict[str, Any]:
    """Model, text, settings, tokens as they are, and the weights rounded to `digits`; ready for `json.dumps`."""
    return {
        **_about(view),
        "row_tokens": [_storable(token) for token in view.row_tokens],
        "column_tokens": [_storable(token) for token in view.column_tokens],
        "weights": [[round(number, digits) for number in row] for row in view.weights.tolist()],
    }


def _about(view: View) -> dict[str, Any]:
    return {
        "version": FORMAT_VERSION,
        "caption": _storable(view.caption),
        "model": _storable(view.model),
        "text": _storable(view.text),
        "settings": dict(view.settings),
    }


def _lines(view: View) -> Iterator[Sequence[str]]:
    yield ["reads \\ being read", *(_cell(token) for token in view.column_tokens)]
    for token, row in zip(view.row_tokens, view.weights, strict=True):
        yield [_cell(token), *(f"{number:.{DIGITS}g}" for number in row.tolist())]


def _cell(token: str) -> str:
    text = shown(token)
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text


def _storable(text: str) -> str:
    """Halves of characters cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _visible(character: str) -> str:
    if character == "\n":
        return "\\n"
    if character == "\t":
        return "\\t"
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
