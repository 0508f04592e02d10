"""The model that is open, as somebody who writes summaries: how much it reads at once, how long it takes, its answers.

Owns counting, sizes and the estimate for one summary. Knows no tree and no forms.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from playground.errors import ModelUnavailable, PromptTooLong
from playground.messages import Stats
from playground.tasks import summary_plan as planning
from playground.tasks.summary_answers import Question, Writing, write_all
from playground.tasks.summary_plan import Effort, Sizes, SpeedBook, TokenMap
from playground.tasks.summary_prompts import Asked, ask, ask_otherwise
from playground.tasks.text_engine import TextEngine

if TYPE_CHECKING:
    from playground.models.loader import LoadedModel

_LEAST_NOTE_TOKENS = 8
_NEARLY_WRITTEN = 0.9
_SENTENCE_TOKENS, _MORE_DRAFTS = 40, 3
"""A single sentence is written several times; see summary_drafts.py."""
_ROOM_FOR_EXAMPLES = 2048
_INSTRUCTED = 300_000_000
"""Parameters from which on a chat model does better with instructions than with examples."""


class SummaryWriter:
    """One engine for one summary, which `asked` and, about a part of the text, `note` describe.

    Raises ModelUnavailable without a model and PromptTooLong for one with a tiny window.
    """

    def __init__(
        self, engine: TextEngine, speeds: SpeedBook, asked: Asked, note: Asked, cancel: threading.Event, owner: str
    ) -> None:
        self._engine, self._speeds = engine, speeds
        self.cancel, self._owner = cancel, owner
        loaded = open_model(engine)
        others = ask_otherwise(asked, "x")
        self._more_drafts = (1 + len(others) if others else _MORE_DRAFTS) if asked.request.form == "sentence" else 0
        self._read_again = bool(others)
        self._model, self._parameters = loaded.spec.id, loaded.spec.parameters
        overhead = max(engine.count_tokens(ask(one, "x").messages) for one in (asked, note))
        self.sizes: Sizes = planning.sizes(loaded.context_length, self._parameters, overhead)
        self.note_tokens = max(_LEAST_NOTE_TOKENS, min(planning.NOTE_TOKENS, self.sizes.part // 2 - 1))

    def measure(self, text: str) -> int:
        """Tokens of `text`."""
        return len(self._offsets(text))

    def token_map(self, text: str) -> TokenMap:
        """Where its tokens are."""
        return TokenMap(text, self._offsets)

    def write(self, questions: Sequence[Question]) -> Iterator[Writing]:
        """See `write_all`. Raises what the engine refuses, save that a prompt is too long: that is in the writing."""
        started_s, done = time.monotonic(), list[Stats]()
        for writing in write_all(self._engine, questions, cancel=self.cancel, owner=self._owner):
            if writing.error is not None and not isinstance(writing.error, PromptTooLong):
                raise writing.error
            if writing.done:
                done.append(writing.stats)
            yield writing
        if not self.cancel.is_set():
            self._learn(done, time.monotonic() - started_s)

    def guess_s(self, read: int, notes: int, sentences: int) -> float:
        """Seconds for reading so many tokens and writing so many notes, and then a summary of so many sentences."""
        written = notes * self.note_tokens // 2
        together = self._speeds.seconds(self._model, self._parameters, read, written, max(1, notes))
        once = self._speeds.seconds(self._model, self._parameters, 0, _SENTENCE_TOKENS * sentences, 1)
        again, tokens = self._more_drafts, self._more_drafts * _SENTENCE_TOKENS
        reread = min(notes * self.note_tokens or read, self.sizes.whole) if self._read_again else 0
        return together + once + self._speeds.seconds(self._model, self._parameters, reread, tokens, again)

    def effort(self, lengths: Sequence[int]) -> Effort:
        """What it takes to write notes on passages of so many tokens, together."""
        written = len(lengths) * self.note_tokens // 2
        reading_s = self._speeds.seconds(self._model, self._parameters, sum(lengths), 0, len(lengths))
        writing_s = self._speeds.seconds(self._model, self._parameters, 0, written, len(lengths))
        return Effort(len(lengths), reading_s + writing_s, reading_s / (reading_s + writing_s))

    def advance(self, effort: Effort, writing: Writing) -> None:
        """Tell `effort` how far a note is."""
        if writing.done:
            effort.end(writing.index)
        elif writing.progress is None:
            # Most notes take half of the room that they have; one that is not done is never all written.
            effort.wrote(writing.index, min(_NEARLY_WRITTEN, 2 * writing.stats.new_tokens / self.note_tokens))
        elif writing.progress.phase == "reading":
            effort.read(writing.index, writing.progress.done_tokens / max(1, writing.progress.total_tokens))

    def _learn(self, done: Sequence[Stats], took_s: float) -> None:
        """Requests with these figures took so long, all at once."""
        read = sum(stats.prompt_tokens - stats.cached_tokens for stats in done)
        written = sum(stats.new_tokens for stats in done)
        self._speeds.learn(self._model, self._parameters, read, written, len(done), took_s)

    def _offsets(self, text: str) -> list[int]:
        return [token.start for token in self._engine.split(text) if not token.special]


def open_model(engine: TextEngine) -> LoadedModel:
    """The model that is open. Raises ModelUnavailable."""
    loaded = engine.state.loaded
    if loaded is None:
        raise ModelUnavailable("No model is open yet. Choose one first.")
    return loaded


def has_room_for_examples(engine: TextEngine) -> bool:
    """Whether its window holds examples beside a text. Raises ModelUnavailable."""
    return open_model(engine).context_length >= _ROOM_FOR_EXAMPLES


def follows_instructions(engine: TextEngine) -> bool:
    """Whether it does better with instructions than with examples. Raises ModelUnavailable."""
    spec = open_model(engine).spec
    return spec.chat and (spec.parameters or _INSTRUCTED) >= _INSTRUCTED
