"""What a GGUF file means to transformers: the configuration, and its tensors under the names of transformers' modules.

Owns the differences between llama.cpp's and transformers' idea of the same network. One entry of `ARCHITECTURES` and
one branch of `configuration` for each kind of network. Knows nothing of how weights are packed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType

from playground.errors import ModelUnavailable
from playground.models.gguf import GgufFile, GgufTensor

TOP_LEVEL = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
ATTENTION_AND_MLP = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_norm": "post_attention_layernorm",
}
QUERY_KEY_NORMS = {"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}
FOUR_NORMS = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


@dataclass(frozen=True)
class Architecture:
    """One kind of network. `layer_names`: llama.cpp's name of a part of a layer -> transformers' name."""

    model_type: str
    layer_names: dict[str, str]
    rotates_pairs: bool = False
    """llama.cpp rotates neighbouring values and therefore stores the rows of q and k in another order."""
    norm_offset: float = 0.0
    """What llama.cpp added to every norm weight, because the network multiplies by 1 + weight."""


ARCHITECTURES = {
    "llama": Architecture("llama", ATTENTION_AND_MLP, rotates_pairs=True),
    "qwen2": Architecture("qwen2", ATTENTION_AND_MLP),
    "qwen3": Architecture("qwen3", ATTENTION_AND_MLP | QUERY_KEY_NORMS),
    "gemma3": Architecture("gemma3_text", ATTENTION_AND_MLP | QUERY_KEY_NORMS | FOUR_NORMS, norm_offset=1.0),
}
GEMMA3_LOCAL_ROPE_THETA = 10_000.0
GEMMA3_WINDOW_PATTERN = 6
GEMMA3_27B_LAYERS = 62


def architecture(file: GgufFile) -> Architecture:
    """The file's kind of network. Raises ModelUnavailable when it is none that is known here."""
    name = file.metadata.get("general.architecture")
    if name not in ARCHITECTURES:
        raise ModelUnavailable(
            f"The model in {file.path.name} is of a kind ({name}) that cannot be opened here. "
            f"Choose one of these kinds: {', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[name]


def configuration(file: GgufFile) -> dict[str, Any]:
    """Keyword arguments for `AutoConfig.for_model`, `model_type` among them; without token ids and tied weights.

    Raises ModelUnavailable when the file does not say what a network of its kind needs.
    """
    kind = architecture(file)
    prefix = file.metadata["general.architecture"]

    def read(key: str, default: Any = None) -> Any:
        value = file.metadata.get(f"{prefix}.{key}", default)
        if value is None:
            raise ModelUnavailable(f"The model file {file.path.name} does not say its {key}; download another one.")
        return value

    hidden, heads = read("embedding_length"), read("attention.head_count")
    config: dict[str, Any] = {
        "model_type": kind.model_type,
        "vocab_size": file.tensors["token_embd.weight"].shape[0],
        "hidden_size": hidden,
        "intermediate_size": read("feed_forward_length"),
        "num_hidden_layers": read("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": read("attention.head_count_kv", heads),
        "head_dim": read("attention.key_length", hidden // heads),
        "max_position_embeddings": read("context_length"),
        "rms_norm_eps": read("attention.layer_norm_rms_epsilon"),
    }
    rope = {"rope_theta": read("rope.freq_base", 10_000.0)} | _rope_scaling(file, prefix)
    if prefix == "gemma3":
        config |= _gemma3(config, rope, window=read("attention.sliding_window"))
    else:
        config["rope_parameters"] = rope
    if prefix == "llama":
        config["attention_bias"] = "blk.0.attn_q.bias" in file.tensors
    return config


def _gemma3(config: dict[str, Any], rope: dict[str, Any], *, window: int) -> dict[str, Any]:
    scalar = config["head_dim"]
    if config["num_hidden_layers"] == GEMMA3_27B_LAYERS:
        scalar = config["hidden_size"] // config["num_attention_heads"]
    local = {"rope_type": "default", "rope_theta": GEMMA3_LOCAL_ROPE_THETA}
    return {
        "query_pre_attn_scalar": scalar,
        "sliding_window": window,
        "sliding_window_pattern": GEMMA3_WINDOW_PATTERN,
        "rope_parameters": {"full_attention": rope, "sliding_attention": local},
    }


def _rope_scaling(file: GgufFile, prefix: str) -> dict[str, Any]:
    kind = file.metadata.get(f"{prefix}.rope.scaling.type", "none")
    if kind == "none":
        return {"rope_type": "default"}
    scaling = {"rope_type": kind, "factor": file.metadata.get(f"{prefix}.rope.scaling.factor", 1.0)}
    if kind == "linear":
        return scaling
    original = file.metadata.get(f"{prefix}.rope.scaling.original_context_length")
    if kind == "yarn" and original:
        return scaling | {"original_max_position_embeddings": original}
    raise ModelUnavailable(f"The model in {file.path.name} stretches its context in a way ({kind}) unknown here.")


def weights(file: GgufFile) -> Iterator[tuple[str, GgufTensor]]:
    """Every tensor under transformers' name and in transformers' layout, still as the file's blocks.

    Raises ModelUnavailable at a tensor that no part of the network is known for: leaving one out would give a model
    that talks nonsense.
    """
    kind = architecture(file)
    prefix = file.metadata["general.architecture"]
    heads = file.metadata[f"{prefix}.attention.head_count"]
    row_heads = {"attn_q": heads, "attn_k": file.metadata.get(f"{prefix}.attention.head_count_kv", heads)}
    for tensor in file.tensors.values():
        part, _, suffix = tensor.name.rpartition(".")
        layer_part = part.split(".", 2)[-1] if part.startswith("blk.") else ""
        if kind.rotates_pairs and layer_part in row_heads:
            tensor = _restore_rows(tensor, row_heads[layer_part])
        if kind.norm_offset and part.endswith("_norm"):
            floats = np.ascontiguousarray(tensor.floats() - np.float32(kind.norm_offset))
            tensor = replace(tensor, kind=GGMLQuantizationType.F32, data=floats.view(np.uint8).reshape(1, -1))
        yield _name(kind, part, layer_part, file) + "." + suffix, tensor


def _restore_rows(tensor: GgufTensor, heads: int) -> GgufTensor:
    """Each head's rows from (pair, half) order back to (half, pair); blocks run along a row, so they stay whole."""
    data = tensor.data if len(tensor.shape) > 1 else tensor.data.reshape(tensor.shape[0], -1)
    data = data.reshape(heads, -1, 2, data.shape[-1]).swapaxes(1, 2).reshape(tensor.data.shape)
    return replace(tensor, data=data)


def _name(kind: Architecture, part: str, layer_part: str, file: GgufFile) -> str:
    if part in TOP_LEVEL:
        return TOP_LEVEL[part]
    if layer_part in kind.layer_names:
        return f"model.layers.{part.split('.')[1]}.{kind.layer_names[layer_part]}"
    raise ModelUnavailable(
        f"The model in {file.path.name} has a part ({part}) that cannot be used here. Choose another model."
    )
