"""Two or more threads that run programs of kernels together.

Owns the helper threads: when they are hired, woken, lent to other work and sent away. Knows nothing of what they run.
Helpers wait for the next run by spinning for some milliseconds, which is longer than the pauses inside a step, and then
sleep until they are woken.
"""

from __future__ import annotations

import ctypes
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from playground.kernels.program import CONTROL_WORDS, LEAVE, RUN_BITS, Program

Result = TypeVar("Result")
Run = Callable[[int, int], object]
Help = Callable[[int, int], int]
"""The functions `team_run` and `team_help` of `program.py`; they leave the interpreter to others while they run."""

FAREWELL_S = 1.0


class Team:
    """The calling thread and its helpers. `run`, `share` and `use` belong to one thread at a time.

    `code` is what `run` and `help_` lie in: it is kept until the helpers are gone.
    """

    def __init__(self, run: Run, help_: Help, *, helpers: int, code: object) -> None:
        self._run = run
        self._help = help_
        self._words = (ctypes.c_int64 * (CONTROL_WORDS + 8))()
        self._address = ctypes.addressof(self._words) + -ctypes.addressof(self._words) % 64
        self._leave = ctypes.c_int64.from_address(self._address + 8 * LEAVE)
        self._announced = ctypes.c_int64(0)
        self._helpers: list[_Helper] = []
        self._wanted = helpers
        weakref.finalize(self, _dismiss, self._helpers, self._leave, code)

    def use(self, helpers: int) -> None:
        """How many helpers take part from the next run on. With none they go to sleep at once."""
        self._wanted = helpers
        self._leave.value = int(helpers == 0)

    def run(self, program: Program) -> None:
        """Do everything in `program`."""
        self._announced.value = (self._announced.value + 1) % (1 << RUN_BITS)
        for helper in self._awake():
            helper.waker.set()
        self._run(self._address, program.address)

    def share(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Call the first task on this thread and the others on helpers, for work that is done by a library."""
        helpers = self._awake()[: len(tasks) - 1]
        if len(helpers) < len(tasks) - 1:
            return [task() for task in tasks]
        self._leave.value = 1  # spinning helpers would take the cores from those who work
        try:
            futures = [helper.call(task) for helper, task in zip(helpers, tasks[1:], strict=True)]
            return [tasks[0](), *(future.result() for future in futures)]
        finally:
            self._leave.value = 0

    def _awake(self) -> list[_Helper]:
        while len(self._helpers) < self._wanted:
            helping = partial(_help_until_idle, self._help, self._address, self._announced, self._leave)
            self._helpers.append(_Helper(helping, self._words))
        return self._helpers[: self._wanted]


class _Helper:
    """A thread that takes part in runs while they follow each other closely, and sleeps otherwise."""

    def __init__(self, help_: Callable[[int], int], words: ctypes.Array) -> None:
        self.waker = threading.Event()
        self.tasks: queue.SimpleQueue = queue.SimpleQueue()
        arguments = (help_, words, self.waker, self.tasks)
        self._thread = threading.Thread(target=_assist, args=arguments, name="playground-helper", daemon=True)
        self._thread.start()

    def dismiss(self) -> None:
        """End the thread."""
        self.tasks.put(None)
        self.waker.set()
        self._thread.join(FAREWELL_S)

    def call(self, task: Callable[[], Result]) -> Future[Result]:
        """Have `task` called by this thread, before anything else."""
        future: Future[Result] = Future()
        self.tasks.put((task, future))
        self.waker.set()
        return future


def _help_until_idle(help_: Help, address: int, announced: ctypes.c_int64, leave: ctypes.c_int64, seen: int) -> int:
    """Take part in the runs after `seen`, in the one too that is announced and whose caller has lost the processor."""
    seen = help_(address, seen)
    while seen != announced.value and not leave.value:
        seen = help_(address, seen)
    return seen


def _assist(help_: Callable[[int], int], words: ctypes.Array, waker: threading.Event, tasks: queue.SimpleQueue) -> None:
    """The life of a helper. A task of None ends it; `words` is the memory that `help_` looks at."""
    seen = 0
    while True:
        waker.wait()
        # Before helping, not after: a run that begins while a helper is on its way back into Python must wake it again.
        waker.clear()
        if tasks.empty():
            seen = help_(seen)
        while not tasks.empty():
            given = tasks.get()
            if given is None:
                return
            task, future = given
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)
            del given, task, future  # what a task held shall not live as long as this thread sleeps


def _dismiss(helpers: list[_Helper], leave: ctypes.c_int64, code: object) -> None:
    """`code` is what the helpers run, so it has to outlive them.

    Also at the end of the process: a thread that comes back from machine code after Python has gone aborts it.
    """
    leave.value = 1
    for helper in helpers:
        helper.dismiss()
