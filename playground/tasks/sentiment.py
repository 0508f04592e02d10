"""Which label fits a text, and how sure one can be: texts in any number, sentences of one text, words of one sentence.

Pure: no Gradio, no storage. Owns what is asked of the model and what its figures become. Never lets a model write: the
words of the labels are scored as a whole, so every text gets an answer and every answer is a label.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from playground.engine.scoring import Opening, Scored
from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.calibration import Calibration, fitted
from playground.tasks.sentiment_labels import SENTIMENT, LabelSet
from playground.tasks.sentiment_prompts import opening, options
from playground.text.languages import detect
from playground.text.sentences import cut

MOST_CHARACTERS = 20_000
MOST_TEXTS = 20_000
MOST_HEAT_WORDS = 150
MOST_FOR_LANGUAGE = 50
"""Texts that are looked at to find their language: one short text alone is often unsure."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
"""A Chinese or Japanese sign, or what stands between blanks."""
Progress = Callable[[int, int], None]
"""Called as `progress(done, total)`."""


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


@dataclass(frozen=True)
class Judged:
    """One text. `logprobs` and `probabilities` by label; `index` is its place among the texts that were given.

    `mass` is the part of all that the model might have said which are words of labels: little means that it did not
    understand the question, not that it is unsure. `error` says why there are no figures.
    """

    index: int
    text: str
    logprobs: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()
    mass: float = 0.0
    error: PlaygroundError | None = None

    @property
    def label(self) -> int | None:
        """Place of the likeliest label, None where there is none."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__, default=None)


@dataclass(frozen=True)
class Place:
    """A part of a text, `text[start:end]` in code points, with what was found there."""

    start: int
    end: int
    judged: Judged


@dataclass(frozen=True)
class Analysis:
    """A whole text: overall, and its sentences in order (none for a text of one sentence)."""

    overall: Judged
    sentences: tuple[Place, ...] = ()


@dataclass(frozen=True)
class HeatWord:
    """A word, `text[start:end]`, and what it adds to the log-odds of a label: without it they are lower by `weight`."""

    start: int
    end: int
    weight: float


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
    ) -> None:
        self._scorer, self._owner, self._model_id = scorer, owner, model_id
        self._calibration = calibration
        self.labels = labels
        self._places = [place for place, label in enumerate(labels.labels) for _ in label.spoken]

    def calibration_for(self, language: str) -> Calibration:
        """What turns log-probabilities of texts in a language into probabilities."""
        return self._calibration or fitted(self._model_id, self.labels.id, language) or Calibration()

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
            error = _problem(text)
            if error is not None:
                yield Judged(index, text, error=error)
            else:
                places.setdefault(text, []).append(index)
        different = list(places)
        code = language or detect("\n".join(different[:MOST_FOR_LANGUAGE])).code
        calibration = self.calibration_for(code)
        openings = [opening(text, self.labels) for text in different]
        scored = self._scorer.score(openings, options(self.labels), owner=self._owner, cancel=cancel)
        for one in scored if openings else ():
            text = different[one.index]
            for index in places[text]:
                yield self._judged(index, text, one, calibration)

    def analyse(self, text: str, *, cancel: threading.Event | None = None) -> Analysis:
        """The whole and its sentences. A text too long for the model is what its sentences are on average.

        Raises InvalidInput for a text that is empty or too long, ScoringStopped, ModelUnavailable.
        """
        error = _problem(text)
        if error is not None:
            raise error
        code = detect(text).code
        sentences = cut(text, code or "en").segments
        whole = next(iter(self.judge([text], language=code, cancel=cancel)))
        if len(sentences) < 2:
            if whole.error is not None:
                raise whole.error
            return Analysis(whole)
        judged = self.judge([one.text for one in sentences], language=code, cancel=cancel)
        found = sorted(judged, key=lambda one: one.index)
        strip = tuple(Place(one.start, one.end, judged) for one, judged in zip(sentences, found, strict=True))
        return Analysis(whole if whole.error is None else self._mean(text, strip, whole.error), strip)

    def heat_map(
        self,
        text: str,
        label: int,
        *,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> tuple[HeatWord, ...]:
        """What every word adds to `label`, by leaving it out: exact for this way of judging, all of them in one batch.

        Raises InvalidInput for a text without words or with more than MOST_HEAT_WORDS, and as `analyse`.
        """
        words = [match.span() for match in _WORD.finditer(text)]
        if not words or len(words) > MOST_HEAT_WORDS:
            raise InvalidInput(
                f"Choose a part of the text with one to {MOST_HEAT_WORDS} words; this one has {len(words):,}."
            )
        texts = [text, *(text[:start] + text[end:] for start, end in words)]
        # A text of one word has nothing without it: it is compared with an unknown word.
        texts = [one if one.strip() else "…" for one in texts]
        odds: dict[int, float] = {}
        for judged in self.judge(texts, language=detect(text).code, cancel=cancel):
            if judged.error is not None:
                raise judged.error
            odds[judged.index] = _log_odds(judged.probabilities[label])
            if progress is not None:
                progress(len(odds), len(texts))
        return tuple(HeatWord(*span, odds[0] - odds[index + 1]) for index, span in enumerate(words))

    def again(self, judged: Judged, calibration: Calibration) -> Judged:
        """The same text under another calibration: no model is asked."""
        if judged.error is not None:
            return judged
        probabilities = calibration.probabilities(judged.logprobs)
        return Judged(judged.index, judged.text, judged.logprobs, probabilities, judged.mass)

    def _judged(self, index: int, text: str, scored: Scored, calibration: Calibration) -> Judged:
        if scored.error is not None:
            return Judged(index, text, error=scored.error)
        by_label: list[list[float]] = [[] for _ in self.labels.labels]
        for place, logprob in zip(self._places, scored.logprobs, strict=True):
            by_label[place].append(logprob)
        # Any of a label's words will do.
        logprobs = tuple(_log_sum(values) for values in by_label)
        mass = min(1.0, math.exp(_log_sum(logprobs)))
        return Judged(index, text, logprobs, calibration.probabilities(logprobs), mass)

    def _mean(self, text: str, strip: Sequence[Place], error: PlaygroundError) -> Judged:
        """Longer sentences count more. Raises `error` where no sentence could be judged."""
        known = [(one.end - one.start, one.judged) for one in strip if one.judged.error is None]
        if not known:
            raise error
        letters = sum(length for length, _ in known)
        logprobs, probabilities = (
            tuple(
                sum(length * values(judged)[place] for length, judged in known) / letters
                for place in range(len(self.labels.labels))
            )
            for values in (lambda one: one.logprobs, lambda one: one.probabilities)
        )
        return Judged(0, text, logprobs, probabilities, sum(length * one.mass for length, one in known) / letters)


def _problem(text: str) -> InvalidInput | None:
    if not text.strip():
        return InvalidInput("There is no text to judge here. Write a few words first.")
    if len(text) > MOST_CHARACTERS:
        return InvalidInput(
            f"The text has {len(text):,} characters; {MOST_CHARACTERS:,} are the most that can be judged at once. "
            "Choose a part of it."
        )
    return None


def _log_odds(probability: float) -> float:
    """Bounded: a probability that rounds to 1 would be endless."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def _log_sum(values: Sequence[float]) -> float:
    most = max(values)
    return most + math.log(sum(math.exp(value - most) for value in values))
