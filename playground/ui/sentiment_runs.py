"""Texts that visitors have had judged: the last ones in memory, all of them as entries of the history.

Owns what an entry holds: the text, the verdict and what the page shows of it, also what is found later (tries, other
models). Knows no model; decides nothing about how a text is judged.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.ui.history_entries import HistoryEntries, OwnerOf
from playground.ui.sentiment_view import VERSION

log = logging.getLogger(__name__)

TASK = "sentiment"
MOST_RUNS, MOST_RUNS_OF_OWNER = 200, 20
EXCERPT_CHARACTERS = 320
NOT_YOURS = "This text is not in your list: it was deleted, or it belongs to somebody else."


@dataclass(eq=False)
class SentimentRun:
    """A judged text as the page shows it; `settings` are what was asked for. `view` grows under the runs' lock."""

    owner: str
    id: str
    text: str
    view: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    stored: bool = False


class SentimentRuns:
    """Keeps judged texts, and what the page may ask about them. Thread-safe. `owner_of` tells whose request it is."""

    def __init__(self, history: HistoryStore, owner_of: OwnerOf) -> None:
        self._history, self._owner_of = history, owner_of
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)
        self._runs: OrderedDict[str, SentimentRun] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, owner: str, text: str, view: dict[str, Any], settings: dict[str, Any]) -> SentimentRun:
        """Keep a judged text, also in the history; where that cannot be written to, in memory alone."""
        run_id, stored = secrets.token_urlsafe(12), False
        try:
            row = self._history.add_run(
                owner, TASK, input=text, output=str(view.get("verdict") or ""), settings={**settings, "view": view},
                stats={"seconds": view.get("seconds")},
            )  # fmt: skip
            run_id, stored = row.id, True
        except PlaygroundError as error:
            log.warning("a judged text could not be stored: %s", error)
        run = SentimentRun(owner, run_id, text, view, settings, stored)
        self._keep(run)
        return run

    def grow(self, run: SentimentRun, found: Mapping[str, Any]) -> None:
        """Put what was found later into a run and its entry."""
        with self._lock:
            run.view = {**run.view, **found}
            view = run.view
        if not run.stored:
            return
        try:
            self._history.change_run(
                run.owner, run.id, output=str(view.get("verdict") or ""), settings={**run.settings, "view": view}
            )
        except PlaygroundError as error:  # deleted meanwhile, or a full disk: the page has it all the same
            log.info("a judged text could not be changed: %s", error)

    def open(self, owner: str, run_id: str) -> SentimentRun:
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
            raise InvalidInput("This text was judged by another version of the app. Judge it again.")
        run = SentimentRun(owner, row.id, row.input, view, settings, stored=True)
        self._keep(run)
        return run

    def open_sentiment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole judged text, also one of the history."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        return {**run.view, "text": run.text, "settings": run.settings, "id": run.id, "stored": run.stored}

    def list_sentiments(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's texts, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_sentiment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a text away; `restore_sentiment` brings it back."""
        _, run_id = self._entries.put_away(data, request)
        with self._lock:
            self._runs.pop(run_id, None)
        return {}

    def restore_sentiment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def _keep(self, run: SentimentRun) -> None:
        with self._lock:
            self._runs[run.id] = run
            own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[:-MOST_RUNS_OF_OWNER]:
                del self._runs[old]
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)


def _listed(row: RunRow) -> dict[str, Any]:
    settings = row.settings or {}
    view = settings.get("view") or {}
    shares = (view.get("overall") or {}).get("probabilities") or []
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    return {
        "id": row.id,
        "text": row.input[:EXCERPT_CHARACTERS],
        "label": "" if best is None else view["labels"][best][0],
        "share": 0.0 if best is None else shares[best],
        "model": str(view.get("model") or ""),
        "created_at": row.created_at,
    }
