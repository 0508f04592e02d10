"""The engine's face: answers, calls on the model's thread, and which model is open.

Owns nothing but the worker. Whoever uses it sees messages in and chunks out; no ids, no threads, no torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from playground.engine.reply import Reply, Request
from playground.engine.session import EngineState, Forward, LoadModel, forward_for
from playground.engine.worker import Worker
from playground.errors import ModelUnavailable, PlaygroundError
from playground.messages import Chunk, Message, SamplingParams

if TYPE_CHECKING:
    from playground.models.catalog import ModelSpec
    from playground.models.loader import LoadedModel

__all__ = ["Engine", "EngineState"]

Result = TypeVar("Result")


class Engine:
    """Runs one language model for many readers.

    `load(spec, report)` opens a model and may call `report(detail, fraction)` meanwhile. `most_running` answers are
    written at once, others wait. A prompt is read about `chunk_tokens` a step. When the model is switched, running
    answers have `grace_s` seconds to finish.
    """

    def __init__(
        self,
        load: LoadModel,
        *,
        most_running: int = 8,
        chunk_tokens: int = 512,
        grace_s: float = 10.0,
        make_forward: Callable[[LoadedModel], Forward] = forward_for,
    ) -> None:
        self._worker = Worker(
            load, most_running=most_running, chunk_tokens=chunk_tokens, grace_s=grace_s, make_forward=make_forward
        )

    @property
    def state(self) -> EngineState:
        """What the engine is doing now."""
        return self._worker.state

    def open(self, spec: ModelSpec) -> None:
        """Start to open `spec` and return at once; `state` tells how it goes and whether it failed."""
        self._worker.open(spec)

    def stream(
        self,
        messages: Sequence[Message],
        params: SamplingParams,
        *,
        cancel: threading.Event | None = None,
        prefix_ids: Sequence[int] = (),
    ) -> Iterator[Chunk]:
        """The answer to the last of `messages`, chunk by chunk; the last chunk has a finish reason.

        The request is made when the first chunk is asked for. Setting `cancel` ends it within a step, and so does
        closing the iterator. `prefix_ids` are the tokens of an answer to continue. Raises PlaygroundError children.
        """
        request = Request(tuple(messages), params, tuple(prefix_ids), cancel or threading.Event())
        reply = Reply(request)
        self._worker.submit(reply)
        try:
            yield from reply.chunks()
        finally:
            reply.abandon()
            self._worker.wake()

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
            session.prompts.build(messages, max_new_tokens=params.max_new_tokens)

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop all answers and end the model's thread."""
        self._worker.close(timeout_s)
