"""The numbers that the attention page gets are those of the recording."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.attention.pooling import compand, expand
from playground.attention.weights import head_rows
from playground.errors import InvalidInput
from playground.ui.attention_runs import Run
from playground.ui.attention_view import (
    Choice,
    endpoint_view,
    exact_row_view,
    overview_view,
    rows_view,
    run_view,
    strongest_pairs_view,
    tile_view,
    token_rows,
    unit_rows,
)
from tests.ui.test_attention_runs import run_of

TEXTS = ("The", " c", "at", " sat", " down", ".", " The", " c", "at", " slept", ".")
CHOICES = [Choice(), Choice(1), Choice(1, 2), Choice(hide_first=True), Choice(0, 3, hide_first=True)]


@pytest.fixture
def run() -> Run:
    return run_of("ann", texts=TEXTS)


def full(run: Run, choice: Choice) -> Tensor:
    return token_rows(run, choice, range(len(run.tokens)))


def unpacked(view: dict[str, Any], kind: torch.dtype = torch.uint8) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(view["data"])), dtype=kind)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_row_sums_to_one_and_looks_back_only(run: Run, choice: Choice) -> None:
    weights = full(run, choice)
    sums = weights.sum(1)[1:] if choice.hide_first else weights.sum(1)
    torch.testing.assert_close(sums, torch.ones_like(sums))
    assert float(weights.triu(1).abs().max()) == 0.0
    if choice.hide_first:
        assert float(weights[:, 0].abs().max()) == 0.0


def test_an_average_is_the_mean_of_the_heads(run: Run) -> None:
    rows = range(len(TEXTS))
    heads = torch.stack([torch.stack([head_rows(layer, h, rows) for h in range(4)]) for layer in run.recording.layers])
    torch.testing.assert_close(full(run, Choice()), heads.mean((0, 1)))
    torch.testing.assert_close(full(run, Choice(1)), heads[1].mean(0))
    torch.testing.assert_close(full(run, Choice(1, 2)), heads[1, 2])


def test_words_add_what_is_read_and_average_who_reads(run: Run) -> None:
    weights = full(run, Choice(1, 2))
    spans = [(word.start, word.stop) for word in run.words]
    assert (1, 3) in spans
    expected = torch.stack([
        torch.stack([weights[first:last, low:high].sum(1).mean() for low, high in spans]) for first, last in spans
    ])  # fmt: skip
    choice = Choice(1, 2, words=True)
    torch.testing.assert_close(unit_rows(run, choice, 0, len(spans)), expected)
    torch.testing.assert_close(unit_rows(run, choice, 2, 4), expected[2:4])


@pytest.mark.parametrize("choice", [*CHOICES, Choice(words=True)])
def test_bytes_of_rows_are_the_weights_to_within_half_a_percent(run: Run, choice: Choice) -> None:
    view = rows_view(run, choice, 0)
    exact = unit_rows(run, choice, 0, view["count"])
    shown = expand(unpacked(view)).reshape(view["count"], view["width"])
    assert float((shown - exact).abs().max()) <= 0.004
    row = unpacked(exact_row_view(run, choice, 3), torch.float32)
    torch.testing.assert_close(row, exact[3])


def test_a_tile_is_a_piece_of_the_map(run: Run) -> None:
    view = tile_view(run, Choice(1, 2), {"top": 2, "bottom": 9, "left": 1, "right": 6})
    assert (view["height"], view["width"], view["sampled"]) == (7, 5, False)
    expected = compand(full(run, Choice(1, 2))[2:9, 1:6])
    assert torch.equal(unpacked(view).reshape(7, 5), expected)


def test_a_long_text_is_pooled_and_the_largest_weight_stays() -> None:
    run = run_of("ann", texts=tuple(f" w{number % 97}" for number in range(1100)))
    whole = {"top": 0, "bottom": 1100, "left": 0, "right": 1100}
    weights = full(run, Choice(0, 1))
    view = tile_view(run, Choice(0, 1), whole)
    assert (view["height"], view["width"]) == (512, 512)
    assert int(unpacked(view).max()) == int(compand(weights).max())
    assert tile_view(run, Choice(), whole)["sampled"] and not view["sampled"]
    assert rows_view(run, Choice(), 1000)["count"] == 59


def test_the_strongest_pairs_are_those_of_the_map_without_looks_at_oneself(run: Run) -> None:
    pairs = strongest_pairs_view(run, Choice(1, 2))["pairs"]
    weights = full(run, Choice(1, 2)).fill_diagonal_(0.0)
    best = weights.flatten().topk(10).values
    torch.testing.assert_close(torch.tensor([weight for *_, weight in pairs]), best, atol=1e-5, rtol=0)
    assert all(abs(float(weights[query, key]) - weight) < 1e-5 for query, key, weight in pairs)


def test_the_overview_has_a_picture_and_a_label_for_each_head(run: Run) -> None:
    view = overview_view(run, Choice(hide_first=True))
    assert len(base64.b64decode(view["thumbnails"])) == 2 * 4 * 32 * 32
    assert len(view["heads"]) == 8 and all(head["label"] and 0 <= head["sink"] <= 1 for head in view["heads"])


@pytest.mark.parametrize("step", [0, 9, 19])
def test_odds_at_any_temperature_are_those_of_the_whole_vocabulary(run: Run, step: int) -> None:
    odds = run_view(run)["next"]
    temperature = odds["temperatures"][step]
    expected = torch.softmax(run.recording.logits.double() / temperature, 0).sort(descending=True).values[:40]
    logits = torch.tensor([logit for _, logit in odds["tokens"]], dtype=torch.float64)
    torch.testing.assert_close((logits / temperature - odds["log_sums"][step]).exp(), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    "data",
    [
        {"layer": 2},
        {"layer": -1},
        {"layer": "1"},
        {"layer": 0, "head": 4},
        {"layer": True},
        {"head": 1},
        {"layer": 1.0},
    ],
)
def test_a_head_that_does_not_exist_is_refused_with_a_sentence(run: Run, data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        Choice.from_untrusted(data, run)


@pytest.mark.parametrize(
    "region",
    [{}, {"top": 3, "bottom": 3, "right": 4}, {"bottom": 99, "right": 4}, {"top": -1, "bottom": 2, "right": 2}],
)
def test_a_region_that_does_not_exist_is_refused(run: Run, region: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        tile_view(run, Choice(), region)
    with pytest.raises(InvalidInput):
        rows_view(run, Choice(), 99)


def test_a_program_gets_tokens_rounded_weights_and_what_they_are(run: Run) -> None:
    answer = endpoint_view(run, Choice(1, 2))
    assert answer["tokens"] == list(TEXTS) and answer["model"] == "Tiny"
    assert "head 2 of layer 1" in answer["caption"]
    assert all(weight == round(weight, 4) for row in answer["weights"] for weight in row)
    assert all(abs(sum(row) - 1) < 0.001 for row in answer["weights"])
    assert "8 heads of 2 layers" in endpoint_view(run, Choice())["caption"]
