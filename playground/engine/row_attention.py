"""Attention of the few rows of a decode step by our own kernel, straight from the blocks of the caches.

Owns where a step's rows, and the blocks of their sequences, lie; the stages that it gives are a part of a step's
program. It computes what `attend_layer` computes, for rows alone. Knows no model and no weights.
"""

from __future__ import annotations

import ctypes
import math

import torch
from torch import Tensor

from playground.engine.batch import Batch
from playground.kernels.attention import Attention, Store
from playground.kernels.library import Library
from playground.kernels.program import Stage
from playground.kernels.segments import Merge

SCRATCH_STEP = 1024
WORD_BYTES = 8


class RowAttention:
    """Attention of up to `room` rows in each of `layers` layers; result is in `out`, float32 [room, heads, size]."""

    def __init__(
        self, library: Library, *, layers: int, heads: int, key_heads: int, size: int, scaling: float, room: int
    ) -> None:
        self.out = torch.empty(room, heads, size)
        self._library = library
        self._layers, self._room = layers, room
        self._heads, self._key_heads, self._size, self._scaling = heads, key_heads, size, scaling
        # So many that all threads end together. Each gives results of its own, which are brought together afterwards.
        self._segments = library.threads // math.gcd(library.threads, key_heads)
        self._parts = (
            self.out if self._segments == 1 else torch.empty(room, key_heads, self._segments, heads // key_heads, size)
        )
        self._totals = torch.empty(room, heads, self._segments, 2)
        self._keys, self._values = ((ctypes.c_int64 * (room * layers))() for _ in range(2))
        self._positions, self._lengths = ((ctypes.c_int64 * room)() for _ in range(2))
        self._firsts: dict[int | None, ctypes.Array] = {}
        self._capacity = 0
        self._scratch = torch.empty(0)

    def reach(self, length: int) -> bool:
        """Have room for the scores of `length` keys; whether stages made before are void."""
        if length <= self._capacity:
            return False
        self._capacity = -(-max(length, 2 * self._capacity) // SCRATCH_STEP) * SCRATCH_STEP
        self._scratch = torch.empty(self._room * self._heads * self._segments * self._capacity)
        return True

    def begin(self, batch: Batch) -> None:
        """Make room in the caches for the rows of a step, and note where everything is."""
        for row, position in enumerate(batch.positions):
            self._positions[row] = position
            self._lengths[row] = position + 1
            for window, firsts in self._firsts.items():
                firsts[row] = 0 if window is None else max(0, position + 1 - window)
        size, device = self._size, torch.device("cpu")
        for piece in batch.slices:
            new, reserve = len(piece.token_ids), piece.cache.reserve
            rows = range(piece.start, piece.stop)
            for layer in range(self._layers):
                addresses = reserve(layer, self._key_heads, size, size, torch.bfloat16, device, new).addresses
                keys = addresses.data_ptr()
                values = keys + WORD_BYTES * addresses.shape[1]
                place = layer * self._room
                for row in rows:
                    self._keys[place + row], self._values[place + row] = keys, values

    def stages(self, layer: int, query: Tensor, key: Tensor, value: Tensor, *, window: int | None) -> list[Stage]:
        """What one layer does in every step. query, key, value: as in `attend_layer`, bf16, always in one place."""
        firsts = self._firsts.setdefault(window, (ctypes.c_int64 * self._room)())
        place = WORD_BYTES * layer * self._room
        keys, values = ctypes.addressof(self._keys) + place, ctypes.addressof(self._values) + place
        rows = query.shape[1]
        store = {
            Store.KEY_HEADS: self._key_heads,
            Store.SIZE: self._size,
            Store.KEYS: key,
            Store.VALUE_OFFSET: value.data_ptr() - key.data_ptr(),
            Store.STRIDE: key.stride(1),
            Store.KEY_BLOCKS: keys,
            Store.VALUE_BLOCKS: values,
            Store.POSITIONS: ctypes.addressof(self._positions),
        }
        attention = {
            Attention.HEADS: self._heads,
            Attention.KEY_HEADS: self._key_heads,
            Attention.QUERIES: query,
            Attention.QUERY_STRIDE: query.stride(1),
            Attention.KEY_BLOCKS: keys,
            Attention.VALUE_BLOCKS: values,
            Attention.FIRSTS: ctypes.addressof(firsts),
            Attention.LENGTHS: ctypes.addressof(self._lengths),
            Attention.OUT: self._parts,
            Attention.SCALE: self._scaling,
            Attention.SCRATCH: self._scratch,
            Attention.SCRATCH_STRIDE: self._capacity,
            Attention.SEGMENTS: self._segments,
            Attention.TOTALS: self._totals,
        }
        chunks = rows * self._key_heads * self._segments
        stages = [
            self._library.stage("store", store, chunks=rows),
            self._library.stage(f"attention_{self._size}", attention, chunks=chunks),
        ]
        return stages if self._segments == 1 else [*stages, self._merge(rows)]

    def _merge(self, rows: int) -> Stage:
        arguments = {
            Merge.HEADS: self._heads,
            Merge.KEY_HEADS: self._key_heads,
            Merge.SIZE: self._size,
            Merge.SEGMENTS: self._segments,
            Merge.PARTS: self._parts,
            Merge.TOTALS: self._totals,
            Merge.SCALE: self._scaling,
            Merge.OUT: self.out,
        }
        return self._library.stage("merge", arguments, chunks=rows)
