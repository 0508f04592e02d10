"""What is learned for labels that are offered by name: on texts of our own, judged by what the others taught."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fit_labels import SETS, SHARES, learned_elsewhere, loss, softmax, texts_of
from playground.tasks.sentiment_examples import SHOWN
from playground.tasks.sentiment_labels import LabelSet


@pytest.mark.parametrize("labels", SETS, ids=lambda labels: labels.id)
def test_every_label_has_texts_enough_and_none_of_them_is_shown_to_the_model(labels: LabelSet) -> None:
    texts, known = texts_of(labels)
    counts = np.bincount([label for label in known.labels if label is not None], minlength=len(labels.labels))
    assert counts.min() >= 5 and len(set(texts)) == len(texts)
    assert not set(texts) & {text for text, _ in SHOWN[labels.id].examples}
    assert {label for _, label in SHOWN[labels.id].examples} == set(labels.names), "every label has an example"


def test_a_text_is_judged_by_what_the_others_taught() -> None:
    draw = np.random.default_rng(3)
    gold = [index % 3 for index in range(45)]
    # A model that leans to the first label by far, and knows the right one a little.
    values = draw.normal(0, 0.3, (45, 3)) + 2.0 * np.eye(3)[gold] + np.array([4.0, 0.0, 0.0])
    unseen = learned_elsewhere(values.tolist(), gold)
    assert (values.argmax(1) == gold).mean() < 0.5 < 0.9 < (unseen.argmax(1) == np.asarray(gold)).mean()
    assert all(sum(row) == pytest.approx(1) for row in softmax(unseen, 0.5))
    assert loss(unseen, gold, max(SHARES)) < loss(unseen, [2 - label for label in gold], max(SHARES))
