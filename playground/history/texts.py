"""Texts and JSON on their way into a column: clean, short, deterministic.

Owns the rules for what can be stored and how a conversation is named. Knows no table.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

TITLE_CHARACTERS = 40
"""About how long an automatic title is. Wide characters (Chinese, emoji) count as two."""
NAME_CHARACTERS = 200
"""How much of a name given by hand is kept."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKUP = re.compile(r"^(?:\s|#{1,6}\s|>|[*+-]\s|\d{1,3}[.)]\s)+|[*_`~]{2,}|`")
_UNSEEN = re.compile("[\\s\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_SENTENCE_END = re.compile(r"[。！？；]|[.!?](?=\s)")


def clean_text(text: str) -> str:
    """Text that SQLite and UTF-8 can hold: lone surrogates become U+FFFD, NUL is dropped."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def to_json(value: Mapping[str, Any] | None) -> str | None:
    """Settings or figures as a column; the same value always gives the same text."""
    return None if value is None else json.dumps(clean_json(value), ensure_ascii=False, sort_keys=True)


def from_json(column: str | None) -> dict[str, Any] | None:
    """What `to_json` wrote."""
    return None if column is None else json.loads(column)


def clean_json(value: Any) -> Any:
    """Parsed JSON with clean texts, and null in place of infinities, which JSON does not have."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_json(item) for item in value]
    return value


def one_line(text: str, limit: int = NAME_CHARACTERS) -> str:
    """Text as a single line without control or direction characters, at most `limit` characters."""
    return _UNSEEN.sub(" ", clean_text(text[: limit * 20])).strip()[:limit].strip()


def title_of(text: str) -> str:
    """A short title for a conversation that begins with `text`; "" when there is nothing to show.

    The first line that says something, without Markdown signs, cut at the end of a sentence or a word.
    """
    lines = (line for line in text[:4000].splitlines() if not line.lstrip().startswith(("```", "~~~")))
    line = next((shown for line in lines if (shown := one_line(_MARKUP.sub("", line)))), "")
    end = _fitting(line, TITLE_CHARACTERS)
    if end == len(line):
        return line
    sentence = max((match.end() for match in _SENTENCE_END.finditer(line[:end])), default=0)
    if sentence >= end // 3:
        return line[:sentence]
    word = line[: end + 1].rfind(" ")
    cut = word if word >= end // 2 else end
    return line[:cut].rstrip(" ,;:，、；：-–—\u200d\ufe0f") + "…"


def _fitting(line: str, width: int) -> int:
    """How many characters of `line` fit into `width`, never ending between a letter and its accent."""
    used = end = 0
    for character in line:
        used += _width(character)
        if used > width:
            break
        end += 1
    return end


def _width(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
