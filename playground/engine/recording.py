"""What one run of a text leaves behind to be looked at: queries, keys and values of every layer, never matrices.

Owns the words for it: what a step is asked to record or to change, and what it gave. T tokens of L layers with H heads
are L*H*T*size numbers instead of L*H*T*T; every view is computed from them when it is wanted. Knows no model.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from playground.errors import PlaygroundError


class RecordingStopped(PlaygroundError):
    """A recording was stopped by the one who asked for it."""


@dataclass(frozen=True)
class Edit:
    """What is changed in a run, to see what it does."""

    silent_heads: frozenset[tuple[int, int]] = frozenset()
    """(layer, head) whose output is zero, as if the columns of the output projection for it were zero."""
    hidden_tokens: frozenset[int] = frozenset()
    """Positions that no other token can look at."""

    def __bool__(self) -> bool:
        return bool(self.silent_heads or self.hidden_tokens)


UNCHANGED = Edit()


@dataclass(frozen=True, eq=False)
class LayerRecord:
    """One attention layer of a run over T query tokens and K key tokens (K = T but for cross-attention).

    Queries and keys are as they enter the product: rotated, normed, in the model's own precision, on the CPU.
    """

    query: Tensor
    """[heads, T, size]"""
    key: Tensor
    """[key heads, K, size]; query head h reads from key head h // (heads // key heads)."""
    value: Tensor
    """[key heads, K, value size]"""
    scaling: float
    causal: bool = True
    """A token sees itself and what comes before it."""
    window: int | None = None
    """A token sees at most so many tokens, itself included; where it also looks ahead, so many to either side."""
    softcap: float | None = None
    """Scores are squeezed into (-softcap, softcap) before the softmax."""
    bias: Tensor | None = None
    """[heads, T, K] added to the scaled scores (T5's positions)."""
    hidden: frozenset[int] = frozenset()
    """Keys that no query saw, but for the token itself where queries and keys are the same tokens."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A run over `token_ids`. `layers` are in order of the network; all of one kind of attention."""

    token_ids: tuple[int, ...]
    layers: tuple[LayerRecord, ...]
    logits: Tensor
    """float32 [vocabulary]: what would come behind the last token."""
    hidden: Tensor
    """float32 [layers + 1, hidden]: the residual stream at the last token, before the first layer and behind each."""
    edit: Edit = field(default_factory=Edit)
    deviation: float = 0.0
    """Self-check: the largest difference between softmax(q k) v from what was recorded and what the model computed, as
    a part of the largest number in it."""
    made_with: weakref.ref[Any] | None = None
    """What stands for the opened model, while it is open; for comparing alone."""

    @property
    def nbytes(self) -> int:
        """Bytes of all queries, keys and values."""
        return sum(tensor.nbytes for layer in self.layers for tensor in (layer.query, layer.key, layer.value))
