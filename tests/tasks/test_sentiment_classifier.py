"""Classifiers from the Hub: transformers' own figures, labels by name, long texts in windows, plain refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import transformers

from playground.engine.companions import Companions
from playground.engine.scoring import ScoringStopped
from playground.errors import InvalidInput
from playground.tasks.sentiment_analysis import analyse, without_words
from playground.tasks.sentiment_classifier import ClassifierJudge, named, windows
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES
from tests.engine.companion_folders import load_folder
from tests.tasks.classifier_folders import build_classifier

SHORT = "The cat sat on the mat"
LONG = "The cat sat on the mat. The cat slept well. Hello world, this is a small test. " * 12
Make = Callable[..., ClassifierJudge]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    companions = Companions(load_folder, free_memory=lambda: 1 << 40)

    def open_judge(*labels: str, names: dict[str, str] | None = None, **how) -> ClassifierJudge:
        spec = build_classifier(tmp_path, labels, **how)
        opened = companions.open(spec)
        using = partial(companions.using, spec)
        return ClassifierJudge(using, opened.spec, opened.labels, opened.independent_labels, names)

    return open_judge


@pytest.mark.parametrize("family", ["distilbert", "roberta"])
def test_the_figures_are_those_of_transformers(make: Make, tmp_path: Path, family: str) -> None:
    judge = make("joy", "anger", "fear", family=family)
    (found,) = judge.judge([SHORT])
    folder = tmp_path / family
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(SHORT, return_tensors="pt")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        expected = model(**tokens).logits[0].softmax(-1).tolist()
    assert found.probabilities == pytest.approx(expected, abs=1e-4)
    assert judge.labels.names == ("joy", "anger", "fear") and not judge.nameless and not judge.independent


def test_labels_that_may_fit_together_have_probabilities_of_their_own(make: Make, tmp_path: Path) -> None:
    judge = make("joy", "anger", "fear", independent=True)
    (found,) = judge.judge([SHORT])
    assert judge.independent and sum(found.probabilities) != pytest.approx(1, abs=0.01)
    assert all(0 < share < 1 for share in found.probabilities)


@pytest.mark.parametrize(
    ("own", "labels", "columns"),
    [
        (("POS", "NEU", "NEG"), SENTIMENT, [2, 1, 0]),
        (("positive", "negative"), TWO_SIDES, [1, 0]),
        (("NEGATIVE", "POSITIVE"), TWO_SIDES, [0, 1]),
    ],
)  # fmt: skip
def test_labels_of_sentiment_are_known_by_name_and_put_into_order(own, labels, columns) -> None:
    assert named(own, {}) == (labels, columns)


def test_labels_without_names_are_what_a_visitor_calls_them(make: Make) -> None:
    judge = make("LABEL_0", "LABEL_1", "LABEL_2", names={"LABEL_0": "Negative", "LABEL_2": "positive"})
    assert judge.nameless == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert judge.labels.names == ("negative", "LABEL_1", "positive")
    found, columns = named(judge.own_labels, {"LABEL_0": "good", "LABEL_1": "good"})
    assert found.names == judge.own_labels and columns == [0, 1, 2], "two of one name would be one"


def test_a_long_text_is_read_in_windows_between_sentences(make: Make) -> None:
    judge = make("a", "b", "c")
    with judge._using() as model:
        parts = windows(model, LONG)
        assert len(parts) > 1 and all(len(model.split(part)) <= model.most_tokens for part, _ in parts)
        assert all(part.endswith(".") for part, _ in parts)
        assert " ".join(part for part, _ in parts).split() == LONG.split(), "nothing is lost"
        endless = windows(model, "cat " * 400)
        assert sum(len(part.split()) for part, _ in endless) == 400
        assert all(len(model.split(part)) <= model.most_tokens for part, _ in endless)
    (found,) = judge.judge([LONG])
    assert found.error is None and sum(found.probabilities) == pytest.approx(1)


def test_every_text_has_its_answer_in_order_and_an_empty_one_its_reason(make: Make) -> None:
    judge = make("a", "b")
    texts = [SHORT, "", "Hello world", *["cat"] * 40, LONG]
    found = list(judge.judge(texts))
    assert sorted(one.index for one in found) == list(range(len(texts)))
    assert [one.index for one in found if one.error is not None] == [1]
    assert all(one.text == texts[one.index] for one in found)


def test_its_sentences_and_words_are_looked_at_as_those_of_any_judge(make: Make) -> None:
    judge = make("a", "b")
    found = analyse(judge, "The cat sat. Hello world. The cat slept well.")
    assert len(found.sentences) == 3
    assert len(without_words(judge, SHORT).words) == len(SHORT.split())


def test_a_stop_is_heard(make: Make) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(ScoringStopped):
        list(make("a", "b").judge([SHORT], cancel=cancel))


def test_a_model_that_gives_one_number_is_refused(make: Make) -> None:
    with pytest.raises(InvalidInput, match="gives a number and no labels"):
        make("LABEL_0")
