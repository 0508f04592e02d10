"""Numbers in a text and whether two texts say the same ones, whatever the format: 1,000.5 = 1.000,5 = 1 000,5.

Pure text: digits of any script, "1.5 million" and 150万, and through number_words.py also words and 三百.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from decimal import Decimal

from playground.text.number_words import CHINESE_SCALES, CHINESE_UNITS, SCALES, Number, chinese_numbers, word_numbers

# "5 m" may be metres: after one letter both the plain and the scaled value are meant.
SHORT_SCALES = {"k": 10**3, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}
ALL_SCALES = {**SCALES, **SHORT_SCALES, **CHINESE_SCALES, **CHINESE_UNITS}
# A longer run of digits is the name of something, and more than can be calculated with.
MOST_DIGITS = 24
SEPARATORS = ".,'’٬٫．\u00a0\u202f\u2009"
DIGITS = re.compile(rf"\d+(?:(?:[{SEPARATORS}]| (?=\d{{3}}(?!\d)))\d+)*")
LATIN_SCALES = "|".join(sorted({*SCALES, *SHORT_SCALES}, key=len, reverse=True))
SCALE = re.compile(rf"[\s-]?(?:({LATIN_SCALES})(?![^\W\d_])|\s?([万萬亿億千百十]+))", re.IGNORECASE)
DECADE = re.compile(r"['’]?s\b")
AFTERNOON = re.compile(r"(?::\d\d)?\s?p\.?\s?m\b", re.IGNORECASE)


def numbers(text: str, words: bool = True) -> tuple[Number, ...]:
    """The numbers of a text, from left to right; `words` also reads "three", "trois", 三百, "May" (not "one", 一)."""
    found = list(digit_numbers(text))
    if words:
        found += [*word_numbers(text), *chinese_numbers(text)]
    return tuple(sorted(found, key=lambda number: (number.start, -number.end)))


def missing_numbers(source: str, other: str, words: bool = False) -> tuple[str, ...]:
    """Numbers of `source`, as written there, that `other` does not say in any format or word; each once.

    missing_numbers(source, translation) were lost, missing_numbers(summary, source) are invented. `words`: number
    words of the source count as well ("seven" killed). Digits in names (A4, CO2) do not.
    """
    said = {value for number in numbers(other) for value in number.values}
    wanted = [number for number in numbers(source, words) if not number.of_name and not number.month]
    return tuple(dict.fromkeys(number.text for number in wanted if not number.values & said))


def digit_numbers(text: str) -> Iterator[Number]:
    """Numbers in digits with their scale: 1亿2000万 is one number, 12.11.2026 are three."""
    pending: Number | None = None
    for match in DIGITS.finditer(text):
        for start, end, values in readings(match[0]):
            number = scaled(text, match.start() + start, match.start() + end, values)
            # 1亿 2000万: a smaller scale right after a larger one adds to it.
            if pending and pending.end == number.start and max(number.values) < max(pending.values):
                sums = frozenset(max(pending.values) + value for value in number.values)
                pending = Number(text[pending.start : number.end], pending.start, number.end, sums)
                continue
            if pending:
                yield pending
            pending = number
    if pending:
        yield pending


def scaled(text: str, start: int, end: int, values: frozenset[Decimal]) -> Number:
    """The number with the scale word, "pm" or "s" (of a decade) that follows it."""
    if end - start > MOST_DIGITS:
        return Number(text[start:end], start, end, values, of_name=True)
    of_name = start > 0 and text[start - 1].isascii() and text[start - 1].isalpha()
    scale = SCALE.match(text, end)
    if scale:
        word = (scale[1] or scale[2]).lower()
        factor = Decimal(1)
        for part in [word] if scale[1] else word:
            factor *= ALL_SCALES[part]
        plain = values if word in SHORT_SCALES else frozenset()
        both = frozenset(value * factor for value in values) | plain
        return Number(text[start : scale.end()], start, scale.end(), both, of_name)
    if AFTERNOON.match(text, end):
        values |= {value + 12 for value in values if value < 12}
    elif DECADE.match(text, end):
        values |= {value % 100 for value in values}
    return Number(text[start:end], start, end, values, of_name)


def readings(digits: str) -> Iterator[tuple[int, int, frozenset[Decimal]]]:
    """(start, end, values) of what a run of digits and separators means: one number, or several as in a date."""
    groups = [(match.start(), match.end()) for match in re.finditer(r"\d+", digits)]
    parts = [digits[start:end] for start, end in groups]
    separators = [digits[left_end:start] for (_, left_end), (start, _) in itertools.pairwise(groups)]
    values = values_of(parts, separators)
    if values:
        yield 0, len(digits), frozenset(values)
    else:
        for start, end in groups:
            yield start, end, frozenset({Decimal(digits[start:end])})


def values_of(parts: list[str], separators: list[str]) -> set[Decimal]:
    """Every value of digits with separators between them; none where they are no single number."""
    whole = Decimal("".join(parts))
    if not separators:
        return {whole}
    decimal = Decimal("".join(parts[:-1]) + "." + parts[-1])
    values = set()
    if grouped(parts) and len(set(separators)) == 1:
        values.add(whole)
    thousands_before = grouped(parts[:-1]) and len(set(separators[:-1])) <= 1
    if separators[-1] in ".,٫．" and separators[-1] not in separators[:-1] and (thousands_before or len(parts) == 2):
        values.add(decimal)
    return values


def grouped(parts: list[str]) -> bool:
    """Whether digits stand in thousands (1.000.000), or as in India (1,00,000)."""
    middle = {len(part) for part in parts[1:-1]}
    return len(parts) == 1 or (1 <= len(parts[0]) <= 3 and middle <= {2, 3} and len(parts[-1]) == 3)
