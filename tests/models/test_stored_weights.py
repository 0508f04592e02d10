from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open

from playground.models import stored_weights
from playground.models.opening import map_tensors
from playground.models.stored_weights import ShardWriter

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
