"""GGUF's blocks mean the same after they were read as before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

from playground.kernels.formats import pack, unpack
from playground.models.gguf_blocks import BLOCK_BYTES, FORMAT_OF, read_groups
from playground.models.rounding import four_bit_floats
from tests.models.random_blocks import random_blocks

KINDS = pytest.mark.parametrize("kind", FORMAT_OF, ids=lambda kind: kind.name)
ROWS, COLUMNS = 64, 512


def values(data: np.ndarray, kind: GGMLQuantizationType) -> torch.Tensor:
    return torch.from_numpy(dequantize(data, kind).reshape(len(data), -1))


@KINDS
def test_blocks_become_groups_without_any_loss(kind: GGMLQuantizationType) -> None:
    data = random_blocks(kind, ROWS, COLUMNS)
    groups = read_groups(data, kind)
    assert groups.numbers.shape == (ROWS, COLUMNS)
    assert groups.numbers.max() == (1 << groups.kind.bits) - 1
    assert groups.numbers.min() == 0
    assert torch.equal(unpack(pack(groups)), values(data, kind))


@KINDS
def test_a_part_of_the_rows_is_the_part_of_the_groups(kind: GGMLQuantizationType) -> None:
    data = random_blocks(kind, ROWS, COLUMNS)
    part = unpack(pack(read_groups(data[32:], kind)))
    assert torch.equal(part, values(data, kind)[32:])


@KINDS
def test_blocks_have_the_size_that_the_format_says(kind: GGMLQuantizationType) -> None:
    assert BLOCK_BYTES[kind] == GGML_QUANT_SIZES[kind][1]


@pytest.mark.parametrize("name", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_weights_that_were_rounded_by_the_reference_come_back(name: str) -> None:
    kind = GGMLQuantizationType[name]
    weights = np.random.default_rng(1).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    data = quantize(weights, kind)
    assert torch.equal(unpack(pack(read_groups(data, kind))), values(data, kind))


@pytest.mark.parametrize("kind", [kind for kind in FORMAT_OF if FORMAT_OF[kind].bits == 4], ids=lambda kind: kind.name)
def test_four_bit_groups_have_plain_scales_and_minimums_too(kind: GGMLQuantizationType) -> None:
    data = random_blocks(kind, ROWS, COLUMNS)
    numbers, scales, minimums = four_bit_floats(read_groups(data, kind))
    found = numbers.view(ROWS, -1, 32) * scales[..., None] + minimums[..., None]
    assert torch.equal(found.view(ROWS, COLUMNS), values(data, kind))
