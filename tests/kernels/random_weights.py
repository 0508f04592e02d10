"""Random weights in every format, and what they mean by the definition of the formats alone."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.kernels.formats import GROUP, SUPER_GROUPS, Format, Groups


def random_groups(kind: Format, out: int, columns: int, *, seed: int = 0) -> Groups:
    """Any numbers that the format can hold, with scales such that weights are of the order of one."""
    random = torch.Generator().manual_seed(seed)
    count = columns // GROUP
    numbers = torch.randint(0, 1 << kind.bits, (out, columns), dtype=torch.uint8, generator=random)
    spread = 1 / (1 << kind.bits)
    if not kind.has_supers:
        scales = (torch.rand(out, count, kind.scales, generator=random) + 0.1) * spread
        scales[..., kind.parts :] *= -(1 << kind.bits) / 2
        return Groups(kind, numbers, scales.half())
    low, high = (-128, 128) if kind.parts == 2 else (0, 64)
    steps = torch.randint(low, high, (out, count, kind.scales), generator=random).to(torch.int8)
    supers = (torch.rand(out, count // SUPER_GROUPS, 1 + kind.has_minimum, generator=random) + 0.1) * spread / 64
    supers[..., 1:] *= -(1 << kind.bits) / 2
    return Groups(kind, numbers, steps, supers.half())


def meaning(groups: Groups) -> Tensor:
    """The weights as float64 [out, in], one number at a time in thought: scale * (number - zero) + minimum."""
    kind, (out, columns) = groups.kind, groups.numbers.shape
    column = torch.arange(columns)
    group = column // GROUP
    part = kind.parts * (column % GROUP) // GROUP
    scale = groups.scales.double()[:, group, part]
    minimum = groups.scales.double()[:, group, -1] if kind.has_minimum else torch.zeros(out, columns).double()
    if groups.supers is not None:
        scale = scale * groups.supers.double()[:, group // SUPER_GROUPS, 0]
        minimum = minimum * groups.supers.double()[:, group // SUPER_GROUPS, -1]
    return scale * (groups.numbers.double() - kind.zero) + minimum
