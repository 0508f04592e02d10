"""Summaries that are being made: each on a thread of its own, watched and stopped by the page that asked for it.

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
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import (
    Drafted,
    Event,
    Extracted,
    Finished,
    NotesGrowing,
    NoteWritten,
    Planned,
    SecondTry,
    Summary,
    Waiting,
)
from playground.tasks.summary_plan import Plan
from playground.tasks.summary_request import language_of
from playground.text.textrank import summarize
from playground.ui.page_jobs import TaskJobs
from playground.ui.summarize_asked import Asked
from playground.ui.summarize_view import Places, extract_view, node_view, plan_view

MOST_NEWS = 200
"""Notes in one answer to a page."""
LOOK_EVERY_S = 0.1

Finish = Callable[["SummaryJob", Summary], str]
"""Keeps a finished summary; the id of its run."""


@dataclass(eq=False)
class SummaryJob:
    """A summary in the making. Written by its own thread, read by anybody."""

    owner: str
    page: str
    sequence: int
    language: str
    asked: Asked
    phase: str = "starting"
    """"starting", "waiting" and "reading" as the engine says, "parts" and "together" while notes are taken of parts and
    put together, "writing" the summary, "again" a second time."""
    waiting: Progress | None = None
    done: int = 0
    total: int = 0
    remaining_s: float | None = None
    draft: str = ""
    extract: list[list[int]] | None = None
    plan: Plan | None = None
    notes: list[dict[str, Any]] = field(default_factory=list)
    """What was written about parts of the text, in the order in which it came."""
    invented: tuple[str, ...] = ()
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def places(self) -> Places:
        """Of the text."""
        return Places(self.asked.request.text)

    def hear(self, event: Event) -> None:
        """Take in what the summarizer tells."""
        if isinstance(event, Extracted):
            self.extract = extract_view(event.sentences, self.places)
        elif isinstance(event, Planned):
            self.plan, self.phase = event.plan, "parts" if len(event.plan.parts) > 1 else "reading"
            self.total = len(event.plan.parts) if len(event.plan.parts) > 1 else 0
        elif isinstance(event, Waiting):
            self.waiting = event.progress
        elif isinstance(event, (NotesGrowing, NoteWritten)):
            if isinstance(event, NoteWritten) and event.round == 0:
                self.notes.append(node_view(event.node, self.places))
            self.phase, self.waiting = "together" if event.round else "parts", None
            self.done, self.total, self.remaining_s = event.done, event.total, event.remaining_s
        elif isinstance(event, Drafted):
            self.draft, self.waiting, self.remaining_s = event.text, None, None
            self.phase = "again" if self.phase == "again" else "writing"
        elif isinstance(event, SecondTry):
            self.phase, self.invented = "again", event.invented

    def progress(self) -> dict[str, Any]:
        """How far it is; small, whatever the length of the text."""
        waiting = self.waiting
        return {
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "remaining": None if self.remaining_s is None else round(self.remaining_s, 1),
            "ahead": waiting.ahead if waiting is not None and waiting.phase == "waiting" else 0,
            "read": waiting.done_tokens if waiting is not None else 0,
            "to_read": waiting.total_tokens if waiting is not None else 0,
            "draft": self.draft,
            "news": len(self.notes) + (self.extract is not None) + (self.plan is not None),
            "stopping": self.cancel.is_set(),
        }

    def tell(self, after: int) -> dict[str, Any]:
        """The plan, the central sentences, and notes from number `after` on."""
        found = self.notes[after : after + MOST_NEWS]
        return {
            "extract": self.extract,
            "plan": plan_view(self.plan, self.places) if self.plan is not None else None,
            "notes": found,
            "next": after + len(found),
        }


class SummaryJobs(TaskJobs[SummaryJob]):
    """Starts and stops summaries; a page makes one at a time. Thread-safe."""

    name = "summary"
    many = "Many texts are being summarized on this machine. Try again in a minute."
    several = "Several of your texts are being summarized already. Wait for one of them."

    def __init__(self, engine: Engine, summarizer: Summarizer, finish: Finish) -> None:
        self._engine, self._summarizer, self._finish = engine, summarizer, finish
        super().__init__()

    def _make(self, job: SummaryJob) -> None:
        self._wait_for_model(job)
        if not job.cancel.is_set():
            events = self._summarizer.summarize(job.asked.request, cancel=job.cancel, owner=job.owner)
            for event in events:
                if isinstance(event, Finished):
                    job.run_id = self._finish(job, event.summary)
                job.hear(event)

    def _wait_for_model(self, job: SummaryJob) -> None:
        """The central sentences need no model: they are there while one is opened."""
        if self._engine.state.phase != "opening":
            return
        request = job.asked.request
        job.hear(Extracted(summarize(request.text, request.count, language_of(request.text), request.focus)))
        while self._engine.state.phase == "opening" and not job.cancel.wait(LOOK_EVERY_S):
            pass
