"""Number words of English, French, German and Spanish, month names, and Chinese numerals, with their values.

Knows no digits. "one", "un", "ein" and 一 are left out: they are articles and parts of other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

UNITS = {
    "en": "- two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen",
    "fr": "- deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit"
    " dix-neuf",
    "de": "- zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn",
    "es": "- dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve",
}
TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "fr": "vingt trente quarante cinquante soixante - quatre-vingts -",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
}
MONTHS = (
    "january february march april may june july august september october november december",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
)
SCALE_WORDS = {
    10**2: "hundred hundreds hundert cent cents cien ciento",
    10**3: "thousand thousands thousandth tausend mille mil milliers",
    10**6: "million millions millionen mio millón millones",
    10**9: "billion billions milliard milliards milliarde milliarden mrd",
    10**12: "trillion trillions billionen billones",
}
SCALES = {word: scale for scale, words in SCALE_WORDS.items() for word in words.split()}
LINKS = frozenset({"and", "et", "und", "y"})
CHINESE_DIGITS = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
CHINESE_SCALES = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
CHINESE = re.compile("[" + "".join([*CHINESE_DIGITS, *CHINESE_UNITS, *CHINESE_SCALES]) + "]{1,24}")
# After a lone Chinese digit these make it a count: 三年, but not 三星.
COUNTED = frozenset("年月日号號个個人名次天岁歲位家种種只間间条條张張部本场場点點分元块塊米周週小")
# A sign or a digit between words ends a number: "three million; two".
WORD_OR_SIGN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\S")


@dataclass(frozen=True)
class Number:
    """A number as written, its offsets in code points, and every value that it may mean (1.000 is 1 or 1000).
    `of_name`: the digits belong to a name (A4); `month`: it is the name of a month."""

    text: str
    start: int
    end: int
    values: frozenset[Decimal]
    of_name: bool = False
    month: bool = False


def small_numbers() -> dict[str, int]:
    """Word or words of a number below 100 -> value."""
    known: dict[str, int] = {}
    for code, words in UNITS.items():
        units = dict(enumerate(words.split(), start=1))
        tens = dict(zip(range(20, 100, 10), TENS[code].split(), strict=True))
        known |= {word: value for value, word in (units | tens).items() if word != "-"}
        for ten, word in tens.items():
            for unit in range(1, 20 if code == "fr" and ten in (60, 80) else 10):
                for joined in compounds(code, word, units[unit] if unit > 1 else ""):
                    known[joined] = ten + unit
    return known | {"veintidós": 22, "veintitrés": 23, "veintiséis": 26}


def compounds(code: str, ten: str, unit: str) -> tuple[str, ...]:
    """How a language joins tens and units; `unit` is empty for one."""
    if code == "en":
        return (f"{ten}-{unit or 'one'}", f"{ten} {unit or 'one'}")
    if code == "fr":
        return (f"{ten.removesuffix('s')}-{unit or 'un'}", f"{ten} et {unit or 'un'}")
    if code == "de":
        return (f"{unit or 'ein'}und{ten}",)
    return (f"veinti{unit or 'uno'}",) if ten == "veinte" else (f"{ten} y {unit or 'uno'}",)


SMALL = small_numbers()
MONTH: dict[str, int] = {word: value for words in MONTHS for value, word in enumerate(words.split(), start=1)}


def word_numbers(text: str) -> Iterator[Number]:
    """Numbers in words ("two hundred and fifty thousand") and month names in capitals ("May" is 5, "may" is not)."""
    found = list(WORD_OR_SIGN.finditer(text))
    words = [match[0].lower() for match in found]
    index = 0
    while index < len(words):
        value, after = phrase(words, index)
        of_digits = words[index] in SCALES and index > 0 and words[index - 1].isdigit()
        if after > index and not of_digits:
            start, end = found[index].start(), found[after - 1].end()
            yield Number(text[start:end], start, end, frozenset({Decimal(value)}))
        elif words[index] in MONTH and (found[index][0][0].isupper() or words[index] not in ("may", "march", "mars")):
            start, end = found[index].span()
            yield Number(found[index][0], start, end, frozenset({Decimal(MONTH[words[index]])}), month=True)
        index = max(after, index + 1)


def phrase(words: list[str], index: int) -> tuple[int, int]:
    """(value, index after the words) of the number that begins at `index`; index itself where there is none."""
    total, current, after_scale = 0, 0, True
    while True:
        skip = 1 if current + total and after_scale and words[index : index + 1] and words[index] in LINKS else 0
        value, length = small(words, index + skip)
        if length and after_scale:
            current, after_scale, index = current + value, False, index + skip + length
            continue
        scale = SCALES.get(words[index], 0) if index < len(words) else 0
        if not scale:
            return total + current, index
        if scale == 100:
            current = max(current, 1) * scale
        else:
            total, current = total + max(current, 1) * scale, 0
        after_scale, index = True, index + 1


def small(words: list[str], index: int) -> tuple[int, int]:
    """(value, number of words) of a number below 100; (0, 0) where there is none."""
    for length in (3, 2, 1):
        value = SMALL.get(" ".join(words[index : index + length]))
        if value is not None and index + length <= len(words):
            return value, length
    return 0, 0


def chinese_numbers(text: str) -> Iterator[Number]:
    """Chinese numerals: 三百万, 二〇二六; a lone digit only where something is counted (三年, 第三)."""
    for match in CHINESE.finditer(text):
        start, end = match.span()
        lone = end - start == 1
        counted = text[end : end + 1] in COUNTED or text[start - 1 : start] == "第"
        after_digits = start > 0 and text[start - 1].isdigit()
        if match[0] == "一" or after_digits or (lone and not counted):
            continue
        yield Number(match[0], start, end, frozenset({Decimal(chinese_value(match[0]))}))


def chinese_value(numeral: str) -> int:
    """The value of a Chinese numeral; digits without units are read one by one."""
    if all(letter in CHINESE_DIGITS for letter in numeral):
        return int("".join(str(CHINESE_DIGITS[letter]) for letter in numeral))
    total, section, digit = 0, 0, 0
    for letter in numeral:
        if letter in CHINESE_DIGITS:
            digit = CHINESE_DIGITS[letter]
        elif letter in CHINESE_UNITS:
            section, digit = section + max(digit, 1) * CHINESE_UNITS[letter], 0
        else:
            total, section, digit = total + max(section + digit, 1) * CHINESE_SCALES[letter], 0, 0
    return total + section + digit
