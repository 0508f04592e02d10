"""The summary itself, written once or twice: what comes first is checked, and where it is wrong there is a second try.

Owns the tries and how they are compared. Knows no parts and no tree.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from playground.messages import Alternative, Stats
from playground.tasks.grounding import Grounding, Source
from playground.tasks.summary_answers import Question, Writing
from playground.tasks.summary_checks import Fault, clean, faults, points_of
from playground.tasks.summary_choice import Salience, agreement
from playground.tasks.summary_events import Drafted, Event, SecondTry, Waiting
from playground.tasks.summary_points import SENTENCES_A_POINT, PointWriter
from playground.tasks.summary_prompts import Asked, ask, ask_otherwise
from playground.tasks.summary_repair import joined, quotes_checked, without_inventions
from playground.tasks.summary_writer import SummaryWriter
from playground.text.languages import language
from playground.text.overlap import words
from playground.text.sentences import cut
from playground.text.textrank import summarize

_FIRST_SENTENCES, _CENTRAL_SENTENCES = 2, 4
_BEGINNING_WORDS, _NEARLY_ALL = 100, 0.8
_AGREEMENT_WEIGHT = 0.5
_BEGINNINGS = 4
"""First words that are tried, of those with at least this log-probability."""
_UNLIKELY = math.log(0.03)


@dataclass(frozen=True)
class Draft:
    """One try at a summary, cleaned and compared with the source."""

    text: str
    faults: tuple[Fault, ...]
    grounding: Grounding
    stats: Stats
    read: bool
    """The model has read the whole passage."""

    worth: float
    """See `Salience.worth`."""
    agreement: float = 0.0
    """How near it is to the other drafts, where that tells something."""
    first: tuple[Alternative, ...] = ()
    """What could have come as its first token."""
    dropped: tuple[str, ...] = ()
    """Sentences that were left out of it for what they invent."""
    second: bool = False
    """It is of a second try."""

    @property
    def rank(self) -> tuple[int, int, float]:
        """The lower the better: faults, inventions, then how much of what matters is in it."""
        return len(self.faults), len(self.grounding.flags), -self.worth - _AGREEMENT_WEIGHT * self.agreement


class Drafter:
    """Writes summaries as `asked` says and compares them with `source`."""

    def __init__(self, writer: SummaryWriter, asked: Asked, source: Source) -> None:
        self._writer, self._asked, self._source = writer, asked, source
        # Models that can be instructed like to copy (docs/quality.md).
        self._salience = Salience(source.sentences, copyist=asked.instructed)

    def drafts(self, passage: str) -> Generator[Event, None, list[Draft]]:
        """Drafts of a summary of `passage`, which is the source or notes on it. Raises PromptTooLong.

        All is written once more if the best draft has something wrong with it.
        """
        first = yield from self._first(passage)
        best = min(first, key=lambda draft: draft.rank)
        invented = tuple(dict.fromkeys(flag.text for flag in best.grounding.flags))
        if self._writer.cancel.is_set() or not (best.faults or invented):
            return first
        yield SecondTry(best.faults, invented)
        again = [ask(self._asked, passage, avoid=invented)]
        central = self._central(passage)
        if central != passage:
            again.append(ask(self._asked, central))
        whole, *parts = yield from self._write(again)
        return [*first, replace(whole, second=True), *(replace(draft, second=True, read=False) for draft in parts)]

    def _first(self, passage: str) -> Generator[Event, None, list[Draft]]:
        """The first try. Of one sentence several are written: of the whole, of its beginning, where most often stands
        what matters, and of the whole asked for in other words; of a model that is not instructed, from other first
        words on. What begins alike is written after the first of its kind, when its beginning is known."""
        question = ask(self._asked, passage)
        if self._asked.request.is_list:
            return [(yield from self._list(question, passage))]
        if self._asked.request.form != "sentence":
            return (yield from self._write([question]))
        first_words = 0 if self._asked.instructed else _BEGINNINGS
        others = ask_otherwise(self._asked, passage)
        questions = [replace(question, params=replace(question.params, alternatives=first_words)), *others[:1]]
        count = len(questions)
        if (beginning := self._beginning(passage)) != passage:
            questions.append(ask(self._asked, beginning))
        drafts = yield from self._write(questions)
        drafts = [replace(draft, read=draft.read and place < count) for place, draft in enumerate(drafts)]
        later = others[1:] or [
            replace(question, prefix=question.prefix + other.text)
            for other in drafts[0].first[1:]
            if other.logprob > _UNLIKELY and other.text.strip().isalnum()  # no sign, no half of a letter
        ]
        if later and not self._writer.cancel.is_set():
            drafts += yield from self._write(later, shown=False)
        if self._asked.instructed:
            return drafts
        near = agreement([draft.text for draft in drafts])
        return [replace(draft, agreement=one) for draft, one in zip(drafts, near, strict=True)]

    def _list(self, question: Question, passage: str) -> Generator[Event, None, Draft]:
        """A list: in one go by a model that can, and by any where everything is about one question; else point by
        point, where what is invented is left out at once."""
        points = PointWriter(self._writer, self._asked)
        stretches = points.stretches(passage)
        if self._asked.instructed or self._asked.request.focus or len(stretches) == 1:
            drafts = yield from self._write([question])
            return (yield from self._with_more_points(question, drafts[0]))
        listed = yield from points.write(stretches)
        code = self._asked.target
        kept = without_inventions(listed.text, self._source.ground(listed.text, code), code)
        return replace(self._judged(kept.text, True, listed.stats, listed.read), dropped=kept.dropped)

    def _with_more_points(self, question: Question, draft: Draft) -> Generator[Event, None, Draft]:
        """`draft` with the points that are missing. Small models put down their pen after the first one; where the
        next is begun for them, they go on."""
        wanted = min(self._asked.request.count, len(self._source.sentences) // SENTENCES_A_POINT)
        points = points_of(draft.text)
        while 0 < len(points) < wanted and not draft.faults and not self._writer.cancel.is_set():
            begun = "".join(f"- {point}\n" for point in points) + "-"
            (longer,) = yield from self._write([replace(question, prefix=begun)])
            more = points_of(longer.text)
            if len(more) <= len(points) or longer.faults:
                break
            draft, points = longer, more
        return draft

    def _beginning(self, passage: str) -> str:
        """The first sentences of `passage`, all of it where little more would be left out."""
        spaced = language(self._asked.source).spaced
        count, enough = 0, _BEGINNING_WORDS if spaced else 2 * _BEGINNING_WORDS  # of letters
        for segment in cut(passage, self._asked.source).segments:
            count += len(words(segment.text))
            if count >= enough:
                return passage[: segment.end] if segment.end < _NEARLY_ALL * len(passage) else passage
        return passage

    def _central(self, passage: str) -> str:
        """What `passage` begins with and its most central sentences: with less to mix up, less is invented."""
        code, count = self._asked.source, max(_CENTRAL_SENTENCES, self._asked.request.count)
        chosen = {one.start for one in summarize(passage, count, code, self._asked.request.focus)}
        segments = cut(passage, code).segments
        kept = [one.text for index, one in enumerate(segments) if index < _FIRST_SENTENCES or one.start in chosen]
        return passage if len(kept) >= len(segments) else joined(kept, code)

    def _write(self, questions: Sequence[Question], *, shown: bool = True) -> Generator[Event, None, list[Draft]]:
        """Drafts in the order of `questions`; the first is `shown` while it grows."""
        drafts: dict[int, Draft] = {}
        for writing in self._writer.write(questions):
            if writing.error is not None:
                raise writing.error
            if writing.done:
                drafts[writing.index] = self._drafted(writing, questions[writing.index].shown(writing.text))
            elif writing.index or not shown:
                continue
            elif writing.progress is not None:
                yield Waiting(writing.progress)
            else:
                written = questions[0].shown(writing.text)
                yield Drafted(clean(written, self._asked.request, self._asked.target))
        return [drafts[index] for index in range(len(questions))]

    def _drafted(self, writing: Writing, shown: str) -> Draft:
        text = clean(shown, self._asked.request, self._asked.target, finished=writing.finished)
        draft = self._judged(text, writing.finished, writing.stats, writing.was_read)
        return replace(draft, first=writing.first)

    def _judged(self, text: str, finished: bool, stats: Stats, read: bool) -> Draft:
        """A clean summary compared with the source."""
        code = self._asked.target
        text = quotes_checked(text, self._source)
        wrong = faults(text, self._source.text, code, finished=finished)
        grounding = self._source.ground(text, code)
        if not wrong and code == self._source.code and grounding.is_foreign:
            wrong = ("unsupported",)
        return Draft(text, wrong, grounding, stats, read, self._salience.worth(text))
