"""Weights averaged over heads and layers, together with what was averaged: an average that hides it misleads.

Owns mean and maximum over chosen heads, and the facts for the caption. Knows no text and no picture.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

from playground.attention import sink
from playground.attention.weights import EXACT, Reading, Scratch, layer_rows, weight_blocks
from playground.engine.recording import LayerRecord

How = Literal["mean", "max"]


@dataclass(frozen=True)
class Averaged:
    """What went into an average, for a caption."""

    how: How
    heads: tuple[tuple[int, int], ...]
    """(layer, head) of each, in order."""
    all_heads: bool
    """Whether these are all heads of the run."""
    value_weighted: bool
    reading: Reading

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that any of the heads belongs to, ascending."""
        return tuple(sorted({layer for layer, _ in self.heads}))


@dataclass(frozen=True, eq=False)
class AveragedRows:
    """Averaged weights, float32 [rows, K], and what they are an average of."""

    weights: Tensor
    made_of: Averaged


def every_head(layers: Sequence[LayerRecord], *, of_layers: Iterable[int] | None = None) -> list[tuple[int, int]]:
    """(layer, head) of all heads, or of all heads of some layers."""
    wanted = range(len(layers)) if of_layers is None else sorted(set(of_layers))
    return [(layer, head) for layer in wanted for head in range(layers[layer].query.shape[0])]


def average_rows(
    layers: Sequence[LayerRecord],
    rows: Sequence[int],
    *,
    heads: Collection[tuple[int, int]] | None = None,
    how: How = "mean",
    reading: Reading = EXACT,
    norms: Sequence[Tensor] | None = None,
) -> AveragedRows:
    """float32 [len(rows), K]: the mean, or the largest weight, over `heads` (all, if None) for the query rows `rows`.

    Hidden keys are taken from the mean, not from each head: a head that rests on the sink says little, and stretching
    what is left of it would make it shout. Rows of a maximum need not sum to 1 and are not stretched. `norms` has
    `weights.layer_norms` of every layer, to weight by values. Raises ValueError without heads or where layers read
    different texts, IndexError for layers, heads and rows that do not exist.
    """
    chosen = sorted(set(every_head(layers) if heads is None else heads))
    if chosen and not 0 <= chosen[0][0] <= chosen[-1][0] < len(layers):
        raise IndexError(f"there are {len(layers)} layers")
    lengths = {(layers[layer].query.shape[1], layers[layer].key.shape[1]) for layer, _ in chosen}
    if len(lengths) != 1:
        raise ValueError("an average needs heads, all of which read the same text")
    total = torch.zeros(len(rows), next(iter(lengths))[1])
    bare, scratch = Reading(reading.temperature), Scratch()
    for layer, group in groupby(chosen, key=lambda pair: pair[0]):
        own = [head for _, head in group]
        lengths_of_values = None if norms is None else norms[layer][own]
        blocks = weight_blocks(layers[layer], rows, heads=own, reading=bare, norms=lengths_of_values, scratch=scratch)
        for block in blocks:
            count, width = block.weights.shape[1:]
            place = total[block.start : block.start + count, block.first : block.first + width]
            if how == "mean":
                place += block.weights.sum(0)
            else:
                torch.maximum(place, block.weights.amax(0), out=place)
    if how == "mean":
        total /= len(chosen)
    if reading.hide:
        sink.remove_(total, reading.hide)
        if how == "mean":
            sink.normalise_(total)
    is_all = len(chosen) == sum(layer.query.shape[0] for layer in layers)
    return AveragedRows(total, Averaged(how, tuple(chosen), is_all, norms is not None, reading))


def layer_profile(layers: Sequence[LayerRecord], row: int, *, reading: Reading = EXACT) -> Tensor:
    """float32 [L, K]: what one query reads in each layer, the mean over the layer's heads."""
    bare = Reading(reading.temperature)
    means = torch.stack([layer_rows(layer, (row,), reading=bare)[:, 0].mean(0) for layer in layers])
    return sink.without(means, reading.hide) if reading.hide else means
