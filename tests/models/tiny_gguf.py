"""Tiny random models as GGUF files, with the weights that such a file really holds as the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from playground.models.catalog import ModelSpec
from tests.models.random_blocks import MODEST, modest_blocks

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LAYER_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
GEMMA_NAMES = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
SHAPE = {
    "vocab_size": 320, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 256, "rms_norm_eps": 1e-6,
}  # fmt: skip
WIDE_SHAPE = {"hidden_size": 256, "intermediate_size": 256, "head_dim": 64}
"""For kinds whose blocks are 256 numbers wide."""
GEMMA_SHAPE = {
    "num_hidden_layers": 6, "sliding_window": 8, "head_dim": 32, "num_key_value_heads": 1,
    "query_pre_attn_scalar": 32, "num_attention_heads": 2,
}  # fmt: skip


@dataclass(frozen=True)
class TinyModel:
    """A written file and the same network by transformers itself, with the file's own weights as float32."""

    file: Path
    reference: PreTrainedModel
    spec: ModelSpec = field(default_factory=lambda: tiny_spec())

    def logits(self, ids: list[int]) -> torch.Tensor:
        with torch.inference_mode():
            return self.reference(torch.tensor([ids])).logits[0].float()


def tiny_spec(model_id: str = "tiny", **facts: object) -> ModelSpec:
    return ModelSpec(id=model_id, name="Tiny", family="", kind="causal", parameters=None, hub_repo=None, **facts)


def write_tiny_model(
    folder: Path,
    family: str,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.Q4_1,
    tied: bool = True,
    template: str | None = TEMPLATE,
) -> TinyModel:
    """`family`: "llama", "qwen2" or "gemma3". Matrices of the layers become `kind`, tables Q8_0, the rest F32."""
    shape = SHAPE | ({"num_hidden_layers": 2} if family != "gemma3" else GEMMA_SHAPE)
    shape |= WIDE_SHAPE if kind in MODEST else {}
    model_type = "gemma3_text" if family == "gemma3" else family
    torch.manual_seed(len(family))
    config = AutoConfig.for_model(model_type, **shape, tie_word_embeddings=tied, initializer_range=0.1)
    reference = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa").eval()
    file = folder / f"{family}.gguf"
    writer = GGUFWriter(file, family)
    _write_facts(writer, family, shape)
    _write_vocabulary(writer, shape["vocab_size"], template)
    for name, parameter in reference.named_parameters():
        if parameter.ndim == 1:  # norms and biases start as constants: make them count
            parameter.data += torch.randn_like(parameter) * 0.1
        stored = quantized_like(parameter.data.numpy(), kind if "layers" in name else GGMLQuantizationType.Q8_0)
        parameter.data = torch.from_numpy(stored[1])
        _write_tensor(writer, family, name, stored, shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return TinyModel(file, reference.requires_grad_(False))


def quantized_like(values: np.ndarray, kind: GGMLQuantizationType) -> tuple[np.ndarray, np.ndarray, object]:
    """(what the file holds, what it means as float32, its kind)."""
    if values.ndim == 1:
        return values, values, GGMLQuantizationType.F32
    if kind in MODEST:  # the library cannot round to these kinds
        data = modest_blocks(kind, *values.shape, seed=int(abs(values[0, 0]) * 1e6))
    else:
        data = quantize(values, kind)
    return data, dequantize(data, kind).reshape(values.shape).astype(np.float32), kind


def _write_tensor(writer: GGUFWriter, family: str, name: str, stored: tuple, shape: dict[str, int]) -> None:
    data, _, kind = stored
    module, _, suffix = name.rpartition(".")
    if module in TOP_NAMES:
        gguf_name = TOP_NAMES[module]
    else:
        _, _, layer, part = module.split(".", 3)
        names = LAYER_NAMES | (GEMMA_NAMES if family == "gemma3" else {})
        gguf_name = f"blk.{layer}.{names[part]}"
        heads = {"attn_q": shape["num_attention_heads"], "attn_k": shape["num_key_value_heads"]}.get(names[part])
        if family == "llama" and heads:
            data = data.reshape(heads, 2, -1, data.shape[-1]).swapaxes(1, 2).reshape(data.shape)
    if family == "gemma3" and gguf_name.endswith("norm"):
        data = data + np.float32(1)
    writer.add_tensor(f"{gguf_name}.{suffix}", np.ascontiguousarray(data), raw_dtype=kind)


def _write_facts(writer: GGUFWriter, family: str, shape: dict[str, int]) -> None:
    writer.add_block_count(shape["num_hidden_layers"])
    writer.add_context_length(shape["max_position_embeddings"])
    writer.add_embedding_length(shape["hidden_size"])
    writer.add_feed_forward_length(shape["intermediate_size"])
    writer.add_head_count(shape["num_attention_heads"])
    writer.add_head_count_kv(shape["num_key_value_heads"])
    writer.add_key_length(shape["head_dim"])
    writer.add_layer_norm_rms_eps(shape["rms_norm_eps"])
    writer.add_rope_freq_base(1_000_000.0 if family == "gemma3" else 10_000.0)
    if family == "gemma3":
        writer.add_sliding_window(shape["sliding_window"])


def _write_vocabulary(writer: GGUFWriter, size: int, template: str | None) -> None:
    tokens = [*SPECIALS, *sorted(ByteLevel.alphabet()), "he", "Ġt", "Ġthe"]
    types = [3] * len(SPECIALS) + [1] * (len(tokens) - len(SPECIALS))
    filler = [f"[PAD{number}]" for number in range(len(tokens), size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([*tokens, *filler])
    writer.add_token_types([*types, *[5] * len(filler)])
    writer.add_token_merges(["h e", "Ġ t", "Ġt he"])
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    if template:
        writer.add_chat_template(template)
