"""The keys and values of one sequence: append, trim, fork.

Owns the buffers and their growth. Knows nothing of batches, models or threads. The length is counted once per step by
`advance`, not by `append`: a step that fails half-way through the layers leaves the cache as it was.
"""

from __future__ import annotations

import torch

BLOCK_TOKENS = 256


class KVCache:
    """Keys and values of one sequence for any number of layers, which may differ in head count and head size."""

    def __init__(self) -> None:
        self._buffers: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._length = 0

    @property
    def length(self) -> int:
        """Tokens whose keys and values are held."""
        return self._length

    @property
    def layer_count(self) -> int:
        """Layers that have stored something so far."""
        return len(self._buffers)

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, spare room included."""
        return sum(tensor.nbytes for pair in self._buffers.values() for tensor in pair)

    def append(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Store `key` and `value` [heads, new, size] behind what is held; return views [heads, length + new, size].

        The views are valid until the next `append`. Call `advance(new)` once all layers are through.
        """
        end = self._length + key.shape[1]
        buffers = self._buffers.get(layer)
        if buffers is None:
            buffers = (_allocate(key, end), _allocate(value, end))
            self._buffers[layer] = buffers
        elif buffers[0].shape[1] < end:
            capacity = max(end, self._length * 3 // 2)
            buffers = (_grow(buffers[0], self._length, capacity), _grow(buffers[1], self._length, capacity))
            self._buffers[layer] = buffers
        buffers[0][:, self._length : end] = key
        buffers[1][:, self._length : end] = value
        return buffers[0][:, :end], buffers[1][:, :end]

    def advance(self, new_tokens: int) -> None:
        """Count the tokens that every layer has appended in this step."""
        self._length += new_tokens

    def trim(self, length: int) -> None:
        """Forget everything from token `length` on. Raises ValueError for a length that is not held."""
        if not 0 <= length <= self._length:
            raise ValueError(f"cannot trim {self._length} tokens to {length}")
        self._length = length

    def fork(self, length: int | None = None) -> KVCache:
        """An independent copy of the first `length` tokens (default: all)."""
        copy = KVCache()
        copy._length = self._length if length is None else length
        if not 0 <= copy._length <= self._length:
            raise ValueError(f"cannot fork {length} of {self._length} tokens")
        copy._buffers = {
            layer: (_grow(key, copy._length, copy._length), _grow(value, copy._length, copy._length))
            for layer, (key, value) in self._buffers.items()
        }
        return copy

    def clear(self) -> None:
        """Give all memory back."""
        self._buffers.clear()
        self._length = 0


def _allocate(like: torch.Tensor, tokens: int) -> torch.Tensor:
    """An empty buffer [heads, tokens rounded up to whole blocks, size]."""
    capacity = max(1, -(-tokens // BLOCK_TOKENS)) * BLOCK_TOKENS
    return torch.empty((like.shape[0], capacity, like.shape[2]), dtype=like.dtype, device=like.device)


def _grow(buffer: torch.Tensor, length: int, capacity: int) -> torch.Tensor:
    """A buffer for `capacity` tokens that starts with the first `length` tokens of `buffer`."""
    larger = _allocate(buffer, capacity)
    larger[:, :length] = buffer[:, :length]
    return larger
