"""A text looked at closely: as a whole, sentence by sentence, and without each of its words.

Pure. Owns how the whole of a long text is made of its sentences, and which words are left out. Knows no way of judging:
any Judge will do.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment_labels import LabelSet
from playground.tasks.sentiment_results import Judged, problem_of
from playground.text.languages import detect
from playground.text.sentences import cut

MOST_HEAT_WORDS = 150
_SIGNS = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SIGNS}]|[^\s{_SIGNS}，。、；：“”（）《》「」]+")
"""A Chinese or Japanese sign, or what stands between blanks and signs of punctuation of these scripts."""
_AROUND = ".,;:!?…\"'‘’()[]{}«»—–-！？"


class Judge(Protocol):
    """Gives texts labels."""

    labels: LabelSet
    model_id: str
    model_name: str
    independent: bool
    """Each label has a probability of its own; they do not add up to 1."""
    nameless: tuple[str, ...]
    """Labels whose names say nothing, such as LABEL_0."""

    def calibration_for(self, language: str) -> Calibration | None:
        """What turns the model's figures into probabilities; None where it gives probabilities itself."""
        ...

    def judge(
        self, texts: Sequence[str], *, language: str = "", cancel: threading.Event | None = None
    ) -> Iterator[Judged]:
        """Every text as it is done; one that cannot be judged brings its error, the others go on."""
        ...


@dataclass(frozen=True)
class Place:
    """A part of a text, `text[start:end]` in code points, with what was found there."""

    start: int
    end: int
    judged: Judged


@dataclass(frozen=True)
class Analysis:
    """A whole text: overall, and its sentences in order (none for a text of one sentence), `total` when all are there.

    `overall` None: not known yet. `by_sentences`: the text is too long for the model, and the overall is the mean of
    its sentences, longer ones counting more.
    """

    overall: Judged | None
    sentences: tuple[Place, ...] = ()
    total: int = 0
    by_sentences: bool = False


@dataclass(frozen=True)
class Without:
    """A word, `text[start:end]`, and the probabilities of the text without it."""

    start: int
    end: int
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Occlusion:
    """What every word of a text does: `probabilities` of the whole, then those without each word, in order.

    `total` words are looked at in all. Exact for the way of judging: each text without a word was judged itself.
    """

    probabilities: tuple[float, ...]
    words: tuple[Without, ...]
    total: int

    def weight(self, word: Without, label: int) -> float:
        """What a word adds to the log-odds of a label: without it they are lower by this."""
        return _log_odds(self.probabilities[label]) - _log_odds(word.probabilities[label])


def analyse(
    judge: Judge,
    text: str,
    *,
    cancel: threading.Event | None = None,
    progress: Callable[[Analysis], None] | None = None,
) -> Analysis:
    """The whole and its sentences; `progress` gets what is known so far, the whole first.

    Raises InvalidInput for a text that is empty or too long, ScoringStopped, ModelUnavailable.
    """
    error = problem_of(text)
    if error is not None:
        raise error
    code = detect(text).code
    sentences = cut(text, code or "en").segments
    whole = next(iter(judge.judge([text], language=code, cancel=cancel)))
    if len(sentences) < 2:
        if whole.error is not None:
            raise whole.error
        return Analysis(whole)
    known = whole if whole.error is None else None
    found: dict[int, Place] = {}
    if progress is not None:
        progress(Analysis(known, total=len(sentences)))
    for judged in judge.judge([one.text for one in sentences], language=code, cancel=cancel):
        found[judged.index] = Place(sentences[judged.index].start, sentences[judged.index].end, judged)
        if progress is not None:
            progress(Analysis(known, tuple(found[index] for index in sorted(found)), len(sentences)))
    strip = tuple(found[index] for index in sorted(found))
    overall = known or _mean(text, strip, whole.error)
    return Analysis(overall, strip, len(strip), by_sentences=known is None)


def judge_one(judge: Judge, text: str, *, language: str = "", cancel: threading.Event | None = None) -> Judged:
    """One text as a whole, or where it is too long for the model by its sentences. Raises as `analyse`."""
    judged = next(iter(judge.judge([text], language=language or detect(text).code, cancel=cancel)))
    if judged.error is None:
        return judged
    overall = analyse(judge, text, cancel=cancel).overall
    if overall is None:
        raise judged.error
    return overall


def words_of(text: str) -> list[tuple[int, int]]:
    """The places of the words of a text, without the punctuation around them; what is nothing else, such as ":)", is a
    word too."""
    found = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        left = len(match[0]) - len(match[0].lstrip(_AROUND))
        right = len(match[0].rstrip(_AROUND))
        found.append((start + left, start + right) if left < right else (start, end))
    return found


def without_words(
    judge: Judge,
    text: str,
    *,
    language: str = "",
    cancel: threading.Event | None = None,
    progress: Callable[[Occlusion], None] | None = None,
) -> Occlusion:
    """The text judged without each of its words, all of them in one batch; `progress` gets what is known so far.

    Raises InvalidInput for a text without words or with more than MOST_HEAT_WORDS, and as `analyse`.
    """
    words = words_of(text)
    if not words or len(words) > MOST_HEAT_WORDS:
        raise InvalidInput(
            f"Choose a part of the text with one to {MOST_HEAT_WORDS} words; this one has {len(words):,}."
        )
    texts = [text, *(text[:start].rstrip(" ") + text[end:] for start, end in words)]
    # A text of one word has nothing without it: it is compared with an unknown word.
    texts = [one if one.strip() else "…" for one in texts]
    found: dict[int, tuple[float, ...]] = {}
    for judged in judge.judge(texts, language=language or detect(text).code, cancel=cancel):
        if judged.error is not None:
            raise judged.error
        found[judged.index] = judged.probabilities
        if progress is not None and 0 in found:
            progress(_occlusion(found, words))
    return _occlusion(found, words)


def _occlusion(found: dict[int, tuple[float, ...]], words: Sequence[tuple[int, int]]) -> Occlusion:
    known = [(words[index - 1], found[index]) for index in sorted(found) if index]
    return Occlusion(found[0], tuple(Without(*span, probabilities) for span, probabilities in known), len(words))


def _mean(text: str, strip: Sequence[Place], error: PlaygroundError | None) -> Judged:
    """Longer sentences count more. Raises `error` where no sentence could be judged."""
    known = [(one.end - one.start, one.judged) for one in strip if one.judged.error is None]
    if not known:
        raise error or InvalidInput("There is no text to judge here. Write a few words first.")
    letters = sum(length for length, _ in known)

    def mean(values: Callable[[Judged], Sequence[float]]) -> tuple[float, ...]:
        columns = zip(*(values(judged) for _, judged in known), strict=True)
        weights = [length / letters for length, _ in known]
        return tuple(sum(part * value for part, value in zip(weights, column, strict=True)) for column in columns)

    mass = sum(length * one.mass for length, one in known) / letters
    return Judged(0, text, mean(lambda one: one.logprobs), mean(lambda one: one.probabilities), mass)


def _log_odds(probability: float) -> float:
    """Bounded: a probability that rounds to 1 would be endless."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))
