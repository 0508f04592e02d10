"""Layers made of random numbers or of wanted weights, and attention by the book to compare with."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

from playground.engine.recording import LayerRecord


def random_layer(
    queries: int,
    keys: int | None = None,
    *,
    heads: int = 4,
    key_heads: int = 2,
    size: int = 8,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    spread: float = 2.0,
    biased: bool = False,
    **kind,
) -> LayerRecord:
    """Random queries, keys and values; `kind` are the other fields of the record."""
    generator = torch.Generator().manual_seed(seed)
    keys = queries if keys is None else keys

    def numbers(*shape: int) -> Tensor:
        return (torch.randn(*shape, generator=generator) * spread).to(dtype)

    query, key, value = numbers(heads, queries, size), numbers(key_heads, keys, size), numbers(key_heads, keys, 5)
    bias = numbers(heads, queries, keys) if biased else None
    return LayerRecord(query, key, value, size**-0.5, bias=bias, **kind)


def layer_of(weights: Tensor, *, causal: bool = True) -> LayerRecord:
    """A layer whose heads have the weights [heads, T, T]: keys are unit vectors, queries the logarithms."""
    heads, tokens, _ = weights.shape
    query = weights.clamp_min(1e-12).log()
    value = torch.randn(heads, tokens, 3, generator=torch.Generator().manual_seed(1))
    return LayerRecord(query, torch.eye(tokens).repeat(heads, 1, 1), value, 1.0, causal=causal)


def sees(layer: LayerRecord, query: int, key: int) -> bool:
    """Whether a query may look at a key, said cell by cell."""
    position = query + layer.key.shape[1] - layer.query.shape[1] if layer.causal else query
    if layer.causal and key > position:
        return False
    if layer.window is not None:
        far = position - key >= layer.window if layer.causal else abs(position - key) > layer.window
        if far:
            return False
    same_tokens = layer.causal or layer.query.shape[1] == layer.key.shape[1]
    return key not in layer.hidden or (same_tokens and key == position)


def dense(layer: LayerRecord, head: int, *, temperature: float = 1.0) -> Tensor:
    """float64 [T, K]: softmax(q k) of one head in one piece; rows that see nothing are zero."""
    key_head = head // (layer.query.shape[0] // layer.key.shape[0])
    scores = layer.query[head].double() @ layer.key[key_head].double().T * layer.scaling
    if layer.softcap:
        scores = torch.tanh(scores / layer.softcap) * layer.softcap
    if layer.bias is not None:
        scores = scores + layer.bias[head].double()
    for query in range(scores.shape[0]):
        for key in range(scores.shape[1]):
            if not sees(layer, query, key):
                scores[query, key] = -math.inf
    return torch.softmax(scores / temperature, -1).nan_to_num(0.0)


@st.composite
def layers(draw: st.DrawFn) -> LayerRecord:
    """Layers of every kind, small ones."""
    queries, key_heads, group = draw(st.integers(1, 24)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return random_layer(
        queries,
        draw(st.one_of(st.just(queries), st.integers(1, 24))),
        heads=key_heads * group,
        key_heads=key_heads,
        seed=draw(st.integers(0, 999)),
        spread=draw(st.sampled_from([0.5, 2.0, 4.0])),
        dtype=draw(st.sampled_from([torch.float32, torch.bfloat16])),
        causal=draw(st.booleans()),
        window=draw(st.one_of(st.none(), st.integers(1, 8))),
        softcap=draw(st.sampled_from([None, 3.0])),
        biased=draw(st.booleans()),
        hidden=frozenset(draw(st.lists(st.integers(0, 23), max_size=3))),
    )
