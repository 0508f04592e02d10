"""Work that pages have started: each on a thread of its own, one at a time for a page, so many for a visitor.

Owns how many run at once, and of whom, and which one a page has. Must not know what the work is.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Generic, Protocol, TypeVar

from playground.errors import InvalidInput, PlaygroundError
from playground.ui.edge import shown

MOST_JOBS = 16
MOST_JOBS_OF_OWNER = 3


class PageJob(Protocol):
    """What one page is making. `running` is written here, `cancel` read by the work."""

    owner: str
    page: str
    running: bool
    cancel: threading.Event


JobT = TypeVar("JobT", bound=PageJob)


class PageJobs(Generic[JobT]):
    """Starts, finds and stops the jobs of pages. Thread-safe.

    `many` and `several` are said when the machine, or the visitor, has enough of them. `kept`: so many that have ended
    are still found.
    """

    def __init__(self, name: str, *, many: str, several: str, kept: int = 0) -> None:
        self._name, self._many, self._several, self._kept = name, many, several, kept
        self._jobs: dict[tuple[str, str], JobT] = {}
        self._lock = threading.Lock()

    def begin(self, job: JobT, work: Callable[[], None]) -> JobT:
        """Have `work` done in place of what the job's page was making. Raises InvalidInput."""
        self.stop(job.owner, job.page)
        with self._lock:
            running = [owner for (owner, _), other in self._jobs.items() if other.running and not other.cancel.is_set()]
            if len(running) >= MOST_JOBS:
                raise InvalidInput(self._many)
            if running.count(job.owner) >= MOST_JOBS_OF_OWNER:
                raise InvalidInput(self._several)
            self._jobs.pop((job.owner, job.page), None)  # the newest stands last
            self._jobs[job.owner, job.page] = job
        threading.Thread(target=self._do, args=(job, work), name=self._name, daemon=True).start()
        return job

    def stop(self, owner: str, page: str) -> bool:
        """Tell what a page is making to end. False when it makes nothing."""
        job = self.find(owner, page)
        if job is None or not job.running:
            return False
        job.cancel.set()
        return True

    def find(self, owner: str, page: str) -> JobT | None:
        """What a page is making, or has made last, where that is kept."""
        with self._lock:
            return self._jobs.get((owner, page))

    def _do(self, job: JobT, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                ended = [key for key, other in self._jobs.items() if not other.running or other is job]
                for key in ended[: max(0, len(ended) - self._kept)]:
                    del self._jobs[key]
            job.running = False


class TaskJob(PageJob, Protocol):
    """What a page is having a task make; `error` is said in its `language`."""

    language: str
    error: str | None


TaskJobT = TypeVar("TaskJobT", bound=TaskJob)


class TaskJobs(ABC, Generic[TaskJobT]):
    """Starts and stops what the pages of one tab have made; a page one thing at a time. Thread-safe."""

    name: ClassVar[str]
    many: ClassVar[str]
    several: ClassVar[str]
    kept: ClassVar[int] = 0

    def __init__(self) -> None:
        self._jobs = PageJobs[TaskJobT](self.name, many=self.many, several=self.several, kept=self.kept)

    @abstractmethod
    def _make(self, job: TaskJobT) -> None:
        """Make it, and tell the job what came of it. Whatever it raises becomes a sentence for the page."""

    def begin(self, job: TaskJobT) -> TaskJobT:
        """Make it on a thread of its own, in place of what its page was having made. Raises InvalidInput."""
        return self._jobs.begin(job, partial(self._answer, job))

    def stop(self, owner: str, page: str) -> bool:
        """End what a page is having made; what is done is kept. False when there is nothing."""
        return self._jobs.stop(owner, page)

    def find(self, owner: str, page: str) -> TaskJobT | None:
        """What a page is having made, or has had made last, where that is kept."""
        return self._jobs.find(owner, page)

    def _answer(self, job: TaskJobT) -> None:
        try:
            self._make(job)
        except Exception as error:  # the page must always get an answer
            if not (job.cancel.is_set() and isinstance(error, PlaygroundError)):
                job.error = shown(error, job.language)
