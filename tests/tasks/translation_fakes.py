"""Writers and an engine that translate by a table, so that every way a model goes wrong can be staged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from playground.messages import Alternative, Chunk, Message, Prefix, SamplingParams, Token
from playground.tasks.translation_prompts import Sentence
from playground.tasks.translation_writer import Draft, OnText

Say = Callable[[str, str], str]
"""What is written for a sentence, tried in a way."""


@dataclass
class FakeWriter:
    """Says what `say` says; notes what it was asked and how many were asked at once."""

    say: Say
    tried: tuple[str, ...] = ("first", "second", "sampled")
    probability: float | None = 0.8
    before: Callable[[Sentence], None] = lambda sentence: None
    earlier: int = 0
    compared: tuple[str, ...] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)
    sentences: list[Sentence] = field(default_factory=list)

    def ways(self, target: str) -> tuple[str, ...]:
        """The same for every language."""
        return self.tried

    def candidates(self, source: str, target: str) -> tuple[str, ...]:
        """The same for every direction."""
        return self.compared

    def write(self, sentence: Sentence, way: str, cancel: threading.Event, on_text: OnText, seed: int = 0) -> Draft:
        """What `say` says, in two halves."""
        self.asked.append((sentence.text, way))
        self.sentences.append(sentence)
        self.before(sentence)
        if cancel.is_set():
            return Draft("", cancelled=True)
        text = self.say(sentence.text, f"{way} {seed}" if seed else way)
        on_text(text[: len(text) // 2])
        on_text(text)
        return Draft(text, self.probability)


@dataclass
class TokenEngine:
    """Writes tokens that a function gives for the text written so far: (text, alternatives); None ends the answer."""

    following: Callable[[str], tuple[str, Sequence[str]] | None]
    prefixes: list[Prefix] = field(default_factory=list)
    questions: list[tuple[Message, ...]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    closed: int = 0

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
        """A token a chunk; its id is its place in `texts`."""
        self.prefixes.append(prefix)
        self.questions.append(tuple(messages))
        text = prefix.text + "".join(self.texts[token_id] for token_id in prefix.ids)
        try:
            for _ in range(params.max_new_tokens):
                if cancel is not None and cancel.is_set():
                    yield Chunk(finish_reason="cancelled")
                    return
                found = self.following(text)
                if found is None:
                    yield Chunk(finish_reason="stop")
                    return
                own, others = found
                alternatives = tuple(Alternative(self._id(one), one, -1.0) for one in (own, *others))
                text += own
                yield Chunk(text=own, tokens=(Token(self._id(own), own, -0.5, alternatives),))
            yield Chunk(finish_reason="length")
        finally:
            self.closed += 1

    def _id(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)


def writes(*tokens: str) -> Callable[[str], tuple[str, Sequence[str]] | None]:
    """An answer of these tokens, whatever is asked."""

    def following(so_far: str) -> tuple[str, Sequence[str]] | None:
        for token in tokens:
            if not so_far.startswith(token):
                return (token, ()) if not so_far else None
            so_far = so_far[len(token) :]
        return None

    return following
