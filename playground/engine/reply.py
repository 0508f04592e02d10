"""One request and the way its chunks take from the worker's thread to the reader's.

Owns the hand-over between the two threads. Knows no model. A slow reader gets several tokens in one chunk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from playground.engine.preparation import Prepared
from playground.messages import Chunk, Message, Prefix, Progress, SamplingParams

_CANCEL_CHECK_S = 0.1


@dataclass(frozen=True, eq=False)
class Request:
    """What somebody asks for. `created_s` is on the clock of time.monotonic()."""

    messages: tuple[Message, ...]
    params: SamplingParams
    prefix: Prefix = Prefix()
    prepared: Prepared | None = None
    """What the asking thread has made ready for the model that was open then."""
    cancel: threading.Event = field(default_factory=threading.Event)
    created_s: float = field(default_factory=time.monotonic)
    owner: str = ""
    """Who asks. Places and turns go round the owners; those who are not known ("") count as one."""
    app_messages: int = 0
    """How many of the first messages are the app's own text, the same for everybody."""


class Reply:
    """The answer to a request: the worker puts chunks in, the reader takes them out."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._condition = threading.Condition()
        self._pending: list[Chunk] = []
        self._error: BaseException | None = None
        self._abandoned = False
        self._last = Chunk()

    @property
    def cancelled(self) -> bool:
        """Nobody wants more of this answer."""
        return self._abandoned or self.request.cancel.is_set()

    def put(self, chunk: Chunk, *, wake: bool = True) -> None:
        """Hand a chunk to the reader, who sleeps on until `wake` is called if it is not to be woken now."""
        with self._condition:
            self._pending.append(chunk)
            if wake:
                self._condition.notify()

    def wake(self) -> None:
        """Make the reader take what there is."""
        with self._condition:
            self._condition.notify()

    def put_progress(self, progress: Progress) -> None:
        """Tell the reader what the answer waits for."""
        self.put(Chunk(progress=progress))

    def fail(self, error: BaseException) -> None:
        """End the answer with `error`, which the reader's thread raises."""
        with self._condition:
            self._error = error
            self._condition.notify()

    def abandon(self) -> None:
        """The reader has gone."""
        self._abandoned = True

    def chunks(self) -> Iterator[Chunk]:
        """Chunks until one has a finish reason. Raises what the worker failed with."""
        while self._last.finish_reason is None:
            self._last = self._take()
            yield self._last

    def _take(self) -> Chunk:
        with self._condition:
            while not self._pending:
                if self._error is not None:
                    raise self._error
                # The event of a caller cannot wake this thread, so it looks now and then.
                woken = self._condition.wait(_CANCEL_CHECK_S)
                if not woken and self.request.cancel.is_set() and not self._pending and self._error is None:
                    # The worker is busy with something long, such as opening a model: do not wait for it.
                    return Chunk(stats=self._last.stats, finish_reason="cancelled")
            pending, self._pending = self._pending, []
        return join_chunks(pending)


def join_chunks(chunks: Sequence[Chunk]) -> Chunk:
    """One chunk that says what `chunks` say one after the other. Progress counts only while no token has come."""
    if len(chunks) == 1:
        return chunks[0]
    tokens = tuple(token for chunk in chunks for token in chunk.tokens)
    return replace(
        chunks[-1],
        text="".join(chunk.text for chunk in chunks),
        tokens=tokens,
        progress=None if tokens else chunks[-1].progress,
    )
