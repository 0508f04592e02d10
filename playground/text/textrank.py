"""An extractive summary by TextRank (Mihalcea & Tarau 2004): sentences ranked by a walk over their overlap.

Instant and faithful: every sentence is the source's own. Plain numpy; knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.text.overlap import Passages, terms
from playground.text.sentences import cut

DAMPING = 0.85
STEPS = 50
# The overlap of all pairs is held at once; a longer text is ranked in blocks of neighbours.
BLOCK_SENTENCES = 600
# The walk begins at earlier sentences somewhat more often: share ~ position ** -0.3.
EARLIER = 0.3
# A sentence that shares more of its terms with one already chosen repeats it.
REPETITION = 0.6
# Shorter ones are captions, by-lines and leftovers of a page.
FEWEST_TERMS = 4


@dataclass(frozen=True)
class Extract:
    """A sentence of the source: its offsets in code points, its text, its rank's share (all shares sum to 1)."""

    start: int
    end: int
    text: str
    score: float


def textrank(sentences: Sequence[str], focus: str = "") -> np.ndarray:
    """[sentences] the rank of each, sum 1 (empty for no sentences). `focus`: a question that draws the walk."""
    blocks = [sentences[start : start + BLOCK_SENTENCES] for start in range(0, len(sentences), BLOCK_SENTENCES)]
    if not blocks:
        return np.zeros(0)
    draws = Passages(sentences).scores(focus) if focus else np.zeros(len(sentences))
    if not draws.any():
        draws = (1.0 + np.arange(len(sentences))) ** -EARLIER
    ranks, begin = [], 0
    for block in blocks:
        drawn = draws[begin : begin + len(block)] + 1e-6
        ranks.append(walk(similarities(block), drawn / drawn.sum()) * drawn.sum())
        begin += len(block)
    together = np.concatenate(ranks)
    return together / together.sum()


def similarities(sentences: Sequence[str]) -> np.ndarray:
    """[sentences, sentences] shared terms by their rarity, over the logarithms of both lengths; 0 on the diagonal."""
    passages = Passages(sentences)
    found = [set(terms(sentence)) for sentence in sentences]
    columns = {term: column for column, term in enumerate(sorted(set().union(*found)))}
    incidence = np.zeros((len(sentences), len(columns)), dtype=np.float32)
    for row, own in enumerate(found):
        for term in own:
            incidence[row, columns[term]] = passages.weight(term) ** 0.5
    shared = incidence @ incidence.T
    lengths = np.log1p(np.array([len(own) for own in found], dtype=np.float32))
    similarity = shared / np.maximum(lengths[:, None] + lengths[None, :], 1.0)
    np.fill_diagonal(similarity, 0.0)
    return similarity


def walk(similarity: np.ndarray, start: np.ndarray) -> np.ndarray:
    """[sentences] where a walk over the overlaps ends up that jumps to `start` now and then; sum 1."""
    totals = similarity.sum(axis=1, keepdims=True)
    alone = totals[:, 0] == 0
    moves = np.divide(similarity, totals, out=np.zeros_like(similarity), where=totals > 0)
    rank = start
    for _ in range(STEPS):
        rank = (1 - DAMPING) * start + DAMPING * (rank @ moves + rank[alone].sum() * start)
    return rank / rank.sum()


def summarize(text: str, count: int = 3, language: str = "en", focus: str = "") -> tuple[Extract, ...]:
    """The `count` best sentences in the order of the text, without near repetitions. Fewer where there are fewer."""
    segments = [one for one in cut(text, language).segments if one.kind in ("sentence", "item")]
    long_enough = [one for one in segments if len(set(terms(one.text))) >= FEWEST_TERMS] or segments
    ranks = textrank([one.text for one in long_enough], focus)
    chosen: list[int] = []
    for index in np.argsort(-ranks, kind="stable"):
        if len(chosen) == count:
            break
        if not any(repeats(long_enough[index].text, long_enough[other].text) for other in chosen):
            chosen.append(int(index))
    best = [(long_enough[index], float(ranks[index])) for index in sorted(chosen)]
    return tuple(Extract(one.start, one.end, one.text, score) for one, score in best)


def repeats(sentence: str, other: str) -> bool:
    """Whether most of what the shorter of two sentences says is in the other."""
    first, second = set(terms(sentence)), set(terms(other))
    return len(first & second) > REPETITION * min(len(first), len(second))
