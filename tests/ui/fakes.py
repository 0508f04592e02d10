"""An engine that answers from a list, for tests of everything around the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.engine.engine import EngineState
from playground.errors import PlaygroundError, PromptTooLong
from playground.messages import Alternative, Chunk, Message, Prefix, Progress, SamplingParams, Stats, Token
from playground.models.catalog import SMALLEST


@dataclass
class _Loaded:
    spec: Any = SMALLEST
    quantization: str = "int4"
    reason: str = "There is no GPU, so the weights are held in 4 bit."
    context_length: int = 1000

    @property
    def device(self) -> Any:
        return type("Device", (), {"type": "cpu"})()


@dataclass
class FakeEngine:
    """Every character is a token whose id is its code point. `answers` are used in turn, the last one for ever.

    With `gate` set, one token is written for each `gate.release()`.
    """

    answers: list[str | PlaygroundError] = field(default_factory=lambda: ["Hello there."])
    delay_s: float = 0.0
    gate: threading.Semaphore | None = None
    requests: list[tuple[list[Message], SamplingParams, Prefix]] = field(default_factory=list)
    askers: list[tuple[str, int]] = field(default_factory=list)
    """Who asked, and how many of the messages were the app's own, for each request."""
    loaded: _Loaded = field(default_factory=_Loaded)

    @property
    def state(self) -> EngineState:
        return EngineState("ready", self.loaded.spec, self.loaded)  # type: ignore[arg-type]

    def stream(
        self, messages: Sequence[Message], params: SamplingParams, *, cancel: threading.Event | None = None,
        prefix: Prefix = Prefix(), owner: str = "", app_messages: int = 0,
    ) -> Iterator[Chunk]:  # fmt: skip
        self.requests.append((list(messages), params, prefix))
        self.askers.append((owner, app_messages))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, PlaygroundError):
            raise answer
        prompt_tokens = sum(len(message.content) for message in messages) + len(prefix.text)
        yield Chunk(progress=Progress("reading", 0, 0, prompt_tokens))
        for count, sign in enumerate(answer[len(prefix.text) :], start=1):
            if not self._may_go_on(cancel):
                yield Chunk(stats=self._stats(params, prompt_tokens, count - 1), finish_reason="cancelled")
                return
            others = (
                Alternative(ord(sign), sign, -0.2),
                Alternative(ord("X"), "X", -1.8),
                Alternative(60, "<b>", -4.0),
            )
            token = Token(ord(sign), sign, -0.2, others[: params.alternatives])
            yield Chunk(sign, (token,), self._stats(params, prompt_tokens, count))
        yield Chunk(stats=self._stats(params, prompt_tokens, len(answer)), finish_reason="stop")

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(self.loaded, *args)

    def check_fits(self, messages: Sequence[Message], params: SamplingParams) -> None:
        if sum(len(message.content) for message in messages[-1:]) > self.loaded.context_length:
            raise PromptTooLong("Your text is 2,000 tokens; this model reads 1,000. Shorten it by about 750 words.")

    def open(self, spec: Any, *others: Any) -> None:
        self.loaded.spec = spec

    def close(self, timeout_s: float = 0.0) -> None:
        pass

    def _may_go_on(self, cancel: threading.Event | None) -> bool:
        if self.delay_s:
            time.sleep(self.delay_s)
        while self.gate is not None and not self.gate.acquire(timeout=0.01):
            if cancel and cancel.is_set():
                return False
        return not (cancel and cancel.is_set())

    @staticmethod
    def _stats(params: SamplingParams, prompt_tokens: int, new_tokens: int) -> Stats:
        return Stats(
            model_id=SMALLEST.id, model_name=SMALLEST.name,
            prompt_tokens=prompt_tokens, new_tokens=new_tokens, context_length=1000, first_token_s=0.21,
            decode_s=0.02 * new_tokens, seed=params.seed or 7,
        )  # fmt: skip
