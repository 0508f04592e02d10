"""Small pictures of large maps: thumbnails, tiles and averages say the same as the full map."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playground.attention import sink
from playground.attention.average import average_rows, every_head, layer_profile
from playground.attention.overview import overview
from playground.attention.pooling import Pool, cells, compand, expand, pool_columns, pool_map
from playground.attention.rollout import can_roll_out, rollout
from playground.attention.thumbnails import sample_rows
from playground.attention.tiles import tile
from playground.attention.weights import Reading, head_rows, layer_norms, layer_rows
from playground.engine.recording import LayerRecord
from tests.attention.random_records import dense, layers, random_layer

REDUCE: dict[str, Callable[[Tensor], Tensor]] = {"max": torch.amax, "mean": torch.mean}
POOLS = pytest.mark.parametrize("pool", ["max", "mean"])


def pooled(full: Tensor, rows: int, columns: int, pool: str) -> Tensor:
    """Cell c of C over n numbers covers floor(c n / C) to floor((c + 1) n / C), at least one: cell by cell."""

    def span(cell: int, count: int, length: int) -> slice:
        start = cell * length // count
        return slice(start, max(start + 1, (cell + 1) * length // count))

    result = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            part = full[span(row, rows, full.shape[0]), span(column, columns, full.shape[1])]
            result[row, column] = REDUCE[pool](part)
    return result


@settings(max_examples=80, deadline=None)
@given(
    high=st.integers(1, 40), wide=st.integers(1, 40), rows=st.integers(1, 20), columns=st.integers(1, 20),
    pool=st.sampled_from(["max", "mean"]),
)  # fmt: skip
def test_pooling_covers_every_number_once(high: int, wide: int, rows: int, columns: int, pool: Pool) -> None:
    full = torch.rand(high, wide, generator=torch.Generator().manual_seed(high * 41 + wide))
    found = pool_map(full, cells(high, rows), cells(wide, columns), pool)
    torch.testing.assert_close(found, pooled(full, rows, columns, pool))


@settings(max_examples=80, deadline=None)
@given(
    wide=st.integers(1, 50), count=st.integers(1, 20), first=st.integers(0, 49), width=st.integers(1, 50),
    pool=st.sampled_from(["max", "mean"]),
)  # fmt: skip
def test_pooling_a_part_is_pooling_the_whole_with_zeros(wide: int, count: int, first: int, width: int, pool: Pool):
    first = min(first, wide - 1)
    width = min(width, wide - first)
    part = torch.rand(2, width)
    full = torch.zeros(2, wide)
    full[:, first : first + width] = part
    over = cells(wide, count)
    torch.testing.assert_close(pool_columns(part, over, pool, first=first), pool_columns(full, over, pool))


def test_bytes_are_off_by_at_most_four_thousandths_and_keep_small_weights() -> None:
    weights = torch.linspace(0, 1, 10_001)
    assert float((expand(compand(weights)) - weights).abs().max()) <= 0.004
    assert int(compand(torch.tensor([0.0001]))) > 0
    assert compand(torch.tensor([1.0000001])).tolist() == [255]


@POOLS
@pytest.mark.parametrize("hide", [(0,), (0, 9)])
@pytest.mark.parametrize(
    ("tokens", "kind"),
    [(64, {}), (50, {}), (256, {}), (100, {"window": 7}), (20, {}), (1, {}), (45, {"causal": False})],
)
def test_thumbnails_of_short_texts_are_the_pooled_full_map(tokens: int, kind: dict, pool: Pool, hide) -> None:
    records = [random_layer(tokens, seed=seed, **kind) for seed in range(2)]
    found = overview(records, list(range(tokens)), pool=pool, hide=hide)
    assert found is not None and not found.sampled
    assert found.thumbnails.shape == (2, 4, 32, 32) and found.thumbnails.dtype == torch.uint8
    for index, layer in enumerate(records):
        for head in range(4):
            full = head_rows(layer, head, range(tokens))
            for picture, expected in (
                (found.thumbnails, full),
                (found.thumbnails_without_sink, sink.without(full, hide)),
            ):
                distance = picture[index, head].int() - compand(pooled(expected, 32, 32, pool)).int()
                # A sum in another order may fall on the other side of a half.
                assert int(distance.abs().max()) <= 1 and float((distance != 0).float().mean()) < 0.01


def test_thumbnails_of_two_texts_have_the_shape_of_their_map() -> None:
    layer = random_layer(40, 70, causal=False)
    found = overview([layer], None)
    assert found is not None
    expected = compand(pooled(head_rows(layer, 2, range(40)), 32, 32, "max"))
    torch.testing.assert_close(found.thumbnails[0, 2], expected)


def test_long_texts_are_sampled_evenly_with_both_ends() -> None:
    rows = sample_rows(1000)
    assert len(rows) == 256 and rows[0] == 0 and rows[-1] == 999
    assert {second - first for first, second in pairwise(rows)} <= {3, 4}
    layer = random_layer(1000, size=4)
    found = overview([layer], [0] * 1000)
    assert found is not None and found.looked_at == 256 and found.sampled
    full = head_rows(layer, 0, rows)
    edges = [cell * 1000 // 32 for cell in range(33)]
    for cell, (start, stop) in enumerate(pairwise(edges)):
        places = [place for place, row in enumerate(rows) if start <= row < stop]
        columns = pool_columns(full[places].amax(0, keepdim=True), cells(1000, 32), "max")
        near = (found.thumbnails[0, 0, cell].int() - compand(columns)[0].int()).abs()
        assert int(near.max()) <= 1


def test_a_pass_can_be_ended_between_layers() -> None:
    seen = []
    assert (
        overview([random_layer(8)] * 5, [0] * 8, on_layer=lambda done, total: bool(seen.append(done)) or done < 2)
        is None
    )
    assert seen == [1, 2]


@settings(max_examples=60, deadline=None)
@given(layer=layers(), pool=st.sampled_from(["max", "mean"]), size=st.integers(1, 30), data=st.data())
def test_a_tile_is_the_pooled_part_of_the_full_map(
    layer: LayerRecord, pool: Pool, size: int, data: st.DataObject
) -> None:
    def region(count: int) -> range:
        start = data.draw(st.integers(0, count - 1))
        return range(start, data.draw(st.integers(start + 1, count)))

    rows, columns = region(layer.query.shape[1]), region(layer.key.shape[1])
    found = tile(layer, 0, rows, columns, size=size, pool=pool)
    full = dense(layer, 0).float()[rows.start : rows.stop, columns.start : columns.stop]
    expected = pooled(full, min(size, len(rows)), min(size, len(columns)), pool)
    torch.testing.assert_close(found.weights, expected, atol=2e-5, rtol=2e-5)
    assert found.exact == (size >= max(len(rows), len(columns)))


def test_regions_outside_of_the_text_are_refused() -> None:
    layer = random_layer(9)
    for rows, error in ((range(0, 10), IndexError), (range(-1, 3), IndexError), (range(3, 3), ValueError)):
        with pytest.raises(error):
            tile(layer, 0, rows, range(9))


@pytest.mark.parametrize("kind", [{}, {"window": 4}, {"causal": False}])
def test_an_average_is_that_of_the_heads_it_names(kind: dict) -> None:
    records = [random_layer(10, seed=seed, **kind) for seed in range(3)]
    chosen = [(0, 1), (2, 0), (2, 3)]
    stack = torch.stack([head_rows(records[layer], head, [3, 9]) for layer, head in chosen])
    mean = average_rows(records, [3, 9], heads=chosen)
    torch.testing.assert_close(mean.weights, stack.mean(0))
    torch.testing.assert_close(average_rows(records, [3, 9], heads=chosen, how="max").weights, stack.amax(0))
    assert mean.made_of.heads == tuple(chosen) and mean.made_of.layers == (0, 2) and not mean.made_of.all_heads
    everything = average_rows(records, [9])
    assert everything.made_of.all_heads and len(everything.made_of.heads) == 12
    torch.testing.assert_close(everything.weights[0], layer_profile(records, 9).mean(0))
    assert every_head(records, of_layers=[1]) == [(1, head) for head in range(4)]


def test_the_sink_is_taken_from_the_mean_so_that_resting_heads_stay_quiet() -> None:
    layer = random_layer(10)
    hidden = average_rows([layer], range(10), reading=Reading(hide=(0,)))
    torch.testing.assert_close(hidden.weights, sink.without(layer_rows(layer, range(10)).mean(0)))
    highest = average_rows([layer], range(10), how="max", reading=Reading(hide=(0,))).weights
    torch.testing.assert_close(highest[:, 1:], layer_rows(layer, range(10)).amax(0)[:, 1:])
    assert not highest[:, 0].any()


def test_an_average_can_be_weighted_by_values() -> None:
    layer = random_layer(10)
    matrices = {head: torch.randn(5, 6, generator=torch.Generator().manual_seed(head)) for head in range(4)}
    found = average_rows([layer], [9], norms=[layer_norms(layer, matrices.__getitem__)])
    assert found.made_of.value_weighted
    parts = []
    for head in range(4):
        lengths = dense(layer, head)[9].float() * (layer.value[head // 2] @ matrices[head]).norm(dim=-1)
        parts.append(lengths / lengths.sum())
    torch.testing.assert_close(found.weights[0], torch.stack(parts).mean(0))


def test_averages_of_nothing_or_of_two_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="heads"):
        average_rows([random_layer(5)], [0], heads=[])
    with pytest.raises(ValueError, match="same text"):
        average_rows([random_layer(5), random_layer(6)], [0])
    for head in ((-1, 0), (1, 0), (0, 4), (0, -1)):
        with pytest.raises(IndexError):
            average_rows([random_layer(5)], [0], heads=[head])


@pytest.mark.parametrize("window", [None, 2])
def test_a_rollout_is_the_product_of_layers_with_half_of_each_token_kept(window: int | None) -> None:
    records = [random_layer(9, causal=False, window=window, seed=seed) for seed in range(3)]
    product = torch.eye(9, dtype=torch.float64)
    for layer in records:
        mean = torch.stack([dense(layer, head) for head in range(4)]).mean(0)
        product = (0.5 * mean + 0.5 * torch.eye(9, dtype=torch.float64)) @ product
    torch.testing.assert_close(rollout(records), product.float(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rollout(records, [4]), product.float()[4:5], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(rollout(records).sum(-1), torch.ones(9))


def test_a_rollout_of_a_model_that_looks_back_only_is_refused() -> None:
    assert not can_roll_out([random_layer(5)]) and not can_roll_out([])
    assert not can_roll_out([random_layer(5, 6, causal=False)])
    with pytest.raises(ValueError, match="both ways"):
        rollout([random_layer(5)])
