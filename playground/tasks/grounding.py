"""Where a summary comes from: for each of its sentences those of the source that carry it, and what they do not.

Owns evidence, support, flags and quotes of one source. Attribution is computed after writing: small models that are
asked for citations invent them. Grounded means found in the source, not true. Knows no model and no page; offsets in
code points.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from playground.tasks.summary_flags import Flag, SourceFacts
from playground.text.overlap import Passages, terms, words
from playground.text.sentences import Segment, cut

MOST_EVIDENCE = 2
LEAST_OVERLAP = 0.2
"""Share of a sentence's weight that a source sentence must carry to be shown as evidence."""
LEAST_GAIN = 0.12
"""What a further source sentence must add to be shown."""
LEAST_SUPPORT = 0.05
QUOTE_OVERLAP = 0.5
"""A quote that is not in the source is replaced by the sentence that carries at least so much of it."""
LEAST_QUOTE_CHARACTERS = 12
_HALVING_GAP, _NO_GAP = 4, 12
_EVERYWHERE_TEXT = """
the of in on at to for and or is are was were be been has have had he she it they his her its their that this with as by
from an le la les un une des du de et est en il elle au aux el los las una del que por con se der die das den dem ein
eine einen und ist im zu mit von
"""
_EVERYWHERE = frozenset(_EVERYWHERE_TEXT.split())
"""English, French, Spanish and German words without which no sentence goes."""
_NOUNS_CAPITALISED = {"de", "lb"}
_SAME_LETTERS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "–": "-", "—": "-"}
)


@dataclass(frozen=True)
class Evidence:
    """Characters `start` to `end` of the source; `score` is the share (0 to 1) of the sentence's weight they carry."""

    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True)
