"""How quantised weights lie in memory for the kernels: 16 rows side by side, 32 columns to a group.

Owns the layouts, how numbers get into them and how they come out again as floats. Knows no file format and no machine
code. Every format of GGUF that is listed here keeps its very numbers and scales.

A weight is `scale * (number - zero)`, or `scale * number + minimum`. Arrays of one weight matrix [out, in]:

- `numbers` uint8 [out / 16, in / 32, 4 or 8, 16, 4]: vector, row, column. Eight vectors of four columns; below 8 bits
  two vectors share a byte, vector i in the low half and vector i + 4 in the high half.
- `bits` uint8 [out / 16, in / 32, planes, 8, 8]: what numbers of 5 and 6 bits have beyond four, a bit a weight.
- `scales` [out / 16, in / 32, scales, 16]: float16, or int8 steps of a super-scale. Scales of the group's parts, then
  the minimum.
- `supers` float16 [out / 16, in / 256, 1 or 2, 16]: what the steps of 256 columns are multiplied by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

GROUP = 32
SUPER_GROUPS = 8
"""Groups that share a super-scale."""
ROWS = 16


@dataclass(frozen=True)
class Format:
    """One layout. `parts` is the number of scales in a group: 1, or 2 for 16 columns each."""

    name: str
    bits: int
    zero: int = 0
    has_minimum: bool = False
    has_supers: bool = False
    parts: int = 1

    @property
    def scales(self) -> int:
        """Entries of `scales` in a group."""
        return self.parts + self.has_minimum

    @property
    def number_bytes(self) -> int:
        """Bytes of a group of 16 rows in `numbers`."""
        return ROWS * GROUP if self.bits == 8 else ROWS * GROUP // 2

    @property
    def bit_bytes(self) -> int:
        """Bytes of a group in `bits`."""
        return 0 if self.bits == 8 else (self.bits - 4) * ROWS * GROUP // 8

    @property
    def scale_bytes(self) -> int:
        """Bytes of a group in `scales`."""
        return self.scales * ROWS * (1 if self.has_supers else 2)

    @property
    def super_bytes(self) -> int:
        """Bytes of a super-group in `supers`."""
        return (1 + self.has_minimum) * ROWS * 2 if self.has_supers else 0


FORMATS = {
    kind.name: kind
    for kind in (
        Format("q4_0", 4, zero=8),
        Format("q4_1", 4, has_minimum=True),
        Format("q4_k", 4, has_minimum=True, has_supers=True),
        Format("q5_0", 5, zero=16),
        Format("q5_1", 5, has_minimum=True),
        Format("q5_k", 5, has_minimum=True, has_supers=True),
        Format("q6_k", 6, zero=32, has_supers=True, parts=2),
        Format("q8_0", 8, zero=128),
    )
}


@dataclass(frozen=True, eq=False)
class Groups:
    """Weights as plain groups, as they come out of a file. `numbers` uint8 [out, in]; `scales` [out, in / 32, scales];
    `supers` float16 [out, in / 256, 1 or 2] or None."""

    kind: Format
    numbers: Tensor
    scales: Tensor
    supers: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights in the layout of a kernel; the arrays are described at the head of this file."""

    kind: Format
    numbers: Tensor
    bits: Tensor
    scales: Tensor
    supers: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(out, in)."""
        return self.numbers.shape[0] * ROWS, self.numbers.shape[1] * GROUP


def fits(kind: Format, out_features: int, in_features: int) -> bool:
    """Whether a matrix of this shape can be packed in this format."""
    columns = GROUP * SUPER_GROUPS if kind.has_supers else GROUP
    return min(out_features, in_features) > 0 and out_features % (2 * ROWS) == 0 and in_features % columns == 0


def pack(groups: Groups) -> Packed:
    """Plain groups -> the kernel's layout. Raises ValueError for a shape that does not fit."""
    kind, (out, columns) = groups.kind, groups.numbers.shape
    if not fits(kind, out, columns):
        raise ValueError(f"{out} x {columns} weights do not fit {kind.name}")
    blocks, count = out // ROWS, columns // GROUP
    # Four neighbours of a row stay together, so they are moved as one.
    words = groups.numbers.contiguous().view(torch.int32).view(blocks, ROWS, count, 8).permute(0, 2, 3, 1)
    quads = words.contiguous().view(torch.uint8).view(blocks, count, 8, ROWS, 4)
    if kind.bits == 8:
        numbers, bits = quads, torch.empty(0, dtype=torch.uint8)
    else:
        low = quads & 15
        numbers = (low[:, :, :4] | (low[:, :, 4:] << 4)).contiguous()
        planes = [_bit_plane(quads, 4 + plane) for plane in range(kind.bits - 4)]
        bits = torch.stack(planes, 2).contiguous() if planes else torch.empty(0, dtype=torch.uint8)
    scales = groups.scales.view(blocks, ROWS, count, kind.scales).permute(0, 2, 3, 1).contiguous()
    supers = torch.empty(0, dtype=torch.float16)
    if groups.supers is not None:
        supers = groups.supers.view(blocks, ROWS, count // SUPER_GROUPS, -1).permute(0, 2, 3, 1).contiguous()
    return Packed(kind, numbers, bits, scales, supers)


def _bit_plane(quads: Tensor, bit: int) -> Tensor:
    """One bit of all numbers, [blocks, groups, 8, 8]; byte b of a vector has the bits of its numbers 8 b to 8 b + 7."""
    chosen = ((quads >> bit) & 1).flatten(-2)
    return torch.from_numpy(np.packbits(chosen.numpy(), axis=-1, bitorder="little"))


def unpack(packed: Packed, rows: Tensor | None = None) -> Tensor:
    """The weights as float32 [out, in], or only those rows (int64 [n]) as [n, in]. Exact."""
    kind = packed.kind
    if rows is None:
        numbers, scales = _all_numbers(packed), packed.scales.permute(0, 3, 1, 2).flatten(0, 1)
        supers = packed.supers.permute(0, 3, 1, 2).flatten(0, 1) if kind.has_supers else None
    else:
        block, lane = rows // ROWS, rows % ROWS
        numbers, scales = _some_numbers(packed, block, lane), packed.scales[block, :, :, lane]
        supers = packed.supers[block, :, :, lane] if kind.has_supers else None
    values = numbers.float().unflatten(-1, (-1, GROUP))
    steps = scales.float()
    if supers is not None:
        wide = supers.float().repeat_interleave(SUPER_GROUPS, 1)
        minimum = wide[..., 1:]
        steps = steps * (torch.cat([wide[..., :1], minimum], -1) if kind.has_minimum else wide)
    scale = steps[..., : kind.parts].repeat_interleave(GROUP // kind.parts, -1)
    values = (values - kind.zero) * scale
    if kind.has_minimum:
        values = values + steps[..., kind.parts :]
    return values.flatten(1)


def _all_numbers(packed: Packed) -> Tensor:
    quads = packed.numbers
    if packed.kind.bits < 8:
        quads = torch.cat([quads & 15, quads >> 4], 2)
        for plane in range(packed.kind.bits - 4):
            quads = quads | (_spread(packed.bits[:, :, plane]).view_as(quads) << (4 + plane))
    return quads.permute(0, 3, 1, 2, 4).flatten(2).flatten(0, 1)


def _some_numbers(packed: Packed, block: Tensor, lane: Tensor) -> Tensor:
    quads = packed.numbers[block, :, :, lane]
    if packed.kind.bits < 8:
        quads = torch.cat([quads & 15, quads >> 4], 2)
        for plane in range(packed.kind.bits - 4):
            bits = _spread(packed.bits[block, :, plane]).unflatten(-1, (ROWS, 4))
            chosen = bits[torch.arange(len(block)), :, :, lane]
            quads = quads | (chosen << (4 + plane))
    return quads.flatten(1)


def _spread(plane: Tensor) -> Tensor:
    """Bytes [..., 8] -> their bits [..., 64]."""
    places = torch.arange(8, dtype=torch.uint8)
    return ((plane.unsqueeze(-1) >> places) & 1).flatten(-2)
