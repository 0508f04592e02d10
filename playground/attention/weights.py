"""Attention weights of the rows that are looked at: softmax(q k) of some queries and heads, from what was recorded.

Owns the arithmetic between a LayerRecord and weights: shared key heads, masks, windows, softcap, bias, temperature,
hidden sinks, weighting by values. Works in blocks that fit into the processor's cache and leave out keys that no
query of the block can see. Knows no text and no picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.attention import sink
from playground.engine.recording import LayerRecord

BLOCK_ROWS = 256
BLOCK_NUMBERS = 1 << 19
"""Most weights of a block: 2 MB, which a core keeps close."""
NORM_ROWS = 1024

Projection = Tensor | Callable[[Tensor], Tensor]
"""The part of the output projection that belongs to one head: a matrix [value size, hidden], or a function from values
[K, value size] to what the head adds to the residual stream [K, hidden]."""


@dataclass(frozen=True)
class Reading:
    """How weights are read out of a recording. The default gives what the model computed."""

    temperature: float = 1.0
    """Scores are divided by it before the softmax: below 1 sharpens, above 1 flattens."""
    hide: tuple[int, ...] = ()
    """Keys whose weight is taken away, such as `sink.FIRST_TOKEN`; what is left of a row is stretched to sum 1."""

    def __post_init__(self) -> None:
        """Raises ValueError for a temperature that is no positive number."""
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"a temperature is a positive number, not {self.temperature}")


EXACT = Reading()


class Scratch:
    """Memory for the keys of one layer after the other: to get megabytes from the system for each takes three times as
    long as to fill them. For one thread."""

    def __init__(self) -> None:
        self._numbers = torch.empty(0)

    def floats(self, numbers: Tensor) -> Tensor:
        """`numbers` as float32, until the next call."""
        if self._numbers.numel() < numbers.numel():
            self._numbers = torch.empty(numbers.numel())
        return self._numbers[: numbers.numel()].view(numbers.shape).copy_(numbers)


@dataclass(frozen=True, eq=False)
class Block:
    """Weights of some query rows, and of those keys that any of them can see."""

    start: int
    """Index of the first row among the rows that were asked for."""
    positions: Tensor
    """int64 [rows]: where the queries stand among the keys."""
    first: int
    """The key of the first column."""
    weights: Tensor
    """float32 [heads, rows, keys of this block]; for the taker to change."""


def head_rows(
    layer: LayerRecord, head: int, rows: Sequence[int], *, reading: Reading = EXACT, norms: Tensor | None = None
) -> Tensor:
    """float32 [len(rows), K]: what the queries `rows` read from every key in one head.

    Rows sum to 1; a row that sees nothing is zero. `norms` [K] weights by values, see `value_norms`. Raises IndexError
    for a head or row that does not exist.
    """
    own = None if norms is None else norms.unsqueeze(0)
    return layer_rows(layer, rows, heads=(head,), reading=reading, norms=own)[0]


def layer_rows(
    layer: LayerRecord,
    rows: Sequence[int],
    *,
    heads: Sequence[int] | None = None,
    reading: Reading = EXACT,
    norms: Tensor | None = None,
) -> Tensor:
    """float32 [heads, len(rows), K] of several heads (all, if None); `norms` [heads, K]. Otherwise as `head_rows`."""
    count = layer.query.shape[0] if heads is None else len(heads)
    result = torch.zeros(count, len(rows), layer.key.shape[1])
    for block in weight_blocks(layer, rows, heads=heads, reading=reading, norms=norms):
        place = slice(block.start, block.start + len(block.positions))
        result[:, place, block.first : block.first + block.weights.shape[-1]] = block.weights
    return result


def head_blocks(
    layer: LayerRecord, head: int, *, reading: Reading = EXACT, norms: Tensor | None = None
) -> Iterator[tuple[int, Tensor]]:
    """All rows of one head, at most BLOCK_ROWS at a time: (index of the first row, float32 [rows, K])."""
    queries = layer.query.shape[1]
    for start in range(0, queries, BLOCK_ROWS):
        rows = range(start, min(start + BLOCK_ROWS, queries))
        yield start, head_rows(layer, head, rows, reading=reading, norms=norms)


def weight_blocks(
    layer: LayerRecord,
    rows: Sequence[int] | None = None,
    *,
    heads: Sequence[int] | None = None,
    reading: Reading = EXACT,
    norms: Tensor | None = None,
    scratch: Scratch | None = None,
) -> Iterator[Block]:
    """The weights of `rows` (all, if None) in several heads, block by block in the order of `rows`. Ascending rows make
    the narrowest blocks where a model looks back only. With `scratch` the blocks of a layer have to be taken before
    those of the next."""
    chosen, selected = _checked(rows, layer.query.shape[1], "row"), _checked(heads, layer.query.shape[0], "head")
    query, key = layer.query, layer.key
    if len(selected) < len(query) or not bool((selected == torch.arange(len(query))).all()):
        query, key = query[selected], key[selected // (len(query) // len(key))]
    low, high = _span(layer, chosen + offset(layer)) if len(chosen) else (0, 0)
    # A few rows near the beginning need no more than the keys before them.
    key = (scratch or Scratch()).floats(key[:, low:high])
    most = max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // max(1, len(selected) * key.shape[1])))
    for start in range(0, len(chosen), most):
        part = chosen[start : start + most]
        positions = part + offset(layer)
        first, last = _span(layer, positions)
        scores = _scores(layer, query[:, part].float(), key[:, first - low : last - low])
        _finish_scores(layer, scores, part, selected, first)
        weights = _softmax(scores, reading.temperature)
        if norms is not None:
            sink.normalise_(weights.mul_(norms[:, None, first:last]))
        if reading.hide:
            sink.normalise_(sink.remove_(weights, reading.hide, first=first))
        yield Block(start, positions, first, weights)


def head_scores(layer: LayerRecord, head: int, rows: Sequence[int]) -> Tensor:
    """float32 [len(rows), K]: scores as they enter the softmax (scaled, squeezed, with bias), -inf where a query cannot
    look."""
    selected, chosen = _checked((head,), layer.query.shape[0], "head"), _checked(rows, layer.query.shape[1], "row")
    key_head = head // (layer.query.shape[0] // layer.key.shape[0])
    scores = _scores(layer, layer.query[selected][:, chosen].float(), layer.key[key_head : key_head + 1].float())
    _finish_scores(layer, scores, chosen, selected, 0)
    return scores[0]


def value_norms(layer: LayerRecord, head: int, projection: Projection | None = None) -> Tensor:
    """float32 [K]: the length of what one head would add for each key, ||v_j W_O||; without `projection` ||v_j||.

    Weights times these lengths say how much is taken from a token, not only how much it is looked at (Kobayashi et al.
    2020, "Attention is Not Only a Weight"): sinks have short values.
    """
    _checked((head,), layer.query.shape[0], "head")
    values = layer.value[head // (layer.query.shape[0] // layer.value.shape[0])]
    if isinstance(projection, Tensor):
        # (v W)(v W)^T = v (W W^T) v^T: a matrix as small as the head instead of one as wide as the model.
        square = projection.double() @ projection.double().T
        lengths = [
            (part.double() @ square).mul_(part.double()).sum(-1).clamp_min_(0.0).sqrt_().float()
            for part in values.split(NORM_ROWS)
        ]
    else:
        added = projection or torch.Tensor.float
        lengths = [added(part.float()).float().norm(dim=-1) for part in values.split(NORM_ROWS)]
    return torch.cat(lengths).nan_to_num_(nan=0.0, posinf=0.0)


def layer_norms(layer: LayerRecord, projection_of: Callable[[int], Projection] | None = None) -> Tensor:
    """float32 [heads, K]: `value_norms` of all heads of a layer, `projection_of(head)` being each one's projection. The
    same for every row, so worth keeping."""
    heads = range(layer.query.shape[0])
    return torch.stack([value_norms(layer, head, projection_of(head) if projection_of else None) for head in heads])


def offset(layer: LayerRecord) -> int:
    """Position of the first query among the keys: in a model that looks back only, rows end where the keys end."""
    return layer.key.shape[1] - layer.query.shape[1] if layer.causal else 0


def visible(layer: LayerRecord, positions: Tensor, first: int, last: int) -> Tensor:
    """Boolean [rows, last - first]: which of the keys `first` to `last` the queries at `positions` can see."""
    keys = torch.arange(first, last)
    distance = positions.unsqueeze(1) - keys
    seen = distance >= 0 if layer.causal else torch.ones_like(distance, dtype=torch.bool)
    if layer.window is not None:
        seen &= distance < layer.window if layer.causal else distance.abs() <= layer.window
    if layer.hidden:
        hidden = torch.isin(keys, torch.tensor(sorted(layer.hidden)))
        same_tokens = layer.causal or layer.query.shape[1] == layer.key.shape[1]
        seen &= ~hidden | (distance == 0) if same_tokens else ~hidden
    return seen


def _checked(indices: Sequence[int] | None, count: int, name: str) -> Tensor:
    """int64 [n]. Negative indices would quietly mean another head or row."""
    if indices is None:
        return torch.arange(count)
    wrong = [index for index in indices if not 0 <= index < count]
    if wrong:
        raise IndexError(f"there is no {name} {wrong[0]} among {count}")
    return torch.tensor(list(indices), dtype=torch.long)


def _span(layer: LayerRecord, positions: Tensor) -> tuple[int, int]:
    """(first, behind last) of the keys that any of the queries can see; never empty."""
    keys = layer.key.shape[1]
    low, high = int(positions.min()), int(positions.max())
    first, last = 0, keys
    if layer.causal:
        first, last = 0 if layer.window is None else low - layer.window + 1, high + 1
    elif layer.window is not None:
        first, last = low - layer.window, high + layer.window + 1
    first = min(max(first, 0), keys - 1)
    return first, max(min(last, keys), first + 1)


def _scores(layer: LayerRecord, query: Tensor, key: Tensor) -> Tensor:
    """float32 [heads, rows, keys]: scaled products of query [heads, rows, size] and key [key heads or heads, keys,
    size]."""
    heads, rows, size = query.shape
    # All heads that share keys are one product.
    grouped = (query * layer.scaling).reshape(key.shape[0], heads // key.shape[0] * rows, size)
    return torch.matmul(grouped, key.transpose(1, 2)).reshape(heads, rows, key.shape[1])


def _finish_scores(layer: LayerRecord, scores: Tensor, rows: Tensor, heads: Tensor, first: int) -> None:
    """Softcap, bias and mask, in place."""
    last = first + scores.shape[-1]
    if layer.softcap:
        scores.div_(layer.softcap).tanh_().mul_(layer.softcap)
    if layer.bias is not None:
        scores += layer.bias[heads][:, rows, first:last].float()
    positions = rows + offset(layer)
    if layer.causal and layer.window is None and not layer.hidden:
        # Every query sees the keys up to the first of the queries: only the triangle behind them needs a mask.
        low = min(max(first, int(positions.min()) + 1), last)
        scores[..., low - first :].masked_fill_(~visible(layer, positions, low, last), -math.inf)
    elif layer.causal or layer.window is not None or layer.hidden:
        scores.masked_fill_(~visible(layer, positions, first, last), -math.inf)


def _softmax(scores: Tensor, temperature: float) -> Tensor:
    if temperature != 1.0:
        # The largest score becomes 0 before the division, so a small temperature overflows nothing.
        scores = (scores - scores.amax(-1, keepdim=True)).div_(temperature)
    weights = torch.softmax(scores, dim=-1)
    # A row that sees nothing, or whose scores are no numbers, is NaN in every column.
    broken = weights[..., 0].isnan()
    return weights.masked_fill_(broken.unsqueeze(-1), 0.0) if bool(broken.any()) else weights
