"""Questions that are being answered: each on a thread of its own, watched and stopped by the page that asked.

Owns what a page may see of one. Must not know how an answer is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playground.engine.engine import Engine
from playground.messages import Progress
from playground.tasks.asking import Answer, Asker, Event, Finished, Planned, Reading
from playground.tasks.asking_request import AskRequest
from playground.ui.page_jobs import TaskJobs

LOOK_EVERY_S = 0.1

Finish = Callable[["AskJob", Answer], str]
"""Keeps an answer; the id of the run that it belongs to."""


@dataclass(eq=False)
class AskJob:
    """An answer in the making. Written by its own thread, read by anybody."""

    owner: str
    page: str
    sequence: int
    language: str
    request: AskRequest
    name: str = ""
    """Of the file or the address that the text comes from."""
    asked_run: str = ""
    """The run that the page has the text in already."""
    done: int = 0
    total: int = 0
    parts: int = 0
    waiting: Progress | None = None
    best: Answer | None = None
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)

    def hear(self, event: Event) -> None:
        """Take in what the asker tells."""
        if isinstance(event, Planned):
            self.parts, self.total = len(event.parts), len(event.chosen)
        elif isinstance(event, Reading):
            self.done, self.waiting, self.best = event.done, event.progress, event.best

    def progress(self) -> dict[str, Any]:
        """How far it is; small, whatever the length of the text."""
        waiting, best = self.waiting, self.best
        return {
            "phase": waiting.phase if waiting is not None else "writing" if self.total else "starting",
            "done": self.done,
            "total": self.total,
            "parts": self.parts,
            "ahead": waiting.ahead if waiting is not None and waiting.phase == "waiting" else 0,
            "read": waiting.done_tokens if waiting is not None else 0,
            "to_read": waiting.total_tokens if waiting is not None else 0,
            "draft": best.text if best is not None else "",
            "stopping": self.cancel.is_set(),
        }


class AskJobs(TaskJobs[AskJob]):
    """Starts and stops questions; a page asks one at a time. Thread-safe."""

    name = "question"
    many = "Many questions are being answered on this machine. Try again in a minute."
    several = "Several of your questions are being answered already. Wait for one of them."

    def __init__(self, engine: Engine, asker: Asker, finish: Finish) -> None:
        self._engine, self._asker, self._finish = engine, asker, finish
        super().__init__()

    def _make(self, job: AskJob) -> None:
        while self._engine.state.phase == "opening" and not job.cancel.wait(LOOK_EVERY_S):
            pass
        if not job.cancel.is_set():
            for event in self._asker.ask(job.request, cancel=job.cancel, owner=job.owner):
                job.hear(event)
                # One that was stopped before anything was found leaves nothing behind.
                if isinstance(event, Finished) and (event.answer.read or not event.answer.cancelled):
                    job.run_id = self._finish(job, event.answer)
