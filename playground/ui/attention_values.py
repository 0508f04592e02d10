"""How much each token hands over to its readers, layer by layer, for weights that count it.

Owns the way from a recording and the model's output projections to lengths, and keeping them: they are the same for
every row. Knows no visitor and no page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import overload

from torch import Tensor

from playground.attention.weights import layer_norms
from playground.engine.recording import LayerRecord


class ValueNorms(Sequence[Tensor]):
    """float32 [heads, K] for each layer: the length of what a head would add for each token, ||v_j W_O|| (Kobayashi et
    al. 2020, "Attention is Not Only a Weight"). Computed when it is first asked for, then kept. Thread-safe.

    `projection_of(layer)` is the layer's W_O [hidden, heads * value size]; what it raises comes out here.
    """

    def __init__(self, layers: Sequence[LayerRecord], projection_of: Callable[[int], Tensor]) -> None:
        self._layers = layers
        self._projection_of = projection_of
        self._norms: dict[int, Tensor] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._layers)

    @overload
    def __getitem__(self, layer: int) -> Tensor: ...
    @overload
    def __getitem__(self, layer: slice) -> list[Tensor]: ...
    def __getitem__(self, layer: int | slice) -> Tensor | list[Tensor]:
        if isinstance(layer, slice):
            return [self[index] for index in range(*layer.indices(len(self)))]
        if not 0 <= layer < len(self):
            raise IndexError(f"there are {len(self)} layers")
        with self._lock:  # two views at once must not ask the model twice
            if layer not in self._norms:
                self._norms[layer] = self._computed(layer)
            return self._norms[layer]

    def _computed(self, layer: int) -> Tensor:
        record = self._layers[layer]
        heads, size = record.query.shape[0], record.value.shape[2]
        parts = self._projection_of(layer).T.unflatten(0, (heads, size))
        return layer_norms(record, lambda head: parts[head])
