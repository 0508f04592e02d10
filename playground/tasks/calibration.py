"""Probabilities one can believe: a temperature and a bias for each label, fitted on texts whose labels are known.

Owns the arithmetic, the figures that say how far it can be believed, and the file with what was fitted once for the
models of the catalogue. Knows no model and no prompt. Rows are texts, columns labels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from playground.errors import InvalidInput

FITTED_FILE = Path(__file__).resolve().parents[2] / "assets" / "calibration" / "sentiment.json"
UNFITTED_TEMPERATURE = 2.0
"""Small models are far too sure of themselves: in published measurements one temperature of about 2 mends most."""
LEARNED_FIRST = "en"
BINS = 10
LEAST_PER_LABEL = 3
_STEPS = 60
_PRIOR = 0.003
"""Weight of a temperature of 1 and no bias, against the mean loss of a text: a few texts move little."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """p = softmax(log-probabilities / temperature + bias). `fitted_on`, `date` and `rows` say where it comes from."""

    temperature: float = UNFITTED_TEMPERATURE
    bias: tuple[float, ...] = ()
    fitted_on: str = ""
    date: str = ""
    rows: int = 0

    def probabilities(self, logprobs: Sequence[float]) -> tuple[float, ...]:
        """Of one text, in the order of its labels. Raises ValueError for another number of labels."""
        return tuple(self.table([logprobs])[0].tolist())

    def table(self, logprobs: Sequence[Sequence[float]]) -> Floats:
        """Of many texts, [texts, labels]."""
        values = np.asarray(logprobs, dtype=np.float64)
        bias = np.zeros(values.shape[1]) if not self.bias else np.asarray(self.bias)
        if bias.shape != values.shape[1:]:
            raise ValueError(f"{len(bias)} biases for {values.shape[1]} labels")
        return _softmax(values / self.temperature + bias)


@dataclass(frozen=True)
class Bin:
    """Texts whose label was given with about the same probability: how many, its mean, and how many were right."""

    low: float
    high: float
    texts: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Agreement:
    """How labels that were given compare with those that are known; fractions. `confusion` [known][given] in texts."""

    texts: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their texts."""
    bins: tuple[Bin, ...]
    confusion: tuple[tuple[int, ...], ...]


def fit(
    logprobs: Sequence[Sequence[float]], known: Sequence[int], *, fitted_on: str = "", date: str = ""
) -> Calibration:
    """The temperature and the biases under which the `known` labels (indices) are likeliest, by Newton's method.

    Platt scaling with one slope for all labels (Guo et al. 2017 with a bias). Raises InvalidInput for too few texts of
    a label.
    """
    values, gold = np.asarray(logprobs, dtype=np.float64), np.asarray(known)
    labels = values.shape[1] if values.ndim == 2 else 0
    counts = np.bincount(gold, minlength=labels) if len(gold) else np.zeros(max(1, labels))
    if counts.min() < LEAST_PER_LABEL:
        raise InvalidInput(
            f"There are too few texts to learn from: {LEAST_PER_LABEL} of every label are needed, more are better."
        )
    values = values - values.mean(axis=1, keepdims=True)
    # Parameters: slope, then biases. Derivative of the score of a label by them: its own log-probability, and itself.
    slopes = np.concatenate([values[:, :, None], np.broadcast_to(np.eye(labels), (len(gold), labels, labels))], axis=2)
    start = np.array([1.0, *[0.0] * labels])
    parameters = start.copy()
    loss = _loss(slopes, gold, parameters, start)
    for _ in range(_STEPS):
        change = _newton_step(slopes, gold, parameters, start)
        for halving in range(30):
            tried = parameters - change * 0.5**halving
            tried[0] = max(tried[0], 0.02)
            better = _loss(slopes, gold, tried, start)
            if better <= loss:
                break
        done = loss - better < 1e-12
        parameters, loss = (tried, better) if better <= loss else (parameters, loss)
        if done:
            break
    bias = parameters[1:] - parameters[1:].mean()
    return Calibration(float(1 / parameters[0]), tuple(bias.tolist()), fitted_on, date, len(gold))


