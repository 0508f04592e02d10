"""The summary itself, written once or twice: what comes first is checked, and where it is wrong there is a second try.

Owns the tries and how they are compared. Knows no parts and no tree.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from playground.messages import Stats
from playground.tasks.grounding import Grounding, Source
from playground.tasks.summary_answers import Question, Writing
from playground.tasks.summary_checks import Fault, clean, faults
from playground.tasks.summary_events import Drafted, Event, SecondTry, Waiting
from playground.tasks.summary_prompts import Asked, ask
from playground.tasks.summary_repair import joined, quotes_checked
from playground.tasks.summary_writer import SummaryWriter
from playground.text.overlap import words
from playground.text.sentences import cut
from playground.text.textrank import summarize

_FIRST_SENTENCES, _CENTRAL_SENTENCES = 2, 4
_BEGINNING_WORDS, _NEARLY_ALL = 190, 0.8


@dataclass(frozen=True)
class Draft:
    """One try at a summary, cleaned and compared with the source."""

    text: str
    faults: tuple[Fault, ...]
    grounding: Grounding
    stats: Stats
    read: bool
    """The model has read all that it was given."""

    centrality: float
    """See `Source.centrality`."""
    second: bool = False
    """It is of a second try."""

    @property
    def rank(self) -> tuple[int, int, float]:
        """The lower the better: faults, inventions, then how much of what the source is about is in it."""
        return len(self.faults), len(self.grounding.flags), -self.centrality


class Drafter:
    """Writes summaries as `asked` says and compares them with `source`."""

    def __init__(self, writer: SummaryWriter, asked: Asked, source: Source) -> None:
        self._writer, self._asked, self._source = writer, asked, source

    def drafts(self, passage: str) -> Generator[Event, None, list[Draft]]:
        """Drafts of a summary of `passage`, which is the source or notes on it. Raises PromptTooLong.

        Small models write one sentence of the whole and one of its beginning, where most often stands what matters. All
        is written once more if the best draft has something wrong with it.
        """
        questions = [ask(self._asked, passage)]
        twice = self._asked.request.form == "sentence" and not self._asked.instructed
        if twice and (beginning := self._beginning(passage)) != passage:
            questions.append(ask(self._asked, beginning))
        first = yield from self._write(questions)
        best = min(first, key=lambda draft: draft.rank)
        invented = tuple(dict.fromkeys(flag.text for flag in best.grounding.flags))
        if self._writer.cancel.is_set() or not (best.faults or invented):
            return first
        yield SecondTry(best.faults, invented)
        again = [ask(self._asked, passage, avoid=invented)]
        central = self._central(passage)
        if central != passage:
            again.append(ask(self._asked, central))
        more = yield from self._write(again)
        return first + [replace(draft, second=True) for draft in more]

    def _beginning(self, passage: str) -> str:
        """The first sentences of `passage`, all of it where little more would be left out."""
        count = 0
        for segment in cut(passage, self._asked.source).segments:
            count += len(words(segment.text))
            if count >= _BEGINNING_WORDS:
                return passage[: segment.end] if segment.end < _NEARLY_ALL * len(passage) else passage
        return passage

    def _central(self, passage: str) -> str:
        """What `passage` begins with and its most central sentences: with less to mix up, less is invented."""
        code, count = self._asked.source, max(_CENTRAL_SENTENCES, self._asked.request.count)
        chosen = {one.start for one in summarize(passage, count, code, self._asked.request.focus)}
        segments = cut(passage, code).segments
        kept = [one.text for index, one in enumerate(segments) if index < _FIRST_SENTENCES or one.start in chosen]
        return passage if len(kept) >= len(segments) else joined(kept, code)

    def _write(self, questions: Sequence[Question]) -> Generator[Event, None, list[Draft]]:
        """Drafts in the order of `questions`; the first is shown while it grows."""
        drafts: dict[int, Draft] = {}
        for writing in self._writer.write(questions):
            if writing.error is not None:
                raise writing.error
            if writing.done:
                drafts[writing.index] = self._judged(writing, questions[writing.index].shown(writing.text))
            elif writing.progress is not None and writing.index == 0:
                yield Waiting(writing.progress)
            elif writing.index == 0:
                shown = questions[0].shown(writing.text)
                yield Drafted(clean(shown, self._asked.request, self._asked.target))
        return [drafts[index] for index in range(len(questions))]

    def _judged(self, writing: Writing, shown: str) -> Draft:
        code = self._asked.target
        text = clean(shown, self._asked.request, code, finished=writing.finished)
        text = quotes_checked(text, self._source)
        wrong = faults(text, self._source.text, code, finished=writing.finished)
        grounding = self._source.ground(text, code)
        if not wrong and code == self._source.code and grounding.is_foreign:
            wrong = ("unsupported",)
        return Draft(text, wrong, grounding, writing.stats, writing.was_read, self._source.centrality(text))
