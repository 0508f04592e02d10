"""What a page hears of a long piece of work that it has asked for, until the end.

A page follows at most one piece of work: each of its requests carries the page's name and a number that counts up.
Owns that every request gets an end, and that what was stopped before it began does not begin. Must not know what the
work is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio.to_thread
import gradio as gr

from playground.ui.edge import language_in, shown
from playground.ui.streaming import Pages

UPDATE_EVERY_S = 0.1
NAME_CHARACTERS = 64


class WatchedJob(Protocol):
    """Work under way. It ends with a run or with an error, with neither when it was stopped."""

    sequence: int
    """The number of the request that it was begun for."""
    running: bool
    run_id: str | None
    error: str | None


JobT = TypeVar("JobT", bound=WatchedJob)
Jobs_co = TypeVar("Jobs_co", covariant=True)


class Jobs(Protocol[Jobs_co]):
    """The work of all pages."""

    def stop(self, owner: str, page: str) -> bool: ...

    def find(self, owner: str, page: str) -> Jobs_co | None: ...


@dataclass(frozen=True)
class Asking:
    """A request of a page: whose, of which page, its number, in which language sentences are to be, and the rest."""

    owner: str
    page: str
    sequence: int
    language: str
    values: dict[str, Any]


Prepare = Callable[[Asking], "Callable[[], JobT] | dict[str, Any]"]
"""Reads a request, on a thread of its own, and gives what begins the work; or the end of it where none begins."""


class PageStreams(Generic[JobT]):
    """Follows and stops the work of pages. `view` says how far a job is."""

    def __init__(
        self, jobs: Jobs[JobT], owner_of: Callable[[gr.Request], str], view: Callable[[JobT], dict[str, Any]]
    ) -> None:
        self._jobs, self._owner_of, self._view = jobs, owner_of, view
        self._pages = Pages()

    async def follow(
        self, event: gr.EventData, request: gr.Request, prepare: Prepare[JobT]
    ) -> AsyncIterator[dict[str, Any]]:
        """How far the work is that a page asks for, then its run's id or the reason why there is none."""
        values = event._data if isinstance(event._data, dict) else {}
        page, sequence, language = page_name(values), int(values.get("sequence") or 0), language_in(values)
        stamp = {"tab": page, "sequence": sequence}
        self._pages.arrive(page, sequence)
        if not self._pages.is_newest(page, sequence):
            return  # stopped before it began
        try:
            asking = Asking(self._owner_of(request), page, sequence, language, values)
            begin = await anyio.to_thread.run_sync(prepare, asking)
            if not self._pages.is_newest(page, sequence):
                return
            if isinstance(begin, dict):
                yield {**stamp, "phase": "ended", **begin}
                return
            job = begin()
        except Exception as error:  # the page must always get an answer
            yield {**stamp, "phase": "ended", "refused": shown(error, language)}
            return
        while job.running and self._pages.is_newest(page, sequence):
            yield {**stamp, **self._view(job)}
            await asyncio.sleep(UPDATE_EVERY_S)
        if self._pages.is_newest(page, sequence):
            yield {**stamp, "phase": "ended", "run": job.run_id, "refused": job.error}

    def stop(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is having made; what is done is kept, and its stream says so."""
        page, sequence, owner = page_name(data), data.get("sequence"), self._owner_of(request)
        job = self._jobs.find(owner, page)
        if job is not None and isinstance(sequence, int) and job.sequence > sequence:
            return {"stopped": False}  # meant for work that has made room for this
        older = job is not None and isinstance(sequence, int) and job.sequence < sequence
        stopped = self._jobs.stop(owner, page) and not older
        if not stopped and isinstance(sequence, int):
            self._pages.arrive(page, sequence + 1)  # its request has not come yet: it shall not begin
        return {"stopped": stopped}

    def current(self, data: dict[str, Any], request: gr.Request) -> JobT | None:
        """The work that belongs to a page's request; None where it is not known any more."""
        job = self._jobs.find(self._owner_of(request), page_name(data))
        return job if job is not None and job.sequence == data.get("sequence") else None


def page_name(data: dict[str, Any]) -> str:
    """The name that a page has given itself."""
    return str(data.get("tab", ""))[:NAME_CHARACTERS]
