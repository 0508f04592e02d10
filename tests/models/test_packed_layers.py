"""Layers over our own kernels."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from playground.kernels.formats import FORMATS, Format, pack, unpack
from playground.kernels.library import Library
from playground.models.packed_layers import PackedEmbedding, PackedLinear, pack_linear
from playground.models.quantization import held_as, quantize_linear, tied_embedding
from playground.models.rounding import group_int4, group_int8
from tests.kernels.random_weights import random_groups

KINDS = pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))
OUT, COLUMNS = 96, 256
EIGHT_BIT_ROWS = 0.012
"""What rounding random rows to 8 bits may change of a product."""


@pytest.fixture(autouse=True)
def the_same_numbers_every_time() -> None:
    torch.manual_seed(0)


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


def layer(library: Library, kind: Format = FORMATS["q4_k"], *, bias: bool = True) -> PackedLinear:
    given = torch.randn(OUT).to(torch.bfloat16) if bias else None
    return PackedLinear(pack(random_groups(kind, OUT, COLUMNS)), library, given)


@KINDS
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 20)])
def test_a_packed_layer_multiplies_as_its_weights_do_for_any_leading_shape(
    library: Library, kind: Format, shape: tuple[int, ...]
) -> None:
    linear = layer(library, kind)
    inputs = torch.randn(*shape, COLUMNS)
    assert linear.bias is not None
    expected = functional.linear(inputs.double(), unpack(linear.packed).double(), linear.bias.double())
    outputs = linear(inputs)
    assert outputs.shape == (*shape, OUT)
    assert relative(outputs, expected) < EIGHT_BIT_ROWS


def test_no_rows_give_no_rows(library: Library) -> None:
    assert layer(library)(torch.empty(0, COLUMNS)).shape == (0, OUT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_layer_answers_in_the_type_that_it_was_asked_in(library: Library, dtype: torch.dtype) -> None:
    linear = layer(library)
    inputs = torch.randn(20, COLUMNS).to(dtype)
    outputs = linear(inputs)
    assert outputs.dtype == dtype
    assert relative(outputs, linear(inputs.float())) < 0.01


def test_rows_need_not_lie_side_by_side(library: Library) -> None:
    linear, wide = layer(library), torch.randn(4, COLUMNS, 2)
    assert torch.equal(linear(wide[..., 1]), linear(wide[..., 1].contiguous()))


@KINDS
def test_gradients_reach_the_input_and_are_those_of_the_weights(library: Library, kind: Format) -> None:
    linear = layer(library, kind)
    inputs = torch.randn(3, COLUMNS, requires_grad=True)
    outputs = linear(inputs)
    outputs.sum().backward()
    assert inputs.grad is not None
    torch.testing.assert_close(inputs.grad, unpack(linear.packed).sum(0).expand(3, -1), rtol=1e-4, atol=1e-4)
    assert relative(outputs, linear(inputs.detach())) < EIGHT_BIT_ROWS


@KINDS
def test_an_embedding_gives_the_rows_of_its_table(kind: Format) -> None:
    embedding = PackedEmbedding(pack(random_groups(kind, OUT, COLUMNS)))
    ids = torch.tensor([[0, 95], [17, 17]])
    table = unpack(embedding.packed).to(torch.bfloat16)
    assert torch.equal(embedding(ids), functional.embedding(ids, table))
    assert (embedding.num_embeddings, embedding.embedding_dim) == (OUT, COLUMNS)


def test_a_scaled_embedding_is_the_plain_one_times_its_multiplier() -> None:
    packed = pack(random_groups(FORMATS["q8_0"], OUT, COLUMNS))
    ids = torch.arange(OUT)
    assert torch.equal(PackedEmbedding(packed, multiplier=8.0)(ids), PackedEmbedding(packed)(ids) * 8)


def test_head_and_embedding_of_one_table_share_their_memory(library: Library) -> None:
    head = layer(library, FORMATS["q6_k"], bias=False)
    embedding = tied_embedding(head, 2.0)
    assert isinstance(embedding, PackedEmbedding)
    assert embedding.multiplier == 2.0
    for name in ("numbers", "bits", "scales", "supers"):
        assert getattr(embedding, name).data_ptr() == getattr(head, name).data_ptr()


def test_random_weights_survive_4_bits_within_8_percent_and_8_bits_within_half_a_percent() -> None:
    weights = torch.randn(128, 256)
    assert relative(unpack(pack(group_int4(weights))), weights) < 0.08
    assert relative(unpack(pack(group_int8(weights))), weights) < 0.006


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 1e-3])
def test_constant_weights_stay_what_they_are(value: float) -> None:
    weights = torch.full((32, 64), value)
    for groups in (group_int4(weights), group_int8(weights)):
        assert torch.allclose(unpack(pack(groups)), weights, rtol=0.01)


def test_weights_of_very_different_sizes_each_keep_their_own_precision() -> None:
    sizes = torch.logspace(-3, 3, 8).repeat_interleave(32)
    weights = torch.randn(32, 256) * sizes
    for groups, limit in ((group_int4(weights), 0.12), (group_int8(weights), 0.01)):
        found = unpack(pack(groups)).unflatten(1, (8, 32))
        for index in range(8):
            assert relative(found[:, index], weights.unflatten(1, (8, 32))[:, index]) < limit


@pytest.mark.parametrize(("bits", "name"), [(4, "q4_1"), (8, "q8_0")])
def test_a_float_layer_is_packed_with_its_bias(library: Library, bits: int, name: str) -> None:
    linear = nn.Linear(64, 96).to(torch.bfloat16)
    packed = quantize_linear(linear, bits=bits, library=library)
    assert isinstance(packed, PackedLinear)
    assert packed.kind.name == name
    assert torch.equal(packed.bias, linear.bias)
    inputs = torch.randn(4, 64)
    expected = functional.linear(inputs, linear.weight.float(), linear.bias.float())
    assert relative(packed(inputs), expected) < (0.1 if bits == 4 else EIGHT_BIT_ROWS)
    assert held_as(nn.Sequential(packed)) == f"int{bits}"


@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (16, 32)])
def test_a_shape_that_no_kernel_takes_stays_as_it_is(library: Library, shape: tuple[int, int]) -> None:
    linear = nn.Linear(shape[1], shape[0])
    assert pack_linear(linear, library, bits=4) is None
    assert quantize_linear(linear, bits=8, library=library) is linear
