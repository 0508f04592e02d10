"""Tables that visitors have had made: the last ones in memory, all of them as entries of the history; changes by hand.

Owns what an entry holds: the text, the table as it was found and as it was changed. Knows no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.history.rows import RunRow
from playground.tasks.extraction_events import Table
from playground.ui.extract_saving import plain_text, saved
from playground.ui.extract_view import changed, page_view, preset_of, table_json, table_of
from playground.ui.kept_runs import KeptRuns
from playground.ui.source_texts import Places

EXCERPT_CHARACTERS = 160


@dataclass(frozen=True)
class ExtractRun:
    """A table about a text, as it is now; `found` is how it was before anybody changed it."""

    owner: str
    id: str
    text: str
    table: Table
    found: Table
    settings: dict[str, Any] = field(default_factory=dict)
    stored: bool = False


class ExtractRuns(KeptRuns[ExtractRun]):
    """Keeps tables."""

    task = "extract"
    not_yours = "This table is not in your list: it was deleted, or it belongs to somebody else."

    def store(self, owner: str, text: str, table: Table, settings: dict[str, Any]) -> str:
        """Add an entry to the history; its id, "" where the history cannot be written to."""
        stats = {"parts": len(table.parts), "seconds": round(table.seconds, 2)}
        return self._entry(owner, text, plain_text(table), _settings(settings, table, table), stats=stats)

    def open_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole table, also one of the history; with `whole` its text and settings too."""
        run = self._named(data, request)
        own = {"source": run.text, "settings": run.settings} if data.get("whole") else {}
        return {**_view(run), **own}

    def change_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put the texts of `rows` into a table; what is new in them is looked up in its text."""
        run = self._named(data, request)
        run = replace(run, table=changed(run.table, run.found, run.text, data.get("rows")))
        if run.stored:
            settings = _settings(run.settings, run.table, run.found)
            self._history.change_run(run.owner, run.id, output=plain_text(run.table), settings=settings)
        self.keep(run)
        return _view(run)

    def save_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A table as a file: {"name", "content", "type"}. `form` is "csv" or "json"; `columns` are names to show."""
        run = self._named(data, request)
        return saved(
            run.table, str(data.get("form") or "csv"), data.get("columns"), str(run.settings.get("name") or "")
        )

    def _read(self, owner: str, row: RunRow) -> ExtractRun:
        settings = dict(row.settings or {})
        table = table_of(settings.pop("table", None) or {})
        found = settings.pop("found", None)
        return ExtractRun(owner, row.id, row.input, table, table_of(found) if found else table, settings, stored=True)

    @staticmethod
    def _listed(row: RunRow) -> dict[str, Any]:
        settings = row.settings or {}
        table = settings.get("table") or {}
        try:
            preset = preset_of(table_of(table).schema)
        except PlaygroundError:
            preset = ""
        return {
            "id": row.id,
            "text": row.input[: 2 * EXCERPT_CHARACTERS],
            "found": row.output[:EXCERPT_CHARACTERS],
            "name": str(settings.get("name") or ""),
            "preset": preset,
            "columns": ", ".join(str(one.get("name")) for one in (table.get("schema") or {}).get("fields", ())),
            "model": str(table.get("model") or ""),
            "created_at": row.created_at,
        }


def _view(run: ExtractRun) -> dict[str, Any]:
    return {**page_view(run.table, Places(run.text)), "id": run.id, "stored": run.stored}


def _settings(settings: dict[str, Any], table: Table, found: Table) -> dict[str, Any]:
    was = {} if table is found else {"found": table_json(found)}
    return {**settings, "table": table_json(table), **was}