def agreement(probabilities: Sequence[Sequence[float]] | Floats, known: Sequence[int]) -> Agreement:
    """Compare probabilities [texts, labels] with `known` labels (indices). Raises InvalidInput without texts."""
    values, gold = np.asarray(probabilities, dtype=np.float64), np.asarray(known)
    if not len(gold):
        raise InvalidInput("No text has a known label to compare with. Choose another column.")
    labels, given = values.shape[1], values.argmax(axis=1)
    confusion = np.zeros((labels, labels), dtype=int)
    np.add.at(confusion, (gold, given), 1)
    bins = _bins(values.max(axis=1), given == gold)
    return Agreement(
        texts=len(gold),
        accuracy=float((given == gold).mean()),
        macro_f1=_macro_f1(confusion),
        calibration_error=sum(one.texts * abs(one.confidence - one.accuracy) for one in bins) / len(gold),
        bins=bins,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def fitted(model_id: str, label_set_id: str, language: str = LEARNED_FIRST) -> Calibration | None:
    """What was fitted for a model of the catalogue, a set of labels and a language; None where nothing was.

    In a language that nothing was fitted for, the temperature of another holds and its biases do not: what a model
    calls neutral differs from language to language.
    """
    by_language = _fitted().get(model_id, {}).get(label_set_id, {})
    if language in by_language:
        found = by_language[language]
        return Calibration(found["temperature"], tuple(found["bias"]), found["fitted_on"], found["date"], found["rows"])
    other = by_language.get(LEARNED_FIRST)
    return None if other is None else Calibration(max(1.0, other["temperature"]))


def read_calibrations_again() -> None:
    """Forget what was read of the file: it has been written anew."""
    _fitted.cache_clear()


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _loss(slopes: Floats, gold: NDArray, parameters: Floats, start: Floats) -> float:
    chances = _softmax(slopes @ parameters)[np.arange(len(gold)), gold]
    return float(-np.log(np.maximum(chances, 1e-300)).mean() + _PRIOR / 2 * ((parameters - start) ** 2).sum())


def _newton_step(slopes: Floats, gold: NDArray, parameters: Floats, start: Floats) -> Floats:
    """Gradient divided by curvature; the prior keeps the curvature positive."""
    chances = _softmax(slopes @ parameters)
    missing = chances.copy()
    missing[np.arange(len(gold)), gold] -= 1
    gradient = np.einsum("nl,nlp->p", missing, slopes) / len(gold) + _PRIOR * (parameters - start)
    mean = np.einsum("nl,nlp->np", chances, slopes)
    curvature = np.einsum("nl,nlp,nlq->pq", chances, slopes, slopes) - mean.T @ mean
    return np.linalg.solve(curvature / len(gold) + _PRIOR * np.eye(len(start)), gradient)


def _bins(confidences: Floats, right: NDArray) -> tuple[Bin, ...]:
    """Equally wide; empty ones are left out."""
    found = []
    places = np.minimum((confidences * BINS).astype(int), BINS - 1)
    for place in range(BINS):
        own = places == place
        if own.any():
            means = float(confidences[own].mean()), float(right[own].mean())
            found.append(Bin(place / BINS, (place + 1) / BINS, int(own.sum()), *means))
    return tuple(found)


def _macro_f1(confusion: NDArray) -> float:
    """Mean of F1 over the labels that occur; a label that nobody knows and nobody gave says nothing."""
    hits, total = np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1)
    return float((2 * hits[total > 0] / total[total > 0]).mean()) if (total > 0).any() else math.nan


@cache
def _fitted() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    return json.loads(FITTED_FILE.read_text("utf-8")) if FITTED_FILE.exists() else {}
