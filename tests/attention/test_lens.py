"""Lists of next tokens: probabilities add up, odd logits never break them, two runs are compared token by token."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention.lens import compare, logit_lens, next_tokens, probabilities

ODD = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=200, deadline=None)
@given(logits=st.lists(ODD, min_size=1, max_size=9), temperature=st.sampled_from([0.0, 1e-9, 0.05, 1.0, 100.0]))
def test_probabilities_sum_to_one_for_any_logits(logits: list[float], temperature: float) -> None:
    found = probabilities(torch.tensor(logits), temperature)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-5) and bool((found >= 0).all())


@pytest.mark.parametrize("temperature", [-1.0, math.nan, math.inf])
def test_a_temperature_below_zero_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        probabilities(torch.zeros(3), temperature)


def test_next_tokens_are_the_likeliest_with_their_softmax() -> None:
    logits = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    expected = torch.softmax(logits / 0.7, 0).topk(10)
    found = next_tokens(logits, temperature=0.7)
    assert [guess.id for guess in found] == expected.indices.tolist()
    torch.testing.assert_close(torch.tensor([guess.probability for guess in found]), expected.values)
    assert len(next_tokens(torch.zeros(3), top=10)) == 3
    assert next_tokens(logits, temperature=0)[0].probability == 1.0


def test_the_lens_reads_each_layer_and_follows_the_answer() -> None:
    hidden = torch.tensor([[0.0, 3.0, 0.0], [2.0, 3.0, 0.0], [4.0, 3.0, 0.0]])
    found = logit_lens(hidden, lambda stream: stream * 2, top=2)
    assert [one.layer for one in found] == [0, 1, 2]
    assert [one.guesses[0].id for one in found] == [1, 1, 0]
    assert [one.answer_rank for one in found] == [2, 2, 1]
    assert found[2].answer_probability == pytest.approx(float(torch.softmax(hidden[2] * 2, 0)[0]))


def test_a_comparison_holds_the_likeliest_of_both_sides() -> None:
    before, after = torch.tensor([5.0, 4.0, 0.0, 0.0, 0.0]), torch.tensor([0.0, 4.0, 0.0, 5.0, 0.0])
    found = compare(before, after, top=2)
    assert {change.id for change in found.changes} == {0, 1, 3}
    first, second = torch.softmax(before, 0), torch.softmax(after, 0)
    for change in found.changes:
        assert change.difference == pytest.approx(float(second[change.id] - first[change.id]), abs=1e-6)
    assert found.moved == pytest.approx(float((first - second).abs().sum() / 2), abs=1e-6)
    assert not found.same_answer


def test_a_run_compared_with_itself_has_not_changed() -> None:
    logits = torch.randn(100)
    found = compare(logits, logits)
    assert found.moved == 0.0 and found.same_answer and len(found.changes) == 10
    with pytest.raises(ValueError, match="one model"):
        compare(logits, logits[:50])
