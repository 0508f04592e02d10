"""Which sentences speak of the same: words and n-grams of any language, and overlap weighted by rarity (IDF).

Used for grounding, evidence and the choice of a window. Plain numpy; knows no model.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from playground.text.scripts import is_unspaced

RUN = re.compile(r"[^\W_]+")
# Letters that a word keeps: "walked", "walking" and "walks" share their first five.
STEM_LETTERS = 5
# A long passage carries much of any query: how far its length counts against it in the order.
LENGTH_WEIGHT = 0.2


@dataclass(frozen=True)
class Match:
    """`index` of the passage and its score: the share of the query's weight (0 to 1) that the passage carries."""

    index: int
    score: float


def words(text: str) -> list[str]:
    """Words in lower case, with their accents; letters of Chinese, Japanese and Thai one by one. For counting."""
    return [unit for run in runs(text) for unit in run.split()]


@lru_cache(maxsize=4096)
def runs(text: str) -> tuple[str, ...]:
    """The words of a text in order; a run of letters without blanks between words comes as "东 京 都"."""
    found = []
    for match in RUN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        for unspaced, letters in itertools.groupby(match[0], is_unspaced):
            if unspaced:
                found.append(" ".join(letters))
            else:
                found.append("".join(letters))
    return tuple(found)


def terms(text: str) -> list[str]:
    """What to compare texts by: the beginnings of words, and pairs of letters for scripts without blanks."""
    return list(terms_of(text))


def terms_of(text: str) -> Iterator[str]:
    """The terms of a text, one after the other."""
    for run in runs(text):
        letters = run.split()
        if len(letters) > 1:
            yield from map("".join, itertools.pairwise(letters))
        elif run.isalpha() and not is_unspaced(run[0]):
            yield run[:STEM_LETTERS]
        else:
            yield run


def ngrams(items: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """The runs of `size` items in a row."""
    return [tuple(items[start : start + size]) for start in range(len(items) - size + 1)]


class Passages:
    """Sentences to search in. A term weighs idf = log((n + 1) / (df + 0.5)) over these passages, never below 0."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._terms = [frozenset(terms_of(text)) for text in texts]
        self._frequency = Counter(itertools.chain.from_iterable(self._terms))
        self._places: dict[str, list[int]] = {}
        for index, found in enumerate(self._terms):
            for term in found:
                self._places.setdefault(term, []).append(index)

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._terms)

    def weight(self, term: str) -> float:
        """The weight of a term: the rarer among the passages, the more."""
        return max(0.0, math.log((len(self._terms) + 1) / (self._frequency[term] + 0.5)))

    def scores(self, query: str) -> np.ndarray:
        """[passages] the share of the query's weight found in each passage, 0 to 1."""
        weights = {term: self.weight(term) for term in set(terms_of(query))}
        total = sum(weights.values())
        scores = np.zeros(len(self._terms))
        for term, weight in weights.items():
            scores[self._places.get(term, [])] += weight
        return scores / total if total else scores

    def best(self, query: str, count: int = 2, at_least: float = 0.0) -> tuple[Match, ...]:
        """The best `count` passages with a score above `at_least`, best first; of equals the shorter, the earlier."""
        scores = self.scores(query)
        lengths = np.array([len(found) for found in self._terms], dtype=float)
        weights = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * lengths / max(lengths.mean(), 1.0) if len(lengths) else lengths
        order = np.argsort(-scores / weights, kind="stable")[:count]
        return tuple(Match(int(index), float(scores[index])) for index in order if scores[index] > at_least)

    def covered(self, query: str, indices: Sequence[int]) -> float:
        """The share of the query's weight that these passages carry together, 0 to 1."""
        weights = {term: self.weight(term) for term in set(terms_of(query))}
        total = sum(weights.values())
        together = frozenset().union(*(self._terms[index] for index in indices))
        return sum(weight for term, weight in weights.items() if term in together) / total if total else 0.0
