"""How weights are held: 4-bit groups or 8-bit rows on a CPU, bitsandbytes on CUDA.

Owns the modules that stand in for `torch.nn.Linear` and `torch.nn.Embedding`, and the conversion of weights into their
layouts. Knows nothing of files, of model families or of which scheme a machine should use (`machine.py`).

A few rows (decoding) are multiplied by PyTorch's integer kernels, which read a quarter or half of the bytes. Many rows
(reading a prompt) are limited by arithmetic instead: there a layer is unpacked to bf16 for the moment of its product.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BitsAndBytesConfig

from playground.kernels.formats import GROUP
from playground.kernels.library import Library
from playground.models.packed_layers import PackedEmbedding, PackedLinear, pack_linear
from playground.models.rounding import quantize_int4, quantize_int8

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

ROW_BLOCK = 64
"""The kernel stores rows in blocks of 64 (AVX-512) or 32; a remainder would have a layout of its own."""
UNPACKED_ROWS = 16_384
INT4_UNPACK_FROM_ROWS, INT8_UNPACK_FROM_ROWS = 48, 16
"""Where the lines cross on a CPU with AVX-512 and bf16 instructions: unpacking costs as much as 40 or 12 rows."""
BF16_128 = 0x4300
"""The bits of 128.0 in bf16; its last seven bits count up in ones, so 128 | number is exactly 128.0 + number."""


class Int4Linear(nn.Module):
    """`nn.Linear` with 4-bit weights on a CPU: weight = (number - 8) * scale + zero, one pair for 32 weights of a row.

    Buffers: `packed` uint8 [out, in / 2] in the kernel's own order, which depends on the CPU (`packed_layout`);
    `scales_and_zeros` bf16 [in / 32, out, 2]; `bias` bf16 [out] or None. Input of any leading shape; the result has
    the input's type. Gradients reach the input, never the weights.
    """

    packed: Tensor
    scales_and_zeros: Tensor
    bias: Tensor | None
    bf16_from_rows: int = INT4_UNPACK_FROM_ROWS
    """From so many rows on a product is made in bf16; `machine.py` switches that off where it is slower."""

    def __init__(self, packed: Tensor, scales_and_zeros: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.out_features, self.in_features = packed.shape[0], packed.shape[1] * 2
        self.register_buffer("packed", packed)
        self.register_buffer("scales_and_zeros", scales_and_zeros)
        self.register_buffer("bias", bias)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, self.in_features).to(torch.bfloat16)
        many = rows.shape[0] >= Int4Linear.bf16_from_rows and packed_layout() is not None
        outputs = self.multiply_unpacked(rows) if many or rows.requires_grad else self.multiply(rows)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.view(*inputs.shape[:-1], self.out_features).to(inputs.dtype)

    def multiply(self, rows: Tensor) -> Tensor:
        """bf16 [rows, in] -> [rows, out] by the 4-bit kernel, without bias."""
        operation = torch.ops.aten._weight_int4pack_mm_for_cpu
        return operation(rows.contiguous(), self.packed, GROUP, self.scales_and_zeros)

    def multiply_unpacked(self, rows: Tensor) -> Tensor:
        """The same product in bf16."""
        return rows @ self.unpacked()

    def unpacked(self) -> Tensor:
        """The weights in bf16 as [in, out], so that `rows @ unpacked` is the product."""
        layout = packed_layout()
        if layout is None:
            eye = torch.eye(self.in_features, dtype=torch.bfloat16)
            return torch.ops.aten._weight_int4pack_mm_for_cpu(eye, self.packed, GROUP, self.scales_and_zeros)
        return _unpack(self.packed, self.scales_and_zeros, layout)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Int8Linear(nn.Module):
    """`nn.Linear` with 8-bit weights on a CPU, one scale a row.

    Buffers: `weight` int8 [out, in], `scales` bf16 [out], `bias` bf16 [out] or None.
    """

    weight: Tensor
    scales: Tensor
    bias: Tensor | None
    bf16_from_rows: int = INT8_UNPACK_FROM_ROWS

    def __init__(self, weight: Tensor, scales: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)
        self.register_buffer("bias", bias)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, self.in_features).to(torch.bfloat16)
        many = rows.shape[0] >= Int8Linear.bf16_from_rows
        outputs = self.multiply_unpacked(rows) if many or rows.requires_grad else self.multiply(rows)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.view(*inputs.shape[:-1], self.out_features).to(inputs.dtype)

    def multiply(self, rows: Tensor) -> Tensor:
        """bf16 [rows, in] -> [rows, out] by the 8-bit kernel, without bias."""
        return torch.ops.aten._weight_int8pack_mm(rows.contiguous(), self.weight, self.scales)

    def multiply_unpacked(self, rows: Tensor) -> Tensor:
        """The same product in bf16; a vocabulary's table is unpacked a part at a time to bound the memory."""
        parts = [functional.linear(rows, part.to(torch.bfloat16)) for part in self.weight.split(UNPACKED_ROWS)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)) * self.scales

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Int8Embedding(nn.Module):
    """`nn.Embedding` over 8-bit rows; `weight` and `scales` may be the very tensors of an `Int8Linear`.

    `multiplier` is what Gemma multiplies its embeddings by, 1 elsewhere. Results are bf16.
    """

    weight: Tensor
    scales: Tensor

    def __init__(self, weight: Tensor, scales: Tensor, *, multiplier: float = 1.0) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = weight.shape
        self.multiplier = multiplier
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)

    def forward(self, ids: Tensor) -> Tensor:
        rows = functional.embedding(ids, self.weight).to(torch.bfloat16) * self.scales[ids].unsqueeze(-1)
        return rows * self.multiplier if self.multiplier != 1.0 else rows


