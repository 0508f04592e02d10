"""An engine that answers questions about texts from a table, within the form that it is given, and judges names."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from playground.engine.scoring import Opening, Scored, ScoringStopped
from playground.engine.split_tokens import SplitToken
from playground.errors import PlaygroundError
from playground.messages import Chunk, Message, Prefix, Progress, SamplingParams, Stats, Token

Says = Callable[[str], Sequence[str]]
"""What is answered to the last message of a prompt."""


@dataclass
class ExtractEngine:
    """As `engine.Engine`. `people` and `places` are taken for such, any other name for something else."""

    says: Says = lambda prompt: ()
    people: Sequence[str] = ()
    places: Sequence[str] = ()
    context_length: int = 4096
    logprob: float = -0.1
    loaded: bool = True
    phase: str = "ready"
    on_stream: Callable[[int], object] = lambda count: None
    """Called with the number of each answer before it is written."""
    refuses: PlaygroundError | None = None
    asked: list[tuple[tuple[Message, ...], SamplingParams]] = field(default_factory=list)
    judged: list[str] = field(default_factory=list)
    cancels: list[threading.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    @property
    def state(self) -> Any:
        """A model is open, unless it is not."""
        spec = SimpleNamespace(id="fake", name="Fake", parameters=100_000_000, chat=True)
        loaded = SimpleNamespace(spec=spec, context_length=self.context_length) if self.loaded else None
        return SimpleNamespace(loaded=loaded, phase=self.phase, error=None, opening_detail="", opening_share=None)

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
        """A JSON list, a sign a chunk."""
        assert params.grammar is not None and params.grammar.lark, "every answer has a form"
        assert app_messages == len(messages) - 1, "all but the text is the app's own"
        cancel = cancel or threading.Event()
        with self._lock:
            self.asked.append((tuple(messages), params))
            self.cancels.append(cancel)
            number = len(self.asked)
        yield Chunk(progress=Progress("reading", 0, 0, 10))
        self.on_stream(number)
        if self.refuses is not None:
            raise self.refuses
        written = json.dumps(list(self.says(messages[-1].content)), ensure_ascii=False)
        for count, sign in enumerate(written, 1):
            if cancel.is_set():
                yield Chunk(finish_reason="cancelled")
                return
            logprob = self.logprob if sign.isalnum() else 0.0
            yield Chunk(sign, (Token(0, sign, logprob),), Stats("fake", "Fake", 10, new_tokens=count))
        yield Chunk(stats=Stats("fake", "Fake", 10, new_tokens=len(written)), finish_reason="stop")

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:
        """Sure of every name."""
        for index, opening in enumerate(openings):
            if cancel is not None and cancel.is_set():
                raise ScoringStopped("Stopped before the whole text was read.")
            found = re.search(r"“([^”]*)”[^“]*\Z", opening.messages[-1].content)
            assert found is not None
            name = found[1]
            self.judged.append(name)
            kind = 0 if name in self.people else 1 if name in self.places else 3
            yield Scored(index, tuple(-0.05 if place == kind else -4.0 for place in range(len(options))))

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, and four a message."""
        return sum(4 + len(message.content.split()) for message in messages)

    def split(self, text: str) -> list[SplitToken]:
        """Words are tokens."""
        found = enumerate(re.finditer(r"\S+", text))
        return [SplitToken(index, match[0], match[0], match.start(), match.end()) for index, match in found]
