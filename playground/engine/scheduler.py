"""Who gets into the next step: all writing answers, and a piece of one prompt.

Owns the answers of one session, waiting and running, and the step over them. Lives on the worker's thread alone; knows
no queue between threads and no model switch.
"""

from __future__ import annotations

import logging
from collections import deque

import torch

from playground.engine.batch import pack
from playground.engine.reply import Reply
from playground.engine.sequence import RunningSequence
from playground.engine.session import Session
from playground.engine.thread_governor import ThreadGovernor
from playground.errors import PlaygroundError
from playground.messages import Progress

logger = logging.getLogger(__name__)

_RECENT_ANSWERS = 8


class Scheduler:
    """The answers of one session. A long prompt is read about `chunk_tokens` a step, so it freezes nobody."""

    def __init__(self, session: Session, *, most_running: int, chunk_tokens: int) -> None:
        self._session = session
        self._most_running = most_running
        self._chunk_tokens = chunk_tokens
        self._waiting: deque[RunningSequence] = deque()
        self._running: list[RunningSequence] = []
        self._recent: deque[tuple[int, float]] = deque(maxlen=_RECENT_ANSWERS)
        self._told: dict[int, int] = {}
        on_cpu = session.loaded.device.type == "cpu"
        self._governor = ThreadGovernor(torch.get_num_threads() if on_cpu else 1)

    @property
    def running(self) -> int:
        """Answers that take part in steps."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Answers that wait for a place."""
        return len(self._waiting)

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed of the latest finished answers, None before there is one."""
        recent = list(self._recent)
        seconds = sum(decode_s for _, decode_s in recent)
        return sum(tokens for tokens, _ in recent) / seconds if seconds > 0 else None

    def add(self, reply: Reply) -> None:
        """Take a request in; one that cannot be answered fails at once."""
        try:
            self._waiting.append(RunningSequence(reply, self._session))
        except PlaygroundError as error:
            reply.fail(error)
        except Exception as error:
            logger.exception("a request could not be prepared")
            reply.fail(error)

    def admit(self) -> None:
        """Give free places to those who wait longest, and tell the others how many are before them."""
        while self._waiting and len(self._running) < self._most_running:
            self._running.append(self._waiting.popleft())
        told = {id(sequence): ahead for ahead, sequence in enumerate(self._waiting)}
        for ahead, sequence in enumerate(self._waiting):
            if self._told.get(id(sequence)) != ahead:
                sequence.reply.put_progress(Progress("waiting", ahead=ahead))
        self._told = told

    def drop_cancelled(self) -> None:
        """End the answers that nobody wants any more; their caches are free afterwards."""
        for sequence in (*self._running, *self._waiting):
            if sequence.reply.cancelled:
                sequence.finish("cancelled")
        self._forget_finished()

    def step(self) -> None:
        """The next token of every writing answer in one forward pass, the next piece of one prompt in another.

        A prompt is never packed with others and is cut without regard to them: the kernels for many rows round
        differently for every number of rows, and a seed has to give the same answer alone and in company.
        """
        writing = [(sequence, sequence.next_tokens(1)) for sequence in self._running if not sequence.reading]
        reader = next((sequence for sequence in self._running if sequence.reading), None)
        if writing:
            with self._governor.decoding(len(writing)):
                self._forward(writing)
        if reader is not None:
            self._forward([(reader, reader.next_tokens(self._chunk_tokens))])
            # Whoever has had a turn goes behind the others.
            self._running.remove(reader)
            self._running.append(reader)
        self._forget_finished()

    def cancel_running(self) -> None:
        """End all running answers with the finish reason "cancelled"."""
        for sequence in self._running:
            sequence.finish("cancelled")
        self._running.clear()

    def fail_all(self, error: BaseException) -> None:
        """End everything with `error`: the way out when the step loop itself is broken."""
        for sequence in (*self._running, *self._waiting):
            sequence.fail(error)
        self._running.clear()
        self._waiting.clear()

    def give_back_waiting(self) -> list[Reply]:
        """The requests that have not begun, for another session."""
        replies = [sequence.reply for sequence in self._waiting]
        self._waiting.clear()
        return replies

    def _forward(self, parts: list[tuple[RunningSequence, tuple[int, ...]]]) -> None:
        """Run `parts` together; if that fails, one by one, so that only the culprit ends."""
        try:
            batch = pack([(sequence.cache, ids, int(sequence.wants_logits(len(ids)))) for sequence, ids in parts])
            rows = iter(self._session.forward.step(batch).cpu())
        except Exception as error:
            if len(parts) > 1:
                logger.warning("a step of %d answers failed (%r); trying one by one", len(parts), error)
                for part in parts:
                    self._forward([part])
                return
            _end_with(parts[0][0], error)
            return
        for sequence, token_ids in parts:
            logits = next(rows) if sequence.wants_logits(len(token_ids)) else None
            try:
                sequence.accept(len(token_ids), logits)
            except Exception as error:
                _end_with(sequence, error)

    def _forget_finished(self) -> None:
        for sequence in self._running:
            stats = sequence.stats
            if sequence.finished and stats.new_tokens > 1:
                self._recent.append((stats.new_tokens - 1, stats.decode_s))
        self._running = [sequence for sequence in self._running if not sequence.finished]
        self._waiting = deque(sequence for sequence in self._waiting if not sequence.finished)


def _end_with(sequence: RunningSequence, error: Exception) -> None:
    if isinstance(error, PlaygroundError):
        sequence.fail(error)
        return
    logger.error("an answer failed", exc_info=error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        error = PlaygroundError("The memory is full. Shorten the conversation, or choose a smaller model.")
    sequence.fail(error)
