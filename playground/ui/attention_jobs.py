"""Runs that are being made: each on a thread of its own, watched and stopped by the page that asked for it.

Owns what a page is told of one. Must not know how a run is made, nor what is drawn from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from playground.engine.engine import Engine
from playground.ui.attention_runs import AttentionRuns, Run, check_text, make_run
from playground.ui.edge import shown
from playground.ui.page_jobs import PageJobs


@dataclass(eq=False)
class Job:
    """A run that is being made. Written by its own thread, read by anybody."""

    owner: str
    page: str
    sequence: int
    language: str
    done: int = 0
    total: int = 0
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    beside: bool = False
    """Whether a model beside the chat's makes it."""
    phase: Literal["opening", "reading", "writing"] = "reading"
    detail: str = ""
    """What the opening of that model is at."""
    guided: bool = False
    """Whether the text is one of the tour."""
    entry: str | None = None
    """The entry of the history that is looked into again."""
    cancel: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """Tokens that have been read, and all of them."""
        self.done, self.total = done, total


MakeRun = Callable[[Job, str], Run]
"""Makes a run of a checked text, and tells the job how far it is."""


class Jobs:
    """Starts and stops the making of runs; a page makes one at a time. Thread-safe.

    `store(run, entry)` gives the run as it is to be kept; `entry` names what of the history was looked into again.
    """

    def __init__(
        self, engine: Engine, runs: AttentionRuns, store: Callable[[Run, str | None], Run] = lambda run, entry: run
    ) -> None:
        self._engine = engine
        self._runs = runs
        self._store = store
        self._jobs = PageJobs[Job](
            "attention-run",
            many="Many texts are being looked into on this machine. Try again in a minute.",
            several="Several of your texts are being looked into already. Wait for one of them.",
        )

    def start(self, job: Job, text: object, make: MakeRun | None = None) -> Job:
        """Begin to look into a text, as `make` does, else with the chat's model; what this page was making is stopped.
        Raises InvalidInput."""
        checked = check_text(text)
        return self.begin(job, lambda job: make(job, checked) if make is not None else self._read(job, checked))

    def begin(self, job: Job, make: Callable[[Job], Run]) -> Job:
        """Have `make` make the run of a job on a thread of its own, in place of what its page was making. Raises
        InvalidInput."""
        return self._jobs.begin(job, partial(self._make, job, make))

    def stop(self, owner: str, page: str) -> bool:
        """End what a page is making. False when it makes nothing."""
        return self._jobs.stop(owner, page)

    def find(self, owner: str, page: str) -> Job | None:
        """What a page is making."""
        return self._jobs.find(owner, page)

    def _read(self, job: Job, text: str) -> Run:
        return make_run(self._engine, job.owner, text, cancel=job.cancel, on_progress=job.progress)

    def _make(self, job: Job, make: Callable[[Job], Run]) -> None:
        try:
            run = make(job)
            if not job.cancel.is_set():
                run = replace(run, guided=True) if job.guided else self._store(run, job.entry)
                self._runs.keep(run)
                job.run_id = run.id
        except Exception as error:  # the page must always get an answer
            if not job.cancel.is_set():
                job.error = shown(error, job.language)
