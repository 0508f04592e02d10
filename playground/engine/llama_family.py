"""What the lean forward needs to know of a network of the Llama family: its weights, norms and angles, ready to use.

Owns the reading of modules with transformers' names: llama, qwen2 (biases), qwen3 (norms of q and k), gemma3 (four
norms a layer, sliding windows, scaled embeddings). Knows no batch and no kernel's arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from playground.kernels.attention import SIZES
from playground.kernels.mathematics import ACTIVATIONS
from playground.models.packed_layers import PackedEmbedding, PackedLinear
from playground.models.packed_network import FAMILIES, PackedNetwork

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

FIXED_ANGLES = ("default", "linear", "yarn", "llama3")
"""Kinds of rotary embedding whose angles do not depend on how long a text is."""
FULL = "full_attention"


class Unsuitable(Exception):
    """The network cannot take the lean way; says why."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer. Norms are float32 weights as they are multiplied; None where the family has none."""

    index: int
    kind: str
    window: int | None
    query: PackedLinear
    key: PackedLinear
    value: PackedLinear
    output: PackedLinear
    gate: PackedLinear
    up: PackedLinear
    down: PackedLinear
    attention_norm: Tensor
    feed_forward_norm: Tensor
    after_attention_norm: Tensor | None
    after_feed_forward_norm: Tensor | None
    query_norm: Tensor | None
    key_norm: Tensor | None


@dataclass(frozen=True, eq=False)
class Network:
    """The whole network."""

    layers: tuple[Layer, ...]
    embedding: nn.Module
    head: PackedLinear | nn.Linear
    norm: Tensor
    epsilon: float
    heads: int
    key_heads: int
    size: int
    hidden: int
    feed_forward: int
    scaling: float
    activation: str
    config: PretrainedConfig

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of layers; each has angles of its own."""
        return tuple(dict.fromkeys(layer.kind for layer in self.layers))

    @torch.inference_mode()
    def angles(self, kind: str, count: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines, float32 [count, size / 2], of positions 0 to `count` - 1."""
        frequencies, scaling = _frequencies(self.config, kind, self.size)
        if len(frequencies) != self.size // 2:
            raise Unsuitable("only a part of each head is rotated")
        angles = torch.arange(count, dtype=torch.float32).unsqueeze(1) * frequencies
        return angles.cos() * scaling, angles.sin() * scaling


def read_network(model: PreTrainedModel | PackedNetwork) -> Network:
    """Raises Unsuitable. What it lets through can be given to native code: every size has been compared."""
    config = model.config
    if config.model_type not in FAMILIES:
        raise Unsuitable(f"{config.model_type} is not of the Llama family")
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    activation = getattr(config, "hidden_activation", None) or config.hidden_act
    if activation not in ACTIVATIONS or size not in SIZES or config.hidden_size % 32 or config.intermediate_size % 32:
        raise Unsuitable(f"no kernel for its sizes or its activation ({size}, {activation})")
    if config.num_attention_heads % config.num_key_value_heads or getattr(config, "use_bidirectional_attention", False):
        raise Unsuitable("its heads are grouped, or look, in an unusual way")
    if getattr(config, "attn_logit_softcapping", None) or getattr(config, "final_logit_softcapping", None):
        raise Unsuitable("it caps its scores")
    if not set(_rope_types(config.rope_parameters)) <= set(FIXED_ANGLES):
        raise Unsuitable("its angles depend on the length of the text")
    gemma = config.model_type == "gemma3_text"
    held: Any = model
    inner = held.model
    layers = tuple(_layer(index, block, config, gemma=gemma) for index, block in enumerate(inner.layers))
    network = Network(
        layers=layers,
        embedding=inner.embed_tokens,
        head=held.lm_head,
        norm=_weight(inner.norm, gemma=gemma),
        epsilon=float(config.rms_norm_eps),
        heads=config.num_attention_heads,
        key_heads=config.num_key_value_heads,
        size=size,
        hidden=config.hidden_size,
        feed_forward=config.intermediate_size,
        scaling=(config.query_pre_attn_scalar if gemma else size) ** -0.5,
        activation=activation,
        config=config,
    )
    _require_sizes(network)
    for kind in network.kinds:
        network.angles(kind, 1)
    return network


