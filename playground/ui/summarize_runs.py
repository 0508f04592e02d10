"""Summaries that visitors have had made: the last ones in memory, all of them as entries of the history.

Owns what an entry holds: the text, the summary and what the page shows of it. Knows no model; decides nothing about how
a summary is made.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.ui.history_entries import HistoryEntries, OwnerOf
from playground.ui.summarize_view import VERSION

log = logging.getLogger(__name__)

TASK = "summarize"
MOST_RUNS, MOST_RUNS_OF_OWNER = 100, 10
MOST_CHARACTERS = 20_000_000
"""Of all texts together that are held in memory."""
EXCERPT_CHARACTERS = 160
NOT_YOURS = "This summary is not in your list: it was deleted, or it belongs to somebody else."


@dataclass(frozen=True)
class SummaryRun:
    """A summary as the page shows it (`ui/summarize_view.py`); `settings` are what was asked for."""

    owner: str
    id: str
    text: str
    view: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    stored: bool = False


class SummaryRuns:
    """Keeps summaries, and what the page may ask about them. Thread-safe. `owner_of` tells whose request it is."""

    def __init__(self, history: HistoryStore, owner_of: OwnerOf) -> None:
        self._history, self._owner_of = history, owner_of
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)
        self._runs: OrderedDict[str, SummaryRun] = OrderedDict()
        self._lock = threading.Lock()

    def store(self, owner: str, text: str, view: dict[str, Any], settings: dict[str, Any]) -> str:
        """Add an entry to the history; its id, "" where the history cannot be written to: that costs no summary."""
        try:
            row = self._history.add_run(
                owner, TASK, input=text, output=str(view["text"]), settings={**settings, "view": view},
                stats={"parts": len(view["plan"]["parts"]), "seconds": view["seconds"]},
            )  # fmt: skip
        except PlaygroundError as error:
            log.warning("a summary could not be stored: %s", error)
            return ""
        return row.id

    def keep(self, run: SummaryRun) -> None:
        """Hold a run in memory; it is here until newer ones need its place."""
        with self._lock:
            self._runs.pop(run.id, None)
            self._runs[run.id] = run
            own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[:-MOST_RUNS_OF_OWNER]:
                del self._runs[old]
            while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self._characters() > MOST_CHARACTERS):
                self._runs.popitem(last=False)

    def open(self, owner: str, run_id: str) -> SummaryRun:
        """A visitor's own run, from memory or from its entry. Raises NotFound, and InvalidInput for an entry that
        cannot be shown any more."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and run.owner == owner:
                self._runs.move_to_end(run_id)
                return run
        row = self._entries.row(owner, run_id)
        settings = dict(row.settings or {})
        view = settings.pop("view", None)
        if not isinstance(view, dict) or view.get("version") != VERSION:
            raise InvalidInput("This summary was made by another version of the app. Summarize its text again.")
        run = SummaryRun(owner, row.id, row.input, view, settings, stored=True)
        self.keep(run)
        return run

    def open_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole summary, also one of the history; with `whole` its text and settings too."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        own = {"source": run.text, "settings": run.settings} if data.get("whole") else {}
        return {**run.view, **own, "id": run.id, "stored": run.stored}

    def list_summaries(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's summaries, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a summary away; `restore_summary` brings it back."""
        _, run_id = self._entries.put_away(data, request)
        with self._lock:
            self._runs.pop(run_id, None)
        return {}

    def restore_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def _characters(self) -> int:
        return sum(len(run.text) for run in self._runs.values())


def _listed(row: RunRow) -> dict[str, Any]:
    settings = row.settings or {}
    view = settings.get("view") or {}
    return {
        "id": row.id,
        "text": row.input[: 2 * EXCERPT_CHARACTERS],
        "summary": row.output[:EXCERPT_CHARACTERS],
        "name": str(settings.get("name") or ""),
        "form": str(settings.get("form") or ""),
        "model": str(view.get("model") or ""),
        "created_at": row.created_at,
    }