def fits_int4(out_features: int, in_features: int) -> bool:
    """Whether a weight of this shape can be held by `Int4Linear`."""
    return out_features % ROW_BLOCK == 0 and in_features % GROUP == 0


def fits_int8(out_features: int, in_features: int) -> bool:
    """Whether a weight of this shape can be held by `Int8Linear`: its kernel reads past a row's end otherwise."""
    return out_features > 0 and in_features % GROUP == 0


def pack_int4(numbers: Tensor, scales: Tensor, minimums: Tensor) -> tuple[Tensor, Tensor]:
    """Groups of GGUF's kind, weight = number * scale + minimum, -> `packed` and `scales_and_zeros` of `Int4Linear`.

    `numbers` [out, in] integers 0 to 15, `scales` and `minimums` float32 [out, in / 32]. Only the scales are rounded.
    """
    zeros = minimums + 8 * scales
    scales_and_zeros = torch.stack([scales.T, zeros.T], dim=-1).to(torch.bfloat16).contiguous()
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(numbers.to(torch.int32).contiguous(), 1)
    return packed, scales_and_zeros


def quantize_linear(linear: nn.Linear, *, bits: Literal[4, 8] = 4, library: Library | None = None) -> nn.Module:
    """The same layer with 4-bit or 8-bit weights, or the layer itself where its shape fits no kernel.

    With a `library` its kernels are meant, else PyTorch's.
    """
    if library is not None:
        return pack_linear(linear, library, bits=bits) or linear
    shape = (linear.out_features, linear.in_features)
    weight = linear.weight.detach()
    bias = None if linear.bias is None else linear.bias.detach().to(torch.bfloat16)
    if bits == 4 and fits_int4(*shape):
        return Int4Linear(*pack_int4(*quantize_int4(weight)), bias)
    return Int8Linear(*quantize_int8(weight), bias) if fits_int8(*shape) else linear


def quantize_model(model: PreTrainedModel, *, bits: Literal[4, 8], library: Library | None = None) -> None:
    """Swap every plain linear layer of a model on the CPU, one at a time, so that memory never holds it twice.

    The output layer gets 8 bits whatever `bits` says, and shares them with the embedding where the two are one table.
    """
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    tied = head is not None and head.weight is embedding.weight
    layers = [(name, module) for name, module in model.named_modules() if type(module) is nn.Linear]
    for name, module in layers:
        swapped = quantize_linear(module, bits=8 if module is head else bits, library=library)
        model.set_submodule(name, swapped)
        if module is head and tied and swapped is not module:
            model.set_input_embeddings(tied_embedding(swapped, embedding_multiplier(embedding)))


