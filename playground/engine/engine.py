"""The engine's face: answers, calls on the model's thread, and which model is open.

Owns nothing but the worker. Whoever uses it sees messages in and chunks out; no ids, no threads, no torch.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from playground.engine.reply import Reply, Request
from playground.engine.sequence import build_prompt
from playground.engine.session import EngineState, Forward, LoadModel, forward_for
from playground.engine.worker import Worker
from playground.errors import ModelUnavailable, PlaygroundError
from playground.messages import Chunk, Message, Prefix, SamplingParams

if TYPE_CHECKING:
    from playground.models.catalog import ModelSpec
    from playground.models.loader import LoadedModel

__all__ = ["Engine", "EngineState"]

Result = TypeVar("Result")


class Engine:
    """Runs one language model for many readers.

    `load(spec, report)` opens a model and may call `report(detail, fraction)` meanwhile. `most_running` answers are
    written at once, others wait. A prompt is read about `chunk_tokens` a step. What was read is kept for its owner in
    `prefix_store_bytes` (0: not at all), so that it need not be read again. When the model is switched, running answers
    have `grace_s` seconds to finish.
    """

    def __init__(
        self,
        load: LoadModel,
        *,
        most_running: int = 8,
        chunk_tokens: int = 512,
        prefix_store_bytes: int = 512 << 20,
        grace_s: float = 10.0,
        make_forward: Callable[[LoadedModel], Forward] = forward_for,
    ) -> None:
        self._worker = Worker(
            load,
            most_running=most_running,
            chunk_tokens=chunk_tokens,
            prefix_store_bytes=prefix_store_bytes,
            grace_s=grace_s,
            make_forward=make_forward,
        )

    @property
    def state(self) -> EngineState:
        """What the engine is doing now."""
        return self._worker.state

    def open(self, spec: ModelSpec, *others: ModelSpec) -> None:
        """Start to open `spec`, or if that fails the next of `others`; returns at once, `state` tells how it goes."""
        self._worker.open(spec, *others)

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
        """The answer to the last of `messages`, chunk by chunk; the last chunk has a finish reason.

        The request is made when the first chunk is asked for. Setting `cancel` ends it within a step, and so does
        closing the iterator. `prefix` is the beginning of an answer to continue. `owner` is who asks: what was read for
        one is used again for that one alone; for "" (not known) nothing is kept. The first `app_messages` are the app's
        own text, the same for everybody, and shared by all. Raises PlaygroundError children.
        """
        request = Request(
            tuple(messages), params, prefix, cancel=cancel or threading.Event(), owner=owner, app_messages=app_messages
        )
        reply = Reply(self._with_prompt(request))
        self._worker.submit(reply)
        try:
            yield from reply.chunks()
        finally:
            reply.abandon()
            self._worker.wake()

    def _with_prompt(self, request: Request) -> Request:
        """`request` with its prompt, if a model is open: built on this thread, so a long text holds up nobody else."""
        session = self._worker.session
        if session is None:
            return request
        prompt = build_prompt(
            session, request.messages, request.params, request.prefix, app_messages=request.app_messages
        )
        # Weak: a request that waits for another model must not keep this one in memory.
        return replace(request, prompt=prompt, session=weakref.ref(session))

    def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """`function(loaded_model, *args)` on the model's thread, between two steps; returns or raises what it does."""
        try:
            return self._worker.call(function, *args).result()
        except CancelledError as error:
            raise PlaygroundError("The app is shutting down. Start it again to go on.") from error

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt for `messages`, untrimmed. Raises ModelUnavailable while no model is open."""
        session = self._worker.session
        if session is None:
            raise ModelUnavailable("No model is open yet. Choose one first.")
        return session.prompts.count(messages)

    def check_fits(self, messages: Sequence[Message], params: SamplingParams) -> None:
        """Raise PromptTooLong if the newest of `messages` can never be answered; silent while no model is open."""
        session = self._worker.session
        if session is not None:
            build_prompt(session, messages, params, Prefix())

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop all answers and end the model's thread."""
        self._worker.close(timeout_s)
