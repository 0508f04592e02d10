"""A scorer without a model: it counts words that it knows and notes what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from playground.engine.scoring import Opening, Scored, ScoringStopped
from playground.errors import PromptTooLong

GOOD, BAD = ("good", "lovely", "好"), ("bad", "awful", "坏")


class WordScorer:
    """Each known word is worth one unit for "positive" or "negative"; " neutral" always has half a unit.

    Texts of more than `most_characters` are too long for it.
    """

    def __init__(self, most_characters: int = 10_000) -> None:
        self.asked: list[tuple[Opening, ...]] = []
        self.owners: list[str] = []
        self._most_characters = most_characters

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:
        self.asked.append(tuple(openings))
        self.owners.append(owner)
        for index, opening in enumerate(openings):
            if cancel is not None and cancel.is_set():
                raise ScoringStopped("Stopped before the whole text was read.")
            text = opening.text.rpartition("Text: ")[2].partition("\n")[0]
            if len(text) > self._most_characters:
                yield Scored(index, error=PromptTooLong("Your text is too long."))
                continue
            yield Scored(index, tuple(_worth(option.strip(), text) - 3 for option in options), (1,) * len(options))


def _worth(option: str, text: str) -> float:
    good, bad = (sum(text.count(word) for word in words) for words in (GOOD, BAD))
    return {"positive": good - bad, "negative": bad - good, "neutral": 0.5}.get(option, float(text.count(option)))
