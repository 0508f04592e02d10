"""Small pictures of all heads: 32 x 32 bytes each, whatever the length of the text.

Owns which queries of a long text are looked at, and the painting of a layer block by block, with the sink and without.
Knows no text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from playground.attention.pooling import Pool, cells, compand, pool_columns, sampled_cells
from playground.attention.weights import Block
from playground.engine.recording import LayerRecord

SIZE = 32
MOST_ROWS = 256


def sample_rows(queries: int, most: int = MOST_ROWS) -> list[int]:
    """All rows of a short text, else `most` evenly spaced ones with the first and the last."""
    if queries <= most:
        return list(range(queries))
    return torch.linspace(0, queries - 1, most, dtype=torch.float64).round_().long().tolist()


class LayerPainter:
    """The thumbnails of one layer, from its blocks of weights as the model computed them."""

    def __init__(self, layer: LayerRecord, rows: Sequence[int], *, pool: Pool = "max") -> None:
        heads, queries, keys = layer.query.shape[0], layer.query.shape[1], layer.key.shape[1]
        self._columns = cells(keys, SIZE)
        self._rows = sampled_cells(cells(queries, SIZE), rows)
        self._pool: Pool = pool
        self._pooled = torch.zeros(2, heads, len(rows), SIZE)

    def add(self, block: Block) -> None:
        """Take in a block of all heads."""
        place = _place(block)
        self._pooled[:, :, place] = pool_columns(block.weights, self._columns, self._pool, first=block.first)

    def add_without(self, block: Block, hidden: Collection[int], rest: Tensor) -> None:
        """Take in the same block after the weight on the keys `hidden` was removed; `rest` [heads, rows] is what is
        left of each row."""
        place, last = _place(block), block.first + block.weights.shape[-1]
        pooled = self._pooled[1, :, place]
        # Only the cells that hold a hidden key have changed.
        starts, stops = self._columns.starts, self._columns.stops
        for cell in {cell for key in hidden for cell in ((starts <= key) & (key < stops)).nonzero().flatten().tolist()}:
            low, high = max(int(starts[cell]), block.first), min(int(stops[cell]), last)
            if low < high:
                part = block.weights[..., low - block.first : high - block.first]
                size = int(stops[cell] - starts[cell])
                pooled[..., cell] = part.amax(-1) if self._pool == "max" else part.sum(-1) / size
        empty = rest < torch.finfo(rest.dtype).tiny
        pooled /= rest.masked_fill(empty, 1.0).unsqueeze(-1)
        pooled[empty] = 0.0

    def finish(self) -> tuple[Tensor, Tensor]:
        """uint8 [heads, 32, 32] twice: as computed, and with hidden keys removed and the rows stretched."""
        columns = self._pooled.transpose(-1, -2).contiguous()
        painted = compand(pool_columns(columns, self._rows, self._pool).transpose(-1, -2)).contiguous()
        return painted[0], painted[1]


def _place(block: Block) -> slice:
    return slice(block.start, block.start + len(block.positions))
