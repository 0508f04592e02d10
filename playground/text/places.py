"""Where a value stands in a text: as written, in other letters of the same, as the same number or date, or nearly so.

Owns the comparison; offsets count code points. Knows no model: a value may come from anywhere.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from playground.text.dates import Date, dates
from playground.text.numbers import numbers
from playground.text.scripts import is_unspaced

How = Literal["exact", "normalised", "number", "date", "fuzzy", "none"]
MOST_PLACES = 500
LEAST_FUZZY_LETTERS = 6
FUZZY_RATIO = 0.84
MOST_FUZZY_WINDOWS = 400
_WORD = re.compile(r"[^\W_]+")
_SAME_LETTERS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "‐": "-", "−": "-"}
)
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")


@dataclass(frozen=True)
class Found:
    """(start, end) of every place where a value stands, and how it was found; ("none", ()) where it does not."""

    how: How
    spans: tuple[tuple[int, int], ...] = ()


class TextPlaces:
    """A text in which values are looked up. Built once for all of them; safe in several threads."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, value: str) -> Found:
        """Where `value` stands; the strictest comparison that finds it decides."""
        value = value.strip()
        if not value:
            return Found("none")
        ways: tuple[tuple[How, Iterator[tuple[int, int]]], ...] = (
            ("exact", _occurrences(self.text, value)),
            ("normalised", self._normalised(value)),
            ("date", self._same_date(value)),
            ("number", self._same_number(value)),
            ("fuzzy", self._nearly(value)),
        )
        for how, found in ways:
            spans = tuple(span for span, _ in zip(found, range(MOST_PLACES), strict=False))
            if spans:
                return Found(how, spans)
        return Found("none")

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        return _fold(self.text)

    @cached_property
    def _dates(self) -> tuple[Date, ...]:
        return dates(self.text)

    @cached_property
    def _words(self) -> list[tuple[str, int, int]]:
        """Folded words with their places; letters one by one where no blanks are written."""
        return list(_words(self.text))

    def _normalised(self, value: str) -> Iterator[tuple[int, int]]:
        folded, places = self._folded
        needle = _fold(value)[0].strip()
        for start, end in _occurrences(folded, needle) if needle else ():
            yield places[start], places[end - 1] + 1

    def _same_date(self, value: str) -> Iterator[tuple[int, int]]:
        own = dates(value)
        if len(own) != 1 or _letters(value[: own[0].start] + value[own[0].end :]) or (0, 0, 0) in own[0].meanings:
            return
        for date in self._dates:
            if date.same(own[0]):
                yield date.start, date.end

    def _same_number(self, value: str) -> Iterator[tuple[int, int]]:
        own = numbers(value)
        if len(own) != 1 or dates(value):
            return
        rest = _letters(value[: own[0].start] + value[own[0].end :])
        for number in numbers(self.text):
            beside = self.text[number.end : number.end + 24] + self.text[max(0, number.start - 8) : number.start]
            if number.values & own[0].values and (not rest or rest[:3] in _letters(beside)):
                yield number.start, number.end

    def _nearly(self, value: str) -> Iterator[tuple[int, int]]:
        """The one stretch of as many words that is most like the value."""
        own = [word for word, _, _ in _words(value)]
        joined = " ".join(own)
        if len(joined) < LEAST_FUZZY_LETTERS or not any(map(str.isalpha, joined)):
            return
        wanted = set(own) | {word[:4] for word in own if len(word) > 4}
        begins = [
            index for index, (word, _, _) in enumerate(self._words) if word in wanted or word[:4] in wanted
        ]  # fmt: skip
        best, place = FUZZY_RATIO, None
        for index in begins[:MOST_FUZZY_WINDOWS]:
            for first in {max(0, index - shift) for shift in range(min(len(own), 3))}:
                window = self._words[first : first + len(own)]
                ratio = difflib.SequenceMatcher(None, joined, " ".join(word for word, _, _ in window)).ratio()
                if ratio > best:
                    best, place = ratio, (window[0][1], window[-1][2])
        if place is not None:
            yield place


def _occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Every (start, end) of `value` that cuts no word and no number in two."""
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if not (_joined(text, at) or _joined(text, end)):
            yield at, end
        at = text.find(value, end)


def _joined(text: str, place: int) -> bool:
    """Whether the letters before and behind a place belong together."""
    if place in (0, len(text)):
        return False
    before, behind = text[place - 1], text[place]
    if unicodedata.category(behind).startswith("M") or behind == "\u200d" or before == "\u200d":
        return True
    if not (before.isalnum() and behind.isalnum()):
        # 1,840: neither 840 nor 1 stands there
        inside = before in ".," and behind.isdigit() and place > 1 and text[place - 2].isdigit()
        return inside or (behind in ".," and before.isdigit() and text[place + 1 : place + 2].isdigit())
    if is_unspaced(before) or is_unspaced(behind):
        return False
    return before.isdigit() == behind.isdigit()


def _fold(text: str) -> tuple[str, list[int]]:
    """Without case and width, runs of blanks as one (none between letters of Chinese), one kind of quotation marks and
    dashes; and the place of each letter in the text."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if letter in _INVISIBLE:
            continue
        if letter.isspace():
            if letters and letters[-1] != " " and not is_unspaced(letters[-1]):
                letters.append(" ")
                places.append(place)
            continue
        if letters and letters[-1] == " " and is_unspaced(letter):
            letters.pop()
            places.pop()
        for folded in unicodedata.normalize("NFKC", letter).translate(_SAME_LETTERS).casefold():
            letters.append(folded)
            places.append(place)
    return "".join(letters), places


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _WORD.finditer(text):
        if is_unspaced(match[0][0]):
            for place, letter in enumerate(match[0], match.start()):
                yield letter, place, place + 1
        else:
            yield unicodedata.normalize("NFKC", match[0]).casefold(), match.start(), match.end()


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text)).casefold()
