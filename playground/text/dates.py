"""Dates in a text, in the usual formats of English, Chinese, German, French and Spanish, and which are the same.

Pure text, offsets in code points. 3/4/2025 stays both, the third of April and the fourth of March: nobody can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from playground.text.number_words import CHINESE_DIGITS, MONTH, chinese_value

_SHORT_MONTH = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11,
    "dec": 12, "mär": 3, "okt": 10, "dez": 12, "févr": 2, "avr": 4, "juil": 7, "déc": 12, "ene": 1, "abr": 4, "ago": 8,
    "dic": 12,
}  # fmt: skip
_WEEKDAY = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|"
    "sonnabend|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|"
    "sábado|domingo"
)
_NEAR_DAY = "today|tomorrow|yesterday|tonight|heute|gestern|übermorgen|aujourd['’]hui|demain|mañana|ayer"
_AMBIGUOUS = ("may", "march", "mars", "mar", "dic", "sep", "dec")
"""Words that are months only with a capital letter."""
_BEFORE = (
    "in|im|by|of|en|de|since|until|till|from|before|after|during|between|and|seit|ab|bis|vor|nach|von|ende|anfang|mitte|"
    "last|next|this|early|late|depuis|dans|desde|hasta|summer|winter|spring|autumn|fall|sommer|frühling|herbst|jahr|year"
)
_LONG = "|".join(sorted(MONTH, key=len, reverse=True))
_MONTH = rf"(?:{_LONG}|(?:{'|'.join(sorted(_SHORT_MONTH, key=len, reverse=True))})\.?)(?![^\W\d_])"
_DAY = r"(?:[12]\d|3[01]|0?[1-9])(?!\d)"
_YEAR = r"(?:1[0-9]{3}|20\d\d)(?!\d)"
_HAN = "[〇零一二三四五六七八九十]"
_WITH_DAY = rf"(?:(?<!\w)(?:{_WEEKDAY}),?\s+(?:(?:den|dem|the|el|le)\s+)?)?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w.-])(?P<y>\d{{4}})[-/.](?P<m>0?[1-9]|1[0-2])[-/.](?P<d>{_DAY})(?![\w-])",
        r"(?<![\w./-])(?P<a>\d{1,2})(?P<s>[./-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d\d)(?![\w/-])",
        rf"{_WITH_DAY}(?<![\w.,])(?P<d>{_DAY})(?:st|nd|rd|th|er|\.)?\s*(?:of\s+|de\s+)?(?P<month>{_MONTH})"
        rf"(?:,?\s*(?:de\s+|del\s+)?(?P<y>{_YEAR}))?",
        rf"{_WITH_DAY}(?<!\w)(?P<month>{_MONTH})\s+(?P<d>{_DAY})(?:st|nd|rd|th)?(?![.,:]?\d)(?:,?\s+(?P<y>{_YEAR}))?",
        rf"(?<!\w)(?P<month>{_MONTH}),?\s+(?:de\s+|del\s+)?(?P<y>{_YEAR})",
        rf"(?P<y>\d{{4}}|[〇零一二三四五六七八九]{{4}})\s*年(?:\s*(?P<m>\d{{1,2}}|{_HAN}{{1,3}})\s*月"
        rf"(?:\s*(?P<d>\d{{1,2}}|{_HAN}{{1,3}})\s*[日号號])?)?",
        rf"(?<![\d年])(?P<m>\d{{1,2}}|{_HAN}{{1,2}})\s*月\s*(?P<d>\d{{1,2}}|{_HAN}{{1,3}})\s*[日号號]",
        r"(?<![\w.])(?P<d>[12]\d|3[01]|0?[1-9])\.\s?(?P<m>0?[1-9]|1[0-2])\.(?!\d)",
        rf"(?<!\w)(?:{_BEFORE})\s+(?P<only>(?P<month>{_MONTH}))",
        rf"(?:(?<!\w)(?:{_BEFORE})\s+|\()(?P<only>(?P<y>{_YEAR}))(?![.,:]\d|\s?[%€$£])",
        rf"(?<!\w)(?:{_WEEKDAY}|{_NEAR_DAY})(?!\w)",
        r"(?:[上下本这每]?(?:周|星期|礼拜)[一二三四五六日天末])|今天|明天|昨天|后天|前天|今日|明日|昨日",
    )
)


@dataclass(frozen=True)
class Date:
    """A date as written, `text[start:end]`, and what it may mean: (year, month, day), each 0 where it is not said."""

    text: str
    start: int
    end: int
    meanings: frozenset[tuple[int, int, int]]

    def same(self, other: Date) -> bool:
        """Whether both may be the same day, month or year; what one of them leaves open does not part them."""
        for one in self.meanings:
            for two in other.meanings:
                both = [(first, second) for first, second in zip(one, two, strict=True) if first and second]
                if both and all(first == second for first, second in both) and len(both) >= _said(one, two):
                    return True
        return False


def dates(text: str) -> tuple[Date, ...]:
    """The dates of a text from left to right; where two overlap, the longer one."""
    found: list[Date] = []
    taken: list[tuple[int, int]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("only") if "only" in pattern.groupindex else match.span()
            if any(start < last and first < end for first, last in taken):
                continue
            meanings = frozenset(_meanings(match.groupdict()))
            if meanings:
                found.append(Date(text[start:end], start, end, meanings))
                taken.append((start, end))
    return tuple(sorted(found, key=lambda date: date.start))


def _said(one: tuple[int, int, int], two: tuple[int, int, int]) -> int:
    """How many parts must agree: all that the vaguer of two dates has."""
    return min(sum(map(bool, one)), sum(map(bool, two)))


def _meanings(parts: dict[str, str | None]) -> Iterator[tuple[int, int, int]]:
    """Every (year, month, day) that the parts of a match can mean; (0, 0, 0) for the name of a day."""
    year = _year(parts.get("y"))
    if parts.get("a"):
        first, second = int(parts["a"] or 0), int(parts["b"] or 0)
        if 1 <= second <= 12 and 1 <= first <= 31:
            yield year, second, first
        if 1 <= first <= 12 and 1 <= second <= 31 and parts.get("s") != ".":
            yield year, first, second
        return
    month, day = _number(parts.get("m")), _number(parts.get("d"))
    word = parts.get("month")
    if word:
        folded = word.casefold().rstrip(".")
        if folded in _AMBIGUOUS and not word[0].isupper():
            return
        month = MONTH.get(folded) or _SHORT_MONTH.get(folded, 0)
    if month <= 12 and day <= 31:
        yield year, month, day


def _year(written: str | None) -> int:
    year = _number(written)
    return year + 2000 if written is not None and len(written) == 2 else year


def _number(written: str | None) -> int:
    if not written:
        return 0
    return chinese_value(written) if written[0] in CHINESE_DIGITS or written[0] == "十" else int(written)
