"""Rows of a packed table as floats."""

from __future__ import annotations

import pytest
import torch

from playground.kernels.embedding import Embed
from playground.kernels.formats import FORMATS, GROUP, Format, pack, unpack
from playground.kernels.library import Library, weights
from playground.kernels.program import Program
from tests.kernels.random_weights import random_groups


@pytest.mark.parametrize("multiplier", [1.0, 8.5])
@pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))
def test_the_rows_of_all_ids_are_those_of_the_table(library: Library, kind: Format, multiplier: float) -> None:
    packed = pack(random_groups(kind, 96, 512))
    ids = torch.tensor([0, 95, 17, 17, 31, 64, 1])
    out = torch.full((len(ids) + 1, 512), 7.0)
    arguments = {Embed.GROUPS: 512 // GROUP, Embed.IDS: ids, Embed.OUT: out, Embed.MULTIPLIER: multiplier}
    library.run(Program([library.stage(f"embed_{kind.name}", arguments | weights(packed), chunks=len(ids))]))
    torch.testing.assert_close(out[:-1], unpack(packed, ids) * multiplier, rtol=1e-6, atol=1e-6)
    assert (out[-1] == 7).all()
