"""Tensors as they are stored, and the files that they are stored in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gguf import GGMLQuantizationType
from safetensors import safe_open

from playground.kernels.formats import FORMATS, Packed, unpack
from playground.models import stored_weights
from playground.models.gguf import GgufTensor
from playground.models.gguf_blocks import FORMAT_OF
from playground.models.opening import map_tensors
from playground.models.packed_layers import BUFFERS
from playground.models.stored_weights import Held, ShardWriter, hold_packed
from tests.models.random_blocks import random_blocks

ODD = {
    "a": torch.arange(3, dtype=torch.float32).to(torch.bfloat16),
    "b": torch.arange(5 * 32).reshape(5, 32).to(torch.int8),
    "c": torch.tensor(7, dtype=torch.uint8),
    "d": torch.zeros(0, 4, dtype=torch.bfloat16),
}


def write(folder: Path) -> None:
    shards = ShardWriter(folder)
    for name, tensor in ODD.items():
        shards.add({name: tensor})
    shards.close()


def test_tensors_of_odd_shapes_come_back_and_lie_where_every_kernel_may_read_them(tmp_path: Path) -> None:
    write(tmp_path)
    found = map_tensors(tmp_path)
    assert set(found) == set(ODD)
    for name, tensor in found.items():
        assert torch.equal(tensor, ODD[name])
        assert tensor.data_ptr() % 64 == 0


def test_a_large_model_is_spread_over_files_that_other_programs_can_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stored_weights, "SHARD_BYTES", 1)
    write(tmp_path)
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) == 3 + 1  # the empty tensor waits until the end
    with safe_open(files[1], framework="pt") as shard:
        assert torch.equal(shard.get_tensor("b"), ODD["b"])
    assert set(map_tensors(tmp_path)) == set(ODD)


def gguf_tensor(kind: GGMLQuantizationType, rows: int = 160, columns: int = 256) -> GgufTensor:
    return GgufTensor("tensor", (rows, columns), kind, random_blocks(kind, rows, columns))


def values(held: Held) -> torch.Tensor:
    return unpack(Packed(FORMATS[held.kind], *(held.tensors[name] for name in BUFFERS)))


@pytest.mark.parametrize("kind", FORMAT_OF, ids=lambda kind: kind.name)
@pytest.mark.parametrize("is_table", [True, False])
def test_our_kernels_get_the_very_weights_of_the_file(
    monkeypatch: pytest.MonkeyPatch, kind: GGMLQuantizationType, is_table: bool
) -> None:
    monkeypatch.setattr(stored_weights, "PART_ROWS", 64)  # the last part is a smaller one
    tensor = gguf_tensor(kind)
    held = hold_packed(tensor, "int8", is_table=is_table)
    assert held.kind == FORMAT_OF[kind].name
    assert torch.equal(values(held), torch.from_numpy(tensor.floats()))


def test_who_asks_for_four_bits_gets_them_except_for_tables() -> None:
    fine, coarse = gguf_tensor(GGMLQuantizationType.Q6_K), gguf_tensor(GGMLQuantizationType.Q4_K)
    assert hold_packed(fine, "int4", is_table=False).kind == "q4_1"
    assert hold_packed(fine, "int4", is_table=True).kind == "q6_k"
    assert hold_packed(coarse, "int4", is_table=False).kind == "q4_k"


def test_a_matrix_that_no_kernel_takes_is_written_out() -> None:
    held = hold_packed(gguf_tensor(GGMLQuantizationType.Q8_0, rows=40), "int8", is_table=False)
    assert held.kind == "bf16"
    assert held.tensors[""].dtype == torch.bfloat16
