"""What is done to single rows: rounding, norms, activations, rotation; against the same in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from playground.kernels.formats import GROUP
from playground.kernels.library import Activations, Library
from playground.kernels.program import Program
from playground.kernels.rows import Gate, Norm, Rotation, Rounding

ROWS, COLUMNS, EPSILON = 5, 96, 1e-5
CLOSE = {"rtol": 2e-6, "atol": 2e-6}


def run(library: Library, name: str, arguments: Mapping[IntEnum, object], *, chunks: int = ROWS) -> None:
    library.run(Program([library.stage(name, arguments, chunks=chunks)]))


def halves(columns: int = COLUMNS) -> Activations:
    return Activations(torch.empty(ROWS * columns, dtype=torch.bfloat16))


def values(x: Activations, columns: int = COLUMNS) -> Tensor:
    """The rows that 8-bit numbers and their scales stand for."""
    assert x.scales is not None
    return (x.numbers.view(ROWS, -1, GROUP) * x.scales.view(ROWS, -1, 1)).view(ROWS, columns)


def check_rounded(x: Activations, expected: Tensor) -> None:
    """Every number is off by half a step at most, and the sums are those of the numbers."""
    columns = expected.shape[1]
    assert x.scales is not None
    assert x.sums is not None
    largest = expected.view(ROWS, -1, GROUP).abs().amax(-1)
    torch.testing.assert_close(x.scales.view(ROWS, -1), largest / 127, rtol=4e-6, atol=0)
    error = (values(x, columns) - expected).abs().view(ROWS, -1, GROUP)
    assert (error <= x.scales.view(ROWS, -1, 1) * 0.5001 + 1e-30).all()
    assert torch.equal(x.sums, x.numbers.view(-1, GROUP // 2).sum(-1, dtype=torch.int32))


def test_rounding_to_8_bits_keeps_every_number_within_half_a_step(library: Library) -> None:
    rows = torch.randn(ROWS, COLUMNS) * torch.logspace(-20, 20, ROWS).unsqueeze(1)
    x = Activations.rounded(ROWS, COLUMNS)
    run(library, "round", {Rounding.IN: rows} | x.arguments(COLUMNS))
    check_rounded(x, rows)


def test_zeros_stay_zeros(library: Library) -> None:
    x = Activations.rounded(ROWS, COLUMNS)
    run(library, "round", {Rounding.IN: torch.zeros(ROWS, COLUMNS)} | x.arguments(COLUMNS))
    for part in (x.numbers, x.scales, x.sums):
        assert part is not None
        assert not part.any()


@pytest.mark.parametrize("wild", [float("nan"), float("inf"), float("-inf"), 3e38, 1e-45])
def test_wild_numbers_end_and_spoil_no_other_row(library: Library, wild: float) -> None:
    rows, weight = torch.randn(ROWS, COLUMNS), torch.randn(COLUMNS)
    tame, wilder = rows.clone(), rows.clone()
    wilder[2, 7] = wild
    wilder[3] = wild
    for name in ("round", "norm", "round_half", "norm_half"):
        found = []
        for given in (tame, wilder):
            x = halves() if name.endswith("half") else Activations.rounded(ROWS, COLUMNS)
            norm = {Norm.WEIGHT: weight, Norm.EPSILON: EPSILON} if name.startswith("norm") else {}
            run(library, name, {Rounding.IN: given} | norm | x.arguments(COLUMNS))
            found.append(x.numbers.view(ROWS, COLUMNS)[[0, 1, 4]])
        assert torch.equal(*found)


@pytest.mark.parametrize("columns", [32, 96, 2048])
def test_norm_is_that_of_torch(library: Library, columns: int) -> None:
    rows, weight = torch.randn(ROWS, columns) * 30, torch.randn(columns)
    expected = functional.rms_norm(rows, (columns,), weight, EPSILON)
    arguments = {Norm.IN: rows, Norm.WEIGHT: weight, Norm.EPSILON: EPSILON}
    x, half = Activations.rounded(ROWS, columns), halves(columns)
    run(library, "norm", arguments | x.arguments(columns))
    check_rounded(x, expected)
    run(library, "norm_half", arguments | half.arguments(columns))
    torch.testing.assert_close(half.numbers.view(ROWS, columns).float(), expected, rtol=2**-8, atol=1e-7)


def test_a_normed_branch_is_added_to_what_is_there(library: Library) -> None:
    rows, weight, out = torch.randn(ROWS, COLUMNS), torch.randn(COLUMNS), torch.randn(ROWS, COLUMNS)
    expected = out + functional.rms_norm(rows, (COLUMNS,), weight, EPSILON)
    arguments = {Norm.COLUMNS: COLUMNS, Norm.IN: rows, Norm.OUT: out, Norm.WEIGHT: weight, Norm.EPSILON: EPSILON}
    run(library, "normed_add", arguments)
    torch.testing.assert_close(out, expected, **CLOSE)


@pytest.mark.parametrize("part_columns", [32, 64, 512])
@pytest.mark.parametrize("name", ["silu", "gelu_pytorch_tanh"])
def test_gates_are_those_of_torch_in_any_number_of_parts(library: Library, name: str, part_columns: int) -> None:
    both = torch.randn(ROWS, 2 * COLUMNS) * 4
    both[0, :8] = torch.tensor([0.0, 88.0, -88.0, 1e4, -1e4, 1e20, -1e20, 1e-30])
    gate, up = both.split(COLUMNS, dim=1)
    activated = functional.silu(gate) if name == "silu" else functional.gelu(gate, approximate="tanh")
    parts = -(-COLUMNS // part_columns)
    arguments = {Gate.IN: both, Gate.PARTS: parts, Gate.PART_COLUMNS: part_columns}
    x, half = Activations.rounded(ROWS, COLUMNS), halves()
    run(library, f"gate_{name}", arguments | x.arguments(COLUMNS), chunks=ROWS * parts)
    check_rounded(x, activated * up)
    run(library, f"gate_{name}_half", arguments | half.arguments(COLUMNS), chunks=ROWS * parts)
    torch.testing.assert_close(half.numbers.view(ROWS, COLUMNS).float(), activated * up, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("normed", [False, True])
@pytest.mark.parametrize("size", [16, 64, 96, 256])
def test_rotation_is_that_of_transformers_after_the_norm_of_each_head(
    library: Library, size: int, normed: bool
) -> None:
    heads, key_heads = 6, 2
    rows = torch.randn(ROWS, heads + 2 * key_heads, size)
    norms = (torch.randn(size), torch.randn(size)) if normed else (None, None)
    angles = torch.outer(torch.arange(50.0), 10_000 ** -(torch.arange(size // 2) * 2 / size))
    positions = torch.tensor([0, 49, 7, 7, 20])
    expected = rows.clone()
    for part, weight in zip((slice(0, heads), slice(heads, heads + key_heads)), norms, strict=True):
        vectors = rows[:, part] if weight is None else functional.rms_norm(rows[:, part], (size,), weight, EPSILON)
        cosine, sine = (torch.cat([part, part], -1).unsqueeze(1) for part in (angles.cos(), angles.sin()))
        turned = torch.cat([-vectors[..., size // 2 :], vectors[..., : size // 2]], -1)
        expected[:, part] = vectors * cosine[positions] + turned * sine[positions]
    out = torch.empty(rows.shape, dtype=torch.bfloat16)
    arguments = {
        Rotation.HEADS: heads,
        Rotation.KEY_HEADS: key_heads,
        Rotation.SIZE: size,
        Rotation.IN: rows.clone(),
        Rotation.OUT: out,
        Rotation.POSITIONS: positions,
        Rotation.COSINES: angles.cos(),
        Rotation.SINES: angles.sin(),
        Rotation.QUERY_NORM: norms[0],
        Rotation.KEY_NORM: norms[1],
        Rotation.EPSILON: EPSILON,
    }
    run(library, "rotate", arguments)
    torch.testing.assert_close(out.float(), expected, rtol=2**-8, atol=2e-6)
    assert torch.equal(out[:, heads + key_heads :], rows[:, heads + key_heads :].to(torch.bfloat16))
