"""The form of an answer: a JSON list of words of the text, or of things to choose from, and nothing else.

Owns the grammars and how an answer in them is read, also one that was cut short. Knows no prompt and no schema.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from playground.messages import Token
from playground.text.verbatim import chunks, copy_rule

LONGEST_VALUE = 100
"""Characters; a clause, not a paragraph."""
LONGEST_NAME = 60
LONGEST_LAST_WORD = 31
_BREAK = re.compile(r"[^\S\n]*\n(?!\s*\n)[^\S\n]*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_INNER = r'(?:[^\\\n]|\\")'
"""A character between quotation marks; line breaks, which JSON writes with a backslash, end a value."""


@dataclass(frozen=True)
class Said:
    """One value of an answer; `sure` is the probability, 0 to 1, that the model gives it among all it could say."""

    text: str
    sure: float


def can_copy(text: str, *, names: bool = False) -> bool:
    """Whether `copied` has anything to copy: a form that nothing fits would break off every answer."""
    return any(_is_value(chunk, names) for chunk in set(chunks(text)))


def copied(text: str, most: int, *, names: bool = False) -> str:
    """Up to `most` stretches of `text`; `names`: only such as begin and end like a name, where letters have cases.

    There has to be one: see `can_copy`.
    """
    rule = copy_rule(_BREAK.sub(" ", text), quoted=True)
    return _list("VALUE", most) + f"\nVALUE: {rule} & /{_shape(names)}/"


def chosen(options: Sequence[str], most: int) -> str:
    """Up to `most` of `options`."""
    # No grammar can be written with a control character in it.
    shown = ["".join(filter(str.isprintable, one)) for one in options]
    quoted = [json.dumps(json.dumps(one, ensure_ascii=False)[1:-1], ensure_ascii=False) for one in shown]
    return _list("value", most) + "\nvalue: " + " | ".join(dict.fromkeys(quoted))


def read(answer: str, tokens: Sequence[Token] = ()) -> tuple[Said, ...]:
    """The values that are complete in an answer, each once; `tokens` are those of which it consists."""
    found: dict[str, Said] = {}
    for match in _STRING.finditer(answer):
        try:
            value = " ".join(json.loads(f'"{match[1]}"').split())
        except ValueError:
            continue
        if value:
            found.setdefault(value.casefold(), Said(value, _probability(match.start(), match.end(), tokens)))
    return tuple(found.values())


def repeats(answer: str) -> bool:
    """Whether a value has come for the second time: small models then go round in circles."""
    values = [match[1].casefold() for match in _STRING.finditer(answer)]
    return len(set(values)) < len(values)


def _list(value: str, most: int) -> str:
    item = f'"\\"" {value} "\\""'
    more = f' ("," " "? item){{0,{most - 1}}}' if most > 1 else ""
    return f'start: "[" (item{more})? "]"\nitem: {item}'


def _shape(names: bool) -> str:
    """What a value looks like: it begins and ends with no blank and no comma."""
    if not names:
        return rf"[^\\\s,;:.!?)，。；：]({_INNER}{{0,{LONGEST_VALUE - 2}}}[^\\\s,;:(，。；：])?"
    # Names of scripts without capitals (Lo: Chinese, Arabic) may be anything; small words stand only inside a name.
    first, last = r"[\p{Lu}\p{Lt}\p{Lo}\p{Nd}]", r"[\p{Lu}\p{Lt}\p{Lo}\p{Nd}][^\\\s,;:()，。；：]{0,30}"
    return rf"(({first}{_INNER}{{0,{LONGEST_NAME - 32}}}[ ’'-])?{last}|{first}[\p{{Lo}}\p{{Nd}}·]{{0,30}})"


def _is_value(chunk: str, names: bool) -> bool:
    """Whether a word alone is a value."""
    if not names:
        return chunk.isalnum() and len(chunk) < LONGEST_VALUE
    begins = unicodedata.category(chunk[0]) in ("Lu", "Lt", "Lo", "Nd")
    return begins and chunk.isalnum() and len(chunk) <= LONGEST_LAST_WORD


def _probability(start: int, end: int, tokens: Sequence[Token]) -> float:
    """That of the tokens which have a part in characters `start` to `end` of the answer; 1 where none is known."""
    total, at = 0.0, 0
    for token in tokens:
        if at < end and at + len(token.text) > start and token.logprob is not None:
            total += token.logprob
        at += len(token.text)
    return math.exp(total)
