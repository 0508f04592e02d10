"""The line that a model has to beat: sentiment by a list of words, without any model (VADER, Hutto and Gilbert 2014).

English only. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from playground.tasks.sentiment_labels import LabelSet

_CLEAR = 0.05
"""From which score on, of -1 to 1, the authors call a text positive or negative."""


def by_words(texts: Sequence[str], labels: LabelSet) -> list[int] | None:
    """The place of the label of every text; None where the labels are not those of sentiment.

    Without a neutral label a score of zero counts as positive, as everywhere where VADER is compared.
    """
    places = {name: place for place, name in enumerate(labels.names)}
    if not labels.id:
        return None
    found = []
    for text in texts:
        score = _analyzer().polarity_scores(text)["compound"]
        if "neutral" in places and abs(score) < _CLEAR:
            found.append(places["neutral"])
        else:
            found.append(places["positive" if score >= 0 else "negative"])
    return found


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()
