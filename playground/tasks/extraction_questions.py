"""Which question fills a cell: the passage, the words, the examples and the form of the answer.

Owns how a column becomes a question. Knows no engine; whoever asks gets plain questions.
"""

from __future__ import annotations

import re
from typing import Literal

from playground.tasks.extraction_answers import Question
from playground.tasks.extraction_grammar import can_copy, chosen, copied
from playground.tasks.extraction_prompts import Kind, wording
from playground.tasks.extraction_schema import CHOICE_TYPES, FORM_TYPES, Field
from playground.text.usual_formats import spot

MOST_VALUES = 20
"""In one answer."""
_TOKENS_A_VALUE, _TOKENS_A_LIST = 40, 240
_PEOPLE = re.compile(
    r"\b(?:persons?|people|who|names?|personen|wer|personnes?|personas?)\b|人物|人名|姓名|谁", re.IGNORECASE
)
_PLACES = re.compile(
    r"\b(?:places?|where|towns?|city|cities|countr(?:y|ies)|locations?|orte?|wo|lieux?|lugares?)\b|地点|地方|地名|城市",
    re.IGNORECASE,
)
_ROLES = re.compile(
    r"role|job|office|work|profession|position|title|relation|beruf|rolle|amt|身份|职|角色|关系", re.IGNORECASE
)
_NEITHER = re.compile(r"compan|office|organi[sz]|address|firm|机构|公司|单位|地址", re.IGNORECASE)


def names_of(field: Field) -> Literal["people", "places"] | None:
    """Whether a column is one of names of people, or of places."""
    if field.type != "name":
        return None
    for said in (field.name, field.description):
        if _NEITHER.search(said):
            return None
        if _PEOPLE.search(said):
            return "people"
        if _PLACES.search(said):
            return "places"
    return None


def about_text(field: Field, passage: str, code: str) -> Question | None:
    """What a column says of a passage as a whole; None where the passage can hold nothing of its type."""
    return _question(field, names_of(field) or "value", passage, code)


def is_role(field: Field, key_field: Field) -> bool:
    """Whether a column is for what the people are that there are rows for."""
    return bool(_ROLES.search(field.name)) and field.type == "text" and names_of(key_field) == "people"


def about_key(field: Field, key_field: Field, key: str, passage: str, code: str) -> Question | None:
    """What a column says of `key` in the passage around it; None where the passage can hold nothing of its type."""
    kind: Kind = "cell"
    if key_field.type == "date":
        kind = "date"
    elif key_field.type in ("amount", "number"):
        kind = "amount"
    elif is_role(field, key_field):
        kind = "role"
    return _question(field, kind, passage, code, key)


def options_of(field: Field, passage: str) -> tuple[str, ...] | None:
    """The only values that a cell can have in a passage; None for any words of it."""
    if field.type in CHOICE_TYPES:
        return field.options
    if field.type not in FORM_TYPES:
        return None
    return tuple(dict.fromkeys(" ".join(one.text.split()) for one in spot(passage, field.type)))


def _question(field: Field, kind: Kind, passage: str, code: str, key: str = "") -> Question | None:
    words = wording(code)
    wanted = words.wanted(field.name, field.description)
    most = MOST_VALUES if field.many else 1
    tokens = _TOKENS_A_LIST if field.many else _TOKENS_A_VALUE
    options = options_of(field, passage)
    if options is None:
        messages = words.question(kind, passage, wanted, key)
        # What is asked about is no answer: nothing that holds it can be copied.
        rest = passage.replace(key, "\n\n") if key else passage
        if not can_copy(rest, names=field.type == "name"):
            return None
        grammar = copied(rest, most, names=field.type == "name")
    elif not options:
        return None
    else:
        is_choice = field.type in CHOICE_TYPES
        choice = words.choice(passage, wanted, options, key) if is_choice else None
        messages = choice or words.question(kind, passage, wanted, key)
        grammar = chosen(options, most)
    return Question(messages, grammar, tokens, len(messages) - 1)
