"""A prepared folder -> a model that runs: its network is built without memory, its weights are mapped from the files.

Owns which network that is: for our own kernels the weights alone, else transformers' model with its quantised layers
swapped. Nothing is copied: the pages of the files are read when a layer is first used, and several processes share
them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PretrainedConfig, PreTrainedTokenizerFast

from playground.kernels.formats import FORMATS, Packed
from playground.kernels.library import Library
from playground.models.packed_layers import BUFFERS, PackedEmbedding, PackedLinear
from playground.models.packed_network import FAMILIES, PackedNetwork, table_multiplier
from playground.models.prepared import EMBEDDING, HEAD
from playground.models.quantization import Int4Linear, Int8Embedding, Int8Linear
from playground.models.stored_weights import PADDING

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel


def open_folder(folder: Path, library: Library | None = None) -> PreTrainedModel | PackedNetwork:
    """The model of a prepared folder, on the CPU, in evaluation mode. One for our own kernels needs their `library`.

    Raises OSError, ValueError or KeyError when the folder is not what its manifest says.
    """
    kinds, facts = _facts(folder)
    if library is None or facts["model_type"] not in FAMILIES or not set(kinds.values()) <= set(FORMATS):
        return _open_in_transformers(folder, library)
    config = PretrainedConfig(**facts)  # not the family's class: llama's brings all of accelerate with it
    tensors = map_tensors(folder)
    contents: dict[str, Any] = {name: _quantised(name, kind, config, tensors, library) for name, kind in kinds.items()}
    if config.tie_word_embeddings:
        contents[HEAD] = PackedLinear(contents[EMBEDDING].packed, library)
    network = PackedNetwork(config, {**contents, **tensors}, folder=folder, library=library)
    network.generation_config = _generation(folder)
    return network.eval()


def in_transformers(model: PreTrainedModel | PackedNetwork) -> PreTrainedModel:
    """`model` as one that transformers can run; its weights are mapped a second time, not copied."""
    return _open_in_transformers(model.folder, model.library) if isinstance(model, PackedNetwork) else model


def _open_in_transformers(folder: Path, library: Library | None = None) -> PreTrainedModel:
    """As `open_folder`, and always a model that transformers can run."""
    kinds, facts = _facts(folder)
    config = AutoConfig.for_model(**facts)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="sdpa")
    tensors = map_tensors(folder)
    for name, kind in kinds.items():
        model.set_submodule(name, _quantised(name, kind, config, tensors, library))
    if config.tie_word_embeddings:
        _tie(model, tensors, library)
    _fill_buffers(model)
    model.load_state_dict(tensors, strict=False, assign=True)
    missing = [name for name, tensor in _all_tensors(model) if tensor.is_meta]
    if missing:
        raise KeyError(f"{folder} lacks {missing[0]}")
    model.generation_config = _generation(folder)
    return model.eval().requires_grad_(False)


def _facts(folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """How the modules that are not plain are held, and the configuration."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return manifest["modules"], json.loads((folder / "config.json").read_text("utf-8"))


def _generation(folder: Path) -> GenerationConfig:
    return GenerationConfig(**json.loads((folder / "generation_config.json").read_text("utf-8")))


def open_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a prepared folder; `chat_template` is None where the model has none."""
    facts = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    facts.pop("tokenizer_class")
    template = folder / "chat_template.jinja"
    return PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        chat_template=template.read_text("utf-8") if template.exists() else None,
        **facts,
    )


def map_tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a prepared folder, as a view of the mapped files."""
    index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    tensors: dict[str, Tensor] = {}
    for file in sorted(set(index["weight_map"].values())):
        with safe_open(folder / file, framework="pt") as shard:
            names = [name for name in shard.keys() if not name.startswith(PADDING)]  # noqa: SIM118
            tensors |= {name: shard.get_tensor(name) for name in names}
    return tensors


def _quantised(
    name: str, kind: str, config: PretrainedConfig, tensors: dict[str, Tensor], library: Library | None
) -> nn.Module:
    if kind in FORMATS:
        parts = {part: tensors.pop(f"{name}.{part}") for part in BUFFERS}
        packed = Packed(FORMATS[kind], **parts)
        if name == EMBEDDING:
            return PackedEmbedding(packed, multiplier=table_multiplier(config))
        if library is None:
            raise KeyError(f"{kind} without kernels")
        return PackedLinear(packed, library, tensors.pop(f"{name}.bias", None))
    if name == EMBEDDING:
        scales = tensors.pop(f"{name}.scales")
        return Int8Embedding(tensors.pop(f"{name}.weight"), scales, multiplier=table_multiplier(config))
    bias = tensors.pop(f"{name}.bias", None)
    if kind == "int4":
        return Int4Linear(tensors.pop(f"{name}.packed"), tensors.pop(f"{name}.scales_and_zeros"), bias)
    return Int8Linear(tensors.pop(f"{name}.weight"), tensors.pop(f"{name}.scales"), bias)


def _tie(model: PreTrainedModel, tensors: dict[str, Tensor], library: Library | None) -> None:
    embedding = model.get_submodule(EMBEDDING)
    if isinstance(embedding, PackedEmbedding) and library is not None:
        model.set_submodule(HEAD, PackedLinear(embedding.packed, library))
    elif isinstance(embedding, Int8Embedding):
        model.set_submodule(HEAD, Int8Linear(embedding.weight, embedding.scales))
    else:
        tensors[f"{HEAD}.weight"] = tensors[f"{EMBEDDING}.weight"]


def _fill_buffers(model: PreTrainedModel) -> None:
    """Compute the buffers that no file holds: the frequencies of the rotary embedding, Gemma's embedding scale.

    Before the weights are there, because transformers initialises a module's weights in the same breath.
    """
    for module in model.modules():
        waiting = {name: buffer for name, buffer in module.named_buffers(recurse=False) if buffer.is_meta}
        if waiting:
            module._buffers |= {name: torch.empty_like(buffer, device="cpu") for name, buffer in waiting.items()}
            model._init_weights(module)


def _all_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()]
