"""Few rows times packed weights, as integers: right, and for a row always the same whatever comes with it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playground.kernels.formats import FORMATS, GROUP, Format, Groups, pack, unpack
from playground.kernels.library import Activations, Library
from playground.kernels.program import Program
from playground.kernels.rows import Rounding
from tests.kernels.random_weights import random_groups

KINDS = pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))
TOLERANCE = 1e-6
"""Of the result's norm: whole numbers are multiplied without loss, and sums of floats have 24 bits."""


def random_rows(count: int, columns: int, *, seed: int = 1) -> Tensor:
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(seed))


def rounded(library: Library, rows: Tensor) -> tuple[Activations, Tensor]:
    """Rows as the product wants them, and what they are now."""
    count, columns = rows.shape
    x = Activations.rounded(count, columns)
    library.run(Program([library.stage("round", {Rounding.IN: rows} | x.arguments(columns), chunks=count)]))
    assert x.scales is not None
    return x, (x.numbers.view(count, -1, GROUP) * x.scales.view(count, -1, 1)).flatten(1)


def distance(found: Tensor, expected: Tensor) -> float:
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


@KINDS
@pytest.mark.parametrize("shape", [(32, 256), (416, 768)])
def test_products_are_those_of_the_rounded_rows_with_the_unpacked_weights(
    library: Library, kind: Format, shape: tuple[int, int]
) -> None:
    packed = pack(random_groups(kind, *shape))
    x, values = rounded(library, random_rows(9, shape[1]))
    expected = values.double() @ unpack(packed).double().T
    for count in range(1, 10):
        out = torch.full((9, shape[0]), 7.0)
        library.run(Program([library.product(packed, x, out, rows=count)]))
        assert distance(out[:count], expected[:count]) < TOLERANCE
        assert (out[count:] == 7).all()


@pytest.mark.parametrize("kind", [kind for kind in FORMATS.values() if not kind.has_supers], ids=lambda kind: kind.name)
@pytest.mark.parametrize("columns", [32, 96, 576])
def test_formats_without_super_scales_take_any_number_of_groups(library: Library, kind: Format, columns: int) -> None:
    packed = pack(random_groups(kind, 64, columns))
    rows = random_rows(3, columns)
    expected = rounded(library, rows)[1].double() @ unpack(packed).double().T
    assert distance(library.multiply(packed, rows), expected) < TOLERANCE


@KINDS
def test_the_largest_numbers_do_not_overflow(library: Library, kind: Format) -> None:
    groups = random_groups(kind, 32, 512)
    numbers = torch.full_like(groups.numbers, (1 << kind.bits) - 1)
    packed = pack(Groups(kind, numbers, groups.scales, groups.supers))
    for sign in (1.0, -1.0):
        rows = torch.full((1, 512), sign * 1000)
        assert distance(library.multiply(packed, rows), rows.double() @ unpack(packed).double().T) < TOLERANCE


@KINDS
@given(chosen=st.lists(st.integers(0, 11), min_size=1, max_size=16))
@settings(max_examples=12, deadline=None)
def test_a_row_gives_the_same_bits_whatever_rows_come_with_it(
    library: Library, kind: Format, chosen: list[int]
) -> None:
    packed = pack(random_groups(kind, 96, 512))
    pool = random_rows(12, 512)
    together = library.multiply(packed, pool[chosen])
    for found, index in zip(together, chosen, strict=True):
        assert torch.equal(found, library.multiply(packed, pool[index : index + 1])[0])


@KINDS
def test_the_number_of_threads_changes_no_bit(library: Library, kind: Format) -> None:
    packed, rows = pack(random_groups(kind, 416, 512)), random_rows(5, 512)
    expected = library.multiply(packed, rows)
    try:
        library.use_threads(1)
        assert torch.equal(library.multiply(packed, rows), expected)
    finally:
        library.use_threads(library.threads)


def test_a_bias_and_what_is_there_already_are_added(library: Library) -> None:
    packed = pack(random_groups(FORMATS["q4_1"], 64, 96))
    x, values = rounded(library, random_rows(5, 96))
    bias, before = torch.randn(64), torch.randn(5, 64)
    plain = values.double() @ unpack(packed).double().T
    for rows in (1, 5):
        out = before.clone()
        library.run(Program([library.product(packed, x, out, rows=rows, bias=bias, addend=out)]))
        assert distance(out[:rows], plain[:rows] + bias + before[:rows]) < TOLERANCE
        assert torch.equal(out[rows:], before[rows:])


def test_results_can_be_some_columns_of_a_wider_tensor(library: Library) -> None:
    packed = [pack(random_groups(FORMATS[name], out, 256)) for name, out in (("q4_k", 64), ("q6_k", 32))]
    x, values = rounded(library, random_rows(3, 256))
    out = torch.full((3, 128), 7.0)
    stages = [
        library.product(packed[0], x, out[:, :64], rows=3, waits=False),
        library.product(packed[1], x, out[:, 80:112], rows=3),
    ]
    library.run(Program(stages))
    assert distance(out[:, :64], values.double() @ unpack(packed[0]).double().T) < TOLERANCE
    assert distance(out[:, 80:112], values.double() @ unpack(packed[1]).double().T) < TOLERANCE
    assert (out[:, 64:80] == 7).all()
    assert (out[:, 112:] == 7).all()
