"""How many CPU threads a decode step uses: all of them while the machine is quiet, one while others need it.

Threads of one step wait for each other some two hundred times a token, and they wait by spinning: that is fastest as
long as every thread has a core. As soon as another program (the browser that shows the answer, say) takes one of two
cores, each wait lasts until the scheduler of the operating system turns round, and decoding becomes ten to thirty times
slower than with a single thread. Threads that sleep instead would cost half the speed of a quiet machine. So the
steps are timed, and the number of threads follows. Reading a prompt has few, long waits and always uses all threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch

STUCK = 4.0
"""A step with all threads that takes this many times as long as one with a single thread: others need the cores."""
SLOW = 1.3
SLOW_STEPS = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 16.0
GOOD_STEPS = 24
"""After so many steps in time the machine counts as quiet again."""
SINGLE_STEPS = 2
"""Steps with one thread that give the time to compare with, for each size of step."""


class ThreadGovernor:
    """Belongs to the one thread that decodes. `threads` is the number that the machine allows."""

    def __init__(
        self,
        threads: int,
        *,
        set_threads: Callable[[int], None] = torch.set_num_threads,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._threads = threads
        self._set_threads = set_threads
        self._clock = clock
        self._single_s: dict[int, float] = {}
        self._measured: dict[int, int] = {}
        self._alone_until_s = float("-inf")
        self._pause_s = FIRST_PAUSE_S
        self._slow = self._good = 0

    @contextmanager
    def decoding(self, rows: int) -> Generator[int, None, None]:
        """Time one decode step of `rows` rows, with as many threads as are good now; gives their number."""
        size = rows.bit_length()  # 4 to 7 rows are one size: every size has to be measured
        if self._threads == 1:
            yield 1
            return
        start_s = self._clock()
        alone = start_s < self._alone_until_s or self._measured.get(size, 0) < SINGLE_STEPS
        if alone:
            self._set_threads(1)
        try:
            yield 1 if alone else self._threads
        finally:
            if alone:
                self._set_threads(self._threads)
        if alone:
            self._learn(size, self._clock() - start_s)
        else:
            self._judge(self._clock() - start_s, self._single_s[size])

    def _learn(self, size: int, taken_s: float) -> None:
        """A step with one thread. It follows a context that grows, and forgets the first, which warms caches."""
        count = self._measured.get(size, 0)
        known_s = self._single_s.get(size, taken_s)
        self._single_s[size] = min(taken_s, known_s) if count < SINGLE_STEPS else 0.8 * known_s + 0.2 * taken_s
        self._measured[size] = count + 1

    def _judge(self, taken_s: float, single_s: float) -> None:
        if taken_s > SLOW * single_s:
            self._slow += 1
            self._good = 0
        else:
            self._slow = 0
            self._good += 1
            if self._good >= GOOD_STEPS:
                self._pause_s = FIRST_PAUSE_S
        if taken_s > STUCK * single_s or self._slow >= SLOW_STEPS:
            # Every failed trial doubles the time until the next: a trial costs as much as many steps.
            self._alone_until_s = self._clock() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._slow = self._good = 0
