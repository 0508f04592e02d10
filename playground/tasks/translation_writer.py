"""One answer of the engine to one question of a translation, watched while it is written.

Owns the stream: it ends an answer that goes in circles and takes back words of the wrong script. Knows no retry and no
guard but these two.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from playground.messages import Chunk, Prefix, SamplingParams, Token
from playground.tasks.text_engine import Answers
from playground.tasks.translation_guards import has_loop, is_over, tidy
from playground.tasks.translation_prompts import Ask, Sentence, Way, ask, most_new_tokens, read_answer
from playground.tasks.translation_steering import ALTERNATIVES, stray

MOST_REPAIRS = 12
"""Words taken back in one sentence; beyond that the model cannot do better."""
LOOK_FOR_LOOPS_EVERY = 8
EARLIER = 3
"""Sentences that a chat model is told with their translations, if it has so many parameters: of 16 words that the
sentence before decides, one of 1.5 billion gets 4 right instead of 1, one of 0.5 billion 2 either way."""
LEAST_PARAMETERS_FOR_EARLIER = 1_000_000_000
GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0, alternatives=ALTERNATIVES)
SAMPLED = replace(GREEDY, temperature=0.6, top_k=0, top_p=0.9, min_p=0.05)

OnText = Callable[[str], None]
_WAYS: dict[str, Way] = {
    "plain": "plain", "examples": "examples", "list": "list", "entry": "entry", "entries": "entries",
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A translation as a model wrote it, tidied. `probability`: mean of its tokens, geometric; None where unknown."""

    text: str
    probability: float | None = None
    cut: bool = False
    """It was broken off: at the greatest length, or in a circle."""
    cancelled: bool = False
    new_tokens: int = 0


def earlier_for(*, chat: bool, parameters: int | None) -> int:
    """How many earlier sentences a language model of so many parameters (None: not known) is told."""
    return EARLIER if chat and (parameters or 0) >= LEAST_PARAMETERS_FOR_EARLIER else 0


class SentenceWriter(Protocol):
    """Something that translates a sentence."""

    @property
    def earlier(self) -> int:
        """How many earlier sentences of the same paragraph it wants to know with their translations; 0: none, and all
        sentences may be written at once."""
        ...

    def ways(self, target: str) -> tuple[str, ...]:
        """Names of what it can try for a translation into `target`, the best first; the last one may be asked again
        with another seed."""
        ...

    def candidates(self, source: str, target: str) -> tuple[str, ...]:
        """Names of what it tries where care is taken, to be compared; none where comparing does not pay."""
        ...

    def write(self, sentence: Sentence, way: str, cancel: threading.Event, on_text: OnText, seed: int = 0) -> Draft:
        """One translation; `on_text` is told what there is of it. Raises PlaygroundError children."""
        ...


