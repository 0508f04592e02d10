"""Large numbers written as the other language counts them, before a model reads the sentence: 400 万 is 4 million.

Small models copy a number well and convert it badly: Chinese counts in 万 (ten thousand) and 亿 (a hundred million),
European languages in thousands and millions. Pure text.
"""

from __future__ import annotations

import re
from decimal import Decimal

from playground.text.numbers import numbers

TEN_THOUSAND, HUNDRED_MILLION = Decimal(10) ** 4, Decimal(10) ** 8
MILLION, BILLION = Decimal(10) ** 6, Decimal(10) ** 9
_COUNTS_IN_TEN_THOUSANDS = ("zh", "ja")
_GREAT_SIGNS = re.compile(r"[0-9一二三四五六七八九十百千两].*[万亿萬億]", re.DOTALL)
_GREAT_WORDS = re.compile(
    r"\b(?:thousand|million|billion|mille|millions?|milliards?|mil|millones|millón|Tausend|Millionen|Milliarden?)\b",
    re.IGNORECASE,
)

_GROUPED = re.compile(r"(?<![\d.,] )(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d.,]?\d| \d)")
"""4 000 000, of which small models make 4, 000, 000 in English."""

_AND_MORE = re.compile(r" ?(?<!\d)(\d+(?:\.\d+)?)\s?[多余]\s?([万亿])")
"""400 多万: somewhat more than 400 万."""


def without_vagueness(text: str) -> str:
    """Chinese numbers that say "and more" in the middle, without it, so that they are read as one number."""
    return _AND_MORE.sub(r" \1 \2", text)


def adapt(text: str, source: str, target: str) -> str:
    """`text` with its large numbers as the target language counts and groups; unchanged where both do alike or in
    doubt."""
    if target == "en":
        text = _GROUPED.sub(lambda found: re.sub(r"\s", ",", found[0]), text)
    from_signs, to_signs = source in _COUNTS_IN_TEN_THOUSANDS, target in _COUNTS_IN_TEN_THOUSANDS
    if from_signs == to_signs:
        return text
    if from_signs:
        text = _AND_MORE.sub(r"超过 \1 \2", text) if source == "zh" else text
    pattern = _GREAT_SIGNS if from_signs else _GREAT_WORDS
    for number in sorted(numbers(text), key=lambda one: one.start, reverse=True):
        if len(number.values) != 1 or not pattern.search(number.text):
            continue
        (value,) = number.values
        written = _with_signs(value) if to_signs else _with_words(value, target)
        if written:
            after = text[number.end :]
            blank = " " if not to_signs and after[:1].isalpha() else ""
            text = f"{text[: number.start]}{written}{blank}{after}"
    return text


def _with_words(value: Decimal, target: str) -> str:
    for size, word in ((BILLION, "billion"), (MILLION, "million")):
        if target == "en" and value >= size and _short(value / size):
            return f"{_short(value / size)} {word}"
    return f"{int(value):,}" if value == value.to_integral_value() else ""


def _with_signs(value: Decimal) -> str:
    for size, sign in ((HUNDRED_MILLION, "亿"), (TEN_THOUSAND, "万")):
        if value >= size and _short(value / size):
            return f"{_short(value / size)}{sign}"
    return ""


def _short(value: Decimal) -> str:
    """The number in few digits, "" where it has many."""
    text = f"{value.normalize():f}"
    return text if len(text.replace(".", "")) <= 4 else ""
