"""Networks of packed weights alone: the same tensors under the same names, without transformers' model classes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoConfig

from playground.kernels.library import Library, open_library
from playground.models import loader
from playground.models.opening import in_transformers
from playground.models.packed_network import PackedNetwork, table_multiplier
from tests.models.tiny_gguf import TinyModel, write_tiny_model

FAMILIES = ["llama", "qwen2", "gemma3"]
OPEN_ALONE = """
import sys
from pathlib import Path
from playground.engine.session import open_session
from playground.models import loader, machine
from playground.models.catalog import ModelSpec
import app

file, cache = map(Path, sys.argv[1:])
machine._measure = lambda key: machine.KernelSpeed(key, True, True, True)
spec = ModelSpec(id="tiny", name="Tiny", family="", kind="causal", parameters=None, hub_repo=None)
session = open_session(loader.load(spec, file, cache_dir=cache))
assert session.has_fast_path
assert not {"transformers.modeling_utils", "torch._dynamo"} & set(sys.modules), "it takes 90 MB and two seconds"
"""


@pytest.fixture(params=FAMILIES)
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> TinyModel:
    return write_tiny_model(tmp_path, request.param)


@pytest.fixture
def network(
    tiny: TinyModel, tmp_path: Path, library: Library, a_known_machine: None, monkeypatch: pytest.MonkeyPatch
) -> PackedNetwork:
    monkeypatch.setattr(loader, "open_library", lambda *_, **__: library)
    return loader.load(tiny.spec, tiny.file, cache_dir=tmp_path).model


def test_it_holds_what_transformers_own_model_holds(network: PackedNetwork) -> None:
    whole = in_transformers(network)
    computed = {name for name, _ in whole.named_buffers() if "inv_freq" in name or name.endswith("embed_scale")}
    expected = {name: tensor for name, tensor in whole.state_dict(keep_vars=True).items() if name not in computed}
    found = dict(network.state_dict(keep_vars=True))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert all(
        getattr(whole.config, name) == value
        for name, value in network.config.to_dict().items()
        if name in ("rope_parameters", "layer_types", "head_dim", "vocab_size", "rms_norm_eps", "eos_token_id")
    )
    assert network.generation_config.eos_token_id == whole.generation_config.eos_token_id
    assert network.model.embed_tokens.multiplier == whole.model.embed_tokens.multiplier


def test_its_weights_are_mapped_and_not_copied(network: PackedNetwork) -> None:
    again = in_transformers(network)
    mine, theirs = network.model.layers[0].mlp.up_proj.packed, again.model.layers[0].mlp.up_proj.packed
    assert torch.equal(mine.numbers, theirs.numbers)
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_layers_are_in_order_also_from_ten_on(tmp_path: Path, library: Library) -> None:
    names = [f"model.layers.{index}.norm.weight" for index in (10, 2, 0, 11, 1, *range(3, 10))]
    contents: dict[str, nn.Module | torch.Tensor] = {
        name: torch.full((2,), float(name.split(".")[2])) for name in names
    }
    network = PackedNetwork(AutoConfig.for_model("llama"), contents, folder=tmp_path, library=library)
    assert [layer.norm.weight[0].item() for layer in network.model.layers] == list(range(12))


def test_gemmas_table_is_multiplied_as_gemma_does_it() -> None:
    assert table_multiplier(AutoConfig.for_model("gemma3_text", hidden_size=640)) == 25.25
    assert table_multiplier(AutoConfig.for_model("llama", hidden_size=640)) == 1.0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_chat_needs_none_of_transformers_model_classes(
    tmp_path: Path, library: Library, family: str, a_known_machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "open_library", lambda *_, **__: library)
    tiny = write_tiny_model(tmp_path, family)
    loader.load(tiny.spec, tiny.file, cache_dir=tmp_path)  # preparing it may take what it likes
    assert open_library(tmp_path, threads=2)  # compiled already: the other process finds them
    command = [sys.executable, "-c", OPEN_ALONE, str(tiny.file), str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
