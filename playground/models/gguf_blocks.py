"""The 4-bit block formats of GGUF as plain groups: numbers 0 to 15 with a scale and an offset for each 32 of them.

Owns the bit layout of Q4_0, Q4_1 and Q4_K. Knows nothing of files, networks or kernels.
"""

from __future__ import annotations

import numpy as np
from gguf import GGMLQuantizationType

GROUP = 32
FOUR_BIT = (GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q4_K)


def four_bit_groups(data: np.ndarray, kind: GGMLQuantizationType) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks -> (numbers, scales, minimums), so that weight = number * scale + minimum.

    `data`: uint8 [rows, bytes a row]. Returns uint8 [rows, columns], float32 [rows, columns / 32] twice. Exact.
    """
    read = {
        GGMLQuantizationType.Q4_0: _q4_0,
        GGMLQuantizationType.Q4_1: _q4_1,
        GGMLQuantizationType.Q4_K: _q4_k,
    }[kind]
    return read(data)


def _half(data: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(data).view(np.float16)[..., 0].astype(np.float32)


def _nibbles(data: np.ndarray) -> np.ndarray:
    """Low halves of the bytes of the last axis, then their high halves."""
    return np.concatenate([data & 15, data >> 4], axis=-1)


def _q4_0(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    blocks = data.reshape(data.shape[0], -1, 18)
    scales = _half(blocks[..., :2])
    return _nibbles(blocks[..., 2:]).reshape(data.shape[0], -1), scales, scales * -8


def _q4_1(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    blocks = data.reshape(data.shape[0], -1, 20)
    return _nibbles(blocks[..., 4:]).reshape(data.shape[0], -1), _half(blocks[..., :2]), _half(blocks[..., 2:4])


def _q4_k(data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blocks of 256: two half floats, eight 6-bit scales and minimums in 12 bytes, 128 bytes of numbers."""
    rows = data.shape[0]
    blocks = data.reshape(rows, -1, 144)
    first, second, mixed = blocks[..., 4:8], blocks[..., 8:12], blocks[..., 12:16]
    scales = np.concatenate([first & 63, (mixed & 15) | ((first >> 2) & 48)], axis=-1)
    minimums = np.concatenate([second & 63, (mixed >> 4) | ((second >> 2) & 48)], axis=-1)
    numbers = _nibbles(blocks[..., 16:].reshape(rows, -1, 4, 32)).reshape(rows, -1)
    scales = _half(blocks[..., :2])[..., None] * scales.astype(np.float32)
    minimums = -_half(blocks[..., 2:4])[..., None] * minimums.astype(np.float32)
    return numbers, scales.reshape(rows, -1), minimums.reshape(rows, -1)
