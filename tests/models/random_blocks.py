"""Random quantised blocks as a GGUF file may hold them."""

from __future__ import annotations

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

HALVES = {
    GGMLQuantizationType.Q4_1: slice(0, 4),
    GGMLQuantizationType.Q5_1: slice(0, 4),
    GGMLQuantizationType.Q4_K: slice(0, 4),
    GGMLQuantizationType.Q5_K: slice(0, 4),
    GGMLQuantizationType.Q6_K: slice(208, 210),
}
"""Which bytes of a block are half floats; the first two where nothing is said."""


MODEST = {
    GGMLQuantizationType.Q4_K: (1e-4, 7.5e-4),
    GGMLQuantizationType.Q5_K: (5e-5, 7.75e-4),
    GGMLQuantizationType.Q6_K: (5e-5,),
}
"""Half floats with which weights are of the size that a network has; the minimum takes off the mean of the numbers."""


def random_blocks(kind: GGMLQuantizationType, rows: int, columns: int, *, seed: int = 7) -> np.ndarray:
    """uint8 [rows, bytes a row]. Any bits are valid numbers of a block, as long as its half floats are finite."""
    random = np.random.default_rng(seed)
    block, block_bytes = GGML_QUANT_SIZES[kind]
    data = random.integers(0, 256, (rows, columns // block, block_bytes), dtype=np.uint8)
    place = HALVES.get(kind, slice(0, 2))
    count = (place.stop - place.start) // 2
    scales = random.uniform(-0.1, 0.1, (rows, columns // block, count)).astype(np.float16)
    data[..., place] = scales.view(np.uint8)
    return data.reshape(rows, -1)


def modest_blocks(kind: GGMLQuantizationType, rows: int, columns: int, *, seed: int) -> np.ndarray:
    """The same for a kind in `MODEST`, with weights that a network can have."""
    data = random_blocks(kind, rows, columns, seed=seed).reshape(rows, -1, GGML_QUANT_SIZES[kind][1])
    data[..., HALVES[kind]] = np.array(MODEST[kind], np.float16).view(np.uint8)
    return data.reshape(rows, -1)
