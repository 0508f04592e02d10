"""Layers whose weights lie in the layout of our own kernels: what stands in for Linear and Embedding on most CPUs.

Owns these modules, and the way from a float layer to them. Knows nothing of files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from playground.kernels.formats import FORMATS, Packed, fits, pack, unpack
from playground.kernels.library import Library
from playground.models.rounding import group_int4, group_int8

BUFFERS = ("numbers", "bits", "scales", "supers")


class PackedLinear(nn.Module):
    """`nn.Linear` over packed weights. Buffers: those of `Packed`, and `bias` bf16 [out] or None.

    Input of any leading shape; the result has the input's type. Gradients reach the input, never the weights.
    """

    numbers: Tensor
    bits: Tensor
    scales: Tensor
    supers: Tensor
    bias: Tensor | None

    def __init__(self, packed: Packed, library: Library, bias: Tensor | None = None) -> None:
        super().__init__()
        self.kind = packed.kind
        self.library = library
        self.out_features, self.in_features = packed.shape
        for name in BUFFERS:
            self.register_buffer(name, getattr(packed, name))
        self.register_buffer("bias", bias)

    @property
    def packed(self) -> Packed:
        """The weights."""
        return Packed(self.kind, self.numbers, self.bits, self.scales, self.supers)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, self.in_features)
        if rows.requires_grad:
            outputs = functional.linear(rows.float(), unpack(self.packed))
        else:
            outputs = self.library.multiply(self.packed, rows)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.to(inputs.dtype).view(*inputs.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}, kind={self.kind.name}"


class PackedEmbedding(nn.Module):
    """`nn.Embedding` over packed rows; the buffers may be the very tensors of a `PackedLinear`. Results are bf16.

    `multiplier` is what Gemma multiplies its embeddings by, 1 elsewhere.
    """

    numbers: Tensor
    bits: Tensor
    scales: Tensor
    supers: Tensor

    def __init__(self, packed: Packed, *, multiplier: float = 1.0) -> None:
        super().__init__()
        self.kind = packed.kind
        self.num_embeddings, self.embedding_dim = packed.shape
        self.multiplier = multiplier
        for name in BUFFERS:
            self.register_buffer(name, getattr(packed, name))

    @property
    def packed(self) -> Packed:
        """The table."""
        return Packed(self.kind, self.numbers, self.bits, self.scales, self.supers)

    def forward(self, ids: Tensor) -> Tensor:
        rows = unpack(self.packed, ids.reshape(-1)).to(torch.bfloat16)
        if self.multiplier != 1.0:
            rows = rows * self.multiplier
        return rows.view(*ids.shape, self.embedding_dim)


def pack_linear(linear: nn.Linear, library: Library, *, bits: int) -> PackedLinear | None:
    """The same layer with 4-bit or 8-bit weights; None where its shape fits no kernel."""
    kind = FORMATS["q4_1" if bits == 4 else "q8_0"]
    if not fits(kind, linear.out_features, linear.in_features):
        return None
    group = group_int4 if bits == 4 else group_int8
    bias = None if linear.bias is None else linear.bias.detach().to(torch.bfloat16)
    return PackedLinear(pack(group(linear.weight.detach())), library, bias)
