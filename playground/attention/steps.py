"""One weight computed step by step, and how the heads come together: Attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V.

Owns the numbers of that formula for one head, query and key (Vaswani et al. 2017, "Attention Is All You Need"). They
come from the recording, in the order in which the model computes them. Knows no text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.attention.weights import EXACT, Projection, Reading, head_rows, head_scores, layer_rows
from playground.engine.recording import LayerRecord

MOST_CONTRIBUTIONS = 12


@dataclass(frozen=True)
class Contribution:
    """What one key adds to the output of a head: its weight, and weight times the length of its value."""

    key: int
    weight: float
    length: float


@dataclass(frozen=True)
class Steps:
    """The numbers of one head for a query and a key, in order of the formula. Vectors have `size` numbers, rows K."""

    head: int
    key_head: int
    query: int
    key: int
    query_vector: tuple[float, ...]
    key_vector: tuple[float, ...]
    products: tuple[float, ...]
    """query_vector times key_vector, number by number."""
    score: float
    """The sum of the products."""
    scaling: float
    """What the score is multiplied by, mostly 1 / sqrt(size)."""
    scaled: float
    squeezed: float | None
    """After the softcap; None where the model has none."""
    bias: float | None
    """What the model adds for the distance; None where it has none."""
    is_visible: bool
    """Whether the query can look at the key; where not, its weight is 0."""
    temperature: float
    row: tuple[float | None, ...]
    """The finished scores of the query against all keys, None behind the mask."""
    weights: tuple[float, ...]
    """softmax(row / temperature)."""
    weight: float
    """The one of the key."""
    value_vector: tuple[float, ...]
    output: tuple[float, ...]
    """The sum of all values, each times its weight: what the head hands on."""
    contributions: tuple[Contribution, ...]
    """The keys that add most to it, by length, longest first."""


def steps(layer: LayerRecord, head: int, query: int, key: int, *, temperature: float = 1.0) -> Steps:
    """How the weight of `key` for `query` comes about in one head. Raises IndexError for what does not exist."""
    row = head_scores(layer, head, (query,))[0]
    if not 0 <= key < len(row):
        raise IndexError(f"there is no key {key} among {len(row)}")
    key_head = head // (layer.query.shape[0] // layer.key.shape[0])
    query_vector, key_vector = layer.query[head, query].float(), layer.key[key_head, key].float()
    products = query_vector * key_vector
    score = float(products.double().sum())
    scaled = score * layer.scaling
    weights = head_rows(layer, head, (query,), reading=Reading(temperature))[0]
    values = layer.value[head // (layer.query.shape[0] // layer.value.shape[0])].float()
    return Steps(
        head=head,
        key_head=key_head,
        query=query,
        key=key,
        query_vector=tuple(query_vector.tolist()),
        key_vector=tuple(key_vector.tolist()),
        products=tuple(products.tolist()),
        score=score,
        scaling=layer.scaling,
        scaled=scaled,
        squeezed=math.tanh(scaled / layer.softcap) * layer.softcap if layer.softcap else None,
        bias=float(layer.bias[head, query, key]) if layer.bias is not None else None,
        is_visible=math.isfinite(float(row[key])),
        temperature=temperature,
        row=tuple(number if math.isfinite(number) else None for number in row.tolist()),
        weights=tuple(weights.tolist()),
        weight=float(weights[key]),
        value_vector=tuple(values[key].tolist()),
        output=tuple((weights @ values).tolist()),
        contributions=_contributions(weights, values),
    )


def head_outputs(layer: LayerRecord, query: int, *, reading: Reading = EXACT) -> Tensor:
    """float32 [heads, value size]: what each head hands on for one query. Side by side they are
    Concat(head_1..head_h)."""
    weights = layer_rows(layer, (query,), reading=reading)[:, 0]
    values = layer.value.float().repeat_interleave(layer.query.shape[0] // layer.value.shape[0], 0)
    return torch.matmul(weights.unsqueeze(1), values).squeeze(1)


def projected(outputs: Tensor, projection_of: Callable[[int], Projection]) -> Tensor:
    """float32 [heads, hidden]: what each head adds to the residual stream. Their sum is Concat(head_1..head_h) W^O.

    `projection_of(head)` gives the rows of W^O that belong to the head.
    """
    added = []
    for head, output in enumerate(outputs):
        projection = projection_of(head)
        one = output.unsqueeze(0)
        added.append((one @ projection.float() if isinstance(projection, Tensor) else projection(one).float())[0])
    return torch.stack(added)


def _contributions(weights: Tensor, values: Tensor) -> tuple[Contribution, ...]:
    lengths = weights * values.norm(dim=-1)
    found = lengths.topk(min(MOST_CONTRIBUTIONS, len(lengths)))
    return tuple(
        Contribution(key, float(weights[key]), length)
        for key, length in zip(found.indices.tolist(), found.values.tolist(), strict=True)
        if length > 0
    )
