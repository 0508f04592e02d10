"""What stands before a label: lists and turns, the same for every text, and a text cannot end itself early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.sentiment_examples import SHOWN
from playground.tasks.sentiment_labels import PRESETS, SENTIMENT, LabelSet, own_labels
from playground.tasks.sentiment_prompts import _CHOSEN, opening, options

CHOICES = [*((labels, "", "en") for labels in PRESETS.values()), *((PRESETS[id_], *rest) for id_, *rest in _CHOSEN)]


@pytest.mark.parametrize(("labels", "model", "language"), CHOICES)
def test_every_list_of_examples_shows_every_label_about_as_often(labels: LabelSet, model: str, language: str) -> None:
    shown = _CHOSEN.get((labels.id, model, language)) or SHOWN[labels.id]
    counts = [sum(label == name for _, label in shown.examples) for name in labels.names]
    assert min(counts) >= 1 and max(counts) <= 2 * min(counts)
    assert len({text for text, _ in shown.examples}) == len(shown.examples)


@pytest.mark.parametrize(("labels", "model", "language"), CHOICES)
@given(text=st.text(max_size=60))
def test_all_texts_have_the_same_before_them_and_stand_in_one_line(
    labels: LabelSet, model: str, language: str, text: str
) -> None:
    one, other = opening(text, labels, model, language), opening("other", labels, model, language)
    line = " ".join(text.split())
    if one.messages:
        assert one.messages[:-1] == other.messages[:-1] and len(one.messages) == one.app_messages + 1
        assert one.messages[-1].content.endswith(f"\n\n{line}")
    else:
        head = other.text.rpartition("other")[0]
        assert one.text.startswith(head) and one.text[len(head) :].startswith(f"{line}\n")


@pytest.mark.parametrize(("labels", "model", "language"), CHOICES)
def test_an_option_follows_as_the_examples_labels_do(labels: LabelSet, model: str, language: str) -> None:
    asked = opening("x", labels, model, language)
    for option, name in zip(options(labels, model, language), labels.names, strict=True):
        if asked.messages:
            assert option == name
        else:
            assert f"{asked.text.rpartition(chr(10))[2]}{option}" in asked.text


def test_own_labels_are_named_before_the_text() -> None:
    labels = own_labels("refund\npraise")
    asked = opening("Where is my money?", labels)
    assert all(name in asked.text for name in labels.names) and asked.text.endswith("Where is my money?\nLabel:")
    assert options(SENTIMENT) == (" negative", " neutral", " positive")
