"""Tables that are being made: each on a thread of its own, watched and stopped by the page that asked for it.

Owns what a page may see of one. Must not know how a run is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from playground.engine.engine import Engine
from playground.messages import Progress
from playground.tasks.extraction import Extractor
from playground.tasks.extraction_events import Event, Filled, Finished, Table, Waiting
from playground.ui.extract_asked import Asked
from playground.ui.extract_view import page_view
from playground.ui.page_jobs import TaskJobs
from playground.ui.source_texts import Places

LOOK_EVERY_S = 0.1

Finish = Callable[["ExtractJob", Table], str]
"""Keeps a finished table; the id of its run."""


@dataclass(eq=False)
class ExtractJob:
    """A table in the making. Written by its own thread, read by anybody."""

    owner: str
    page: str
    sequence: int
    language: str
    asked: Asked
    phase: str = "starting"
    """"starting", "waiting" and "reading" as the engine says, "looking" while cells are filled."""
    waiting: Progress | None = None
    done: int = 0
    total: int = 0
    table: Table | None = None
    news: int = 0
    """Counts up whenever the table has changed."""
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def places(self) -> Places:
        """Of the text."""
        return Places(self.asked.request.text)

    def hear(self, event: Event) -> None:
        """Take in what the extractor tells."""
        if isinstance(event, Waiting):
            self.waiting = event.progress
            if self.done == 0 and event.progress.phase in ("waiting", "reading"):
                self.phase = event.progress.phase
        elif isinstance(event, Filled):
            self.waiting, self.phase = None, "looking"
            self.done, self.total = event.done, event.total
            if self.table is None or event.table.rows != self.table.rows:
                self.news += 1
            self.table = event.table

    def progress(self) -> dict[str, Any]:
        """How far it is; small, whatever the length of the text."""
        waiting = self.waiting
        return {
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "ahead": waiting.ahead if waiting is not None and waiting.phase == "waiting" else 0,
            "read": waiting.done_tokens if waiting is not None else 0,
            "to_read": waiting.total_tokens if waiting is not None else 0,
            "news": self.news,
            "stopping": self.cancel.is_set(),
        }

    def tell(self) -> dict[str, Any]:
        """The table so far."""
        table = self.table
        return {"news": self.news, "table": page_view(table, self.places) if table is not None else None}


class ExtractJobs(TaskJobs[ExtractJob]):
    """Starts and stops tables; a page makes one at a time. Thread-safe."""

    name = "extract"
    many = "Many texts are being looked into on this machine. Try again in a minute."
    several = "Several of your texts are being looked into already. Wait for one of them."

    def __init__(self, engine: Engine, extractor: Extractor, finish: Finish) -> None:
        self._engine, self._extractor, self._finish = engine, extractor, finish
        super().__init__()

    def _make(self, job: ExtractJob) -> None:
        try:
            if job.asked.request.schema.needs_model:
                while self._engine.state.phase == "opening" and not job.cancel.wait(LOOK_EVERY_S):
                    pass
            for event in self._extractor.extract(job.asked.request, cancel=job.cancel, owner=job.owner):
                if isinstance(event, Finished):
                    job.run_id = self._finish(job, event.table)
                job.hear(event)
        except Exception:
            if job.table is not None and any(cell for row in job.table.rows for cell in row):
                job.run_id = self._finish(job, job.table)  # what rules have found, and the model until then
            raise
