"""A part of the map of one head, or of an average, small enough for a screen.

Owns the way from a region of tokens to pixels: a pixel for each weight where they fit, else the largest or the mean
weight of the tokens that it covers. Knows no text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.attention.pooling import Cells, Pool, cells, pool_map
from playground.attention.weights import EXACT, Reading, head_rows
from playground.engine.recording import LayerRecord

MOST_PIXELS = 512
BLOCK_ROWS = 64
ReadRows = Callable[[range], Tensor]
"""Rows of a map on demand: a range of queries -> float32 [rows, K]."""


@dataclass(frozen=True, eq=False)
class Tile:
    """Weights of the queries `rows` and keys `columns`; float32 [row pixels, column pixels]."""

    weights: Tensor
    rows: range
    columns: range

    @property
    def exact(self) -> bool:
        """Whether each pixel is one weight."""
        return self.weights.shape == (len(self.rows), len(self.columns))


def tile(
    layer: LayerRecord,
    head: int,
    rows: range,
    columns: range,
    *,
    size: int = MOST_PIXELS,
    pool: Pool = "max",
    reading: Reading = EXACT,
    norms: Tensor | None = None,
) -> Tile:
    """The region `rows` x `columns` of one head in at most `size` x `size` pixels, the same as pooling the full map.

    Raises IndexError for tokens that do not exist, ValueError for an empty region.
    """
    _, queries, keys = layer.query.shape[0], layer.query.shape[1], layer.key.shape[1]
    _check(rows, queries)
    _check(columns, keys)
    return tile_of(
        lambda part: head_rows(layer, head, part, reading=reading, norms=norms), rows, columns, size=size, pool=pool
    )


def tile_of(read: ReadRows, rows: range, columns: range, *, size: int = MOST_PIXELS, pool: Pool = "max") -> Tile:
    """As `tile`, of any map whose rows can be had."""
    over_rows = cells(len(rows), max(1, min(size, len(rows))))
    over_columns = cells(len(columns), max(1, min(size, len(columns))))
    weights = torch.empty(len(over_rows.starts), len(over_columns.starts))
    together = max(1, BLOCK_ROWS // int((over_rows.stops - over_rows.starts).max()))
    for start in range(0, len(weights), together):
        starts, stops = over_rows.starts[start : start + together], over_rows.stops[start : start + together]
        first, last = int(starts[0]), int(stops[-1])
        read_rows = read(rows[first:last])[:, columns.start : columns.stop]
        own = Cells(starts - first, stops - first)
        weights[start : start + together] = pool_map(read_rows, own, over_columns, pool)
    return Tile(weights, rows, columns)


def _check(region: range, count: int) -> None:
    if region.step != 1 or not len(region):
        raise ValueError("a region is a range of at least one token")
    if region.start < 0 or region.stop > count:
        raise IndexError(f"there are {count} tokens, not {region.start} to {region.stop}")
