"""What somebody wants to know of a text: columns with a name, a type and a description, in one row or in many.

Owns the schema, its presets and how it travels as JSON. Knows no model and no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from playground.errors import InvalidInput

FieldType = Literal[
    "text", "name", "number", "amount", "date", "choice", "yes_no", "email", "phone", "link", "sentence"
]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
RULE_TYPES: tuple[FieldType, ...] = ("email", "phone", "link")
"""Found by their form, without a model."""
SENTENCE: FieldType = "sentence"
"""The sentence in which a row's first value stands: needs no model either."""
FORM_TYPES: tuple[FieldType, ...] = (*RULE_TYPES, "date", "amount", "number")
"""Whose candidates are found by their form; which of them is meant says a model, unless all are wanted."""
CHOICE_TYPES: tuple[FieldType, ...] = ("choice", "yes_no")
"""Whose values are not words of the text."""
MOST_FIELDS = 12
MOST_CHOICES = 20
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_CHOICE = 60, 200, 60


@dataclass(frozen=True)
class Field:
    """One column. `many`: a list of values; `every`: all there are of this form (dates, amounts, numbers), by rule."""

    name: str
    type: FieldType = "text"
    many: bool = False
    description: str = ""
    choices: tuple[str, ...] = ()
    every: bool = False

    @property
    def by_rule(self) -> bool:
        """Whether no model is needed to fill it."""
        return self.type in (*RULE_TYPES, SENTENCE) or (self.every and self.type in FORM_TYPES)

    @property
    def options(self) -> tuple[str, ...]:
        """The values to choose from, () where there is no such choice."""
        return ("yes", "no") if self.type == "yes_no" else self.choices if self.type == "choice" else ()


@dataclass(frozen=True)
class Schema:
    """Columns. `rows`: one row for each thing that the first column names (a person, an amount); else a single row."""

    fields: tuple[Field, ...]
    rows: bool = False
    name: str = ""

    @property
    def needs_model(self) -> bool:
        """Whether there is anything to fill that rules do not find."""
        return not all(field.by_rule for field in self.fields)


_PEOPLE = Field("people", "name", many=True, description="every person who is named")
_PLACES = Field(
    "places", "name", many=True, description="every place that is named: towns, countries, streets, buildings"
)
_DATES = Field("dates", "date", many=True, every=True)
_AMOUNTS = Field("amounts", "amount", many=True, every=True)
_WAYS = (
    Field("e-mail", "email", many=True), Field("phone", "phone", many=True), Field("web", "link", many=True),
)  # fmt: skip


def _rows_of(name: str, key: Field, key_name: str, column: Field) -> Schema:
    """One row for each value of `key`, with one more column."""
    return Schema((replace(key, name=key_name, many=False), column), rows=True, name=name)


PRESETS: Mapping[str, Schema] = {
    "overview": Schema((_PEOPLE, _PLACES, _DATES, _AMOUNTS, *_WAYS), name="overview"),
    "people": _rows_of("people", _PEOPLE, "person", Field("role", description="job, office, or relation to somebody")),
    "places": _rows_of("places", _PLACES, "place", Field("what", SENTENCE)),
    "dates": _rows_of("dates", _DATES, "date", Field("what", SENTENCE)),
    "amounts": _rows_of("amounts", _AMOUNTS, "amount", Field("what for", description="what the amount is for")),
    "contact": Schema(
        (
            Field("name", "name", many=True, description="persons, offices or companies that one can write to or call"),
            *_WAYS,
            Field("address", "name", many=True, description="postal addresses: street, number and town"),
        ),
        name="contact",
    ),
}


