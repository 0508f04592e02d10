"""What a task needs of an engine, and how it reads several of its streams at once.

Owns the threads that read the streams, and that closing or cancelling ends them. Knows nothing of what is asked.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from playground.engine.session import EngineState
from playground.engine.split_tokens import SplitToken
from playground.messages import Chunk, Message, Prefix, SamplingParams

MOST_AT_ONCE = 8
_LOOK_S = 0.1


class Answers(Protocol):
    """Something that answers; see `engine.Engine`."""

    def stream(
        self,
        messages: Sequence[Message],
        params: SamplingParams,
        *,
        cancel: threading.Event | None = None,
        prefix: Prefix = Prefix(),
        owner: str = "",
        app_messages: int = 0,
    ) -> Iterator[Chunk]:
        """The answer, chunk by chunk."""
        ...


class TextEngine(Answers, Protocol):
    """What is needed of an engine; see `engine.Engine`."""

    @property
    def state(self) -> EngineState:
        """What it is doing now."""
        ...

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of a prompt."""
        ...

    def split(self, text: str) -> list[SplitToken]:
        """The tokens of a text."""
        ...


class Part(Protocol):
    """Something that comes of a question. `done`: there will be no more of it."""

    @property
    def done(self) -> bool: ...


PartT = TypeVar("PartT", bound=Part)


def read_all(
    count: int,
    read: Callable[[int, threading.Event], Iterator[PartT]],
    *,
    cancel: threading.Event,
    most_at_once: int = MOST_AT_ONCE,
) -> Iterator[PartT]:
    """What `read(index, stop)` gives for every index below `count`, in whatever order it comes.

    Each of them ends with one part that is `done`, also after `cancel`, which sets `stop`. What one raises is raised
    here. Closing the iterator stops them all.
    """
    stop = threading.Event()
    arrived: queue.SimpleQueue[PartT | BaseException] = queue.SimpleQueue()

    def pass_on(index: int) -> None:
        try:
            for part in read(index, stop):
                arrived.put(part)
        except BaseException as error:
            arrived.put(error)

    left = count
    with ThreadPoolExecutor(max(1, min(most_at_once, left))) as pool:
        try:
            for index in range(left):
                pool.submit(pass_on, index)
            while left:
                if cancel.is_set():
                    stop.set()
                try:
                    item = arrived.get(timeout=_LOOK_S)
                except queue.Empty:
                    continue
                if isinstance(item, BaseException):
                    raise item
                left -= item.done
                yield item
        finally:
            stop.set()
