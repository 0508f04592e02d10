"""Several answers of one engine at once: questions go in, what is written comes out as it is written.

Owns stopping an answer early. Knows nothing of what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from playground.errors import PlaygroundError
from playground.messages import Alternative, FinishReason, Message, Prefix, Progress, SamplingParams, Stats
from playground.tasks.text_engine import MOST_AT_ONCE, TextEngine, read_all


def never(written: str) -> bool:
    """Let the model end by itself."""
    return False


@dataclass(frozen=True)
class Question:
    """One request. `prefix` is how the answer begins; `enough(text so far)` says when to stop the model, done."""

    messages: tuple[Message, ...]
    params: SamplingParams
    prefix: str = ""
    app_messages: int = 0
    enough: Callable[[str], bool] = field(default=never, compare=False)
    hopeless: Callable[[str], bool] = field(default=never, compare=False)
    """When to stop it because nothing good will come any more."""
    shown: Callable[[str], str] = field(default=str, compare=False)
    """What of the answer so far is meant for the reader."""


@dataclass(frozen=True)
class Writing:
    """What there is of the answer to question `index`, its beginning included. `done`: there will be no more."""

    index: int
    text: str
    stats: Stats = Stats()
    progress: Progress | None = None
    """What it waits for, while nothing is written."""
    finish_reason: FinishReason | None = None
    first: tuple[Alternative, ...] = ()
    """What could have come as the first token, likeliest first, where the question asks for alternatives."""
    error: PlaygroundError | None = None
    """Why nothing more came, where it was not the model's own end."""
    done: bool = False

    @property
    def finished(self) -> bool:
        """The model came to an end, or there was enough."""
        return self.done and self.error is None and self.finish_reason == "stop"

    @property
    def was_read(self) -> bool:
        """The model has read its prompt to the end."""
        return self.stats.new_tokens > 0


def write_all(
    engine: TextEngine,
    questions: Sequence[Question],
    *,
    cancel: threading.Event,
    owner: str = "",
    most_at_once: int = MOST_AT_ONCE,
) -> Iterator[Writing]:
    """Answers to all `questions`, in whatever order they come; exactly one `done` for each, also after `cancel`.

    A refusal of one question (PlaygroundError) is in its `error`; anything else is raised here. Closing the iterator
    stops the answers.
    """

    def read(index: int, stop: threading.Event) -> Iterator[Writing]:
        return _read(engine, index, questions[index], stop, owner)

    return read_all(len(questions), read, cancel=cancel, most_at_once=most_at_once)


def _read(engine: TextEngine, index: int, question: Question, stop: threading.Event, owner: str) -> Iterator[Writing]:
    """What comes for one question; the last item is `done`."""
    latest = Writing(index, question.prefix)
    if stop.is_set():
        yield Writing(index, question.prefix, finish_reason="cancelled", done=True)
        return
    stream = engine.stream(
        question.messages,
        question.params,
        cancel=stop,
        prefix=Prefix(text=question.prefix),
        owner=owner,
        app_messages=question.app_messages,
    )
    try:
        for chunk in stream:
            text = latest.text + chunk.text
            reason = chunk.finish_reason or (_end_of(question, text) if chunk.text else None)
            first = latest.first or (chunk.tokens[0].alternatives if chunk.tokens else ())
            latest = Writing(index, text, chunk.stats, chunk.progress, reason, first, done=reason is not None)
            yield latest
            if latest.done:
                return
    except PlaygroundError as error:
        yield replace(latest, error=error, done=True)
        return
    finally:
        close = getattr(stream, "close", None)  # ends the answer where there was enough of it
        if close is not None:
            close()
    yield replace(latest, finish_reason="cancelled", done=True)


def _end_of(question: Question, text: str) -> FinishReason | None:
    """Why to stop the model now, None to let it go on."""
    if question.hopeless(text):
        return "length"
    return "stop" if question.enough(text) else None
