"""A table as something to take away: CSV for spreadsheets, JSON for programs, lines of text for the history's search.

Knows no page and no history.
"""

from __future__ import annotations

import json
import re
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.extraction_events import Table
from playground.text.tables import write_table
from playground.ui.extract_view import table_json

BETWEEN = "; "
"""Between several values of one cell."""
_NO_NAME = re.compile(r"[^\w.-]+")


def saved(table: Table, form: str, columns: Any, name: str = "") -> dict[str, Any]:
    """{"name", "content", "type"} of a file. `columns`: names for the columns as the visitor sees them, None for their
    own. Raises InvalidInput for a form that is not there."""
    stem = _NO_NAME.sub("-", name.rsplit(".", 1)[0]).strip("-.")[:60] or "table"
    names = [field.name for field in table.schema.fields]
    if isinstance(columns, list) and len(columns) == len(names):
        names = [" ".join(str(one).split())[:100] or own for one, own in zip(columns, names, strict=True)]
    if form == "csv":
        rows = [[BETWEEN.join(value.text for value in cell) for cell in row] for row in table.rows]
        return {"name": f"{stem}.csv", "content": write_table(names, rows), "type": "text/csv"}
    if form == "json":
        content = json.dumps(table_json(table), ensure_ascii=False, indent=2)
        return {"name": f"{stem}.json", "content": content, "type": "application/json"}
    raise InvalidInput("A table can be saved as CSV or as JSON. Choose one of them.")


def plain_text(table: Table) -> str:
    """The values, a line for each row or, of a single row, for each column."""
    if table.schema.rows:
        return "\n".join(" | ".join(BETWEEN.join(value.text for value in cell) for cell in row) for row in table.rows)
    return "\n".join(
        f"{field.name}: {BETWEEN.join(value.text for value in cell)}"
        for row in table.rows
        for field, cell in zip(table.schema.fields, row, strict=True)
        if cell
    )
