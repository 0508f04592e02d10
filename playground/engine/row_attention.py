"""Attention of the few rows of a decode step by our own kernel, straight from the blocks of the caches.

Owns the kernel's arguments. Called by the attention function, which decides when; knows no model and no weights.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from playground.engine.batch import Batch
from playground.kernels.attention import Attention, Store
from playground.kernels.library import Library
from playground.kernels.team import Program

SCRATCH_STEP = 1024


class RowAttention:
    """Attention of up to `room` rows. The result of each call is in `out`, float32 [room, heads, size]."""

    def __init__(self, library: Library, *, heads: int, key_heads: int, size: int, room: int) -> None:
        self.out = torch.empty(room, heads, size)
        self._library = library
        self._heads, self._key_heads, self._size = heads, key_heads, size
        self._keys, self._values, self._positions = ((ctypes.c_int64 * room)() for _ in range(3))
        self._lengths = (ctypes.c_int64 * room)()
        self._firsts: dict[int | None, ctypes.Array] = {}
        self._capacity = 0
        self._scratch = torch.empty(0)
        self._programs: dict[tuple, Program] = {}
        self._batch: Batch | None = None

    def attend(
        self, batch: Batch, layer: int, query: Tensor, key: Tensor, value: Tensor, *, scaling: float, window: int | None
    ) -> Tensor:
        """`attend_layer` for bf16 rows that lie at a fixed distance from each other; [heads, N, size]."""
        if batch is not self._batch:
            self._begin(batch)
        self._find_blocks(batch, layer, key)
        self._library.run(self._program(len(batch.token_ids), query, key, value, scaling, window))
        return self.out[: len(batch.token_ids)].transpose(0, 1)

    def _begin(self, batch: Batch) -> None:
        """What is the same for all layers of a step."""
        for row, position in enumerate(batch.positions):
            self._positions[row] = position
            self._lengths[row] = position + 1
        for window, firsts in self._firsts.items():
            self._fill_firsts(batch, window, firsts)
        longest = max(batch.positions) + 1
        if longest > self._capacity:
            self._capacity = -(-longest // SCRATCH_STEP) * SCRATCH_STEP
            self._scratch = torch.empty(len(self.out) * self._heads * self._capacity)
            self._programs.clear()
        self._batch = batch

    def _fill_firsts(self, batch: Batch, window: int | None, firsts: ctypes.Array) -> None:
        for row, position in enumerate(batch.positions):
            firsts[row] = 0 if window is None else max(0, position + 1 - window)

    def _find_blocks(self, batch: Batch, layer: int, key: Tensor) -> None:
        row = 0
        for piece in batch.slices:
            new = len(piece.token_ids)
            held = piece.cache.reserve(layer, self._key_heads, self._size, self._size, key.dtype, key.device, new)
            addresses = held.addresses
            keys = addresses.data_ptr()
            values = keys + 8 * addresses.shape[1]
            for _ in range(new):
                self._keys[row], self._values[row] = keys, values
                row += 1

    def _program(
        self, rows: int, query: Tensor, key: Tensor, value: Tensor, scaling: float, window: int | None
    ) -> Program:
        wanted = (rows, query.data_ptr(), window)
        program = self._programs.get(wanted)
        if program is None:
            program = self._programs[wanted] = self._make_program(rows, query, key, value, scaling, window)
        return program

    def _make_program(
        self, rows: int, query: Tensor, key: Tensor, value: Tensor, scaling: float, window: int | None
    ) -> Program:
        if window not in self._firsts and self._batch is not None:
            self._firsts[window] = (ctypes.c_int64 * len(self.out))()
            self._fill_firsts(self._batch, window, self._firsts[window])
        blocks = {
            Attention.KEY_BLOCKS: ctypes.addressof(self._keys),
            Attention.VALUE_BLOCKS: ctypes.addressof(self._values),
        }
        store = self._library.stage(
            "store",
            {
                Store.KEY_HEADS: self._key_heads,
                Store.SIZE: self._size,
                Store.KEYS: key,
                Store.VALUE_OFFSET: value.data_ptr() - key.data_ptr(),
                Store.STRIDE: key.stride(1),
                Store.KEY_BLOCKS: ctypes.addressof(self._keys),
                Store.VALUE_BLOCKS: ctypes.addressof(self._values),
                Store.POSITIONS: ctypes.addressof(self._positions),
            },
            chunks=rows,
        )
        attention = self._library.stage(
            f"attention_{self._size}",
            {
                **blocks,
                Attention.HEADS: self._heads,
                Attention.KEY_HEADS: self._key_heads,
                Attention.QUERIES: query,
                Attention.QUERY_STRIDE: query.stride(1),
                Attention.FIRSTS: ctypes.addressof(self._firsts[window]),
                Attention.LENGTHS: ctypes.addressof(self._lengths),
                Attention.OUT: self.out,
                Attention.SCALE: scaling,
                Attention.SCRATCH: self._scratch,
                Attention.SCRATCH_STRIDE: self._capacity,
            },
            chunks=rows * self._key_heads,
        )
        return Program([store, attention])
