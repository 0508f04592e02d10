"""The line that a model has to beat: sentiment by a list of words, without any model (VADER, Hutto and Gilbert 2014).

English only. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from playground.tasks.sentiment_labels import LabelSet

_CLEAR = 0.05
"""From which score on, of -1 to 1, the authors call a text positive or negative."""
_AROUND = '.,;:!?()[]"“”'


def by_words(texts: Sequence[str], labels: LabelSet) -> list[int] | None:
    """The place of the label of every text; None where the labels are not those of sentiment.

    Without a neutral label a score of zero counts as positive, as everywhere where VADER is compared.
    """
    places = {name: place for place, name in enumerate(labels.names)}
    if not {"negative", "positive"} <= places.keys():
        return None
    found = []
    for text in texts:
        score = _analyzer().polarity_scores(text)["compound"]
        if "neutral" in places and abs(score) < _CLEAR:
            found.append(places["neutral"])
        else:
            found.append(places["positive" if score >= 0 else "negative"])
    return found


@dataclass(frozen=True)
class LexiconReading:
    """What the list makes of a text: a score of -1 to 1, the place of the label, and its words with their values."""

    score: float
    label: int
    words: tuple[tuple[str, float], ...]


def read_by_words(text: str, labels: LabelSet) -> LexiconReading | None:
    """One text looked at closely; None where the labels are not those of sentiment."""
    found = by_words([text], labels)
    if found is None:
        return None
    lexicon = _analyzer().lexicon
    words = dict.fromkeys(word for word in (part.strip(_AROUND).lower() for part in text.split()) if word in lexicon)
    score = _analyzer().polarity_scores(text)["compound"]
    return LexiconReading(score, found[0], tuple((word, float(lexicon[word])) for word in words))


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