class EngineWriter:
    """Translates with the language model that the engine has open. `chat`: it was taught to answer. `earlier` as in
    SentenceWriter."""

    def __init__(self, engine: Answers, *, chat: bool, owner: str = "", earlier: int = 0) -> None:
        self._engine, self._chat, self._owner = engine, chat, owner
        self._earlier = earlier

    @property
    def earlier(self) -> int:
        """See SentenceWriter."""
        return self._earlier

    def ways(self, target: str) -> tuple[str, ...]:
        """See SentenceWriter. Into English small chat models do better without examples, base ones with short ones."""
        if not self._chat:
            return ("list/1", "list", "list sampled") if target == "en" else ("list", "list/1", "list sampled")
        best = ("plain", "examples") if target == "en" else ("examples", "plain")
        return (*best, f"{best[0]} sampled")

    def candidates(self, source: str, target: str) -> tuple[str, ...]:
        """See SentenceWriter. Three that differ much agree on what is right more often than five that are alike."""
        if not self._chat:
            return (*self.ways(target)[:2], "list/2")
        return (self.ways(target)[0], "list", "entry")

    def write(self, sentence: Sentence, way: str, cancel: threading.Event, on_text: OnText, seed: int = 0) -> Draft:
        """See SentenceWriter. The seed is for ways that sample."""
        name, _, sampled = way.partition(" ")
        kind, _, turn = name.partition("/")
        params = replace(SAMPLED, seed=seed) if sampled else GREEDY
        params = replace(params, max_new_tokens=most_new_tokens(sentence.text))
        question = ask(sentence, _WAYS[kind], params, int(turn or 0))
        return self._watched(question, sentence, cancel, on_text, partial(read_answer, way=_WAYS[kind]))

    def _watched(
        self, question: Ask, sentence: Sentence, cancel: threading.Event, on_text: OnText, read: Callable[[str], str]
    ) -> Draft:
        written: list[Token] = []
        for repairs in range(MOST_REPAIRS + 1):
            answer = _Answer(written, sentence, on_text, read, may_repair=repairs < MOST_REPAIRS)
            chunks = self._engine.stream(
                question.messages,
                question.params,
                cancel=cancel,
                prefix=_continued(question.prefix, written),
                owner=self._owner,
                app_messages=question.app_messages,
            )
            answer.read(chunks)
            del chunks  # closes the stream: an answer that is taken up again must not be written on meanwhile
            written = answer.tokens
            if not answer.repaired:
                break
        return answer.draft()


class _Answer:
    """The tokens of an answer, from `written` on."""

    def __init__(
        self,
        written: list[Token],
        sentence: Sentence,
        on_text: OnText,
        read: Callable[[str], str],
        *,
        may_repair: bool,
    ) -> None:
        self._written, self._sentence, self._on_text, self._read = written, sentence, on_text, read
        self._may_repair = may_repair
        self._fresh: list[Token] = []
        self._reason: str | None = None
        self.repaired = False

    @property
    def tokens(self) -> list[Token]:
        """All of them."""
        return self._written + self._fresh

    def read(self, chunks: Iterator[Chunk]) -> None:
        """Take the stream until it ends, goes in circles, or a word has been put right."""
        looked = 0
        for chunk in chunks:
            self._fresh += chunk.tokens
            self._reason = chunk.finish_reason or self._reason
            if chunk.tokens and self._may_repair and self._repair():
                break
            if chunk.tokens:
                text = self._read("".join(token.text for token in self.tokens))
                self._on_text(text)
                if is_over(text):
                    break
                if len(self._fresh) >= looked + LOOK_FOR_LOOPS_EVERY:
                    looked = len(self._fresh)
                    if has_loop(text) and not has_loop(self._sentence.text):
                        self._reason = "length"
                        break

    def draft(self) -> Draft:
        """What was written, as a translation."""
        tokens = self.tokens
        logprobs = [token.logprob for token in tokens if token.logprob is not None]
        return Draft(
            tidy(self._read("".join(token.text for token in tokens)), self._sentence.text),
            math.exp(sum(logprobs) / len(logprobs)) if logprobs else None,
            cut=self._reason in ("length", "context"),
            cancelled=self._reason == "cancelled",
            new_tokens=len(tokens),
        )

    def _repair(self) -> bool:
        found = stray(self._written, self._fresh, self._sentence.text, self._sentence.target)
        if found is None:
            return False
        index, better = found
        self._fresh[index:] = [Token(better.id, better.text, better.logprob)]
        self.repaired = True
        return True


def _continued(prefix: Prefix, written: Sequence[Token]) -> Prefix:
    """The start of the answer with what has been written. Its ids say it best, but a prefix is either ids or text."""
    if not written:
        return prefix
    if not prefix.text:
        return Prefix(ids=tuple(token.id for token in written))
    blank = " " if prefix.text.endswith(":") else ""
    return Prefix(text=f"{prefix.text}{blank}{''.join(token.text for token in written).lstrip()}")
