"""The quantised blocks of GGUF as plain groups: whole numbers with the scales and minimums that the file has for them.

Owns the bit layout of the formats in `FORMAT_OF`. Nothing is rounded or computed on the way. Knows nothing of files,
networks or kernels' layouts.
"""

from __future__ import annotations

import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind

from playground.kernels.formats import FORMATS, GROUP, Format, Groups

FORMAT_OF: dict[Kind, Format] = {
    Kind.Q4_0: FORMATS["q4_0"],
    Kind.Q4_1: FORMATS["q4_1"],
    Kind.Q4_K: FORMATS["q4_k"],
    Kind.Q5_0: FORMATS["q5_0"],
    Kind.Q5_1: FORMATS["q5_1"],
    Kind.Q5_K: FORMATS["q5_k"],
    Kind.Q6_K: FORMATS["q6_k"],
    Kind.Q8_0: FORMATS["q8_0"],
}
BLOCK_BYTES = {
    Kind.Q4_0: 18, Kind.Q4_1: 20, Kind.Q4_K: 144, Kind.Q5_0: 22,
    Kind.Q5_1: 24, Kind.Q5_K: 176, Kind.Q6_K: 210, Kind.Q8_0: 34,
}  # fmt: skip


def read_groups(data: np.ndarray, kind: Kind) -> Groups:
    """Blocks, uint8 [rows, bytes a row], of a kind in `FORMAT_OF` -> their numbers and scales."""
    blocks = data.reshape(data.shape[0], -1, BLOCK_BYTES[kind])
    read = {Kind.Q4_K: _four_or_five_k, Kind.Q5_K: _four_or_five_k, Kind.Q6_K: _six_k}.get(kind, _simple)
    numbers, scales, supers = read(blocks, FORMAT_OF[kind])
    rows = data.shape[0]
    return Groups(
        FORMAT_OF[kind],
        torch.from_numpy(np.ascontiguousarray(numbers).reshape(rows, -1)),
        torch.from_numpy(np.ascontiguousarray(scales)).view(rows, -1, FORMAT_OF[kind].scales),
        None if supers is None else torch.from_numpy(np.ascontiguousarray(supers)).view(rows, blocks.shape[1], -1),
    )


def _halves(data: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(data).view(np.float16)


def _nibbles(data: np.ndarray) -> np.ndarray:
    """Low halves of the bytes of the last axis, then their high halves."""
    return np.concatenate([data & 15, data >> 4], axis=-1)


def _simple(blocks: np.ndarray, kind: Format) -> tuple[np.ndarray, np.ndarray, None]:
    """Q4_0 to Q8_0: a scale, perhaps a minimum, perhaps the fifth bits of 32 numbers, and the numbers."""
    head = 2 * kind.scales
    scales, rest = _halves(blocks[..., :head]), blocks[..., head:]
    if kind.bits == 8:
        return rest ^ 0x80, scales, None  # signed -> number + 128
    if kind.bits == 4:
        return _nibbles(rest), scales, None
    fifth = np.unpackbits(np.ascontiguousarray(rest[..., :4]), axis=-1, bitorder="little")
    return _nibbles(rest[..., 4:]) | (fifth << 4), scales, None


def _four_or_five_k(blocks: np.ndarray, kind: Format) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q4_K, Q5_K: blocks of 256 with two half floats and eight 6-bit scales and minimums in 12 bytes."""
    first, second, mixed = blocks[..., 4:8], blocks[..., 8:12], blocks[..., 12:16]
    scales = np.concatenate([first & 63, (mixed & 15) | ((first >> 2) & 48)], axis=-1)
    minimums = np.concatenate([second & 63, (mixed >> 4) | ((second >> 2) & 48)], axis=-1)
    supers = _halves(blocks[..., :4]) * np.array([1, -1], np.float16)  # the file's minimums are taken off
    numbers = _nibbles(blocks[..., -128:].reshape(*blocks.shape[:2], 4, GROUP)).reshape(*blocks.shape[:2], 8, GROUP)
    if kind.bits == 5:
        fifth = blocks[..., None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]
        numbers = numbers | ((fifth & 1) << 4)
    return numbers, np.stack([scales, minimums], -1).astype(np.int8), supers


def _six_k(blocks: np.ndarray, kind: Format) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q6_K: four low bits, two high bits and a signed scale for 16 numbers; a half float for 256."""
    shape = blocks.shape[:2]
    low = blocks[..., :128].reshape(*shape, 2, 64)
    numbers = _nibbles(low).reshape(*shape, 2, 4, GROUP)
    high = blocks[..., 128:192].reshape(*shape, 2, 1, GROUP) >> np.array([0, 2, 4, 6], np.uint8)[:, None]
    numbers = numbers | ((high & 3) << 4)
    return numbers, np.ascontiguousarray(blocks[..., 192:208]).view(np.int8), _halves(blocks[..., 208:210])
