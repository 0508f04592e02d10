"""The one thread that owns the model.

Owns the queue between the threads, the order of work (switch, calls, steps) and the life of the session. What a step
is, is the scheduler's; what an answer is, the sequence's. With nothing to do the thread sleeps.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from playground.engine.reply import Reply
from playground.engine.scheduler import Scheduler
from playground.engine.session import EngineState, Forward, LoadModel, Session, forward_for, open_session
from playground.errors import ModelUnavailable, PlaygroundError
from playground.messages import Chunk, Progress

if TYPE_CHECKING:
    from playground.models.catalog import ModelSpec
    from playground.models.loader import LoadedModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A wish to open a model; compared by identity, because the same model can be wished for twice."""

    spec: ModelSpec
    others: tuple[ModelSpec, ...] = ()


class _Superseded(Exception):
    """Another model is wanted, or none: opening this one may stop."""


class Worker:
    """Runs answers and calls on one thread. All methods may be called from any thread and return at once, but
    `close`."""

    def __init__(
        self,
        load: LoadModel,
        *,
        most_running: int = 8,
        chunk_tokens: int = 512,
        prefix_store_bytes: int = 0,
        grace_s: float = 10.0,
        make_forward: Callable[[LoadedModel], Forward] = forward_for,
    ) -> None:
        self._load = load
        self._most_running = most_running
        self._chunk_tokens = chunk_tokens
        self._prefix_store_bytes = prefix_store_bytes
        self._grace_s = grace_s
        self._make_forward = make_forward
        self._condition = threading.Condition()
        self._arrived: deque[Reply] = deque()
        self._calls: deque[tuple[Future, Callable[..., Any], tuple]] = deque()
        self._wanted: _Wanted | None = None
        self._wanted_at_s = 0.0
        self._threads = torch.get_num_threads()
        self._closing = False
        self._state = EngineState()
        self._session: Session | None = None
        self._scheduler: Scheduler | None = None
        self._thread = threading.Thread(target=self._work, name="playground-engine", daemon=True)
        self._thread.start()

    @property
    def state(self) -> EngineState:
        """What is going on now."""
        with self._condition:
            state, scheduler = self._state, self._scheduler
            waiting = len(self._arrived) + (scheduler.waiting if scheduler else 0)
            if state.phase == "opening":
                return replace(state, opening_for_s=time.monotonic() - self._wanted_at_s, waiting=waiting)
            if scheduler is None:
                return replace(state, waiting=waiting)
            speed = scheduler.tokens_per_second
            return replace(state, running=scheduler.running, waiting=waiting, tokens_per_second=speed)

    @property
    def session(self) -> Session | None:
        """The opened model, None while there is none or another one is wanted."""
        return None if self._wanted is not None else self._session

    def open(self, spec: ModelSpec, *others: ModelSpec) -> None:
        """Switch to `spec`, or to the first of `others` that can be opened.

        Running answers get the grace time to finish; new requests wait for the model.
        """
        with self._condition:
            self._refuse_closed()
            # A new object every time: the same model may be wanted again with its weights held in another way.
            self._wanted, self._wanted_at_s = _Wanted(spec, others), time.monotonic()
            answering = self._scheduler is not None and self._scheduler.running > 0
            detail = "waiting for answers that are being written" if answering else ""
            self._state = EngineState("opening", spec, opening_detail=detail)
            self._condition.notify()

    def submit(self, reply: Reply) -> None:
        """Queue a request."""
        with self._condition:
            self._refuse_closed()
            opening = self._wanted is not None
            self._arrived.append(reply)
            self._condition.notify()
        if opening:
            reply.put_progress(Progress("opening"))

    def call(self, function: Callable[..., Any], *args: Any) -> Future:
        """Queue `function(session, *args)` to run between two steps."""
        future: Future = Future()
        with self._condition:
            self._refuse_closed()
            self._calls.append((future, function, args))
            self._condition.notify()
        return future

    def wake(self) -> None:
        """Make the thread look at what was cancelled."""
        with self._condition:
            self._condition.notify()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop all answers and end the thread. Safe to call twice."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _refuse_closed(self) -> None:
        if self._closing:
            raise PlaygroundError("The app is shutting down. Start it again to go on.")

    def _work(self) -> None:
        while self._wait_for_work():
            try:
                self._turn()
            except Exception as error:
                # A bug in here must neither leave visitors waiting for ever nor spin.
                logger.exception("the engine's loop failed; it goes on")
                if self._scheduler is not None:
                    self._scheduler.fail_all(error)
        self._end_all()

    def _wait_for_work(self) -> bool:
        """Sleep until there is something to do; False when it is time to end."""
        with self._condition:
            while not (self._closing or self._arrived or self._calls or self._wanted or self._busy()):
                self._condition.wait()
            return not self._closing

    def _busy(self) -> bool:
        return self._scheduler is not None and self._scheduler.running + self._scheduler.waiting > 0

    def _turn(self) -> None:
        """One round: a due model switch, or new requests, calls and a step."""
        # No local name for the scheduler here: it would keep the old model in memory while the new one is loaded.
        if self._scheduler is not None:
            self._scheduler.drop_cancelled()
        if self._wanted is not None:
            if self._scheduler is not None and self._may_still_answer(self._scheduler):
                self._scheduler.admit(newcomers=False)
                self._scheduler.step()
            else:
                self._switch(self._wanted)
            return
        self._take_arrived()
        self._run_calls()
        if self._scheduler is not None:
            self._scheduler.admit()
            self._scheduler.step()

    def _may_still_answer(self, scheduler: Scheduler) -> bool:
        """Answers of the old model are running and their grace time is not over."""
        return scheduler.running > 0 and time.monotonic() - self._wanted_at_s < self._grace_s

    def _take_arrived(self) -> None:
        with self._condition:
            arrived = list(self._arrived)
            self._arrived.clear()
        for reply in arrived:
            if reply.cancelled:
                reply.put(Chunk(finish_reason="cancelled"))
            elif self._scheduler is None:
                reply.fail(self._no_model())
            else:
                self._scheduler.add(reply)

    def _run_calls(self) -> None:
        with self._condition:
            calls = list(self._calls)
            self._calls.clear()
        for future, function, args in calls:
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if self._session is None:
                    raise self._no_model()
                future.set_result(function(self._session, *args))
            except BaseException as error:
                future.set_exception(error)

    def _no_model(self) -> PlaygroundError:
        error = self._state.error
        return type(error)(str(error)) if error else ModelUnavailable("No model is open yet. Choose one first.")

    def _switch(self, wanted: _Wanted) -> None:
        """Close the session and open what is wanted in its place."""
        spec = wanted.spec
        try:
            self._drop_session()
            loaded = self._load(spec, partial(self._report, wanted))
            session = open_session(loaded, self._make_forward, prefix_store_bytes=self._prefix_store_bytes)
            scheduler = Scheduler(session, most_running=self._most_running, chunk_tokens=self._chunk_tokens)
        except Exception as error:
            self._opening_failed(wanted, error)
            return
        with self._condition:
            if self._wanted is not wanted:
                return
            self._wanted = None
            self._session, self._scheduler = session, scheduler
            self._state = EngineState("ready", spec, session.loaded, fast_path=session.has_fast_path)

    def _drop_session(self) -> None:
        """Stop what runs, put those who wait back into the queue, and free the model's memory before the next."""
        if self._scheduler is not None:
            self._scheduler.cancel_running()
            replies = self._scheduler.give_back_waiting()
            with self._condition:
                self._arrived.extendleft(reversed(replies))
        self._session = self._scheduler = None
        # The number of threads belongs to this thread, and the last model may have left it at one.
        torch.set_num_threads(self._threads)
        with self._condition:
            waiting = list(self._arrived)
        for reply in waiting:
            reply.put_progress(Progress("opening"))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _report(self, wanted: _Wanted, detail: str = "", fraction: float | None = None) -> None:
        """What a loader tells about its progress. Raises into the loader when its work is no longer wanted."""
        with self._condition:
            if self._closing or self._wanted is not wanted:
                raise _Superseded
            self._state = replace(self._state, opening_detail=detail, opening_fraction=fraction)

    def _opening_failed(self, wanted: _Wanted, error: Exception) -> None:
        spec = wanted.spec
        if not isinstance(error, PlaygroundError | _Superseded):
            logger.error("a model could not be opened", exc_info=error)
        with self._condition:
            if self._wanted is not wanted or self._closing:
                return
            if wanted.others:
                logger.warning("%s", error)
                self._wanted = _Wanted(wanted.others[0], wanted.others[1:])
                self._state = EngineState("opening", wanted.others[0])
                return
            self._wanted = None
            if not isinstance(error, PlaygroundError):
                error = ModelUnavailable(
                    f"{spec.name} could not be opened because of an unexpected error, which is in the log. "
                    "Try again, or choose another model."
                )
            self._state = EngineState("failed", spec, error=error)

    def _end_all(self) -> None:
        """The last thing on the thread: nobody is left waiting, the model's memory is free."""
        with self._condition:
            scheduler, replies = self._scheduler, list(self._arrived)
            futures = [future for future, _, _ in self._calls]
            self._arrived.clear()
            self._calls.clear()
            self._session = self._scheduler = None
            self._state = EngineState()
        if scheduler is not None:
            scheduler.cancel_running()
            replies += scheduler.give_back_waiting()
        for reply in replies:
            reply.put(Chunk(finish_reason="cancelled"))
        for future in futures:
            future.cancel()
