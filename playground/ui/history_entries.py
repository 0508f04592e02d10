"""Entries of one task in the history, as a page asks for them: the list, one of them, putting away, bringing back.

Owns that an entry is shown to its owner alone, and as an entry of its own task alone. Knows no task's contents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.errors import NotFound
from playground.history.rows import RunRow
from playground.history.store import HistoryStore

PAGE_ENTRIES, MOST_ENTRIES = 30, 1000

OwnerOf = Callable[[gr.Request], str]


class HistoryEntries:
    """The entries of `task`. `owner_of` tells whose request it is; `not_yours` is said of an entry that a visitor does
    not have; `listed` makes of a row what the list shows."""

    def __init__(
        self,
        history: HistoryStore,
        owner_of: OwnerOf,
        *,
        task: str,
        not_yours: str,
        listed: Callable[[RunRow], dict[str, Any]],
    ) -> None:
        self._history, self._owner_of = history, owner_of
        self._task, self._not_yours, self._listed = task, not_yours, listed

    def row(self, owner: str, entry_id: str) -> RunRow:
        """A visitor's own entry. Raises NotFound."""
        try:
            row = self._history.get_run(owner, entry_id)
        except NotFound as error:
            raise NotFound(self._not_yours) from error
        if row.task != self._task:
            raise NotFound(self._not_yours)
        return row

    def newest(self, data: dict[str, Any], request: gr.Request) -> tuple[list[dict[str, Any]], bool]:
        """The visitor's entries, newest first, as many as the page asks for; and whether there are more."""
        limit = min(max(int(data.get("limit") or 0), PAGE_ENTRIES), MOST_ENTRIES)
        rows = self._history.list_runs(self._owner_of(request), task=self._task, limit=limit + 1)
        return [self._listed(row) for row in rows[:limit]], len(rows) > limit

    def put_away(self, data: dict[str, Any], request: gr.Request) -> tuple[str, str]:
        """Delete an entry until `bring_back`; (owner, id) of it. Raises NotFound."""
        owner, entry_id = self._owner_of(request), str(data.get("id"))
        self.row(owner, entry_id)
        self._history.delete_run(owner, entry_id)
        return owner, entry_id

    def bring_back(self, data: dict[str, Any], request: gr.Request) -> None:
        """Undo a deletion."""
        self._history.restore_run(self._owner_of(request), str(data.get("id")))
