"""The keys and values of one sequence, in blocks: append, read, trim, fork.

Owns the blocks, their growth and who may write into them. Knows nothing of batches, models or threads. The length is
counted once per step by `advance`, not by `append`: a step that fails half-way through the layers leaves the cache as
it was. A block can belong to several caches; no cache ever writes where another one reads.
"""

from __future__ import annotations

import torch

from playground.kernels.attention import BLOCK_TOKENS


class LayerBlocks:
    """The blocks of one layer, each a tensor [heads, BLOCK_TOKENS, size]. To be read only; the cache changes it."""

    def __init__(self, keys: list[torch.Tensor], values: list[torch.Tensor], frozen: int = 0) -> None:
        self.keys = keys
        self.values = values
        self.frozen = frozen
        """Tokens at the start that must stay as they are, because another cache may read them."""
        self._addresses: torch.Tensor | None = None

    @property
    def addresses(self) -> torch.Tensor:
        """int64 [2, blocks]: where the blocks of the keys (row 0) and values (row 1) lie in memory.

        The same tensor until a block is added, replaced or given back.
        """
        if self._addresses is None:
            pointers = [[block.data_ptr() for block in blocks] for blocks in (self.keys, self.values)]
            self._addresses = torch.tensor(pointers, dtype=torch.int64).reshape(2, -1)
        return self._addresses

    def add(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """Put a block behind the others."""
        self.keys.append(key)
        self.values.append(value)
        self._addresses = None

    def replace_last(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """Put a block in the place of the last one."""
        self.keys[-1], self.values[-1] = key, value
        self._addresses = None

    def keep(self, count: int) -> None:
        """Give all blocks but the first `count` back."""
        if count < len(self.keys):
            del self.keys[count:], self.values[count:]
            self._addresses = None
            self.frozen = min(self.frozen, count * BLOCK_TOKENS)


class KVCache:
    """Keys and values of one sequence for any number of layers, which may differ in head count and head size."""

    def __init__(self) -> None:
        self._layers: dict[int, LayerBlocks] = {}
        self._length = 0

    @property
    def length(self) -> int:
        """Tokens whose keys and values are held."""
        return self._length

    @property
    def layer_count(self) -> int:
        """Layers that have stored something so far."""
        return len(self._layers)

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks, spare room and blocks of other caches included."""
        return sum(self.block_bytes().values())

    @property
    def bytes_per_block(self) -> int:
        """What `BLOCK_TOKENS` tokens take in all layers; 0 before anything is stored."""
        return sum(
            held.keys[0].nbytes + held.values[0].nbytes for held in self._layers.values() if held.keys and held.values
        )

    def block_bytes(self) -> dict[int, int]:
        """Bytes of every block by its identity; a block that two caches share has the same one in both."""
        return {
            id(block): block.nbytes
            for layer in self._layers.values()
            for blocks in (layer.keys, layer.values)
            for block in blocks
        }

    def reserve(
        self,
        layer: int,
        heads: int,
        key_size: int,
        value_size: int,
        dtype: torch.dtype,
        device: torch.device,
        new_tokens: int,
    ) -> LayerBlocks:
        """The blocks of `layer`, with room that may be written for `new_tokens` behind `length`.

        A last block that another cache may read is replaced by a copy first.
        """
        held = self._layers.get(layer)
        if held is None:
            held = self._layers[layer] = LayerBlocks([], [])
        if self._length < held.frozen:
            # Only a fork or a trim leads here, and both leave the block to write into as the last one.
            held.replace_last(*(_copy_start(blocks[-1], self._length % BLOCK_TOKENS) for blocks in _both(held)))
            held.frozen = (len(held.keys) - 1) * BLOCK_TOKENS
        while len(held.keys) * BLOCK_TOKENS < self._length + new_tokens:
            held.add(
                torch.empty((heads, BLOCK_TOKENS, key_size), dtype=dtype, device=device),
                torch.empty((heads, BLOCK_TOKENS, value_size), dtype=dtype, device=device),
            )
        return held

    def append(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> None:
        """Store `key` and `value` [heads, new, size] behind what is held.

        Call `advance(new)` once all layers are through; until then the same place is written again.
        """
        heads, new, size = key.shape
        held = self.reserve(layer, heads, size, value.shape[2], key.dtype, key.device, new)
        done = 0
        while done < new:
            index, offset = divmod(self._length + done, BLOCK_TOKENS)
            count = min(new - done, BLOCK_TOKENS - offset)
            held.keys[index][:, offset : offset + count] = key[:, done : done + count]
            held.values[index][:, offset : offset + count] = value[:, done : done + count]
            done += count

    def read(self, layer: int, new_tokens: int, *, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [heads, length + new_tokens - first, size] from token `first` on.

        `new_tokens` of them were appended and not yet counted. A view while they lie in one block, else a copy: valid
        until the next change of this cache, and not to be written.
        """
        held, end = self._layers[layer], self._length + new_tokens
        return _gather(held.keys, first, end), _gather(held.values, first, end)

    def blocks(self, layer: int) -> LayerBlocks:
        """The blocks of `layer` and where they lie. Raises KeyError for a layer that has stored nothing."""
        return self._layers[layer]

    def advance(self, new_tokens: int) -> None:
        """Count the tokens that every layer has appended in this step."""
        self._length += new_tokens

    def trim(self, length: int) -> None:
        """Forget everything from token `length` on. Raises ValueError for a length that is not held."""
        if not 0 <= length <= self._length:
            raise ValueError(f"cannot trim {self._length} tokens to {length}")
        self._length = length
        for held in self._layers.values():
            held.keep(_block_count(length))

    def fork(self, length: int | None = None) -> KVCache:
        """An independent cache of the first `length` tokens (default: all), which shares their blocks.

        Nothing is copied. This cache goes on writing behind `length`; the fork copies a last block that is not full
        when it first writes. Raises ValueError for a length that is not held.
        """
        fork = KVCache()
        fork._length = self._length if length is None else length
        if not 0 <= fork._length <= self._length:
            raise ValueError(f"cannot fork {length} of {self._length} tokens")
        count = _block_count(fork._length)
        for layer, held in self._layers.items():
            held.frozen = max(held.frozen, fork._length)
            fork._layers[layer] = LayerBlocks(held.keys[:count], held.values[:count], count * BLOCK_TOKENS)
        return fork

    def clear(self) -> None:
        """Give all memory back."""
        self._layers.clear()
        self._length = 0


def _block_count(tokens: int) -> int:
    return -(-tokens // BLOCK_TOKENS)


def _both(held: LayerBlocks) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    return held.keys, held.values


def _copy_start(block: torch.Tensor, tokens: int) -> torch.Tensor:
    """A new block that starts with the first `tokens` of `block`."""
    copy = torch.empty_like(block)
    copy[:, :tokens] = block[:, :tokens]
    return copy


def _gather(blocks: list[torch.Tensor], first: int, end: int) -> torch.Tensor:
    """Tokens `first` to `end` [heads, end - first, size] of `blocks`."""
    low, high = first // BLOCK_TOKENS, max(first, end - 1) // BLOCK_TOKENS
    if low == high:
        return blocks[low][:, first - low * BLOCK_TOKENS : end - low * BLOCK_TOKENS]
    pieces = list(blocks[low : high + 1])
    pieces[0] = pieces[0][:, first - low * BLOCK_TOKENS :]
    pieces[-1] = pieces[-1][:, : end - high * BLOCK_TOKENS]
    return torch.cat(pieces, dim=1)
