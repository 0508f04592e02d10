"""An engine that writes what a function says, a word at a time, and counts words as tokens."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from playground.engine.split_tokens import SplitToken
from playground.errors import PromptTooLong
from playground.messages import Alternative, Chunk, Message, Prefix, SamplingParams, Stats, Token

Answer = Callable[[str], str]
"""What is written for the last message of a prompt."""
EXAMPLE_FREE = re.compile(r"(?:Article|文章):\n(.*)\Z", re.DOTALL)


def passage_of(prompt: str) -> str:
    """The text that a prompt asks about."""
    found = EXAMPLE_FREE.search(prompt)
    assert found is not None
    return found[1]


def first_words(count: int) -> Answer:
    """A model that repeats the first words of what it reads as one sentence."""

    def answer(prompt: str) -> str:
        return " ".join(passage_of(prompt).split()[:count]).rstrip(".") + "."

    return answer


@dataclass
class FakeEngine:
    """As `engine.Engine`. `obeys`: it ends after `max_new_tokens`."""

    answer: Answer
    context_length: int = 4096
    parameters: int | None = 100_000_000
    obeys: bool = True
    on_chunk: Callable[[int], object] = lambda count: None
    asked: list[tuple[Message, ...]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    """How each answer was begun."""
    openers: dict[str, str] = field(default_factory=dict)
    """What is written where an answer is begun in another way."""
    likely: tuple[str, ...] = ()
    """First words that could have come as well."""
    most_at_once: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._running = self._chunks = 0

    @property
    def state(self) -> Any:
        """A model is open."""
        spec = SimpleNamespace(id="fake", name="Fake", parameters=self.parameters, chat=True)
        return SimpleNamespace(loaded=SimpleNamespace(spec=spec, context_length=self.context_length))

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
        """The answer, a word a chunk."""
        with self._lock:
            self.asked.append(tuple(messages))
            self.begun.append(prefix.text)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
        try:
            yield from self._chunks_of(messages, params, cancel or threading.Event(), prefix)
        finally:
            with self._lock:
                self._running -= 1
                self.closed += 1

    def _chunks_of(
        self, messages: Sequence[Message], params: SamplingParams, cancel: threading.Event, prefix: Prefix
    ) -> Iterator[Chunk]:
        length = self.count_tokens(messages)
        if length >= self.context_length:
            raise PromptTooLong(f"Your text is {length} tokens.")
        answer = (self.openers.get(prefix.text) or self.answer(messages[-1].content)).removeprefix(prefix.text)
        likely = (Alternative(0, answer[:1], -0.1), *(Alternative(1, word, -1.0) for word in self.likely))
        pieces = re.findall(r"\s*\S+|\s+\Z", answer)
        reason = "stop"
        if self.obeys and len(pieces) > params.max_new_tokens:
            pieces, reason = pieces[: params.max_new_tokens], "length"
        for number, piece in enumerate(pieces, 1):
            with self._lock:
                self._chunks += 1
                count = self._chunks
            self.on_chunk(count)
            if cancel.is_set():
                yield Chunk(stats=Stats("fake", "Fake", length, new_tokens=number - 1), finish_reason="cancelled")
                return
            tokens = (Token(0, piece, alternatives=likely if params.alternatives else ()),)
            yield Chunk(piece, tokens, stats=Stats("fake", "Fake", length, new_tokens=number))
        yield Chunk(stats=Stats("fake", "Fake", length, new_tokens=len(pieces)), finish_reason=reason)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, and four a message."""
        return sum(4 + len(message.content.split()) for message in messages)

    def split(self, text: str) -> list[SplitToken]:
        """Words are tokens."""
        found = enumerate(re.finditer(r"\S+", text))
        return [SplitToken(index, match[0], match[0], match.start(), match.end()) for index, match in found]
