"""Streams of pages: every request gets one end, the newest of a page counts, what was stopped does not begin."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from playground.errors import InvalidInput
from playground.ui.page_jobs import PageJobs
from playground.ui.page_streams import Asking, PageStreams
from tests.ui.conftest import until

REQUEST: Any = SimpleNamespace(cookies={})


@dataclass(eq=False)
class Work:
    owner: str
    page: str
    sequence: int
    running: bool = True
    run_id: str | None = None
    error: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)

    def do(self) -> None:
        """Go on until somebody ends it."""
        self.cancel.wait(30)
        self.run_id = f"run {self.sequence}"


@dataclass
class Server:
    jobs: PageJobs[Work] = field(default_factory=lambda: PageJobs[Work]("test", many="", several="", kept=4))
    begun: list[Work] = field(default_factory=list)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def __post_init__(self) -> None:
        self.told = threading.Event()
        self.streams = PageStreams[Work](self.jobs, lambda request: "ann", self.view)

    def view(self, job: Work) -> dict[str, Any]:
        self.told.set()
        return {"phase": "working"}

    def prepare(self, asking: Asking) -> Callable[[], Work]:
        def begin() -> Work:
            job = Work(asking.owner, asking.page, asking.sequence)
            self.begun.append(job)
            return self.jobs.begin(job, job.do)

        return begin

    def ask(self, sequence: int, prepare: Any = None, **values: Any) -> Future[list[dict[str, Any]]]:
        """Everything that a page hears of its request."""
        event: Any = SimpleNamespace(_data={"tab": "page", "sequence": sequence, **values})

        async def gather() -> list[dict[str, Any]]:
            return [view async for view in self.streams.follow(event, REQUEST, prepare or self.prepare)]

        return self.pool.submit(lambda: asyncio.run(gather()))

    def stop(self, sequence: int) -> bool:
        return self.streams.stop({"tab": "page", "sequence": sequence}, REQUEST)["stopped"]


@pytest.fixture
def server() -> Server:
    return Server()


def test_a_page_hears_how_far_its_work_is_and_then_its_end(server: Server) -> None:
    heard = server.ask(1)
    until(server.told.is_set)
    assert server.stop(1)
    first, *_, last = heard.result(30)
    assert (first["phase"], first["tab"], first["sequence"]) == ("working", "page", 1)
    assert (last["phase"], last["run"], last["refused"]) == ("ended", "run 1", None)


def test_what_was_stopped_before_its_request_came_does_not_begin(server: Server) -> None:
    assert not server.stop(1)
    assert server.ask(1).result(30) == [] and not server.begun


def test_what_is_stopped_while_it_is_prepared_does_not_begin(server: Server) -> None:
    def slow(asking: Asking) -> Callable[[], Work]:
        assert not server.stop(1)
        return server.prepare(asking)

    assert server.ask(1, slow).result(30) == [] and not server.begun


def test_a_stop_that_comes_late_leaves_the_newer_work_alone(server: Server) -> None:
    heard = server.ask(2)
    until(lambda: server.begun)
    assert not server.stop(1) and not server.begun[0].cancel.is_set()
    assert server.stop(2)
    assert heard.result(30)[-1]["run"] == "run 2"


def test_what_is_stopped_before_its_request_came_does_not_begin_behind_older_work_either(server: Server) -> None:
    older = server.ask(1)
    until(lambda: server.begun)
    assert not server.stop(2)
    assert server.ask(2).result(30) == [] and len(server.begun) == 1
    assert older.result(30)[-1]["phase"] == "working"


def test_after_a_stop_the_next_request_begins(server: Server) -> None:
    server.stop(1)
    heard = server.ask(2)
    until(lambda: server.begun)
    server.stop(2)
    assert heard.result(30)[-1]["run"] == "run 2"


def test_a_newer_request_ends_the_work_and_the_stream_of_an_older_one(server: Server) -> None:
    older = server.ask(1)
    until(lambda: server.begun)
    newer = server.ask(2)
    assert all(view["phase"] == "working" for view in older.result(30)), "the older one says nothing of an end"
    until(lambda: len(server.begun) == 2)
    assert server.begun[0].cancel.is_set()
    server.stop(2)
    assert newer.result(30)[-1]["run"] == "run 2"


def test_a_request_that_cannot_be_read_ends_with_the_reason(server: Server) -> None:
    def refuse(asking: Asking) -> Callable[[], Work]:
        raise InvalidInput("Write or paste a text first.")

    [end] = server.ask(1, refuse).result(30)
    assert (end["phase"], end["refused"]) == ("ended", "Write or paste a text first.")


def test_a_request_that_needs_no_work_ends_with_what_was_found(server: Server) -> None:
    [end] = server.ask(1, lambda asking: {"gone": True}).result(30)
    assert end["phase"] == "ended" and end["gone"] and not server.begun


def test_work_is_found_by_the_number_of_its_request_alone(server: Server) -> None:
    heard = server.ask(3)
    until(lambda: server.begun)
    assert server.streams.current({"tab": "page", "sequence": 3}, REQUEST) is server.begun[0]
    assert server.streams.current({"tab": "page", "sequence": 2}, REQUEST) is None
    assert server.streams.current({"tab": "another", "sequence": 3}, REQUEST) is None
    server.stop(3)
    heard.result(30)
