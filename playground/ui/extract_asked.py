"""What a visitor or a program asks to have extracted: a text, and the columns that are wanted.

Owns how untrusted values become a request. Knows no model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.extraction import ExtractionRequest
from playground.tasks.extraction_schema import FIELD_TYPES, FORM_TYPES, MOST_FIELDS, PRESETS, schema_json, schema_of
from playground.ui.source_texts import check_length, name_in

MOST_COLUMN_CHARACTERS = 2_000_000
USUAL = "overview"
"""What is looked for where nothing else is said: people, places, dates, amounts, ways to get in touch."""


@dataclass(frozen=True)
class Asked:
    """A table that is wanted; `name` is that of the file or the address where the text comes from, "" for none."""

    request: ExtractionRequest
    name: str = ""


def asked_of(values: Mapping[str, Any], *, shared: bool) -> Asked:
    """What a page asks for. Raises InvalidInput."""
    text = str(values.get("text") or "").replace("\r\n", "\n").replace("\r", "\n")
    check_length(text, shared=shared)
    return Asked(ExtractionRequest(text, schema_of(values.get("schema") or USUAL)), name_in(values))


def request_of_program(text: str, fields: Any, rows: bool) -> ExtractionRequest:
    """What a program asks for: `fields` are JSON, already read or not, the name of a preset, or names with commas.
    Raises InvalidInput."""
    given = fields
    if isinstance(fields, str):
        written = fields.strip()
        if written[:1] in ("[", "{"):
            try:
                given = json.loads(written)
            except (ValueError, RecursionError) as error:
                raise InvalidInput("The fields are no valid JSON. Check the quotation marks and commas.") from error
        elif not written or written.casefold() in PRESETS:
            given = written or USUAL
        else:
            given = [name.strip() for name in written.split(",")]
    if isinstance(given, list):
        given = {"fields": given, "rows": rows}
    return ExtractionRequest(text, schema_of(given or USUAL))


def read_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns in `content`, the text of a JSON file. Raises InvalidInput."""
    content = str(values.get("content") or "")
    try:
        given = json.loads(content) if len(content) <= MOST_COLUMN_CHARACTERS else None
    except (ValueError, RecursionError):
        given = None
    if isinstance(given, Mapping) and isinstance(given.get("schema"), Mapping):
        given = given["schema"]  # of a saved table
    if not isinstance(given, Mapping | list):
        raise InvalidInput("This file holds no columns. Choose a JSON file that was saved here.")
    return schema_json(schema_of(given))


def choices_view() -> dict[str, Any]:
    """What a page offers: presets, types of columns, and which of them need no model."""
    return {
        "presets": [schema_json(schema) for schema in PRESETS.values()],
        "types": list(FIELD_TYPES),
        "formTypes": list(FORM_TYPES),
        "mostFields": MOST_FIELDS,
    }
