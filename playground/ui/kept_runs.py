"""What visitors have had made in a tab: the newest in memory, all of it as entries of the history.

Owns how many are held, that each is its owner's alone, and the list, deletion and undo of entries. Must not know what a
run holds.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import gradio as gr

from playground.errors import PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.ui.history_entries import HistoryEntries, OwnerOf

log = logging.getLogger(__name__)

MOST_RUNS, MOST_RUNS_OF_OWNER = 100, 10
MOST_CHARACTERS = 20_000_000
"""Of all texts together that a tab holds in memory."""


class Run(Protocol):
    """Something that was made of a text."""

    @property
    def owner(self) -> str: ...

    @property
    def id(self) -> str: ...

    @property
    def text(self) -> str: ...


RunT = TypeVar("RunT", bound=Run)


class KeptRuns(ABC, Generic[RunT]):
    """The runs of one tab, and what its page may ask about them. Thread-safe. `owner_of` tells whose request it is."""

    task: ClassVar[str]
    not_yours: ClassVar[str]
    """What is said of an entry that a visitor does not have."""

    def __init__(self, history: HistoryStore, owner_of: OwnerOf) -> None:
        self._history, self._owner_of = history, owner_of
        self._entries = HistoryEntries(
            history, owner_of, task=self.task, not_yours=self.not_yours, listed=self._listed
        )  # fmt: skip
        self._runs: OrderedDict[str, RunT] = OrderedDict()
        self._lock = threading.RLock()

    @abstractmethod
    def _read(self, owner: str, row: RunRow) -> RunT:
        """The run that an entry holds. Raises InvalidInput for one that cannot be shown any more."""

    @staticmethod
    @abstractmethod
    def _listed(row: RunRow) -> dict[str, Any]:
        """What the list of entries shows of one."""

    def keep(self, run: RunT) -> RunT:
        """Hold a run in memory; it is here until newer ones need its place."""
        with self._lock:
            self._runs.pop(run.id, None)
            self._runs[run.id] = run
            own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[:-MOST_RUNS_OF_OWNER]:
                del self._runs[old]
            while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self._characters() > MOST_CHARACTERS):
                self._runs.popitem(last=False)
        return run

    def open(self, owner: str, run_id: str) -> RunT:
        """A visitor's own run, from memory or from its entry. Raises NotFound, and InvalidInput for an entry that
        cannot be shown any more."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and run.owner == owner:
                self._runs.move_to_end(run_id)
                return run
            return self.keep(self._read(owner, self._entries.row(owner, run_id)))

    def list_entries(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's entries, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put an entry away; `restore_entry` brings it back."""
        _, run_id = self._entries.put_away(data, request)
        with self._lock:
            self._runs.pop(run_id, None)
        return {}

    def restore_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def _named(self, data: dict[str, Any], request: gr.Request) -> RunT:
        """The run that a page names. Raises what `open` does."""
        return self.open(self._owner_of(request), str(data.get("run", "")))

    def _entry(self, owner: str, text: str, output: str, settings: dict[str, Any], **more: Any) -> str:
        """Add an entry to the history; its id, "" where the history cannot be written to: that costs nobody's work."""
        try:
            return self._history.add_run(owner, self.task, input=text, output=output, settings=settings, **more).id
        except PlaygroundError as error:
            log.warning("an entry of %s could not be stored: %s", self.task, error)
            return ""

    def _characters(self) -> int:
        return sum(len(run.text) for run in self._runs.values())
