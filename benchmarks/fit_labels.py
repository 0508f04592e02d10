"""What the labels that are offered by name (emotions, urgency, topics) are worth with each model; their calibration.

    python -m benchmarks.fit_labels [--models MODEL ...] [--keep]

The texts are our own (assets/examples/labelled_texts.json), a few for every label: the figures are cross-validated in
five folds, and say whether such labels can be offered rather than how good they are. `--keep` keeps what was learned on
all of them for the app.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_translation import MODELS, open_engine
from playground.engine.engine import Engine
from playground.tasks.calibration import FITTED_FILE, Calibration, agreement, fit
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_labels import EMOTIONS, PRESETS, TOPICS, URGENCY, LabelSet
from playground.tasks.sentiment_table import KnownLabels, compare, learn

TEXTS_FILE = Path(__file__).resolve().parents[1] / "assets" / "examples" / "labelled_texts.json"
SETS = (EMOTIONS, URGENCY, TOPICS)
FOLDS = 5
SHARES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2)
"""How far what was learned on a few texts may be calmed; chosen on texts that it was not learned from."""


def texts_of(labels: LabelSet) -> tuple[list[str], KnownLabels]:
    """Our texts for a set of labels, one of each label in turns."""
    rows = [row for row in json.loads(TEXTS_FILE.read_text("utf-8")) if row["labels"] == labels.id]
    by_label = [[row for row in rows if row["label"] == name] for name in labels.names]
    order = [row for turn in zip_longest(*by_label) for row in turn if row is not None]
    return [row["text"] for row in order], KnownLabels(tuple(labels.names.index(row["label"]) for row in order))


def measure(engine: Engine, model: str, labels: LabelSet) -> Calibration:
    """Prints what a model makes of a set; what was learned on all texts."""
    texts, known = texts_of(labels)
    judge = SentimentJudge(engine, model, labels, calibration=Calibration(), owner="benchmark")
    judged = sorted(judge.judge(texts, language="en"), key=lambda one: one.index)
    gold = [label for label in known.labels if label is not None]
    unseen = learned_elsewhere([one.logprobs for one in judged], gold)
    share = min(SHARES, key=lambda one: loss(unseen, gold, one))
    raw = compare(judged, known)
    learned = agreement(softmax(unseen, share), gold)
    print(
        f"{model:30} {labels.id:10} {len(texts):3} texts  accuracy {raw.accuracy:.2f} -> {learned.accuracy:.2f}  "
        f"calibration error {raw.calibration_error:.2f} -> {learned.calibration_error:.2f}  (calmed by {share})",
        flush=True,
    )
    found = learn(judged, known, name="own_texts", date=time.strftime("%Y-%m-%d"))
    return replace(found, temperature=found.temperature / share, bias=tuple(share * one for one in found.bias))


def learned_elsewhere(logprobs: Sequence[Sequence[float]], gold: Sequence[int]) -> NDArray[np.float64]:
    """[texts, labels] what all other folds of the texts make of each, before the softmax."""
    values, known = np.asarray(logprobs), np.asarray(gold)
    found = np.zeros_like(values)
    folds = np.arange(len(known)) // values.shape[1] % FOLDS
    for fold in range(FOLDS):
        own = folds == fold
        learned = fit(values[~own].tolist(), known[~own].tolist())
        found[own] = values[own] / learned.temperature + np.asarray(learned.bias)
    return found


def softmax(values: NDArray[np.float64], share: float) -> list[tuple[float, ...]]:
    """Probabilities of `share` times the values: with few texts what was learned is too sure of itself."""
    return [tuple(row) for row in Calibration(temperature=1 / share).table(values.tolist()).tolist()]


def loss(values: NDArray[np.float64], gold: Sequence[int], share: float) -> float:
    """Mean surprise at the known labels."""
    chances = np.asarray(softmax(values, share))[np.arange(len(gold)), np.asarray(gold)]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def keep(model: str, labels: LabelSet, found: Calibration) -> None:
    """For the app, beside what is kept of other models and labels."""
    kept: dict[str, Any] = json.loads(FITTED_FILE.read_text("utf-8"))
    rounded = replace(found, temperature=round(found.temperature, 4), bias=tuple(round(one, 4) for one in found.bias))
    kept.setdefault(model, {}).setdefault(labels.id, {})["en"] = asdict(rounded)
    FITTED_FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args(arguments)
    for model in asked.models:
        engine = open_engine(model)
        try:
            for labels in SETS:
                found = measure(engine, model, labels)
                if asked.keep:
                    keep(model, PRESETS[labels.id], found)
        finally:
            engine.close()


if __name__ == "__main__":
    main()
