"""Which label fits a text, and how sure one can be: texts in any number.

Pure: no Gradio, no storage. Owns what is asked of the model and what its figures become. Never lets a model write: the
words of the labels are scored as a whole, so every text gets an answer and every answer is a label.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

from playground.engine.scoring import Opening, Scored
from playground.errors import InvalidInput
from playground.tasks.calibration import UNFITTED_TEMPERATURE, Calibration, fitted
from playground.tasks.sentiment_examples import SAYING_NOTHING
from playground.tasks.sentiment_labels import SENTIMENT, LabelSet
from playground.tasks.sentiment_prompts import opening, options
from playground.tasks.sentiment_results import Judged, problem_of
from playground.text.languages import detect

__all__ = ["Judged", "Scorer", "SentimentJudge"]

MOST_TEXTS = 20_000
MOST_FOR_LANGUAGE = 50
"""Texts that are looked at to find their language: one short text alone is often unsure."""
_COMPANY = "…"
LEVELING = 0.5
"""Share of a label's figure for texts that say nothing that is taken away."""


class Scorer(Protocol):
    """What is needed of an engine."""

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:
        """log P(option | opening), opening by opening."""
        ...


class SentimentJudge:
    """Judges texts with one model, for one owner. `calibration` None: what was fitted for the model and the language of
    the texts, if anything was. May be used from several threads."""

    def __init__(
        self,
        scorer: Scorer,
        model_id: str,
        labels: LabelSet = SENTIMENT,
        *,
        calibration: Calibration | None = None,
        owner: str = "",
        model_name: str = "",
    ) -> None:
        self._scorer, self._owner, self.model_id = scorer, owner, model_id
        self._calibration = calibration
        self.labels, self.model_name = labels, model_name or model_id
        self.independent = False
        self.nameless: tuple[str, ...] = ()
        self._leveled: Calibration | None = None
        self._places = [place for place, label in enumerate(labels.labels) for _ in label.spoken]

    def calibration_for(self, language: str) -> Calibration:
        """What turns log-probabilities of texts in a language into probabilities; for labels of a visitor's own it is
        known once a text was judged."""
        return self._calibration or fitted(self.model_id, self.labels.id, language) or self._leveled or Calibration()

    def judge(
        self, texts: Sequence[str], *, language: str = "", cancel: threading.Event | None = None
    ) -> Iterator[Judged]:
        """Every text as it is done, equal ones together; one that cannot be judged brings its error, the others go on.

        `language`: the code of that of the texts, "" to find out from all of them together. Setting `cancel` raises
        ScoringStopped within a step; what came before stays. Raises ModelUnavailable, and InvalidInput for more than
        MOST_TEXTS texts.
        """
        if len(texts) > MOST_TEXTS:
            raise InvalidInput(f"There are {len(texts):,} texts; {MOST_TEXTS:,} can be judged at once. Split the file.")
        places: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            error = problem_of(text)
            if error is not None:
                yield Judged(index, text, error=error)
            else:
                places.setdefault(text, []).append(index)
        different = list(places)
        code = language or detect("\n".join(different[:MOST_FOR_LANGUAGE])).code
        if different and not self.labels.id and self._calibration is None and self._leveled is None:
            self._leveled = self._level(cancel)
        calibration = self.calibration_for(code)
        # Alone it would be read on another road than in company, with figures some points off.
        openings = [
            opening(text, self.labels, self.model_id)
            for text in (different if len(different) != 1 else [*different, _COMPANY])
        ]
        scored = self._scorer.score(openings, options(self.labels, self.model_id), owner=self._owner, cancel=cancel)
        for one in scored if openings else ():
            if one.index >= len(different):
                continue
            text = different[one.index]
            for index in places[text]:
                yield self._judged(index, text, one, calibration)

    def _level(self, cancel: threading.Event | None) -> Calibration:
        """Half of what each label gets for texts that say nothing is taken away: a small model prefers some words
        whatever the text says (Zhao et al. 2021, who take all of it away; half did better here)."""
        openings = [opening(text, self.labels, self.model_id) for text in SAYING_NOTHING]
        found = self._scorer.score(openings, options(self.labels, self.model_id), owner=self._owner, cancel=cancel)
        rows = [self._by_label(one) for one in found if one.error is None]
        if not rows:
            return Calibration()
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        middle = sum(means) / len(means)
        return Calibration(bias=tuple(LEVELING * (middle - mean) / UNFITTED_TEMPERATURE for mean in means))

    def again(self, judged: Judged, calibration: Calibration) -> Judged:
        """The same text under another calibration: no model is asked."""
        if judged.error is not None:
            return judged
        probabilities = calibration.probabilities(judged.logprobs)
        return Judged(judged.index, judged.text, judged.logprobs, probabilities, judged.mass)

    def _judged(self, index: int, text: str, scored: Scored, calibration: Calibration) -> Judged:
        if scored.error is not None:
            return Judged(index, text, error=scored.error)
        logprobs = self._by_label(scored)
        mass = min(1.0, math.exp(_log_sum(logprobs)))
        return Judged(index, text, logprobs, calibration.probabilities(logprobs), mass)

    def _by_label(self, scored: Scored) -> tuple[float, ...]:
        """Any of a label's words will do."""
        by_label: list[list[float]] = [[] for _ in self.labels.labels]
        for place, logprob in zip(self._places, scored.logprobs, strict=True):
            by_label[place].append(logprob)
        return tuple(_log_sum(values) for values in by_label)


def _log_sum(values: Sequence[float]) -> float:
    most = max(values)
    return most + math.log(sum(math.exp(value - most) for value in values))
