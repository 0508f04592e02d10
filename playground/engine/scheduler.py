"""Who gets into the next step: all writing answers, and a piece of one prompt.

Owns the answers of one session, waiting and running, and the step over them. Lives on the worker's thread alone; knows
no queue between threads and no model switch.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch

from playground.engine.batch import Batch, pack
from playground.engine.memory_budget import MemoryBudget, free_bytes, is_out_of_memory
from playground.engine.prompt_lookup import RowCosts, share_rows
from playground.engine.reply import Reply
from playground.engine.sequence import RunningSequence
from playground.engine.session import Session
from playground.engine.thread_governor import ThreadGovernor
from playground.engine.turns import Turns
from playground.errors import PlaygroundError
from playground.messages import Progress

logger = logging.getLogger(__name__)

_RECENT_ANSWERS = 8
Given = TypeVar("Given")


@dataclass(frozen=True, eq=False)
class _Part:
    """What one answer reads in a step: tokens that are known, then guesses."""

    sequence: RunningSequence
    known: tuple[int, ...]
    draft: tuple[int, ...] = ()

    @property
    def token_ids(self) -> tuple[int, ...]:
        return self.known + self.draft

    @property
    def logit_rows(self) -> int:
        return self.sequence.logit_rows(len(self.token_ids))


class Scheduler:
    """The answers of one session. A long prompt is read about `chunk_tokens` a step, so it freezes nobody.

    The places go round the owners: each has as many as any other who wants them. An answer whose owner has too many
    pauses until there is a place again, so a newcomer never waits for a whole answer of somebody who has several. An
    answer also waits while its prompt would not fit into `memory_bytes` (half of what is free now) beside the others.
    """

    def __init__(
        self,
        session: Session,
        *,
        most_running: int,
        chunk_tokens: int,
        memory_bytes: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._session = session
        free = free_bytes(session.loaded.device) // 2 if memory_bytes is None else memory_bytes
        self._memory = MemoryBudget(free)
        self._clock = clock
        self._most_running = most_running
        self._chunk_tokens = chunk_tokens
        self._answers: list[RunningSequence] = []
        """All of them in the order in which they came."""
        self._running: list[RunningSequence] = []
        self._waiting: list[RunningSequence] = []
        self._turns = Turns()
        self._costs = RowCosts()
        self._recent: deque[tuple[int, float]] = deque(maxlen=_RECENT_ANSWERS)
        on_cpu = session.loaded.device.type == "cpu"
        threads = torch.get_num_threads() if on_cpu else 1
        self._governor = ThreadGovernor(threads, set_threads=session.forward.use_threads)

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
            sequence = RunningSequence(reply, self._session)
            self._answers.append(sequence)
            self._waiting.append(sequence)
        except PlaygroundError as error:
            reply.fail(error)
        except Exception as error:
            logger.exception("a request could not be prepared")
            reply.fail(error)

    def admit(self, *, newcomers: bool = True) -> None:
        """Give the places to those whose turn it is, and tell the others how many are before them."""
        if self._waiting or not all(sequence.begun for sequence in self._running):
            in_turn = self._turns.of_places(self._answers, self._running)
            allowed = [sequence for sequence in in_turn if newcomers or sequence.begun]
            self._running = self._memory.admit(allowed, self._most_running)
            self._waiting = [sequence for sequence in in_turn if sequence not in self._running]
            for sequence in self._running:
                sequence.resume()
        for ahead, sequence in enumerate(self._waiting):
            if sequence.begun:
                # Whoever has begun is not told: news without figures would wipe those of the answer.
                sequence.pause()
            elif sequence.told_ahead != ahead:
                sequence.told_ahead = ahead
                sequence.reply.put_progress(Progress("waiting", ahead=ahead))

    def drop_cancelled(self) -> None:
        """End the answers that nobody wants any more; their caches are free afterwards."""
        for sequence in self._answers:
            if sequence.reply.cancelled:
                _cancel(sequence)
        self._forget_finished()

    def step(self) -> None:
        """The next token of every writing answer in one forward pass, the next piece of one prompt in another.

        A prompt is never packed with others and is cut without regard to them: the kernels for many rows round
        differently for every number of rows, and a seed has to give the same answer alone and in company.
        """
        writing = [sequence for sequence in self._running if not sequence.reading]
        reading = [sequence for sequence in self._running if sequence.reading]
        if writing:
            self._write(writing)
        if reading:
            self._read(self._turns.of_piece(reading))
        self._forget_finished()

    def cancel_running(self) -> None:
        """End all answers that have begun with the finish reason "cancelled"."""
        for sequence in self._answers:
            if sequence.begun:
                _cancel(sequence)
        self._forget_finished()

    def fail_all(self, error: BaseException) -> None:
        """End everything with `error`: the way out when the step loop itself is broken."""
        for sequence in self._answers:
            sequence.fail(error)
        self._forget_finished()

    def give_back_waiting(self) -> list[Reply]:
        """The requests that have not begun, for another session."""
        fresh = [sequence for sequence in self._answers if not sequence.begun]
        for held in (self._answers, self._running, self._waiting):
            held[:] = [sequence for sequence in held if sequence.begun]
        return [sequence.reply for sequence in fresh]

    def _read(self, reader: RunningSequence) -> None:
        """The next piece of a prompt; nothing is computed where all of it is known already."""
        try:
            known = None if reader.begun else reader.begin()
            if known is not None:
                reader.accept((), known)
                reader.reply.wake()
                return
        except Exception as error:
            _end_with(reader, error)
            return
        self._forward([_Part(reader, reader.next_tokens(self._chunk_tokens))])

    def _write(self, writing: list[RunningSequence]) -> None:
        """A step of all `writing` answers with as many guesses as pay, timed to know what pays."""
        most_rows = self._session.forward.exact_rows
        room = max(0, most_rows // len(writing) - 1)
        chances = [_or_end(sequence, partial(sequence.draft_chances, room), []) for sequence in writing]
        counts = share_rows(chances, most_rows, self._costs)
        parts = [
            _Part(sequence, sequence.next_tokens(1), _or_end(sequence, partial(sequence.draft, count), ()))
            for sequence, count in zip(writing, counts, strict=True)
            if not sequence.finished
        ]
        parts = [part for part in parts if not part.sequence.finished]
        if not parts:
            return
        self._forward(parts, decode=True)

    def _forward(self, parts: list[_Part], *, decode: bool = False) -> None:
        """Run `parts` together; if that fails, one by one and without guesses, so that only the culprit ends."""
        try:
            batch = pack([(part.sequence.cache, part.token_ids, part.logit_rows) for part in parts])
            logits = self._decode(batch) if decode else self._session.forward.step(batch).cpu()
        except Exception as error:
            if is_out_of_memory(error) and len(self._session.prefixes):
                logger.warning("the memory is full; what was kept of earlier prompts is given up")
                self._session.prefixes.clear()
                torch.cuda.empty_cache()
                self._forward(parts)
                return
            if len(parts) == 1 and not parts[0].draft:
                _end_with(parts[0].sequence, error)
                return
            logger.warning("a step of %d answers failed (%r); trying one by one", len(parts), error)
            for part in parts:
                self._forward([_Part(part.sequence, part.known)])
            return
        rows = [part.logit_rows for part in parts]
        for part, part_logits in zip(parts, logits.split(rows), strict=True):
            try:
                part.sequence.accept(part.token_ids, part_logits)
            except Exception as error:
                _end_with(part.sequence, error)
        for part in parts:
            part.sequence.reply.wake()

    def _decode(self, batch: Batch) -> torch.Tensor:
        """The logits of a decode step, on as many threads as are good now.

        The model alone is timed: what is done with its logits says nothing of the cores.
        """
        rows = len(batch.token_ids)
        with self._governor.decoding(rows) as threads:
            start_s = self._clock()
            logits = self._session.forward.step(batch).cpu()
            forward_s = self._clock() - start_s
        self._costs.record(rows, forward_s, threads=threads)
        return logits

    def _forget_finished(self) -> None:
        finished = [sequence for sequence in self._answers if sequence.finished]
        if finished:
            self._forget(finished)
        self._session.prefixes.make_room([sequence.cache for sequence in self._answers])

    def _forget(self, finished: Sequence[RunningSequence]) -> None:
        for sequence in finished:
            stats = sequence.stats
            if stats.new_tokens > 1:
                self._recent.append((stats.new_tokens - 1, stats.decode_s))
            if sequence in self._running:
                self._turns.leave(sequence)
        self._answers = [sequence for sequence in self._answers if not sequence.finished]
        self._running = [sequence for sequence in self._running if not sequence.finished]
        self._waiting = [sequence for sequence in self._waiting if not sequence.finished]
        self._turns.forget_all_but(self._answers)


def _or_end(sequence: RunningSequence, ask: Callable[[], Given], otherwise: Given) -> Given:
    """What `ask` gives; if it fails, that one answer ends and `otherwise` stands for it."""
    try:
        return ask()
    except Exception as error:
        _end_with(sequence, error)
        return otherwise


def _cancel(sequence: RunningSequence) -> None:
    try:
        sequence.finish("cancelled")
    except Exception as error:
        _end_with(sequence, error)


def _end_with(sequence: RunningSequence, error: Exception) -> None:
    if isinstance(error, PlaygroundError):
        sequence.fail(error)
        return
    logger.error("an answer failed", exc_info=error)
    if is_out_of_memory(error):
        error = PlaygroundError("The memory is full. Shorten the conversation, or choose a smaller model.")
    sequence.fail(error)
