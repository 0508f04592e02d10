"""How near a text is to a reference: ROUGE, chrF++ and a difference by words. For the page and for benchmarks."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics import CHRF

from playground.text.overlap import ngrams, words
from playground.text.scripts import is_unspaced

# Beyond, the difference is taken by whole frequent pieces, which is coarser but quick.
MANY_PIECES = 4000


@dataclass(frozen=True)
class Score:
    """Shares between 0 and 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Rouge:
    """ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) over Unicode words, letters for Chinese and Japanese."""

    one: Score
    two: Score
    longest: Score


@dataclass(frozen=True)
class Change:
    """A piece of a comparison by words: `kind` is "same", "removed" (only in the first) or "added" (only in the
    second). The "same" and "removed" pieces joined are the first text, the "same" and "added" ones the second."""

    kind: str
    text: str


def rouge(candidate: str, reference: str) -> Rouge:
    """ROUGE of one summary. Words as they are (no stemming), punctuation left out."""
    ours, theirs = words(candidate), words(reference)
    shared = longest_common(ours, theirs)
    return Rouge(overlap(ours, theirs, 1), overlap(ours, theirs, 2), score(shared, len(ours), len(theirs)))


def overlap(ours: list[str], theirs: list[str], size: int) -> Score:
    """The n-grams of two texts in common, each counted as often as in both."""
    first, second = Counter(ngrams(ours, size)), Counter(ngrams(theirs, size))
    return score((first & second).total(), first.total(), second.total())


def score(shared: int, ours: int, theirs: int) -> Score:
    """Precision, recall and their harmonic mean; 0 for empty texts."""
    precision, recall = shared / max(ours, 1), shared / max(theirs, 1)
    return Score(precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0)


def longest_common(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(theirs) + 1)
    for item in ours:
        diagonal = 0
        for column, other in enumerate(theirs, start=1):
            above = row[column]
            row[column] = diagonal + 1 if item == other else max(above, row[column - 1])
            diagonal = above
    return row[-1]


def mean_rouge(candidates: Sequence[str], references: Sequence[str]) -> Rouge:
    """The mean over pairs, each a share between 0 and 1 (papers report it times 100). Raises ValueError where there
    are not as many candidates as references."""
    pairs = [rouge(ours, theirs) for ours, theirs in zip(candidates, references, strict=True)]
    return Rouge(
        mean([one.one for one in pairs]), mean([one.two for one in pairs]), mean([one.longest for one in pairs])
    )


def mean(scores: Sequence[Score]) -> Score:
    """The mean of each share; zeros for none."""
    count = max(len(scores), 1)
    return Score(
        sum(one.precision for one in scores) / count,
        sum(one.recall for one in scores) / count,
        sum(one.f1 for one in scores) / count,
    )


def chrf(candidates: Sequence[str], references: Sequence[str]) -> float:
    """chrF++ (Popović 2017) of a corpus, 0 to 100, by sacrebleu; 0 for no rows. Raises ValueError where there are not
    as many candidates as references."""
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates for {len(references)} references")
    return CHRF(word_order=2).corpus_score(list(candidates), [list(references)]).score if candidates else 0.0


def word_difference(first: str, second: str) -> tuple[Change, ...]:
    """What to remove from and add to the first text to get the second, by words."""
    ours, theirs = tokens(first), tokens(second)
    coarse = len(ours) + len(theirs) > MANY_PIECES
    changes = []
    for _, left, left_end, right, right_end in difflib.SequenceMatcher(None, ours, theirs, coarse).get_opcodes():
        removed, added = "".join(ours[left:left_end]), "".join(theirs[right:right_end])
        if removed == added:
            changes.append(Change("same", removed))
        else:
            changes += [Change(kind, text) for kind, text in (("removed", removed), ("added", added)) if text]
    return tuple(changes)


def tokens(text: str) -> list[str]:
    """Words, single letters of scripts without blanks, blanks and signs; joined they are the text."""
    found = []
    for piece in re.findall(r"\w+|\s+|[^\w\s]", text):
        found += list(piece) if any(map(is_unspaced, piece)) else [piece]
    return found