class GroundedSentence:
    """Characters `start` to `end` of the summary, what carries them, best first, and what nothing carries."""

    start: int
    end: int
    text: str
    evidence: tuple[Evidence, ...]
    support: float
    """0 to 1: how much of the sentence the source says in about these words."""
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Grounding:
    """A summary, sentence by sentence."""

    sentences: tuple[GroundedSentence, ...]

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Numbers, names and dates that are not in the source; offsets in the summary."""
        return tuple(flag for sentence in self.sentences for flag in sentence.flags)

    @property
    def support(self) -> float:
        """The mean over the sentences; 0 for none."""
        return sum(sentence.support for sentence in self.sentences) / max(1, len(self.sentences))

    @property
    def is_foreign(self) -> bool:
        """It speaks of something else: of an example that the model was shown, or of nothing. Says nothing about a
        summary in another language."""
        return self.support < LEAST_SUPPORT


class Source:
    """A text that summaries are compared with. Built once for all of them; safe in several threads.

    `code` is the ISO 639-1 code of the language that it is written in.
    """

    def __init__(self, text: str, code: str = "en") -> None:
        self.text = text
        self.code = code
        self._facts = SourceFacts(text)

    @cached_property
    def sentences(self) -> tuple[Segment, ...]:
        """Its sentences, in order."""
        return cut(self.text, self.code).segments

    @cached_property
    def _passages(self) -> Passages:
        return Passages([sentence.text for sentence in self.sentences])

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        """The text as quotes are compared, and where each character of it stands in the source (and one behind)."""
        return _fold(self.text)

    def ground(self, summary: str, code: str = "") -> Grounding:
        """Compare `summary`, in the language `code` ("": that of the source), with the source."""
        code = code or self.code
        segments = cut(summary, code).segments
        flags = self._facts.invented(summary, names=code == self.code, nouns_capitalised=code in _NOUNS_CAPITALISED)
        return Grounding(
            tuple(
                self._ground(segment, tuple(flag for flag in flags if segment.start <= flag.start < segment.end))
                for segment in segments
            )
        )

    def quote(self, wanted: str) -> Evidence | None:
        """`wanted` as the source has it, its nearest sentence where it has no such words, None where none is near."""
        return self.verbatim(wanted) or self.nearest(wanted, at_least=QUOTE_OVERLAP)

    def nearest(self, text: str, *, at_least: float = LEAST_OVERLAP) -> Evidence | None:
        """The sentence that carries most of `text`, if it is at least the share `at_least` of its weight."""
        found = self._passages.best(text, 1, at_least) if self.sentences else ()
        return self._evidence(found[0].index, found[0].score) if found else None

    def verbatim(self, wanted: str) -> Evidence | None:
        """Where `wanted` stands in the source, whatever its blanks, case and kind of quotation marks."""
        folded, places = self._folded
        needle = _fold(wanted.strip(" \t\n\"'“”‘’„«»…."))[0].strip()
        start = folded.find(needle) if len(needle) >= LEAST_QUOTE_CHARACTERS else -1
        if start < 0:
            return None
        first, last = places[start], places[start + len(needle) - 1] + 1
        return Evidence(first, last, self.text[first:last], 1.0)

    def _ground(self, segment: Segment, flags: tuple[Flag, ...]) -> GroundedSentence:
        found = self._passages.best(segment.text, MOST_EVIDENCE + 2, LEAST_OVERLAP) if self.sentences else ()
        chosen: list[int] = []
        covered = 0.0
        for match in found[: 2 * MOST_EVIDENCE]:
            together = self._passages.covered(segment.text, [*chosen, match.index])
            if len(chosen) < MOST_EVIDENCE and (not chosen or together - covered >= LEAST_GAIN):
                chosen.append(match.index)
                covered = together
        scores = {match.index: match.score for match in found}
        evidence = tuple(self._evidence(index, scores[index]) for index in chosen)
        support = _support(segment.text, [item.text for item in evidence]) if evidence else 0.0
        return GroundedSentence(segment.start, segment.end, segment.text, evidence, support, flags)

    def _evidence(self, index: int, score: float) -> Evidence:
        segment = self.sentences[index]
        return Evidence(segment.start, segment.end, self.text[segment.start : segment.end], round(float(score), 4))


def shifted(grounding: Grounding, by: int) -> Grounding:
    """The same for a summary with `by` characters more in front."""
    return Grounding(
        tuple(
            replace(
                one, start=one.start + by, end=one.end + by,
                flags=tuple(replace(flag, start=flag.start + by, end=flag.end + by) for flag in one.flags),
            )
            for one in grounding.sentences
        )
    )  # fmt: skip


def _fold(text: str) -> tuple[str, list[int]]:
    """Without case, runs of blanks as one, one kind of quotation marks and dashes; and the place of each letter."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        if letter.isspace():
            if letters and letters[-1] != " ":
                letters.append(" ")
                places.append(place)
            continue
        for folded in unicodedata.normalize("NFKC", letter).translate(_SAME_LETTERS).casefold():
            letters.append(folded)
            places.append(place)
    return "".join(letters), places


def _support(sentence: str, evidence: Sequence[str]) -> float:
    """0 to 1: the share of what it speaks of that the evidence has, times how near neighbours stand there.

    A summary that keeps the source's words and ties them to other things leaps: "the club protects a pastime larger
    than Manhattan". A gap of 4 words halves what a pair of neighbours counts. Measured in docs/quality.md.
    """
    places: dict[str, list[int]] = {}
    for place, term in enumerate(term for text in evidence for term in content_terms(text)):
        places.setdefault(term, []).append(place)
    own = content_terms(sentence)
    nearness = [_nearness(places.get(one, ()), places.get(other, ())) for one, other in itertools.pairwise(own)]
    found = sum(term in places for term in own) / max(1, len(own))
    return found * (sum(nearness) / len(nearness) if nearness else 1.0)


def _nearness(places: Sequence[int], others: Sequence[int]) -> float:
    """4 / (4 + the fewest words between a place and a later one of the other); far where there is none."""
    gaps = [other - place - 1 for place in places for other in others if other > place]
    return _HALVING_GAP / (_HALVING_GAP + min(gaps, default=_NO_GAP))


def content_terms(text: str) -> list[str]:
    """What a text is about, in order: its terms without the words that every text has."""
    kept = [term for term in terms(text) if len(term) > 1 and term not in _EVERYWHERE]
    return kept or words(text)
