"""Numbers, names and dates of a summary that its source does not hold: the cheapest check, and it finds the worst.

Heuristics, so they are hints: a name is a capitalised word (in Chinese and Japanese katakana, Latin letters, what
stands before a title), a date is a month, a weekday or a year. Knows no model and no page; offsets in code points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from playground.text.numbers import Number, numbers

FlagKind = Literal["number", "date", "name"]

_CALENDAR = (
    "january jan janvier enero januar janeiro gennaio", "february feb février fevrier febrero februar fevereiro",
    "march mar mars marzo märz maerz março", "april apr avril abril aprile", "may mai mayo maio maggio",
    "june jun juin junio juni junho giugno", "july jul juillet julio juli julho luglio",
    "august aug août aout agosto", "september sep sept septembre septiembre setembro settembre",
    "october oct octobre octubre oktober outubro ottobre", "november nov novembre noviembre novembro",
    "december dec décembre diciembre dezember dezembro dicembre",
    "monday lundi lunes montag", "tuesday mardi martes dienstag", "wednesday mercredi miércoles mittwoch",
    "thursday jeudi jueves donnerstag", "friday vendredi viernes freitag", "saturday samedi sábado samstag",
    "sunday dimanche domingo sonntag",
)  # fmt: skip
_DATE_WORDS = {word: index for index, names in enumerate(_CALENDAR) for word in names.split()}
_AMBIGUOUS_DATES = {"may", "mar", "mars", "march", "mai", "jan", "sept", "dec", "sep", "nov"}
"""Words that mean something else as well: a date only beside a number."""
_MONTHS = 12
_SAME_PLACES = (
    {"uk", "britain", "british", "briton", "britons", "united", "kingdom", "gb"},
    {"us", "usa", "america", "american", "americans", "united", "states"},
    {"eu", "europe", "european"}, {"un", "united", "nations"},
)  # fmt: skip
_NO_NAMES_TEXT = """
i mr mrs ms dr sir lady lord prof professor president minister prime king queen prince princess st the a an in on at
of for and but or as it he she they we you this that these those his her their after before when while with from to by
if der die das ein eine den dem des le la les el los god ceo tv ok pm am bst gmt internet
"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’.](?=[^\W\d_]))*")
_POSSESSIVE = re.compile(r"['’]s?$")
_STARTS = re.compile(r"(?:^|[.!?:;…\n•*\"“”‘(\[]|^\s*[-–—]|\n\s*[-–—])[\s\"“‘'(\[*]*$")
_KATAKANA = re.compile(r"[ァ-ヺー]{3,}")
_DOTTED_NAME = re.compile(r"[一-鿿]{1,3}(?:[·・][一-鿿]{1,3})+")
_DOT = re.compile(r"(.{1,2})([·・])(.{1,2})")
_TITLED_NAME = re.compile(r"([一-鿿]{2})(?=先生|女士|小姐|教授|博士|总统|總統|总理|总裁|部长|主席|议员|医生|さん|氏)")
_CJK = re.compile(r"[぀-ヿ一-鿿]")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_STEM_LETTERS = 4
_SMALL_COUNT = 12
_TITLE_CASE_SHARE = 0.6
_TITLE_CASE_WORDS = 6


@dataclass(frozen=True)
class Flag:
    """Characters `start` to `end` of a summary say something that its source does not."""

    kind: FlagKind
    text: str
    start: int
    end: int


