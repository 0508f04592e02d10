"""A table as plain values: for the history, for a page, for a program, and back.

Places are code points everywhere but in `page_view`, where they are counted as a browser counts letters. Decides
nothing about what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.extraction_events import Cell, Row, Table, Value
from playground.tasks.extraction_schema import PRESETS, Schema, schema_json, schema_of
from playground.tasks.extraction_table import MOST_IN_CELL, MOST_ROWS, Draft
from playground.ui.source_texts import Places

VERSION = 1
"""Of the shape of `table_json`, which is what the history keeps."""
LONGEST_VALUE = 2_000


def table_json(table: Table) -> dict[str, Any]:
    """A table for the history."""
    return {
        "version": VERSION,
        "schema": schema_json(table.schema),
        "rows": [[[_value_json(value) for value in cell] for cell in row] for row in table.rows],
        "parts": [list(part) for part in table.parts],
        "read": [list(part) for part in table.read],
        "cancelled": table.cancelled,
        "seconds": round(table.seconds, 2),
        "model": table.model_name,
        "more": table.more,
    }


def table_of(given: Mapping[str, Any]) -> Table:
    """What `table_json` has made. Raises InvalidInput for what another version of the app has kept."""
    try:
        if given["version"] != VERSION:
            raise ValueError("another version")
        return Table(
            schema=schema_of(given["schema"]),
            rows=tuple(tuple(tuple(_value_of(value) for value in cell) for cell in row) for row in given["rows"]),
            parts=tuple((int(start), int(end)) for start, end in given["parts"]),
            read=tuple((int(start), int(end)) for start, end in given["read"]),
            cancelled=bool(given["cancelled"]),
            seconds=float(given["seconds"]),
            model_name=str(given["model"]),
            more=bool(given["more"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput("This table was made by another version of the app. Look into its text again.") from error


def page_view(table: Table, places: Places) -> dict[str, Any]:
    """A table for the page. `preset` is the preset's name where it is one, else ""."""
    view = table_json(table)
    for row in view["rows"]:
        for cell in row:
            for value in cell:
                value["spans"] = [places.span(*span) for span in value["spans"]]
    for name in ("parts", "read"):
        view[name] = [places.span(*span) for span in view[name]]
    return {**view, "preset": preset_of(table.schema)}


def preset_of(schema: Schema) -> str:
    """The name of the preset that a schema is, "" where it is none."""
    return next((name for name, preset in PRESETS.items() if preset == schema), "")


def endpoint_view(table: Table) -> dict[str, Any]:
    """A table for a program: rows by the names of the columns; `start` and `end` of a value are code points of the
    text, or None where it does not stand there."""
    names = [field.name for field in table.schema.fields]
    rows = [dict(zip(names, map(_cell_json, row), strict=True)) for row in table.rows]
    return {
        "rows": rows,
        "columns": schema_json(table.schema)["fields"],
        "one_row_for_each": names[0] if table.schema.rows else None,
        "model": table.model_name,
        "complete": not table.cancelled and not table.more,
        "parts": len(table.parts),
        "seconds": round(table.seconds, 2),
    }


def changed(table: Table, found: Table, text: str, rows: Any) -> Table:
    """The table with the texts of `rows` (row, cell, value) in place of its own. Values that were found keep what is
    known of them; others were written by hand, and are looked up in the text. Raises InvalidInput."""
    draft = Draft(table.schema, text)
    known = [_known(column, (table, found)) for column in range(len(table.schema.fields))]

    def value_of(column: int, given: Any) -> Value:
        written = " ".join(str(given).split())[:LONGEST_VALUE]
        return known[column].get(written) or draft.ground(written, table.schema.fields[column], "hand")

    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise InvalidInput("This change did not arrive whole. Try again.")
    made: list[Row] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(known) or not all(isinstance(cell, list) for cell in row):
            raise InvalidInput("This change did not arrive whole. Try again.")
        made.append(
            tuple(
                tuple(value_of(column, one) for one in cell[:MOST_IN_CELL] if str(one).strip())
                for column, cell in enumerate(row)
            )
        )
    return Table(
        table.schema, tuple(made), table.parts, table.read, table.cancelled, table.seconds, table.model_name, table.more
    )


def _known(column: int, tables: Sequence[Table]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for table in tables:
        for row in table.rows:
            for value in row[column]:
                found.setdefault(value.text, value)
    return found


def _value_json(value: Value) -> dict[str, Any]:
    return {
        "text": value.text, "spans": [list(span) for span in value.spans], "how": value.how, "origin": value.origin,
        "sure": None if value.sure is None else round(value.sure, 3),
    }  # fmt: skip


def _value_of(given: Mapping[str, Any]) -> Value:
    spans = tuple((int(start), int(end)) for start, end in given["spans"])
    return Value(str(given["text"]), spans, given["how"], given["origin"], given["sure"])


def _cell_json(cell: Cell) -> list[dict[str, Any]]:
    return [
        {
            "text": value.text,
            "start": value.spans[0][0] if value.spans else None,
            "end": value.spans[0][1] if value.spans else None,
            "places": [list(span) for span in value.spans],
            "in_text": value.grounded,
            "found_by": value.origin,
            "sure": None if value.sure is None else round(value.sure, 3),
        }
        for value in cell
    ]
