"""Many rows times packed weights on the matrix unit, in bf16."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from playground.kernels.formats import FORMATS, Format, Packed, pack, unpack
from playground.kernels.library import FEW_ROWS, Activations, Library
from playground.kernels.matrix import ROW_BLOCK
from playground.kernels.program import Program
from playground.kernels.rows import Rounding
from tests.kernels.random_weights import random_groups

KINDS = pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))
TOLERANCE = 1e-6
"""Of the result's norm: products of bf16 are exact, and sums of floats have 24 bits."""


@pytest.fixture(autouse=True)
def the_unit(library: Library) -> None:
    if not library.has_matrix_unit:
        pytest.skip("this processor has no AMX")


def half_rows(count: int, columns: int) -> Tensor:
    """bf16 rows with room for whole blocks; what is behind them is no number."""
    rows = torch.full((-(-count // ROW_BLOCK) * ROW_BLOCK, columns), float("nan"), dtype=torch.bfloat16)
    rows[:count] = torch.randn(count, columns, generator=torch.Generator().manual_seed(count))
    return rows


def expected_of(packed: Packed, rows: Tensor) -> Tensor:
    return rows.double() @ unpack(packed).to(torch.bfloat16).double().T


def distance(found: Tensor, expected: Tensor) -> float:
    return ((found.double() - expected).norm() / expected.norm()).item()


@KINDS
@pytest.mark.parametrize(("count", "shape"), [(1, (32, 256)), (33, (96, 768)), (64, (64, 512)), (70, (416, 1280))])
def test_products_are_those_of_bf16(library: Library, kind: Format, count: int, shape: tuple[int, int]) -> None:
    packed = pack(random_groups(kind, *shape))
    rows = half_rows(count, shape[1])
    out = torch.empty(len(rows), shape[0])
    library.run(Program([library.product(packed, Activations(rows), out, rows=count)]))
    assert distance(out[:count], expected_of(packed, rows[:count])) < TOLERANCE


@pytest.mark.parametrize("columns", [32, 96, 544, 1056])
def test_the_last_panel_of_columns_may_be_narrow(library: Library, columns: int) -> None:
    packed = pack(random_groups(FORMATS["q8_0"], 64, columns))
    rows = half_rows(40, columns)
    out = torch.empty(64, 64)
    library.run(Program([library.product(packed, Activations(rows), out, rows=40)]))
    assert distance(out[:40], expected_of(packed, rows[:40])) < TOLERANCE


@KINDS
def test_a_row_gives_the_same_bits_whatever_rows_come_with_it(library: Library, kind: Format) -> None:
    packed = pack(random_groups(kind, 64, 768))
    rows = torch.randn(70, 768, generator=torch.Generator().manual_seed(3))
    together = library.multiply(packed, rows)
    assert torch.equal(library.multiply(packed, rows.flip(0)).flip(0), together)
    assert torch.equal(library.multiply(packed, rows[20:40]), together[20:40])


def test_a_bias_and_what_is_there_already_are_added_in_place(library: Library) -> None:
    packed = pack(random_groups(FORMATS["q4_k"], 96, 1024))
    rows, bias = half_rows(45, 1024), torch.randn(96)
    before = torch.randn(64, 96)
    out = before.clone()
    library.run(Program([library.product(packed, Activations(rows), out, rows=45, bias=bias, addend=out)]))
    expected = expected_of(packed, rows[:45]) + bias + before[:45]
    assert distance(out[:45], expected) < TOLERANCE


def test_results_can_be_some_columns_of_a_wider_tensor(library: Library) -> None:
    packed = pack(random_groups(FORMATS["q6_k"], 64, 256))
    rows = half_rows(32, 256)
    out = torch.full((32, 160), 7.0)
    library.run(Program([library.product(packed, Activations(rows), out[:, 48:112], rows=32)]))
    assert distance(out[:, 48:112], expected_of(packed, rows)) < TOLERANCE
    assert (out[:, :48] == 7).all()
    assert (out[:, 112:] == 7).all()


def test_rounding_to_bf16_is_that_of_torch(library: Library) -> None:
    rows = torch.randn(20, 96) * torch.logspace(-30, 30, 96)
    x = Activations(torch.empty(20 * 96, dtype=torch.bfloat16))
    library.run(Program([library.stage("round_half", {Rounding.IN: rows} | x.arguments(96), chunks=20)]))
    assert torch.equal(x.numbers.view(20, 96), rows.to(torch.bfloat16))


def test_many_rows_go_to_the_unit_and_few_do_not(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(random_groups(FORMATS["q4_0"], 32, 64))
    rows = torch.randn(FEW_ROWS + 1, 64)
    exact = rows.double() @ unpack(packed).double().T
    assert distance(library.multiply(packed, rows), expected_of(packed, rows.to(torch.bfloat16))) < TOLERANCE
    assert 1e-4 < distance(library.multiply(packed, rows[:FEW_ROWS]), exact[:FEW_ROWS]) < 0.02
    monkeypatch.setattr(library, "has_matrix_unit", False)
    few = library.multiply(packed, rows[:FEW_ROWS])
    assert torch.equal(library.multiply(packed, rows)[:FEW_ROWS], few)
