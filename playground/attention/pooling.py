"""Large maps made small: cells over an axis, the largest or the mean weight of each, and weights in one byte.

Owns which tokens a cell covers: cell c of C over n tokens covers floor(c n / C) up to floor((c + 1) n / C), not
included, and at least one. Knows no heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Pool = Literal["max", "mean"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells along an axis of n numbers: cell c covers starts[c] up to stops[c], not included. int64 [C] each."""

    starts: Tensor
    stops: Tensor


def cells(length: int, count: int) -> Cells:
    """`count` cells over `length` numbers, as even as whole numbers allow; more cells than numbers repeat them."""
    edges = torch.arange(count + 1) * length // count
    return Cells(edges[:-1], torch.maximum(edges[1:], edges[:-1] + 1))


def sampled_cells(over: Cells, rows: Sequence[int]) -> Cells:
    """The cells `over` an axis of which only the ascending `rows` are there: indices into `rows`. A cell without a row
    takes the one before it."""
    places = torch.tensor(list(rows), dtype=torch.long)
    starts = torch.searchsorted(places, over.starts)
    stops = torch.searchsorted(places, over.stops)
    starts = torch.where(stops > starts, starts, stops - 1).clamp_(min=0)
    return Cells(starts, torch.maximum(stops, starts + 1))


def pool_columns(weights: Tensor, over: Cells, how: Pool, *, first: int = 0) -> Tensor:
    """[..., n] -> [..., C]. `weights` are not negative and begin with number `first` of the axis; what lies outside of
    them is zero."""
    width, sizes = weights.shape[-1], over.stops - over.starts
    size = int(sizes[0])
    if first == 0 and bool((sizes == size).all()) and bool((over.starts == torch.arange(len(sizes)) * size).all()):
        return _pool_evenly(weights, len(sizes), size, how)
    touched = (over.stops > first) & (over.starts < first + width)
    low = (over.starts[touched] - first).clamp_(min=0)
    high = (over.stops[touched] - first).clamp_(max=width)
    result = weights.new_zeros(*weights.shape[:-1], len(sizes))
    if len(low):
        # Shorter cells repeat their last number, which changes no maximum.
        index = torch.minimum(low.unsqueeze(1) + torch.arange(int((high - low).max())), high.unsqueeze(1) - 1)
        gathered = weights.index_select(-1, index.flatten()).unflatten(-1, index.shape)
        if how == "max":
            result[..., touched] = gathered.amax(-1)
        else:
            counted = torch.arange(index.shape[1]) < (high - low).unsqueeze(1)
            result[..., touched] = (gathered * counted).sum(-1) / sizes[touched]
    return result


def pool_rows(weights: Tensor, over: Cells, how: Pool) -> Tensor:
    """[R, n] -> [C, n], as `pool_columns` over the first axis. Many times quicker, because rows lie side by side."""
    sizes = over.stops - over.starts
    index = torch.minimum(over.starts.unsqueeze(1) + torch.arange(int(sizes.max())), over.stops.unsqueeze(1) - 1)
    # Shorter cells repeat their last row, which changes no maximum.
    gathered = weights.index_select(0, index.flatten()).unflatten(0, index.shape)
    if how == "max":
        return gathered.amax(1)
    counted = torch.arange(index.shape[1]) < sizes.unsqueeze(1)
    return (gathered * counted.unsqueeze(-1)).sum(1) / sizes.unsqueeze(1)


def pool_map(weights: Tensor, rows: Cells, columns: Cells, how: Pool) -> Tensor:
    """[R, n] -> [row cells, column cells]."""
    return pool_columns(pool_rows(weights, rows, how), columns, how)


def compand(weights: Tensor) -> Tensor:
    """uint8: round(255 sqrt(p)). Square roots keep small weights apart: of a plain byte more than half would be 0."""
    return weights.clamp(0.0, 1.0).sqrt_().mul_(255.0).round_().to(torch.uint8)


def expand(numbers: Tensor) -> Tensor:
    """float32 (u / 255)^2: what `compand` stored, off by at most 0.004."""
    return (numbers.float() / 255.0).square_()


def _pool_evenly(weights: Tensor, count: int, size: int, how: Pool) -> Tensor:
    """Cells of one size from the first number on; the last that `weights` reach may be cut, those behind it are
    zero."""
    width = min(weights.shape[-1], count * size)
    whole = width // size
    result = weights.new_zeros(*weights.shape[:-1], count)
    parts = [(0, whole, weights[..., : whole * size].unflatten(-1, (whole, size)))] if whole else []
    if width > whole * size:
        parts.append((whole, whole + 1, weights[..., whole * size : width].unsqueeze(-2)))
    for low, high, numbers in parts:
        result[..., low:high] = numbers.amax(-1) if how == "max" else numbers.sum(-1) / size
    return result