def tied_embedding(head: nn.Module, multiplier: float) -> nn.Module:
    """The embedding that shares the table of a quantised output layer. Raises TypeError for another one."""
    if isinstance(head, PackedLinear):
        return PackedEmbedding(head.packed, multiplier=multiplier)
    if isinstance(head, Int8Linear):
        return Int8Embedding(head.weight, head.scales, multiplier=multiplier)
    raise TypeError(f"{type(head).__name__} is not a quantised table")


def embedding_multiplier(embedding: nn.Module) -> float:
    """What Gemma multiplies its embeddings by, rounded to the type of the weights as it does; 1 elsewhere."""
    return torch.tensor(getattr(embedding, "scalar_embed_scale", 1.0), dtype=torch.bfloat16).item()


def held_as(model: nn.Module) -> str:
    """How the layers of a model are held: "bf16", "int4", or the fewest and most bits as "int4+int8". Tables do not
    count."""
    layers = [module for name, module in model.named_modules() if not name.endswith("lm_head")]
    bits = sorted({bits for layer in layers if (bits := _bits(layer))})
    return "+".join(f"int{count}" for count in dict.fromkeys((bits[0], bits[-1]))) if bits else "bf16"


def _bits(layer: nn.Module) -> int | None:
    if isinstance(layer, PackedLinear):
        return layer.kind.bits
    return {Int4Linear: 4, Int8Linear: 8}.get(type(layer))


def bitsandbytes_config(kind: Literal["nf4", "int8"]) -> BitsAndBytesConfig:
    """What `from_pretrained` needs. The same "nf4" runs on CUDA and, for tests, on a CPU."""
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


@cache
def packed_layout() -> tuple[int, bool] | None:
    """How this machine's kernel orders packed weights: (rows in a block, whether the halves of a byte are half a
    block apart rather than neighbours). None when it is an order that is not known here; then only the kernel reads it.
    """
    numbers = torch.randint(0, 16, (2 * ROW_BLOCK, GROUP), generator=torch.Generator().manual_seed(0))
    packed, scales_and_zeros = pack_int4(numbers, torch.ones(len(numbers), 1), torch.zeros(len(numbers), 1))
    for layout in ((64, True), (32, True), (64, False), (32, False)):
        if torch.equal(_unpack(packed, scales_and_zeros, layout), numbers.T.to(torch.bfloat16)):
            return layout
    return None


def _unpack(packed: Tensor, scales_and_zeros: Tensor, layout: tuple[int, bool]) -> Tensor:
    """`packed` -> bf16 [in, out]. Every line is one pass over memory, which is what this costs."""
    block, halves = layout
    groups, out_features = scales_and_zeros.shape[:2]
    blocks = out_features // block
    # A lane is the row inside a block: (2, block / 2) if the halves of a byte are apart, (block / 2, 2) if neighbours.
    lanes = (2, block // 2) if halves else (block // 2, 2)
    weights = torch.empty(groups, GROUP, blocks, *lanes, dtype=torch.bfloat16)
    pairs = scales_and_zeros.view(groups, 1, blocks, *lanes, 2)
    words = packed.view(blocks, groups, GROUP, block // 2).permute(1, 2, 0, 3)
    words = words.to(torch.int16, memory_format=torch.contiguous_format)
    for half, numbers in enumerate((words & 15, words >> 4)):
        floats = numbers.bitwise_or_(BF16_128).view(torch.bfloat16).sub_(136)
        scale_and_zero = pairs.select(-2 if not halves else -3, half).contiguous()
        target = weights.select(-1 if not halves else -2, half)
        torch.addcmul(scale_and_zero[..., 1].contiguous(), floats, scale_and_zero[..., 0].contiguous(), out=target)
    return weights.view(groups * GROUP, out_features)
