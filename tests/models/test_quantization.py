"""Layers over PyTorch's own integer kernels, for processors that ours do not run on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize
from torch import nn

from playground.models import quantization
from playground.models.gguf_blocks import FORMAT_OF, read_groups
from playground.models.quantization import (
    Int4Linear,
    Int8Embedding,
    Int8Linear,
    fits_int4,
    fits_int8,
    pack_int4,
    packed_layout,
    quantize_linear,
)
from playground.models.rounding import four_bit_floats, quantize_int4, quantize_int8
from tests.models.random_blocks import random_blocks

FOUR_BIT = [kind for kind, format_ in FORMAT_OF.items() if format_.bits == 4]


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return ((found.float() - expected.float()).norm() / expected.float().norm()).item()


def int4_layer(out_features: int = 192, in_features: int = 96, *, bias: bool = True) -> Int4Linear:
    torch.manual_seed(1)
    linear = quantize_linear(nn.Linear(in_features, out_features, bias=bias).to(torch.bfloat16))
    assert isinstance(linear, Int4Linear)
    return linear


@pytest.mark.parametrize("kind", FOUR_BIT)
def test_a_packed_layer_unpacks_to_the_files_weights_up_to_the_rounding_of_scales(kind: GGMLQuantizationType) -> None:
    data = random_blocks(kind, 64, 512)
    packed, scales_and_zeros = pack_int4(*four_bit_floats(read_groups(data, kind)))
    unpacked = Int4Linear(packed, scales_and_zeros).unpacked().T
    expected = torch.from_numpy(dequantize(data, kind).reshape(64, 512))
    assert relative(unpacked, expected) < 2**-8


def test_the_order_of_packed_weights_is_known_on_this_machine() -> None:
    assert packed_layout() is not None


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 100), (0,)])
def test_an_int4_layer_multiplies_as_its_unpacked_weights_do_for_any_leading_shape(shape: tuple[int, ...]) -> None:
    layer = int4_layer()
    inputs = torch.randn(*shape, 96, dtype=torch.bfloat16)
    expected = inputs.float() @ layer.unpacked().float() + layer.bias.float()
    outputs = layer(inputs)
    assert outputs.shape == (*shape, 192)
    assert outputs.numel() == 0 or relative(outputs, expected) < 0.01


def test_few_and_many_rows_give_the_same_products() -> None:
    layer = int4_layer(bias=False)
    rows = torch.randn(200, 96, dtype=torch.bfloat16)
    assert relative(layer.multiply(rows), layer.multiply_unpacked(rows)) < 0.01
    eight = quantize_linear(nn.Linear(96, 70, bias=False), bits=8)
    assert relative(eight.multiply(rows), eight.multiply_unpacked(rows)) < 0.01


def test_a_table_of_many_rows_is_unpacked_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = quantize_linear(nn.Linear(64, 100), bits=8)
    rows = torch.randn(20, 64, dtype=torch.bfloat16)
    whole = layer(rows)
    monkeypatch.setattr(quantization, "UNPACKED_ROWS", 33)
    assert torch.equal(layer(rows), whole)


def test_a_layer_answers_in_the_type_that_it_was_asked_in() -> None:
    assert int4_layer()(torch.randn(2, 96)).dtype == torch.float32


def test_gradients_reach_the_input_of_quantised_layers() -> None:
    for layer in (int4_layer(), quantize_linear(nn.Linear(96, 64), bits=8)):
        inputs = torch.randn(3, 96, dtype=torch.bfloat16, requires_grad=True)
        layer(inputs).float().sum().backward()
        assert inputs.grad is not None
        assert inputs.grad.abs().sum() > 0


def test_four_bits_keep_random_weights_within_eight_percent_and_eight_bits_within_one() -> None:
    weights = torch.randn(128, 256, generator=torch.Generator().manual_seed(0))
    numbers, scales, minimums = quantize_int4(weights)
    four = (numbers.reshape(128, -1, 32) * scales[..., None] + minimums[..., None]).reshape(128, 256)
    assert relative(four, weights) < 0.08
    eight, row_scales = quantize_int8(weights)
    assert relative(eight * row_scales.float()[:, None], weights) < 0.01


def test_constant_and_zero_weights_stay_what_they_are() -> None:
    for value in (0.0, 0.5, -3.0):
        weights = torch.full((64, 32), value)
        numbers, scales, minimums = quantize_int4(weights)
        found = numbers * scales + minimums
        assert torch.allclose(found, weights, rtol=0.01)
        eight, row_scales = quantize_int8(weights)
        assert torch.allclose(eight * row_scales.float()[:, None], weights, rtol=0.01)


@pytest.mark.parametrize(
    ("shape", "four", "eight"), [((64, 32), True, True), ((96, 64), False, True), ((64, 40), False, False)]
)
def test_a_shape_that_no_kernel_takes_stays_as_it_is(shape: tuple[int, int], four: bool, eight: bool) -> None:
    assert (fits_int4(*shape), fits_int8(*shape)) == (four, eight)
    linear = nn.Linear(shape[1], shape[0])
    expected = Int4Linear if four else Int8Linear if eight else nn.Linear
    assert type(quantize_linear(linear)) is expected


def test_an_embedding_and_an_output_layer_share_one_table() -> None:
    weight, scales = quantize_int8(torch.randn(50, 64))
    embedding, head = Int8Embedding(weight, scales, multiplier=8.0), Int8Linear(weight, scales)
    ids = torch.tensor([[3, 49], [0, 3]])
    assert embedding(ids).shape == (2, 2, 64)
    assert torch.equal(embedding(ids)[0, 0], embedding(ids)[1, 1])
    assert relative(embedding(ids)[0, 1] / 8, weight[49].float() * scales[49].float()) < 0.01
    assert embedding.weight.data_ptr() == head.weight.data_ptr()


def test_q5_0_weights_survive_eight_bits_almost_unchanged() -> None:
    weights = np.random.default_rng(0).normal(size=(64, 256)).astype(np.float32)
    data = quantize(weights, GGMLQuantizationType.Q5_0)
    held = torch.from_numpy(dequantize(data, GGMLQuantizationType.Q5_0))
    eight, scales = quantize_int8(held)
    assert relative(eight * scales.float()[:, None], held) < 0.012
