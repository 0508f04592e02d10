"""Which of several drafts of a summary to show: the one that a person's summary would have most words of.

Owns how likely a word of a text is to be in a person's summary of it, and how much of a draft is copied. Knows no
model.

A word's odds grow with how often the text has it, how early it comes first, and if it is a name; the figures are fitted
to people's summaries of news (docs/quality.md). Drafts of a very small model wander: there the one that is nearest to
all others is better still (minimum Bayes risk, Kumar & Byrne 2004); larger models agree on what they copy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from playground.tasks.grounding import content_terms
from playground.text.overlap import words
from playground.text.scores import Rouge, rouge
from playground.text.sentences import Segment

_USUAL, _OFTEN, _LATE, _NAMED = -2.2, 0.96, -0.32, 0.5
_USUAL_TERMS = 25
"""Terms of a summary that is a little long; a shorter draft is not worth less because of that alone."""
_COPIED_SHARE, _COPIED_COST = 0.8, 0.05
_COPIED_USUAL, _COPIED_PRICE = 1 / 3, 0.3
"""The share of a sentence that may stand in the text just so, and what the rest costs, where copying is a habit."""


class Salience:
    """What matters in a text, given as its sentences.

    `copyist`: whoever writes about it likes to copy, so a long copied stretch counts, not only a whole
    sentence.
    """

    def __init__(self, sentences: tuple[Segment, ...], *, copyist: bool = False) -> None:
        self._sentences, self._copyist = sentences, copyist

    def worth(self, text: str) -> float:
        """About the F1 that `text` would have against a person's summary (by terms, 0 to 1), less for what is copied:
        the text's own sentences are shown beside the summary anyway."""
        terms = content_terms(text)
        expected = sum(self._odds.get(term, 0.0) for term in set(terms))
        return 2 * expected / (len(terms) + _USUAL_TERMS) - self._cost_of(self.copied(text))

    def _cost_of(self, copied: float) -> float:
        if self._copyist:
            return _COPIED_PRICE * max(0.0, copied - _COPIED_USUAL)
        return _COPIED_COST if copied > _COPIED_SHARE else 0.0

    def copied(self, text: str) -> float:
        """0 to 1: the share of the words of `text` that its longest stretch has which stands in the source just so."""
        own, source = words(text), self._words
        longest = 0
        for start in range(len(own)):
            while start + longest < len(own) and f" {' '.join(own[start : start + longest + 1])} " in source:
                longest += 1
        return longest / max(1, len(own))

    @cached_property
    def _words(self) -> str:
        return f" {' '.join(word for one in self._sentences for word in words(one.text))} "

    @cached_property
    def _odds(self) -> Mapping[str, float]:
        """For each term of the source how likely a person's summary has it."""
        found = [term for one in self._sentences for term in content_terms(one.text)]
        names = {term for one in self._sentences for term in _names(one.text)}
        counts, first = Counter(found), dict[str, int]()
        for place, term in enumerate(found):
            first.setdefault(term, place)
        return {
            term: _logistic(
                _USUAL + _OFTEN * math.log(count) + _LATE * math.log1p(first[term]) + _NAMED * (term in names)
            )
            for term, count in counts.items()
        }


def agreement(texts: Sequence[str]) -> list[float]:
    """For each text how near it is to the others on average: the mean of ROUGE-1, -2 and -L, 0 to 1."""
    near = [[_nearness(rouge(one, other)) for other in texts] for one in texts]
    return [(sum(row) - row[index]) / max(1, len(texts) - 1) for index, row in enumerate(near)]


def _nearness(found: Rouge) -> float:
    return (found.one.f1 + found.two.f1 + found.longest.f1) / 3


def _names(sentence: str) -> list[str]:
    """Terms of the words with a capital letter, the first word aside."""
    _, *others = sentence.split() or [""]
    return [term for word in others if word[:1].isupper() for term in content_terms(word)]


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
