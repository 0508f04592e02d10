"""Tiny quantised models for the lean forward, the same with plain float weights, and how both are driven.

Tolerances are parts of the norm of the logits. Tiny random networks magnify rounding: what 8-bit activations change of
one product, one percent, becomes a few percent of the logits. bf16 changes a product by 0.3 percent.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.transformers_forward import TransformersForward
from playground.kernels.formats import unpack
from playground.kernels.library import Library
from playground.models.loader import LoadedModel
from playground.models.packed_layers import PackedEmbedding, PackedLinear
from playground.models.quantization import quantize_model

FAMILIES = {"llama": {}, "qwen2": {}, "qwen3": {"head_dim": 32}, "gemma3": {}}
FEW, MANY = 0.05, 0.025
AnyForward = Int4Forward | TransformersForward
Build = Callable[..., LoadedModel]


def random_ids(count: int, seed: int = 0) -> list[int]:
    return random.Random(seed).choices(range(320), k=count)


def with_random_vectors(model: PreTrainedModel) -> PreTrainedModel:
    """Norms and biases start as constants: make them count."""
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += torch.randn_like(parameter) * 0.2
    return model


def as_floats(model: PreTrainedModel) -> PreTrainedModel:
    """The same network with plain float32 layers."""
    libraries = [module.library for module in model.modules() if isinstance(module, PackedLinear)]
    model = copy.deepcopy(model, {id(library): library for library in libraries}).float()
    for name, module in list(model.named_modules()):
        if isinstance(module, PackedLinear):
            linear = nn.Linear(module.in_features, module.out_features, bias=module.bias is not None)
            linear.weight.data = unpack(module.packed)
            if module.bias is not None:
                linear.bias.data = module.bias.float()
            model.set_submodule(name, linear)
        elif isinstance(module, PackedEmbedding):
            table = unpack(module.packed) * module.multiplier
            model.set_submodule(name, nn.Embedding.from_pretrained(table))
    return model


def quantised(tiny, library: Library, family: str, bits: int = 4, **changes: object) -> LoadedModel:
    """A tiny model of a family, packed for our kernels."""
    loaded = tiny.load(tiny.spec(family, "Tiny"), lambda *_: None)
    shape = {"initializer_range": 0.15, **FAMILIES.get(family, {}), **changes}
    model = with_random_vectors(tiny.model(family, **shape))
    quantize_model(model, bits=bits, library=library)
    return replace(loaded, model=model.requires_grad_(False), library=library)


def distance(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).norm() / expected.norm()).item()


def step(forward: AnyForward, *parts: tuple[KVCache, list[int], int]) -> Tensor:
    """Logits of a step, to keep."""
    return forward.step(pack(parts)).clone()


def read(forward: AnyForward, cache: KVCache, ids: list[int], size: int = 2048) -> Tensor:
    """Logits of the last token of a text that is read in chunks."""
    for start in range(0, len(ids), size):
        logits = step(forward, (cache, ids[start : start + size], 1))
    return logits[0]


def read_by_ones(forward: Int4Forward, ids: list[int]) -> Tensor:
    """Logits of all tokens, each read in a step of its own."""
    cache = KVCache()
    return torch.cat([step(forward, (cache, [id_], 1)) for id_ in ids])
