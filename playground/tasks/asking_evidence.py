"""A text that questions are asked about: its sentences, the parts to read for a question, the places of an answer.

Owns which sentence is shown as evidence. Knows no model; offsets in code points.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from playground.text.overlap import Passages
from playground.text.scripts import is_unspaced
from playground.text.sentences import cut

Span = tuple[int, int]
LEAST_OVERLAP = 0.15
"""Share of a question's weight that a sentence must carry to be shown where there is no answer."""
MOST_PLACES = 50
LINE = re.compile(r"[^\s|](?:[^\n|]*[^\s|])?")


class AskedText:
    """A text that is asked. `code` is the ISO 639-1 code of its language. Built once for all questions."""

    def __init__(self, text: str, code: str) -> None:
        self.text, self.code = text, code

    @cached_property
    def sentences(self) -> tuple[Span, ...]:
        """(start, end) of its sentences, in order; at least one. What holds no word (a figure in a table, a line of
        code) counts line by line."""
        found: list[Span] = []
        end = 0
        for segment in cut(self.text, self.code).segments:
            found += [*self._lines(end, segment.start), (segment.start, segment.end)]
            end = segment.end
        return (*found, *self._lines(end, len(self.text))) or ((0, len(self.text)),)

    def _lines(self, start: int, end: int) -> list[Span]:
        """What stands between two sentences, save rules and blanks."""
        found = LINE.finditer(self.text, start, end)
        return [match.span() for match in found if any(map(str.isalnum, match[0]))]

    @cached_property
    def _passages(self) -> Passages:
        return Passages([self.text[start:end] for start, end in self.sentences])

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    def overlap(self, question: str) -> np.ndarray:
        """[sentences] how much of the question's weight each carries, 0 to 1."""
        return self._passages.scores(question)

    def sentences_within(self, start: int, end: int) -> list[Span]:
        """Those that begin in a stretch of the text."""
        return [(first, min(last, end)) for first, last in self.sentences if start <= first < end]

    def closest_of(self, spans: Sequence[Span], question: str, count: int) -> list[Span]:
        """The `count` of these sentences that have most to do with the question, in the order of the text."""
        overlap = self.overlap(question)
        order = sorted(spans, key=lambda span: -float(overlap[self._sentence_at(span[0])]))
        return sorted(order[:count])

    def best_parts(self, question: str, parts: Sequence[Span], count: int) -> tuple[list[int], bool]:
        """Indices of the `count` parts that have most to do with the question, best first; False where nothing in the
        text has, so that they are the first ones."""
        overlap = self.overlap(question)
        scores = []
        for start, end in parts:
            within = range(bisect_right(self._starts, start - 1), bisect_right(self._starts, end - 1))
            best = max((float(overlap[index]) for index in within), default=0.0)
            scores.append(best + self._passages.covered(question, list(within)) if within else 0.0)
        order = sorted(range(len(parts)), key=lambda index: -scores[index])
        return order[:count], max(scores, default=0.0) > 0

    def as_written(self, answer: str) -> str:
        """An answer that may have lost the capital letter of its sentence, as the text has it; "" where it has not."""
        capital = answer[:1].upper() + answer[1:]
        return next((one for one in (answer, capital) if one and one in self.text), "")

    def places(self, answer: str, question: str, near: Span | None = None) -> list[Span]:
        """Where `answer` stands as whole words: first where the sentence has most to do with the question, those in
        the stretch `near` before all others."""
        overlap = self.overlap(question)
        start, end = near or (0, len(self.text))

        def rank(place: Span) -> tuple[bool, float, int]:
            return not start <= place[0] < end, -float(overlap[self._sentence_at(place[0])]), place[0]

        return sorted(self._occurrences(answer), key=rank)[:MOST_PLACES]

    def sentence_around(self, place: Span) -> Span:
        """The sentence in which a place is."""
        first, last = self.sentences[self._sentence_at(place[0])]
        return min(first, place[0]), max(last, place[1])

    def closest(self, question: str) -> Span | None:
        """The sentence that has most to do with a question, None where none has much."""
        overlap = self.overlap(question)
        best = int(overlap.argmax())
        return self.sentences[best] if overlap[best] >= LEAST_OVERLAP else None

    def _sentence_at(self, place: int) -> int:
        return max(0, bisect_right(self._starts, place) - 1)

    def _occurrences(self, answer: str) -> list[Span]:
        found, start = [], self.text.find(answer) if answer else -1
        while start >= 0:
            end = start + len(answer)
            if not _joined(self.text, start) and not _joined(self.text, end):
                found.append((start, end))
            start = self.text.find(answer, start + 1)
        return found


def _joined(text: str, place: int) -> bool:
    """Whether a word reaches over `place`."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    same_kind = before.isalpha() == after.isalpha()
    return before.isalnum() and after.isalnum() and same_kind and not is_unspaced(before) and not is_unspaced(after)
