"""Weights from a recording are those of softmax(q k) by the book, however they are asked for."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention import sink, weights
from playground.attention.weights import (
    Reading,
    head_blocks,
    head_rows,
    head_scores,
    layer_rows,
    value_norms,
    weight_blocks,
)
from playground.engine.recording import LayerRecord
from tests.attention.random_records import dense, layers, random_layer, sees

TOLERANCE = 2e-5


def everything(layer: LayerRecord) -> range:
    return range(layer.query.shape[1])


@settings(max_examples=150, deadline=None)
@given(layer=layers(), temperature=st.sampled_from([1.0, 0.2, 3.0]))
def test_weights_are_those_of_the_book(layer: LayerRecord, temperature: float) -> None:
    found = layer_rows(layer, everything(layer), reading=Reading(temperature))
    for head in range(layer.query.shape[0]):
        expected = dense(layer, head, temperature=temperature).float()
        torch.testing.assert_close(found[head], expected, atol=TOLERANCE, rtol=TOLERANCE)


@settings(max_examples=100, deadline=None)
@given(layer=layers(), hide=st.sampled_from([(), (0,), (0, 3)]), data=st.data())
def test_rows_sum_to_one_or_are_empty(layer: LayerRecord, hide: tuple[int, ...], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, layer.query.shape[1] - 1), min_size=1, max_size=8))
    found = layer_rows(layer, rows, reading=Reading(hide=hide))
    assert bool(found.isfinite().all()) and bool((found >= 0).all())
    sums = found.sum(-1)
    for place, row in enumerate(rows):
        seen = [key for key in range(layer.key.shape[1]) if sees(layer, row, key) and key not in hide]
        if not seen:
            assert bool((sums[:, place] == 0).all())
        elif not hide:
            torch.testing.assert_close(sums[:, place], torch.ones(len(sums)))
        else:
            # Where the sink took everything that a float can say, nothing is left.
            assert all(abs(total - 1) < 1e-5 or total == 0 for total in sums[:, place].tolist())


@settings(max_examples=50, deadline=None)
@given(layer=layers(), numbers=st.sampled_from([1, 50, 10**6]), hide=st.sampled_from([(), (0,)]))
def test_blocks_hold_the_same_whatever_their_size(layer: LayerRecord, numbers: int, hide: tuple[int, ...]) -> None:
    whole = layer_rows(layer, everything(layer), reading=Reading(hide=hide))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "BLOCK_NUMBERS", numbers)
        seen = 0
        for block in weight_blocks(layer, reading=Reading(hide=hide)):
            last = block.first + block.weights.shape[-1]
            rows = slice(block.start, block.start + len(block.positions))
            torch.testing.assert_close(block.weights, whole[:, rows, block.first : last], atol=1e-6, rtol=1e-5)
            assert not whole[:, rows, : block.first].any() and not whole[:, rows, last:].any()
            seen += len(block.positions)
        assert seen == layer.query.shape[1]


def test_one_head_is_that_head_of_all_and_rows_come_in_the_order_asked_for() -> None:
    layer = random_layer(20, heads=6, key_heads=3, window=5)
    whole = layer_rows(layer, range(20))
    for head in range(6):
        torch.testing.assert_close(head_rows(layer, head, [7, 0, 19, 7]), whole[head, [7, 0, 19, 7]])
    torch.testing.assert_close(layer_rows(layer, range(20), heads=(5, 0)), whole[[5, 0]])
    assert head_rows(layer, 1, []).shape == (0, 20)


def test_blocks_of_a_head_are_never_large_and_hold_all_rows() -> None:
    layer = random_layer(600, heads=2, key_heads=1, size=4)
    pieces = list(head_blocks(layer, 1))
    assert [start for start, _ in pieces] == [0, 256, 512]
    torch.testing.assert_close(torch.cat([rows for _, rows in pieces]), head_rows(layer, 1, range(600)))
    assert all(block.weights.numel() <= weights.BLOCK_NUMBERS for block in weight_blocks(layer))


@settings(max_examples=50, deadline=None)
@given(layer=layers())
def test_scores_are_minus_infinity_exactly_where_a_query_cannot_look(layer: LayerRecord) -> None:
    scores = head_scores(layer, 0, everything(layer))
    for query in range(scores.shape[0]):
        for key in range(scores.shape[1]):
            assert bool(scores[query, key].isfinite()) == sees(layer, query, key)
    torch.testing.assert_close(
        torch.softmax(scores, -1).nan_to_num(0.0), head_rows(layer, 0, everything(layer)), atol=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_no_positive_number_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        Reading(temperature)


def test_extreme_temperatures_and_scores_give_no_nan() -> None:
    layer = random_layer(9, spread=1000.0)
    coldest = layer_rows(layer, range(9), reading=Reading(1e-30))
    torch.testing.assert_close(coldest.amax(-1), torch.ones(4, 9))
    flattest = head_rows(layer, 0, [8], reading=Reading(1e30))
    torch.testing.assert_close(flattest, torch.full((1, 9), 1 / 9))
    layer.query[0, 3] = float("inf")
    broken = layer_rows(layer, range(9))
    assert bool(broken.isfinite().all()) and not broken[0, 3].any()


@pytest.mark.parametrize(("head", "rows"), [(4, [0]), (-1, [0]), (0, [9]), (0, [-1])])
def test_heads_and_rows_that_do_not_exist_are_refused(head: int, rows: list[int]) -> None:
    layer = random_layer(9)
    with pytest.raises(IndexError):
        head_rows(layer, head, rows)
    with pytest.raises(IndexError):
        head_scores(layer, head, rows)


def test_value_weights_are_shares_of_what_each_key_adds() -> None:
    layer = random_layer(12, heads=4, key_heads=2)
    matrix = torch.randn(5, 7, generator=torch.Generator().manual_seed(3))
    norms = value_norms(layer, 3, matrix)
    torch.testing.assert_close(norms, torch.stack([(value @ matrix).norm() for value in layer.value[1]]))
    torch.testing.assert_close(value_norms(layer, 3, lambda values: values @ matrix), norms)
    torch.testing.assert_close(value_norms(layer, 3), layer.value[1].norm(dim=-1))
    added = dense(layer, 3).float().unsqueeze(-1) * (layer.value[1] @ matrix)
    expected = added.norm(dim=-1) / added.norm(dim=-1).sum(-1, keepdim=True)
    torch.testing.assert_close(head_rows(layer, 3, range(12), norms=norms), expected)


def test_values_without_length_leave_empty_rows() -> None:
    layer = random_layer(6)
    assert not head_rows(layer, 0, range(6), norms=torch.zeros(6)).any()


def test_removing_the_sink_stretches_what_is_left() -> None:
    rows = torch.tensor([[0.8, 0.1, 0.1], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    expected = torch.tensor([[0.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
    torch.testing.assert_close(sink.without(rows), expected)
    torch.testing.assert_close(sink.share(rows), torch.tensor([0.8, 1.0, 0.0, 0.0]))
    assert rows[0, 0] == 0.8, "the caller's rows stay"


def test_the_sink_is_found_in_a_block_that_begins_behind_it() -> None:
    rows = torch.tensor([[0.3, 0.7]])
    torch.testing.assert_close(sink.without(rows, (4,), first=4), torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(sink.without(rows, (0, 9), first=4), rows)
    torch.testing.assert_close(sink.share(rows, (0, 5), first=4), torch.tensor([0.7]))
