"""The layouts of packed weights: nothing is lost on the way in and out."""

from __future__ import annotations

import pytest
import torch

from playground.kernels.formats import FORMATS, GROUP, ROWS, SUPER_GROUPS, Format, Groups, fits, pack, unpack
from tests.kernels.random_weights import meaning, random_groups

OUT, COLUMNS = 96, 512
KINDS = pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))


@KINDS
def test_weights_come_out_as_they_went_in(kind: Format) -> None:
    groups = random_groups(kind, OUT, COLUMNS)
    # Only the product of two scales needs more digits than a float has.
    torch.testing.assert_close(unpack(pack(groups)).double(), meaning(groups), rtol=2e-7, atol=1e-7)


@KINDS
def test_every_single_number_has_its_own_place(kind: Format) -> None:
    numbers = random_groups(kind, OUT, COLUMNS).numbers
    scales = torch.ones(OUT, COLUMNS // GROUP, kind.scales)
    scales[..., kind.parts :] = 0
    supers = torch.ones(OUT, COLUMNS // GROUP // SUPER_GROUPS, 1 + kind.has_minimum).half() if kind.has_supers else None
    groups = Groups(kind, numbers, scales.to(torch.int8 if kind.has_supers else torch.float16), supers)
    assert torch.equal(unpack(pack(groups)), numbers.float() - kind.zero)


@KINDS
def test_chosen_rows_are_those_of_the_whole(kind: Format) -> None:
    packed = pack(random_groups(kind, OUT, COLUMNS))
    rows = torch.tensor([0, 95, 17, 17, 31, 64, 1])
    assert torch.equal(unpack(packed, rows), unpack(packed)[rows])
    assert unpack(packed, rows[:0]).shape == (0, COLUMNS)


@KINDS
def test_arrays_have_the_sizes_that_the_kernels_count_with(kind: Format) -> None:
    packed = pack(random_groups(kind, OUT, COLUMNS))
    groups = OUT // ROWS * COLUMNS // GROUP
    assert packed.shape == (OUT, COLUMNS)
    assert packed.numbers.nbytes == groups * kind.number_bytes
    assert packed.bits.nbytes == groups * kind.bit_bytes
    assert packed.scales.nbytes == groups * kind.scale_bytes
    assert packed.supers.nbytes == groups // SUPER_GROUPS * kind.super_bytes
    for array in (packed.numbers, packed.bits, packed.scales, packed.supers):
        assert array.is_contiguous()


@KINDS
@pytest.mark.parametrize("shape", [(16, 256), (40, 256), (0, 256), (32, 40), (32, 0)])
def test_a_shape_that_no_kernel_takes_is_refused(kind: Format, shape: tuple[int, int]) -> None:
    out, columns = shape
    groups = Groups(kind, torch.zeros(shape, dtype=torch.uint8), torch.zeros(out, columns // GROUP, kind.scales))
    assert not fits(kind, out, columns)
    with pytest.raises(ValueError, match=f"{out} x {columns} weights do not fit {kind.name}"):
        pack(groups)


@KINDS
def test_formats_with_super_scales_need_whole_blocks_of_256_columns(kind: Format) -> None:
    assert fits(kind, 32, 256)
    assert fits(kind, 32, 96) is not kind.has_supers
