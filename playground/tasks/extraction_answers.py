"""Answers to several questions about a text at once, value by value as they are written.

Owns stopping an answer that only repeats itself. Knows nothing of what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from playground.errors import PlaygroundError
from playground.messages import Chunk, Grammar, Message, Progress, SamplingParams, Token
from playground.tasks.extraction_grammar import Said, read, repeats
from playground.tasks.text_engine import MOST_AT_ONCE, TextEngine, read_all

_PARAMS = SamplingParams(temperature=0.0, repetition_penalty=1.0, alternatives=1)


@dataclass(frozen=True)
class Question:
    """One request; the answer is a list in the form of `grammar`. The first `app_messages` are the app's own."""

    messages: tuple[Message, ...]
    grammar: str
    most_tokens: int
    app_messages: int = 0


@dataclass(frozen=True)
class Answer:
    """What there is of the answer to question `index`. `done`: there will be no more."""

    index: int
    values: tuple[Said, ...] = ()
    progress: Progress | None = None
    """What it waits for, while nothing is written."""
    model_name: str = ""
    read: bool = False
    """The model has read its prompt to the end."""
    error: PlaygroundError | None = None
    done: bool = False


def ask_all(
    engine: TextEngine,
    questions: Sequence[Question],
    *,
    cancel: threading.Event,
    owner: str = "",
    most_at_once: int = MOST_AT_ONCE,
) -> Iterator[Answer]:
    """Answers to all `questions`, in whatever order they come; exactly one `done` for each, also after `cancel`.

    A refusal of one question (PlaygroundError) is in its `error`; anything else is raised here. Closing the iterator
    stops the answers.
    """

    def answer(index: int, stop: threading.Event) -> Iterator[Answer]:
        return _answers(engine, index, questions[index], stop, owner)

    return read_all(len(questions), answer, cancel=cancel, most_at_once=most_at_once)


def _answers(engine: TextEngine, index: int, question: Question, stop: threading.Event, owner: str) -> Iterator[Answer]:
    """What comes for one question; the last item is `done`."""
    latest = Answer(index)
    if stop.is_set():
        yield replace(latest, done=True)
        return
    params = replace(_PARAMS, max_new_tokens=question.most_tokens, grammar=Grammar(lark=question.grammar))
    stream = engine.stream(
        question.messages, params, cancel=stop, owner=owner, app_messages=question.app_messages
    )  # fmt: skip
    written, tokens = "", list[Token]()
    try:
        for chunk in stream:
            written += chunk.text
            tokens += chunk.tokens
            latest = _latest(latest, chunk, written, tokens)
            yield latest
            if chunk.finish_reason is not None or repeats(written):
                break
    except PlaygroundError as error:
        latest = replace(latest, error=error)
    finally:
        close = getattr(stream, "close", None)  # ends an answer that only repeats itself
        if close is not None:
            close()
    yield replace(latest, done=True)


def _latest(before: Answer, chunk: Chunk, written: str, tokens: Sequence[Token]) -> Answer:
    values = read(written, tokens) if chunk.text else before.values
    return replace(
        before, values=values, progress=chunk.progress, model_name=chunk.stats.model_name,
        read=before.read or chunk.stats.new_tokens > 0,
    )  # fmt: skip
