"""How a tensor of a GGUF file is stored for running on a CPU, and the files that it is stored in.

Owns the choice between 4 bits, 8 bits and bf16 for one tensor. Knows nothing of networks or folders.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from playground.kernels.formats import FORMATS, Groups, fits, pack
from playground.models.gguf import GgufTensor
from playground.models.gguf_blocks import FORMAT_OF, read_groups
from playground.models.packed_layers import BUFFERS
from playground.models.quantization import fits_int4, fits_int8, pack_int4
from playground.models.rounding import four_bit_floats, group_int4, group_int8, quantize_int4, quantize_int8

Scheme = Literal["int8", "int4", "bf16"]
"""What weights of a network's layers become. "int8": as the file has them, for PyTorch's kernels 4 or 8 bits;
"int4": all get 4 bits; "bf16": all are written out, a plain folder that any part of transformers can read."""

ALIGNMENT_BYTES = 64
"""PyTorch's 8-bit kernel crashes on weights that do not lie on a multiple of 16 bytes; safetensors promises 8."""
PART_ROWS = 16_384
PADDING = "padding."
DTYPES = {torch.bfloat16: "BF16", torch.float16: "F16", torch.uint8: "U8", torch.int8: "I8"}
SHARD_BYTES = 256 * 2**20
"""A file is written when so much has come together, so that a large model never lies in memory as a whole."""


@dataclass(frozen=True)
class Held:
    """One weight as it will be stored.

    `kind` is "int4", "int8", "bf16" or a format of our kernels; `tensors` are named by their suffix.
    """

    kind: str
    tensors: dict[str, Tensor]


def hold(tensor: GgufTensor, scheme: str, *, is_table: bool) -> Held:
    """One tensor of the file as it will be stored. A table (embedding, output layer) never gets fewer than 8 bits."""
    if len(tensor.shape) == 1 or scheme == "bf16":
        return Held("bf16", {"": _floats(tensor).to(torch.bfloat16)})
    fits = fits_int4(*tensor.shape) and not is_table
    if fits and tensor.kind in FORMAT_OF and FORMAT_OF[tensor.kind].bits == 4:
        packed, scales_and_zeros = pack_int4(*four_bit_floats(read_groups(tensor.data, tensor.kind)))
        return Held("int4", {"packed": packed, "scales_and_zeros": scales_and_zeros})
    if fits and scheme == "int4":
        packed, scales_and_zeros = pack_int4(*quantize_int4(_floats(tensor)))
        return Held("int4", {"packed": packed, "scales_and_zeros": scales_and_zeros})
    if not fits_int8(*tensor.shape):
        return Held("bf16", {"": _floats(tensor).to(torch.bfloat16)})
    # A vocabulary's table is large enough to matter as float32, so it is taken a part at a time.
    parts = [quantize_int8(_floats(part)) for part in tensor.parts(PART_ROWS)]
    weight, scales = (torch.cat(column) for column in zip(*parts, strict=True))
    return Held("int8", {"weight": weight, "scales": scales})


def hold_packed(tensor: GgufTensor, scheme: str, *, is_table: bool) -> Held:
    """One tensor for our own kernels: as the file has it wherever they know its format.

    A table is never made smaller.
    """
    if len(tensor.shape) == 1:
        return Held("bf16", {"": _floats(tensor).to(torch.bfloat16)})
    kind = FORMAT_OF.get(tensor.kind)
    smaller = scheme == "int4" and not is_table
    if kind is not None and fits(kind, *tensor.shape) and (kind.bits == 4 or not smaller):
        return _packed([read_groups(part.data, part.kind) for part in tensor.parts(PART_ROWS)])
    kind, group = (FORMATS["q4_1"], group_int4) if smaller else (FORMATS["q8_0"], group_int8)
    if not fits(kind, *tensor.shape):
        return Held("bf16", {"": _floats(tensor).to(torch.bfloat16)})
    return _packed([group(_floats(part)) for part in tensor.parts(PART_ROWS)])


def _packed(parts: list[Groups]) -> Held:
    """A vocabulary's table is large enough to matter, so it comes a part at a time."""
    packed = [pack(part) for part in parts]
    tensors = {name: torch.cat([getattr(part, name) for part in packed]) for name in BUFFERS}
    return Held(parts[0].kind.name, tensors)


def _floats(tensor: GgufTensor) -> Tensor:
    return torch.from_numpy(tensor.floats())


class ShardWriter:
    """Writes tensors into several safetensors files and the index by which transformers finds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, Tensor] = {}
        self._file_of: dict[str, str] = {}
        self._count = 0

    def add(self, tensors: dict[str, Tensor]) -> None:
        """Take tensors in; a full file is written at once."""
        self._waiting |= tensors
        if sum(tensor.nbytes for tensor in self._waiting.values()) >= SHARD_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the index."""
        self._flush()
        index = {"metadata": {}, "weight_map": self._file_of}
        (self._folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")

    def _flush(self) -> None:
        if not self._waiting:
            return
        name = f"model-{self._count:05d}.safetensors"
        write_aligned(self._folder / name, self._waiting)
        self._file_of |= dict.fromkeys(self._waiting, name)
        self._count += 1
        self._waiting = {}


def write_aligned(path: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file whose tensors lie on multiples of 64 bytes. The format allows no holes, so where one is
    needed it is a tensor itself, named `PADDING` and a number; usual shapes need none.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    blocks: list[Tensor] = []
    position = 0
    for name, tensor in tensors.items():
        hole = -position % ALIGNMENT_BYTES
        filling = {f"{PADDING}{len(blocks)}": torch.zeros(hole, dtype=torch.uint8)} if hole else {}
        for entry, block in (filling | {name: tensor.contiguous()}).items():
            offsets = [position, position + block.nbytes]
            header[entry] = {"dtype": DTYPES[block.dtype], "shape": list(block.shape), "data_offsets": offsets}
            blocks.append(block)
            position += block.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % ALIGNMENT_BYTES)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for block in blocks:
            file.write(block.reshape(-1).view(torch.uint8).numpy().data)