def _require_sizes(network: Network) -> None:
    """Every matrix has the shape that the buffers have room for."""
    hidden, inner = network.hidden, network.heads * network.size
    shapes = {
        "query": (inner, hidden),
        "key": (network.key_heads * network.size, hidden),
        "value": (network.key_heads * network.size, hidden),
        "output": (hidden, inner),
        "gate": (network.feed_forward, hidden),
        "up": (network.feed_forward, hidden),
        "down": (hidden, network.feed_forward),
    }
    for layer in network.layers:
        for name, shape in shapes.items():
            linear = getattr(layer, name)
            bias = linear.bias is None or linear.bias.shape == shape[:1]
            if (linear.out_features, linear.in_features) != shape or not bias:
                raise Unsuitable(f"{name} in layer {layer.index} has an unusual shape")
    table = embedding_of(network)
    if network.head.in_features != hidden or (table is not None and table.embedding_dim != hidden):
        raise Unsuitable("its tables have an unusual shape")


def _frequencies(config: PretrainedConfig, kind: str, size: int) -> tuple[Tensor, float]:
    """float32 [size / 2] radians a position, and what cosines and sines are multiplied by (Su et al. 2021)."""
    nested = kind in config.rope_parameters
    parameters = config.rope_parameters[kind] if nested else config.rope_parameters
    rope_type = parameters.get("rope_type", "default")
    if rope_type == "default":
        if parameters.get("partial_rotary_factor", 1.0) != 1.0:
            raise Unsuitable("only a part of each head is rotated")
        return 1.0 / parameters["rope_theta"] ** (torch.arange(0, size, 2, dtype=torch.float32) / size), 1.0
    frequencies, scaling = ROPE_INIT_FUNCTIONS[rope_type](config, **({"layer_type": kind} if nested else {}))
    return frequencies.float(), scaling


def _rope_types(parameters: dict) -> list[str]:
    nested = [value for value in parameters.values() if isinstance(value, dict)]
    return [part.get("rope_type", "default") for part in nested or [parameters]]


def _layer(index: int, block: Any, config: Any, *, gemma: bool) -> Layer:
    attention, feed_forward = block.self_attn, block.mlp
    kinds = getattr(config, "layer_types", None)
    kind = kinds[index] if kinds else FULL
    linears = {
        "query": attention.q_proj,
        "key": attention.k_proj,
        "value": attention.v_proj,
        "output": attention.o_proj,
        "gate": feed_forward.gate_proj,
        "up": feed_forward.up_proj,
        "down": feed_forward.down_proj,
    }
    for name, linear in linears.items():
        if not isinstance(linear, PackedLinear):
            raise Unsuitable(f"the weights of {name} in layer {index} are not held for the kernels")
    window = (getattr(config, "sliding_window", None) or None) if kind != FULL else None
    if window is not None and window < 0:
        raise Unsuitable(f"a window of {window} tokens")
    second = block.pre_feedforward_layernorm if gemma else block.post_attention_layernorm
    return Layer(
        index=index,
        kind=kind,
        window=window,
        **linears,
        attention_norm=_weight(block.input_layernorm, gemma=gemma),
        feed_forward_norm=_weight(second, gemma=gemma),
        after_attention_norm=_weight(block.post_attention_layernorm, gemma=gemma) if gemma else None,
        after_feed_forward_norm=_weight(block.post_feedforward_layernorm, gemma=gemma) if gemma else None,
        query_norm=_optional(getattr(attention, "q_norm", None), gemma=gemma),
        key_norm=_optional(getattr(attention, "k_norm", None), gemma=gemma),
    )


def _optional(norm: Any, *, gemma: bool) -> Tensor | None:
    return None if norm is None else _weight(norm, gemma=gemma)


def _weight(norm: Any, *, gemma: bool) -> Tensor:
    """What a normed row is multiplied by; Gemma stores it less one."""
    weight = norm.weight.detach().float()
    return weight + 1 if gemma else weight.clone()


def as_floats(bias: Tensor | None) -> Tensor | None:
    """A bias as the kernels read it."""
    return None if bias is None else bias.detach().float()


def embedding_of(network: Network) -> PackedEmbedding | None:
    """The table of token ids where it is packed."""
    return network.embedding if isinstance(network.embedding, PackedEmbedding) else None
