"""Weights that count what is handed over, and dots that show the largest or the mean of what they stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.attention.pooling import cells, compand, pool_map
from playground.attention.weights import head_rows, value_norms
from playground.errors import InvalidInput, ModelUnavailable
from playground.ui.attention_runs import Run
from playground.ui.attention_values import ValueNorms
from playground.ui.attention_view import (
    Choice,
    caption,
    overview_view,
    rows_view,
    run_view,
    tile_view,
    token_rows,
)
from tests.ui.test_attention_runs import recording, run_of
from tests.ui.test_attention_view import TEXTS, unpacked
from tests.ui.tiny_runs import reopen, tiny_run

HIDDEN = 24
WHOLE = {"top": 0, "bottom": 1100, "left": 0, "right": 1100}


def output_of(layer: int) -> Tensor:
    """A layer's W_O [hidden, 4 heads * 8], the same whenever it is asked for."""
    return torch.randn(HIDDEN, 32, generator=torch.Generator().manual_seed(layer))


def with_norms(run: Run) -> Run:
    return replace(run, norms=ValueNorms(run.recording.layers, output_of))


@pytest.fixture
def run() -> Run:
    return with_norms(run_of("ann", texts=TEXTS))


def by_the_book(run: Run, layer: int, head: int) -> Tensor:
    """|weight| * ||v_j W_O of this head||, as shares of each row."""
    record = run.recording.layers[layer]
    added = record.value[head // 2] @ output_of(layer)[:, head * 8 : head * 8 + 8].T
    weights = head_rows(record, head, range(len(run.tokens))) * added.norm(dim=-1)
    return weights / weights.sum(1, keepdim=True)


def test_a_head_counts_the_length_of_what_it_adds_for_each_token(run: Run) -> None:
    for layer, head in ((0, 0), (1, 3)):
        found = token_rows(run, Choice(layer, head, value_weighted=True), range(len(TEXTS)))
        torch.testing.assert_close(found, by_the_book(run, layer, head), atol=1e-5, rtol=1e-4)


def test_an_average_is_that_of_the_heads_so_weighted(run: Run) -> None:
    expected = torch.stack([by_the_book(run, layer, head) for layer in range(2) for head in range(4)]).mean(0)
    found = token_rows(run, Choice(value_weighted=True), range(len(TEXTS)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_the_small_pictures_follow_the_switch_and_the_way_dots_are_made() -> None:
    run = with_norms(run_of("ann", texts=tuple(f" w{number % 7}" for number in range(100))))
    pictures = [
        overview_view(run, choice)["thumbnails"]
        for choice in (Choice(), Choice(value_weighted=True), Choice(pool="mean"), Choice(hide_first=True))
    ]
    assert len(set(pictures)) == 4


def test_lengths_are_asked_of_the_model_once_and_only_for_the_layers_that_are_looked_at() -> None:
    asked: list[int] = []

    def ask(layer: int) -> Tensor:
        asked.append(layer)
        return output_of(layer)

    layers = recording().layers
    norms = ValueNorms(layers, ask)
    first = norms[1]
    assert norms[1] is first and asked == [1]
    expected = value_norms(layers[1], 2, output_of(1)[:, 16:24].T)
    torch.testing.assert_close(first[2], expected)
    with pytest.raises(IndexError):
        norms[2]


def test_where_it_is_not_known_what_is_handed_over_the_page_has_no_switch_and_asking_gets_a_sentence() -> None:
    run = run_of("ann")
    assert run_view(run)["value_weighted"] is False and run_view(with_norms(run))["value_weighted"] is True
    with pytest.raises(InvalidInput, match="not known"):
        Choice.from_untrusted({"value_weighted": True}, run)


def test_a_real_run_counts_its_own_models_output_and_refuses_once_another_is_open() -> None:
    with tiny_run("llama") as (engine, run):
        choice = Choice.from_untrusted({"layer": 0, "head": 1, "value_weighted": True, "pool": "mean"}, run)
        assert choice == Choice(0, 1, value_weighted=True, pool="mean")
        weights = token_rows(run, choice, range(len(run.tokens)))
        torch.testing.assert_close(weights.sum(1), torch.ones(len(weights)))
        reopen(engine)
        with pytest.raises(ModelUnavailable):
            token_rows(run, Choice(1, 1, value_weighted=True), (0,))


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_dots_of_a_long_map_are_pooled_as_the_choice_says(pool: Any) -> None:
    run = run_of("ann", texts=tuple(f" w{number % 97}" for number in range(1100)))
    choice = Choice.from_untrusted({"layer": 0, "head": 1, "pool": pool}, run)
    over = cells(1100, 512)
    expected = compand(pool_map(token_rows(run, choice, range(1100)), over, over, pool))
    found = unpacked(tile_view(run, choice, WHOLE)).reshape(512, 512)
    assert int((found.int() - expected.int()).abs().max()) <= 1, "sums in another order round differently"


def test_a_caption_names_the_weighting() -> None:
    run = with_norms(run_of("ann"))
    assert "value-weighted" in caption(run, Choice(0, 1, value_weighted=True))
    assert "value-weighted" not in caption(run, Choice(0, 1))


def test_a_block_of_rows_leaves_out_only_what_none_of_its_rows_can_see() -> None:
    run = run_of("ann", texts=tuple(f" w{number}" for number in range(700)))
    view = rows_view(run, Choice(), 186)
    end = view["first"] + view["count"]
    assert (view["width"], view["units"]) == (end, 700)
    exact = token_rows(run, Choice(), range(186, end))
    assert torch.equal(unpacked(view).reshape(view["count"], end), compand(exact[:, :end]))
    assert float(exact[:, end:].abs().max()) == 0.0
