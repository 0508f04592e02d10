"""Tables that visitors have had made: the last ones in memory, all of them as entries of the history; changes by hand.

Owns what an entry holds: the text, the table as it was found and as it was changed. Knows no model.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from playground.errors import PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.tasks.extraction_events import Table
from playground.ui.extract_saving import plain_text, saved
from playground.ui.extract_view import changed, page_view, preset_of, table_json, table_of
from playground.ui.history_entries import HistoryEntries, OwnerOf
from playground.ui.source_texts import Places

log = logging.getLogger(__name__)

TASK = "extract"
MOST_RUNS, MOST_RUNS_OF_OWNER = 100, 10
MOST_CHARACTERS = 20_000_000
"""Of all texts together that are held in memory."""
EXCERPT_CHARACTERS = 160
NOT_YOURS = "This table is not in your list: it was deleted, or it belongs to somebody else."


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


class ExtractRuns:
    """Keeps tables, and what the page may ask about them. Thread-safe. `owner_of` tells whose request it is."""

    def __init__(self, history: HistoryStore, owner_of: OwnerOf) -> None:
        self._history, self._owner_of = history, owner_of
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)
        self._runs: OrderedDict[str, ExtractRun] = OrderedDict()
        self._lock = threading.Lock()

    def store(self, owner: str, text: str, table: Table, settings: dict[str, Any]) -> str:
        """Add an entry to the history; its id, "" where the history cannot be written to: that costs no table."""
        try:
            row = self._history.add_run(
                owner, TASK, input=text, output=plain_text(table), settings=_settings(settings, table, table),
                stats={"parts": len(table.parts), "seconds": round(table.seconds, 2)},
            )  # fmt: skip
        except PlaygroundError as error:
            log.warning("a table could not be stored: %s", error)
            return ""
        return row.id

    def keep(self, run: ExtractRun) -> None:
        """Hold a run in memory; it is here until newer ones need its place."""
        with self._lock:
            self._runs.pop(run.id, None)
            self._runs[run.id] = run
            own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[:-MOST_RUNS_OF_OWNER]:
                del self._runs[old]
            while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self._characters() > MOST_CHARACTERS):
                self._runs.popitem(last=False)

    def open(self, owner: str, run_id: str) -> ExtractRun:
        """A visitor's own run, from memory or from its entry. Raises NotFound, and InvalidInput for an entry that
        cannot be shown any more."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and run.owner == owner:
                self._runs.move_to_end(run_id)
                return run
        row = self._entries.row(owner, run_id)
        settings = dict(row.settings or {})
        table = table_of(settings.pop("table", None) or {})
        found = settings.pop("found", None)
        run = ExtractRun(owner, row.id, row.input, table, table_of(found) if found else table, settings, stored=True)
        self.keep(run)
        return run

    def open_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole table, also one of the history; with `whole` its text and settings too."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        own = {"source": run.text, "settings": run.settings} if data.get("whole") else {}
        return {**_view(run), **own}

    def change_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put the texts of `rows` into a table; what is new in them is looked up in its text."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        run = replace(run, table=changed(run.table, run.found, run.text, data.get("rows")))
        if run.stored:
            settings = _settings(run.settings, run.table, run.found)
            self._history.change_run(run.owner, run.id, output=plain_text(run.table), settings=settings)
        self.keep(run)
        return _view(run)

    def save_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A table as a file: {"name", "content", "type"}. `form` is "csv" or "json"; `columns` are names to show."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        return saved(
            run.table, str(data.get("form") or "csv"), data.get("columns"), str(run.settings.get("name") or "")
        )

    def list_tables(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's tables, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a table away; `restore_table` brings it back."""
        _, run_id = self._entries.put_away(data, request)
        with self._lock:
            self._runs.pop(run_id, None)
        return {}

    def restore_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def _characters(self) -> int:
        return sum(len(run.text) for run in self._runs.values())


def _view(run: ExtractRun) -> dict[str, Any]:
    return {**page_view(run.table, Places(run.text)), "id": run.id, "stored": run.stored}


def _settings(settings: dict[str, Any], table: Table, found: Table) -> dict[str, Any]:
    was = {} if table is found else {"found": table_json(found)}
    return {**settings, "table": table_json(table), **was}


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
