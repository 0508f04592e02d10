"""Jobs of pages: one for a page, so many for a visitor and for all, found as long as they are kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from playground.errors import InvalidInput
from playground.ui.page_jobs import MOST_JOBS, MOST_JOBS_OF_OWNER, PageJobs, TaskJobs
from tests.ui.conftest import until

KEPT = 5


@dataclass(eq=False)
class Work:
    owner: str
    page: str
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)


def jobs_of(kept: int = 0) -> PageJobs[Work]:
    return PageJobs[Work]("test", many="The machine is busy.", several="You have enough.", kept=kept)


def begin(jobs: PageJobs[Work], owner: str, page: str) -> Work:
    job = Work(owner, page)
    return jobs.begin(job, lambda: job.may_end.wait(30) and None)


def end(*jobs: Work) -> None:
    for job in jobs:
        job.may_end.set()
        until(lambda job=job: not job.running)


def test_a_page_makes_one_at_a_time_and_a_newer_job_ends_the_older() -> None:
    jobs = jobs_of()
    first, second = begin(jobs, "anna", "page"), begin(jobs, "anna", "page")
    assert first.cancel.is_set() and not second.cancel.is_set()
    end(first)
    assert jobs.find("anna", "page") is second
    assert jobs.stop("anna", "page") and second.cancel.is_set()
    end(second)
    assert jobs.find("anna", "page") is None and not jobs.stop("anna", "page")


def test_a_visitor_has_so_many_and_the_machine_so_many_and_stopped_ones_do_not_count() -> None:
    jobs = jobs_of()
    own = [begin(jobs, "anna", f"page {number}") for number in range(MOST_JOBS_OF_OWNER)]
    with pytest.raises(InvalidInput, match="You have enough"):
        begin(jobs, "anna", "one more")
    others = [begin(jobs, f"visitor {number}", "page") for number in range(MOST_JOBS - len(own))]
    with pytest.raises(InvalidInput, match="The machine is busy"):
        begin(jobs, "ben", "page")
    assert jobs.stop("anna", "page 0")
    more = begin(jobs, "anna", "one more")
    end(*own, *others, more)


@pytest.mark.parametrize("count", [1, KEPT - 1, KEPT, KEPT + 3])
def test_so_many_that_have_ended_are_still_found_the_newest_ones(count: int) -> None:
    jobs = jobs_of(KEPT)
    for number in range(count):
        end(begin(jobs, f"visitor {number}", "page"))
    found = [jobs.find(f"visitor {number}", "page") is not None for number in range(count)]
    assert found == [number >= count - KEPT for number in range(count)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_raises_leaves_its_place() -> None:
    jobs, job = jobs_of(), Work("anna", "page")

    def fail() -> None:
        raise ZeroDivisionError

    jobs.begin(job, fail)
    until(lambda: not job.running)
    until(lambda: all(thread.name != "test" for thread in threading.enumerate()))  # its exception belongs to this test
    assert jobs.find("anna", "page") is None


@dataclass(eq=False)
class Asked(Work):
    language: str = "en"
    error: str | None = None


class Refusing(TaskJobs[Asked]):
    name, many, several = "test", "The machine is busy.", "You have enough."

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.raised = error

    def _make(self, job: Asked) -> None:
        job.may_end.wait(30)
        raise self.raised


@pytest.mark.parametrize("error", [InvalidInput("Write or paste a text first."), ZeroDivisionError()])
def test_whatever_a_task_raises_becomes_a_sentence_for_its_page(error: Exception) -> None:
    job = Refusing(error).begin(Asked("anna", "page"))
    end(job)
    assert job.error and (job.error == str(error) or "ZeroDivision" not in job.error)


def test_what_a_stopped_task_refuses_is_not_said() -> None:
    jobs = Refusing(InvalidInput("It was stopped."))
    job = jobs.begin(Asked("anna", "page"))
    assert jobs.stop("anna", "page")
    end(job)
    assert job.error is None
