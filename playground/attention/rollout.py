"""Attention rollout: what a token reads through all layers, for models that look both ways.

Owns the product over layers of Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers": heads averaged,
half of each token kept as it is (the residual connection). Knows no text.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.attention.weights import weight_blocks
from playground.engine.recording import LayerRecord

RESIDUAL = 0.5


def can_roll_out(layers: Sequence[LayerRecord]) -> bool:
    """Whether a rollout says anything: the layers read one text and look both ways.

    Where models look back only, the product ends on the first token whatever the text is: every token reaches it in
    every layer and nothing leads away from it.
    """
    return bool(layers) and all(not layer.causal and layer.query.shape[1] == layer.key.shape[1] for layer in layers)


def rollout(layers: Sequence[LayerRecord], rows: Sequence[int] | None = None) -> Tensor:
    """float32 [len(rows), T]: for the tokens `rows` (all, if None) behind the last layer, the part of each input token.

    Rows sum to 1. Goes from the last layer to the first a block of rows at a time, so no map of a layer is ever whole.
    Raises ValueError where `can_roll_out` is false.
    """
    if not can_roll_out(layers):
        raise ValueError("a rollout needs layers that look both ways over one text")
    tokens = layers[0].query.shape[1]
    chosen = range(tokens) if rows is None else rows
    reached = torch.zeros(len(chosen), tokens)
    reached[torch.arange(len(chosen)), torch.tensor(list(chosen), dtype=torch.long)] = 1.0
    for layer in reversed(layers):
        read = torch.zeros_like(reached)
        for block in weight_blocks(layer):
            keys = slice(block.first, block.first + block.weights.shape[-1])
            read[:, keys] += reached[:, block.positions] @ block.weights.mean(0)
        reached = reached.mul_(RESIDUAL).add_(read, alpha=1.0 - RESIDUAL)
    return reached
