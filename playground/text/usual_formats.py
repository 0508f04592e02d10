"""What a text holds that is found by its form alone: e-mail and web addresses, phone numbers, dates, amounts, numbers.

Pure text, offsets in code points. Knows no model: what stands in an unusual form is not found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from playground.text.dates import dates
from playground.text.masking import PATTERNS
from playground.text.numbers import numbers

KINDS = ("email", "phone", "link", "date", "amount", "number")
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])" + PATTERNS["email"].removeprefix("(?:mailto:)?"))
_LINK = re.compile(PATTERNS["url"])
_AFTER_LINK = ".,;:!?)]}'\"*"
_PHONE = re.compile(r"(?<![A-Za-z0-9_.,/+-])(?:\+|\()?\d(?:[ \u00a0]?[-–/.()]?[ \u00a0]?\d){5,16}(?![A-Za-z0-9_])")
_PHONE_FORMS = re.compile(
    r"\+\d[\d\s()./–-]{6,}|\(?0\d[\d\s()./–-]{5,}|\(\d{2,5}\)[\d\s./–-]{5,}|\d{3}[-. ]\d{3}[-. ]\d{4}|1[3-9]\d{9}"
)
_CALLED = re.compile(
    r"(?:\b(?:tel|telephone|phone|call|ring|mobile|cell|fax|telefon|fon|mobil|handy|anruf|rufnummer|tél|téléphone|teléfono|"
    r"contact|hotline)\b|电话|電話|手机|手機|热线|传真|致电|联系)[^\n\d]{0,30}$",
    re.IGNORECASE,
)
_SIGN = r"(?:US\$|[€$£¥￥₹₩]|(?:EUR|USD|GBP|CHF|CNY|RMB|JPY)\b)"
_SIGN_BEFORE = re.compile(rf"{_SIGN}[ \u00a0]?$")
_SCALE_AFTER = re.compile(r"[ \u00a0]?(?:Mio|Mrd|mill|bn|mn)\b\.?", re.IGNORECASE)
_WORD_UNITS = (
    "dollars?|euros?|pounds?|pence|cents?|francs?|franken|yuan|rupees?|yen|kronor|kroner|zloty|libras?|dólares|livres?|"
    "per ?cent|percent|prozent|pour cent|por ciento|degrees?|grad|"
    "kilomet(?:er|re)s?|kilómetros?|kilomètres?|met(?:er|re)s?|metros?|mètres?|centimet(?:er|re)s?|zentimeter|miles?|feet|"
    "foot|inch(?:es)?|acres?|hectares?|hektar|quadratmeter|lit(?:er|re)s?|gallons?|grams?|gramm|kilograms?|kilogramm|kilos?|"
    "tons?|tonnes?|tonnen|watts?|kilowatt|megawatt|seconds?|sekunden?|minutes?|minuten?|minutos?|hours?|stunden?|heures?|"
    "horas?|days?|tagen?|tage|jours?|días?|weeks?|wochen?|semaines?|semanas?|months?|monaten?|monate|mois|mes(?:es)?|years?|"
    "jahren?|jahre|ans?|années?|años?|people|persons?|personen|personnes|personas|members?|mitglieder|membres|miembros|"
    "passengers?|visitors?|guests?|inhabitants?|einwohner|besucher|gäste|children|students?|employees?"
)
_SHORT_UNITS = (
    "km/h|mph|km²|m²|m³|cm²|km|cm|mm|kWh|MWh|GWh|kW|MW|GW|kB|MB|GB|TB|kg|mg|ml|kHz|MHz|GHz|Hz|ft|lb|lbs|oz|min|hrs?|"
    "[mgltWVA]"
)
_UNIT_AFTER = re.compile(
    rf"[ \u00a0\u202f]?(?:{_SIGN}|°\s?[CF]\b|[%‰°]|(?:{_SHORT_UNITS})(?![^\W\d_])|(?:"
    r"亿|万)?(?:美元|欧元|英镑|日元|港元|人民币|元|块钱|公里|千米|厘米|毫米|平方米|立方米|米|公斤|千克|克|吨|升|小时|分钟|秒|"
    r"天|周|个月|年|岁|人|名|位|户|辆|家|本|件|次))|[ \u00a0\u202f-](?i:" + _WORD_UNITS + r")(?![^\W\d_])"
)  # fmt: skip
_COUNTED_HAN = re.compile(r"[名位](?:乘客|志愿者|学生|成员|游客|员工|居民|老师|代表)")


@dataclass(frozen=True)
class Spotted:
    """`text[start:end]` looks like a `kind`."""

    kind: str
    start: int
    end: int
    text: str


def spot(text: str, kind: str) -> tuple[Spotted, ...]:
    """Everything in a text that has the form of a `kind` (one of KINDS), from left to right; none within another kind.

    A number within a date or an amount is none of its own.
    """
    return tuple(one for one in _spotted(text, KINDS[: KINDS.index(kind) + 1]) if one.kind == kind)


def _spotted(text: str, kinds: Iterable[str]) -> list[Spotted]:
    taken: list[Spotted] = []
    for kind in kinds:
        if kind == "number":  # a number of an amount is a number too
            taken = [one for one in taken if one.kind != "amount"]
        for start, end in _FINDERS[kind](text):
            if start < end and not any(start < one.end and one.start < end for one in taken):
                taken.append(Spotted(kind, start, end, text[start:end]))
    return sorted(taken, key=lambda one: one.start)


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for match in _EMAIL.finditer(text):
        yield match.span()


def _links(text: str) -> Iterator[tuple[int, int]]:
    for match in _LINK.finditer(text):
        yield match.start(), match.start() + len(match[0].rstrip(_AFTER_LINK))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    days = [(date.start, date.end) for date in dates(text)]
    for match in _PHONE.finditer(text):
        start, end = match.span()
        digits = sum(map(str.isdigit, match[0]))
        if any(first < end and start < last for first, last in days) or not 6 <= digits <= 15:
            continue
        usual = digits >= 7 and _PHONE_FORMS.fullmatch(match[0]) is not None
        if usual or _CALLED.search(text, max(0, start - 50), start):
            yield start, end


def _dates(text: str) -> Iterator[tuple[int, int]]:
    for date in dates(text):
        yield date.start, date.end


def _amounts(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _plain_numbers(text):
        before = _SIGN_BEFORE.search(text, max(0, start - 5), start)
        scale = _SCALE_AFTER.match(text, end)
        stop = scale.end() if scale else end
        after = _COUNTED_HAN.match(text, stop) or _UNIT_AFTER.match(text, stop)
        # "1.5 m" of a number with its scale taken in
        own = text[start:end].rstrip().endswith((" m", " b", " k"))
        if before or after or own:
            yield before.start() if before else start, after.end() if after else stop


def _plain_numbers(text: str) -> Iterator[tuple[int, int]]:
    for number in numbers(text):
        if not (number.of_name or number.month):
            yield number.start, number.end


_FINDERS: Mapping[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails, "phone": _phones, "link": _links, "date": _dates, "amount": _amounts, "number": _plain_numbers,
}  # fmt: skip
