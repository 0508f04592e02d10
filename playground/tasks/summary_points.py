"""A list for models that cannot write one: one sentence about each stretch of the text, all at once.

Very small models end a list after a point or two and mix up what they have read; of a few sentences they still make a
sound one. The points come in the order of the text. Owns the stretches and how the list grows. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from itertools import pairwise

from playground.messages import Stats
from playground.tasks.summary_answers import Question, Writing
from playground.tasks.summary_checks import clean, faults
from playground.tasks.summary_events import Drafted, Event, Waiting
from playground.tasks.summary_prompts import Asked, ask
from playground.tasks.summary_writer import SummaryWriter
from playground.text.sentences import cut

SENTENCES_A_POINT = 2
"""A text of ten sentences has matter for five points."""


@dataclass(frozen=True)
class Listed:
    """A list as it was written; `read`: all of the passage was."""

    text: str
    stats: Stats
    read: bool


class PointWriter:
    """Writes lists point by point as `asked` says, which asks for a list."""

    def __init__(self, writer: SummaryWriter, asked: Asked) -> None:
        self._writer, self._list = writer, asked.request
        self._asked = replace(asked, request=replace(asked.request, form="sentence", length=None))

    def stretches(self, passage: str) -> list[str]:
        """See `stretches_of`."""
        return stretches_of(passage, self._list.count, self._asked.source)

    def write(self, stretches: list[str]) -> Generator[Event, None, Listed]:
        """The list, shown while it grows. Raises PromptTooLong."""
        questions = [ask(self._asked, stretch) for stretch in stretches]
        latest: dict[int, Writing] = {}
        for writing in self._writer.write(questions):
            if writing.error is not None:
                raise writing.error
            latest[writing.index] = writing
            if writing.progress is None:
                yield Drafted(self._joined(latest, questions, stretches, growing=True))
            elif not any(one.text for one in latest.values()):
                yield Waiting(writing.progress)
        stats = next((one.stats for one in latest.values() if one.stats.model_id), Stats())
        text = self._joined(latest, questions, stretches)
        return Listed(text, stats, all(one.was_read for one in latest.values()))

    def _joined(
        self, latest: dict[int, Writing], questions: list[Question], stretches: list[str], *, growing: bool = False
    ) -> str:
        """The points that are done; with `growing` those up to the first that is not, and this one."""
        points: list[str] = []
        for index, question in enumerate(questions):
            writing = latest.get(index)
            if writing is None and growing:
                break
            point = self._point(writing, question, stretches[index], growing=growing) if writing is not None else ""
            points += [point] if point else []
            if growing and writing is not None and not writing.done:
                break
        return clean("\n".join(f"- {point}" for point in points), self._list, self._asked.target)

    def _point(self, writing: Writing, question: Question, stretch: str, *, growing: bool) -> str:
        code, finished = self._asked.target, growing or writing.finished
        point = clean(question.shown(writing.text), self._asked.request, code, finished=finished)
        return point if growing or not faults(point, stretch, code, finished=finished) else ""


def stretches_of(passage: str, points: int, language: str) -> list[str]:
    """`passage` in at most `points` stretches of whole sentences, about equally many in each, two at least."""
    segments = cut(passage, language).segments
    count = max(1, min(points, len(segments) // SENTENCES_A_POINT))
    edges = [round(index * len(segments) / count) for index in range(count + 1)]
    return [passage[segments[first].start : segments[end - 1].end] for first, end in pairwise(edges) if first < end]