def schema_of(given: Any) -> Schema:
    """The schema that untrusted values describe: the name of a preset, a list of fields, or
    {"fields": [...], "rows": bool, "name": str}. Raises InvalidInput."""
    if isinstance(given, str):
        return preset(given)
    if isinstance(given, Sequence):
        given = {"fields": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("fields"), list):
        raise InvalidInput("These columns cannot be read. Give a list of fields, each with a name.")
    fields = tuple(_field_of(one) for one in given["fields"] if not _is_blank(one))
    if not fields:
        raise InvalidInput("There is no column yet. Say what you want to know, in a word or two.")
    if len(fields) > MOST_FIELDS:
        raise InvalidInput(f"There are {len(fields)} columns; {MOST_FIELDS} are the most. Take some out.")
    names = [field.name.casefold() for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"Two columns are called “{name}”. Give each a name of its own.")
    rows = bool(given.get("rows"))
    if not rows and any(field.type == SENTENCE for field in fields):
        raise InvalidInput("The sentence around something needs a row for each of these things. Choose that first.")
    if rows:
        if fields[0].type in (*CHOICE_TYPES, SENTENCE):
            raise InvalidInput("The first column says what there is a row for, so it needs words of the text.")
        fields = (replace(fields[0], many=False), *fields[1:])
    return Schema(fields, rows, str(given.get("name") or "").strip()[:LONGEST_NAME])


def preset(name: str) -> Schema:
    """A preset by its name. Raises InvalidInput."""
    found = PRESETS.get(name.strip().casefold())
    if found is None:
        raise InvalidInput(f"There is no preset “{name[:40]}”. Choose one of {', '.join(PRESETS)}.")
    return found


def schema_json(schema: Schema) -> dict[str, Any]:
    """The schema as plain values; `schema_of` reads them again."""
    return {"name": schema.name, "rows": schema.rows, "fields": [_field_json(field) for field in schema.fields]}


def _field_json(field: Field) -> dict[str, Any]:
    return {
        "name": field.name, "type": field.type, "many": field.many, "description": field.description,
        "choices": list(field.choices), "every": field.every,
    }  # fmt: skip


def _is_blank(given: Any) -> bool:
    return isinstance(given, Mapping) and not any(
        str(given.get(part) or "").strip() for part in ("name", "description", "choices")
    )


def _field_of(given: Any) -> Field:
    given = {"name": given} if isinstance(given, str) else given
    if not isinstance(given, Mapping):
        raise InvalidInput("These columns cannot be read. Give a list of fields, each with a name.")
    name = " ".join(str(given.get("name") or "").split())[:LONGEST_NAME]
    if not name:
        raise InvalidInput("A column has no name yet. Give it one, in a word or two.")
    wanted = str(given.get("type") or "text").strip().casefold().replace("-", "_").replace("/", "_").replace(" ", "_")
    kind = cast(FieldType, _OTHER_NAMES.get(wanted, wanted))
    if kind not in FIELD_TYPES:
        raise InvalidInput(f"There is no type “{wanted[:40]}”. Choose one of {', '.join(FIELD_TYPES)}.")
    choices = _choices_of(given.get("choices")) if kind == "choice" else ()
    if kind == "choice" and len(choices) < 2:
        raise InvalidInput(f"“{name}” is a choice and needs at least two things to choose from.")
    return Field(
        name=name, type=kind, many=bool(given.get("many") or given.get("list")) and kind not in CHOICE_TYPES,
        description=" ".join(str(given.get("description") or "").split())[:LONGEST_DESCRIPTION],
        choices=choices, every=bool(given.get("every")) and kind in FORM_TYPES,
    )  # fmt: skip


def _choices_of(given: Any) -> tuple[str, ...]:
    parts = given.replace("，", ",").replace("、", ",").split(",") if isinstance(given, str) else given
    if not isinstance(parts, Sequence):
        return ()
    kept = dict.fromkeys(" ".join(str(part).split())[:LONGEST_CHOICE] for part in parts)
    return tuple(one for one in kept if one)[:MOST_CHOICES]


_OTHER_NAMES = {
    "string": "text", "str": "text", "person": "name", "place": "name", "integer": "number", "int": "number",
    "float": "number", "boolean": "yes_no", "bool": "yes_no", "yesno": "yes_no", "yes_no": "yes_no", "enum": "choice",
    "e_mail": "email", "mail": "email", "telephone": "phone", "url": "link", "web": "link", "money": "amount",
    "quantity": "amount", "datetime": "date",
}  # fmt: skip
"""What else programs may call a type."""
