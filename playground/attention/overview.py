"""All heads of a run at a glance, in one pass: thumbnails and facts of each.

Owns that pass. It looks at no more than 256 queries of a long text, so its cost grows with the length of the text and
not with its square. Knows ids that are equal where words are equal, no texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.attention import sink
from playground.attention.heads import HeadFacts, HeadTally, PatternMap
from playground.attention.pooling import Pool
from playground.attention.thumbnails import SIZE, LayerPainter, sample_rows
from playground.attention.weights import weight_blocks
from playground.engine.recording import LayerRecord


@dataclass(frozen=True, eq=False)
class Overview:
    """What all heads do, and how that was found."""

    thumbnails: Tensor
    """uint8 [L, H, 32, 32], see `pooling.compand`; heads that a layer does not have are zero."""
    thumbnails_without_sink: Tensor
    """The same with the sink removed and the rows stretched to sum 1."""
    heads: tuple[HeadFacts, ...]
    """In order of layer and head."""
    looked_at: int
    """Queries that were looked at,"""
    queries: int
    """of so many."""
    pool: Pool

    @property
    def sampled(self) -> bool:
        """Whether only a part of the queries was looked at."""
        return self.looked_at < self.queries


def overview(
    layers: Sequence[LayerRecord],
    word_ids: Sequence[int] | None,
    *,
    pool: Pool = "max",
    hide: tuple[int, ...] = sink.FIRST_TOKEN,
    norms: Sequence[Tensor] | None = None,
    on_layer: Callable[[int, int], bool] | None = None,
) -> Overview | None:
    """Thumbnails and facts of all heads. `word_ids` has a number for each token, equal where words are equal; None
    where queries and keys are two texts, so that heads have no habits. `norms` has `weights.layer_norms` of every
    layer, to weight by values.

    `on_layer(done, total)` is called behind each layer; where it returns False the pass ends with None. Raises
    ValueError without layers, or where words and tokens do not fit together.
    """
    if not layers:
        raise ValueError("a run without attention has no overview")
    rows = sample_rows(layers[0].query.shape[1])
    hidden = tuple(sorted({key for key in hide if 0 <= key < layers[0].key.shape[1]}))
    most_heads = max(layer.query.shape[0] for layer in layers)
    pictures = torch.zeros(2, len(layers), most_heads, SIZE, SIZE, dtype=torch.uint8)
    facts: list[HeadFacts] = []
    patterns = PatternMap(word_ids, rows, layers[0], hidden)
    for index, layer in enumerate(layers):
        painter, tally = LayerPainter(layer, rows, pool=pool), HeadTally(layer, patterns, hidden)
        for block in weight_blocks(layer, rows, norms=None if norms is None else norms[index]):
            painter.add(block)
            resting = sink.share(block.weights, hidden, first=block.first)
            rest = sink.remove_(block.weights, hidden, first=block.first).sum(-1)
            painter.add_without(block, hidden, rest)
            tally.add(block, resting, rest)
        pictures[0, index, : layer.query.shape[0]], pictures[1, index, : layer.query.shape[0]] = painter.finish()
        facts += tally.facts(index)
        if on_layer is not None and not on_layer(index + 1, len(layers)):
            return None
    return Overview(pictures[0], pictures[1], tuple(facts), len(rows), layers[0].query.shape[1], pool)
