"""A network of the Llama family as the tree of its packed weights: something to read from, that cannot run by itself.

Owns the tree, which has transformers' names. transformers' own model classes take 90 MB and two seconds to import, and
whoever runs a network with our kernels needs none of them. Knows no forward pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from playground.kernels.library import Library

FAMILIES = ("llama", "qwen2", "qwen3", "gemma3_text")
"""Kinds of networks that our own kernels run."""


class Part(nn.Module):
    """What the files hold under one name: other parts, and tensors."""


class PackedNetwork(Part):
    """The weights of one model: `model.layers[0].self_attn.q_proj` and so on, mapped from the files of `folder`."""

    generation_config: Any = None
    """What the publisher says of generating, such as the tokens that end an answer."""

    def __init__(
        self, config: PretrainedConfig, contents: Mapping[str, nn.Module | Tensor], *, folder: Path, library: Library
    ) -> None:
        super().__init__()
        self.config = config
        self.folder = folder
        self.library = library
        _fill(self, _nested(contents))


def table_multiplier(config: PretrainedConfig) -> float:
    """What Gemma multiplies its embeddings by, rounded to the type of the weights as it does; 1 elsewhere."""
    scale = config.hidden_size**0.5 if config.model_type == "gemma3_text" else 1.0
    return torch.tensor(scale, dtype=torch.bfloat16).item()


def _nested(contents: Mapping[str, nn.Module | Tensor]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in contents.items():
        *path, last = name.split(".")
        place = nested
        for key in path:
            place = place.setdefault(key, {})
        place[last] = value
    return nested


def _fill(part: nn.Module, nested: dict[str, Any]) -> None:
    for name, value in nested.items():
        if isinstance(value, Tensor):
            part.register_parameter(name, nn.Parameter(value, requires_grad=False))
        else:
            part.add_module(name, value if isinstance(value, nn.Module) else _part(value))


def _part(nested: dict[str, Any]) -> nn.Module:
    part: nn.Module = Part()
    if all(name.isdigit() for name in nested):
        part, nested = nn.ModuleList(), {name: nested[name] for name in sorted(nested, key=int)}
    _fill(part, nested)
    return part
