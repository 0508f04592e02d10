"""Heads that were made to do one thing are recognised by it, on texts where that can be told."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playground.attention.heads import HeadFacts, labelled, sorted_heads
from playground.attention.overview import overview
from playground.engine.recording import LayerRecord
from tests.attention.random_records import layer_of, layers, random_layer

TOKENS = 60
RANDOM = random.Random(5)
HALF = [RANDOM.randrange(1000) for _ in range(TOKENS // 2)]
REPEATED = HALF + HALF
"""A text that is said twice: every token of the second half has been there."""


def even(causal: bool = True) -> Tensor:
    ones = torch.ones(TOKENS, TOKENS)
    ones = ones.tril() if causal else ones
    return ones / ones.sum(-1, keepdim=True)


def pointing(shift: int) -> Tensor:
    """Every token reads the one `shift` places away; where there is none, the first one."""
    result = torch.zeros(TOKENS, TOKENS)
    for row in range(TOKENS):
        result[row, row + shift if 0 <= row + shift < TOKENS else 0] = 1
    return result


def to_earlier(shift: int) -> Tensor:
    """The second half reads `shift` places behind the same word in the first; the first half rests."""
    result = torch.zeros(TOKENS, TOKENS)
    result[:, 0] = 1
    for row in range(TOKENS // 2, TOKENS):
        result[row] = 0
        result[row, row - TOKENS // 2 + shift] = 1
    return result


def with_sink(weights: Tensor, share: float) -> Tensor:
    result = weights * (1 - share)
    result[:, 0] += share
    return result


def near() -> Tensor:
    band = torch.ones(TOKENS, TOKENS).tril().triu(-4)
    return band / band.sum(-1, keepdim=True)


def facts_of(*maps: Tensor, causal: bool = True, ids: list[int] | None = None) -> list[HeadFacts]:
    found = overview([layer_of(torch.stack(maps), causal=causal)], ids or REPEATED)
    assert found is not None
    return list(found.heads)


@pytest.mark.parametrize("resting", [0.0, 0.4, 0.9])
@pytest.mark.parametrize(
    ("weights", "label"),
    [
        (pointing(-1), "previous"),
        (pointing(0), "itself"),
        (to_earlier(0), "same_word"),
        (to_earlier(1), "induction"),
        (near(), "local"),
        (even(), "spread"),
    ],
)
def test_a_head_is_labelled_by_what_it_does_beside_resting(weights: Tensor, label: str, resting: float) -> None:
    (facts,) = facts_of(with_sink(weights, resting))
    assert facts.label == label
    assert facts.sink >= resting - 1e-6
    assert facts.rests == (facts.sink >= 0.3)


def test_the_strength_of_a_habit_is_the_share_of_what_is_not_on_the_sink() -> None:
    (facts,) = facts_of(with_sink(0.5 * pointing(-1) + 0.5 * pointing(0), 0.8))
    assert facts.habits["previous"].share == pytest.approx(0.5, abs=0.02)
    assert facts.habits["itself"].share == pytest.approx(0.5, abs=0.02)


def test_a_head_that_only_rests_has_no_other_label() -> None:
    weights = torch.zeros(TOKENS, TOKENS)
    weights[:, 0] = 1
    (facts,) = facts_of(weights)
    assert facts.rests and facts.sink == pytest.approx(1.0) and facts.label in ("spread", "mixed")


def test_looking_at_the_next_token_is_seen_where_a_model_looks_ahead() -> None:
    (facts,) = facts_of(pointing(1), causal=False)
    assert facts.label == "next"
    (backwards,) = facts_of(pointing(-1))
    assert "next" not in backwards.habits


def test_an_even_spread_over_few_tokens_is_not_called_local() -> None:
    """Of five tokens each is near, whatever a head does."""
    weights = torch.ones(5, 5).tril()
    found = overview([layer_of((weights / weights.sum(-1, keepdim=True)).unsqueeze(0))], [1, 2, 3, 4, 5])
    assert found is not None and found.heads[0].label == "spread"
    assert found.heads[0].habits["local"].over_chance == pytest.approx(0.0, abs=1e-6)


def test_habits_that_a_text_cannot_show_are_left_out() -> None:
    (facts,) = facts_of(even(), ids=list(range(TOKENS)))
    assert "same_word" not in facts.habits and "induction" not in facts.habits


def test_heads_of_two_texts_have_no_before_and_behind() -> None:
    found = overview([random_layer(20, causal=False)], None)
    assert found is not None and not any(facts.habits for facts in found.heads)
    with pytest.raises(ValueError, match="words"):
        overview([random_layer(12, 20, causal=False)], list(range(20)))


def test_shares_are_those_counted_cell_by_cell() -> None:
    layer = random_layer(TOKENS, window=20, seed=4)
    found = overview([layer], REPEATED)
    assert found is not None
    for facts in found.heads:
        weights = layer_rows_without_first(layer, facts.head)
        for pattern, cell in {
            "previous": lambda row, key: row - key == 1,
            "same_word": lambda row, key: key < row and REPEATED[row] == REPEATED[key],
            "induction": lambda row, key: key < row and REPEATED[row] == REPEATED[key - 1],
            "local": lambda row, key: 0 <= row - key <= 4,
        }.items():
            on = [[key for key in range(max(1, row - 19), row + 1) if cell(row, key)] for row in range(TOKENS)]
            rows = [row for row in range(TOKENS) if on[row]]
            if not rows:
                continue
            share = sum(weights[row, on[row]].sum() for row in rows) / sum(weights[row].sum() for row in rows)
            assert facts.habits[pattern].share == pytest.approx(float(share), abs=1e-5)
            assert facts.habits[pattern].rows == len(rows)


def layer_rows_without_first(layer, head: int) -> Tensor:
    from_all = torch.zeros(TOKENS, TOKENS)
    scores = layer.query[head] @ layer.key[head // 2].T * layer.scaling
    for row in range(TOKENS):
        low = max(0, row - 19)
        from_all[row, low : row + 1] = torch.softmax(scores[row, low : row + 1], 0)
    from_all[:, 0] = 0
    return from_all


@settings(max_examples=100, deadline=None)
@given(layer=layers(), hide=st.sampled_from([(), (0,), (0, 2)]), few_words=st.booleans())
def test_facts_of_any_layer_are_shares(layer: LayerRecord, hide: tuple[int, ...], few_words: bool) -> None:
    keys = layer.key.shape[1]
    same_text = layer.causal or layer.query.shape[1] == keys
    ids = [number % 3 if few_words else number for number in range(keys)] if same_text else None
    found = overview([layer, layer], ids, hide=hide)
    assert found is not None and len(found.heads) == 2 * layer.query.shape[0]
    for facts in found.heads:
        assert -1e-6 <= facts.sink <= 1 + 1e-6 and 0 <= facts.spread <= 1
        for habit in facts.habits.values():
            assert 0 <= habit.share <= 1 and 0 <= habit.chance <= 1 and math.isfinite(habit.over_chance)
            assert 0 < habit.rows <= layer.query.shape[1]


def test_heads_are_sorted_and_found_by_what_they_do() -> None:
    facts = facts_of(pointing(0), pointing(-1), with_sink(pointing(-1), 0.5), even())
    assert [one.head for one in sorted_heads(facts, "previous")[:2]] == [1, 2]
    assert sorted_heads(facts, "spread")[0].head == 3
    assert [one.head for one in labelled(facts, "previous")] == [1, 2]
    assert [one.head for one in labelled(facts, "sink")] == [2]
    assert [one.head for one in labelled(facts, "induction")] == []


def test_entropy_is_that_of_the_book() -> None:
    layer = random_layer(TOKENS, seed=9)
    found = overview([layer], REPEATED)
    assert found is not None
    scores = layer.query[0] @ layer.key[0].T * layer.scaling
    entropy = possible = 0.0
    for row in range(2, TOKENS):
        weights = torch.softmax(scores[row, : row + 1].double(), 0)[1:]
        rest = float(weights.sum())
        entropy += rest * float(torch.special.entr(weights / rest).sum())
        possible += rest * float(torch.tensor(float(row)).log())
    assert found.heads[0].spread == pytest.approx(entropy / possible, abs=1e-4)