class SourceFacts:
    """What may stand in a summary of `text`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = text.casefold()

    def invented(self, summary: str, *, names: bool = True, nouns_capitalised: bool = False) -> tuple[Flag, ...]:
        """What `summary` says beyond the source, in order.

        `names=False` for a summary in another language, where names may be written differently.
        `nouns_capitalised` as in German, where a capital letter says little.
        """
        found = [*self._invented_numbers(summary), *self._invented_dates(summary)]
        if names:
            found += self._invented_names(summary, nouns_capitalised)
            found += self._invented_cjk_names(summary)
        return _joined(summary, sorted(set(found), key=lambda flag: (flag.start, flag.end)))

    @cached_property
    def _values(self) -> frozenset[Decimal]:
        return frozenset(value for number in numbers(self._text) for value in number.values)

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_plain(match[0]) for match in _WORD.finditer(self._text))

    @cached_property
    def _stems(self) -> frozenset[str]:
        """The beginnings of the source's capitalised words."""
        capitalised = (_plain(match[0]) for match in _WORD.finditer(self._text) if match[0][0].isupper())
        return frozenset(word[:_STEM_LETTERS] for word in capitalised if len(word) >= _STEM_LETTERS)

    @cached_property
    def _initials(self) -> frozenset[str]:
        """Abbreviations that the source's runs of capitalised words would have: National Health Service -> nhs."""
        runs = re.findall(r"(?:[^\W\d_a-zß-ÿ][\w'’-]*(?:\s+(?:of|for|and|the|de|der|des)\s+|[\s-]+)?){2,8}", self._text)
        found = set()
        for run in runs:
            letters = "".join(word[0] for word in re.findall(r"\w+", run) if word[0].isupper()).casefold()
            found |= {letters[i:j] for i in range(len(letters)) for j in range(i + 2, len(letters) + 1)}
        return frozenset(found)

    @cached_property
    def _dates(self) -> frozenset[int]:
        named = {_DATE_WORDS[word] for word in self._words if word in _DATE_WORDS}
        numeric = re.findall(r"\b(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})\b|(\d{1,2})月", self._text)
        written = {int(digits) - 1 for groups in numeric for digits in groups if digits and int(digits) <= _MONTHS}
        return frozenset(named | written)

    def _invented_numbers(self, summary: str) -> Iterator[Flag]:
        for number in numbers(summary):
            in_digits = any(character.isdigit() for character in number.text)
            counted = not in_digits and min(number.values) <= _SMALL_COUNT
            if counted or number.values & self._values or self._is_rounded(number):
                continue
            kind: FlagKind = "date" if _YEAR.fullmatch(number.text) or _beside_month(summary, number) else "number"
            yield Flag(kind, number.text, number.start, number.end)

    def _is_rounded(self, number: Number) -> bool:
        """The source says it more exactly: 1,234 -> 1,200; 19.6 -> 20 only among the large."""
        for value in number.values:
            digits = len(value.normalize().as_tuple().digits)
            for exact in self._values:
                if exact and digits < len(exact.normalize().as_tuple().digits) and (digits > 1 or value >= 1000):
                    step = Decimal(10) ** (exact.adjusted() - digits + 1)
                    if abs(exact - value) <= step / 2:
                        return True
        return False

    def _invented_dates(self, summary: str) -> Iterator[Flag]:
        for match in _WORD.finditer(summary):
            word = _plain(match[0])
            index = _DATE_WORDS.get(word)
            if index is None or index in self._dates or word in self._words or not match[0][0].isupper():
                continue
            beside_number = re.search(r"\d\W{0,2}$", summary[: match.start()]) or re.match(
                r"\W{0,2}\d", summary[match.end() :]
            )
            if word not in _AMBIGUOUS_DATES or beside_number:
                yield Flag("date", match[0], match.start(), match.end())

    def _invented_names(self, summary: str, nouns_capitalised: bool) -> Iterator[Flag]:
        words = list(_WORD.finditer(summary))
        capitals = [_is_capitalised(match[0]) for match in words]

        def starts(match: re.Match[str]) -> bool:
            return _STARTS.search(summary[: match.start()]) is not None

        if len(words) >= _TITLE_CASE_WORDS and sum(capitals) > _TITLE_CASE_SHARE * len(words):
            return  # a headline in capitals: nothing can be told from them
        for index, match in enumerate(words):
            if not capitals[index] or self._knows(match[0]):
                continue
            follows = index + 1 < len(words) and capitals[index + 1] and _touches(summary, match, words[index + 1])
            first = starts(match)
            if first and not follows:
                continue
            if nouns_capitalised and not follows:
                before = words[index - 1] if index and capitals[index - 1] else None
                if before is None or starts(before) or not _touches(summary, before, match):
                    continue
            yield Flag("name", match[0], match.start(), match.end())

    def _knows(self, name: str) -> bool:
        word = _plain(name)
        if word in self._words or word in _NO_NAMES or word in _DATE_WORDS or len(word) == 1:
            return True
        if len(word) >= _STEM_LETTERS and word[:_STEM_LETTERS] in self._stems:
            return True
        if word in self._initials or any(word in group and group & self._words for group in _SAME_PLACES):
            return True
        return bool(_CJK.search(self._folded)) and word in self._folded

    def _invented_cjk_names(self, summary: str) -> Iterator[Flag]:
        for pattern in (_KATAKANA, _DOTTED_NAME, _TITLED_NAME):
            for match in pattern.finditer(summary):
                # Where a name with a dot begins and ends cannot be seen: what is next to the dot counts.
                dots = _DOT.findall(match[0])
                known = all("".join(dot) in self._text for dot in dots) if dots else match[0] in self._text
                if not known:
                    yield Flag("name", match[0], match.start(), match.end())


def _joined(summary: str, flags: list[Flag]) -> tuple[Flag, ...]:
    """Neighbours of one kind as one: a first name and a surname, a day and a year. None within another."""
    joined: list[Flag] = []
    for flag in flags:
        before = joined[-1] if joined else None
        if before is not None and flag.end <= before.end:
            continue
        if before is not None and flag.kind == before.kind and not summary[before.end : flag.start].strip(" -,"):
            joined[-1] = Flag(flag.kind, summary[before.start : flag.end], before.start, flag.end)
        else:
            joined.append(flag)
    return tuple(joined)


def _plain(word: str) -> str:
    """As words are compared: no case, no possessive, no dots of an abbreviation."""
    return _POSSESSIVE.sub("", word.casefold().replace(".", ""))


def _is_capitalised(word: str) -> bool:
    return word[0].isupper() and _plain(word) not in _NO_NAMES


def _touches(text: str, first: re.Match[str], second: re.Match[str]) -> bool:
    """Nothing but blanks or a hyphen between two words."""
    return not text[first.end() : second.start()].strip(" -‑")


def _beside_month(text: str, number: Number) -> bool:
    around = f"{text[max(0, number.start - 12) : number.start]} {text[number.end : number.end + 12]}"
    return any(_plain(match[0]) in _DATE_WORDS for match in _WORD.finditer(around))
