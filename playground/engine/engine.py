"""The engine's face: answers, calls on the model's thread, and which model is open.

Owns nothing but the worker. Whoever uses it sees messages in and chunks out; no ids, no threads, no torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from playground.engine import readout
from playground.engine.preparation import build_prompt, prepare
from playground.engine.recorded_run import MOST_BYTES, RecordedRun
from playground.engine.recording import UNCHANGED, Edit, Recording, RecordingStopped
from playground.engine.reply import Reply, Request
from playground.engine.scoring import Opening, Scored, ScoringRun, ScoringStopped
from playground.engine.session import EngineState, Forward, LoadModel, Session, forward_for
from playground.engine.split_tokens import SplitToken
from playground.engine.worker import Worker
from playground.errors import ModelUnavailable, PlaygroundError
from playground.messages import Chunk, Message, Prefix, SamplingParams

if TYPE_CHECKING:
    from torch import Tensor

    from playground.models.catalog import ModelSpec
    from playground.models.loader import LoadedModel

__all__ = ["Engine", "EngineState"]

CANCEL_CHECK_S = 0.05

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
        self._chunk_tokens = chunk_tokens
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
        session = self._worker.session
        ready = None if session is None else prepare(session, messages, params, prefix, app_messages=app_messages)
        reply = Reply(replace(request, prepared=ready))
        self._worker.submit(reply)
        try:
            yield from reply.chunks()
        finally:
            reply.abandon()
            self._worker.wake()

    def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """`function(loaded_model, *args)` on the model's thread, between two steps; returns or raises what it does."""
        return self._call(lambda session: function(session.loaded, *args))

    def record(
        self,
        token_ids: Sequence[int],
        *,
        edit: Edit = UNCHANGED,
        cancel: threading.Event | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Recording:
        """Read `token_ids` with the open model and keep what its attention computed, changed as `edit` says.

        The text is read in pieces on the model's thread, everybody's answers go on between them; `on_progress(done,
        total)` counts tokens. Setting `cancel` raises RecordingStopped within a piece. The recording takes at most
        `most_bytes`, and about as much again for a moment. Raises PlaygroundError children: ModelUnavailable without a
        model, with one that does not show its attention, and when another one is chosen meanwhile; InvalidInput and
        PromptTooLong for tokens or edits that make no sense here or take too much memory.
        """
        run = RecordedRun(self._open_session(), token_ids, edit, chunk_tokens=self._chunk_tokens, most_bytes=most_bytes)
        while run.done_tokens < run.total_tokens:
            self._call(run.read_piece, cancel=cancel)
            if on_progress is not None:
                on_progress(run.done_tokens, run.total_tokens)
        return run.recording()

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:
        """log P(option | opening) of every option behind every opening, as they come, in one pass over each opening.

        What all openings begin with is read once, several are read in one step, everybody's answers go on between the
        steps. `owner` as in `stream`. An opening that cannot be read gives its error, the others go on. Setting
        `cancel` raises ScoringStopped within a step. Raises ModelUnavailable without a model and when another one is
        chosen meanwhile, InvalidInput for an option without a letter.
        """
        run = ScoringRun(self._open_session(), openings, options, owner=owner, chunk_tokens=self._chunk_tokens)
        while True:
            try:
                found = self._call(run.step, cancel=cancel)
            except RecordingStopped as stopped:
                raise ScoringStopped(str(stopped)) from stopped
            if found is None:
                return
            yield from found

    def read_out(self, hidden: Tensor, *, of: Recording | None = None) -> Tensor:
        """float32 logits [n, vocabulary] of rows of the residual stream [n, hidden], put through the last norm and the
        output layer (the logit lens). Raises ModelUnavailable, also where another model than that `of` a recording is
        open now."""
        return self._ask_model_of(of, readout.read_out, hidden)

    def output_projection(self, layer: int, *, of: Recording | None = None) -> Tensor:
        """float32 [hidden, heads * value size]: what brings the heads of a layer together (W_O), without its bias.
        Raises ModelUnavailable as `read_out`, IndexError for a layer that is not there."""
        return self._ask_model_of(of, readout.output_projection, layer)

    def token_texts(self, token_ids: Sequence[int], *, of: Recording | None = None) -> list[str]:
        """How tokens read on their own. Raises ModelUnavailable as `read_out`."""
        texts = readout.require_model_of(self._open_session(), of).token_texts
        return [texts[token_id] for token_id in token_ids]

    def split(self, text: str) -> list[SplitToken]:
        """The tokens that the open model reads for `text`, its start token included. Raises ModelUnavailable."""
        return self._open_session().splitter.split_text(text)

    def split_chat(self, messages: Sequence[Message], answer_ids: Sequence[int] = ()) -> list[SplitToken]:
        """The tokens of the prompt for `messages` with the template's own, then the answer's tokens `answer_ids`.

        Raises ModelUnavailable, PromptTooLong and InvalidInput.
        """
        session = self._open_session()
        prompt = session.prompts.build(messages, max_new_tokens=1, prefix_ids=answer_ids)
        return session.splitter.split_ids(prompt.ids)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt for `messages`, untrimmed. Raises ModelUnavailable while no model is open."""
        return self._open_session().prompts.count(messages)

    def check_fits(self, messages: Sequence[Message], params: SamplingParams) -> None:
        """Raise PromptTooLong if the newest of `messages` can never be answered; silent while no model is open."""
        session = self._worker.session
        if session is not None:
            build_prompt(session, messages, params, Prefix())

    def close(self, timeout_s: float = 10.0) -> None:
        """Stop all answers and end the model's thread."""
        self._worker.close(timeout_s)

    def _open_session(self) -> Session:
        session = self._worker.session
        if session is None:
            raise ModelUnavailable("No model is open yet. Choose one first.")
        return session

    def _ask_model_of(self, recording: Recording | None, function: Callable[..., Result], *args: Any) -> Result:
        readout.require_model_of(self._open_session(), recording)  # without waiting for a model that is being opened
        return self._call(lambda session: function(readout.require_model_of(session, recording), *args))

    def _call(self, function: Callable[[Session], Result], *, cancel: threading.Event | None = None) -> Result:
        """`function(session)` on the model's thread. Raises RecordingStopped where `cancel` came before its turn."""
        future = self._worker.call(function)
        while cancel is not None and not wait([future], CANCEL_CHECK_S).done:
            if cancel.is_set() and future.cancel():
                break
        if cancel is not None and cancel.is_set():
            raise RecordingStopped("Stopped before the whole text was read.")
        try:
            return future.result()
        except CancelledError as error:
            raise PlaygroundError("The app is shutting down. Start it again to go on.") from error
