"""GGUF files: what they say and the numbers they hold, under the names that transformers uses.

Owns the file format (header, metadata, tensor table), the mapping of llama.cpp's tensor names and layouts to the
Hugging Face ones, and the configuration that follows from the metadata. Knows nothing of how weights are stored for
speed (`quantization.py`, `prepared.py`), nor of tokenizers (`gguf_tokenizer.py`).

The header is read here rather than with `gguf.GGUFReader`, which makes one numpy view per vocabulary entry: 8-10 s for
the models of the catalogue, against 0.1 s.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

from playground.errors import ModelUnavailable

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""The format's number for a value type -> the code of `struct` (little-endian)."""

FLOATS = {
    GGMLQuantizationType.F32: np.float32,
    GGMLQuantizationType.F16: np.float16,
    GGMLQuantizationType.F64: np.float64,
}


@dataclass(frozen=True)
class GgufTensor:
    """One tensor as it lies in the file. `shape` is in Hugging Face order: (rows, columns) = (out, in)."""

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    data: np.ndarray
    """The raw blocks, uint8 [rows, bytes a row]; a view of the mapped file."""

    def floats(self) -> np.ndarray:
        """The values as float32, in `shape`."""
        if self.kind in FLOATS:
            return self.data.reshape(-1).view(FLOATS[self.kind]).astype(np.float32).reshape(self.shape)
        if self.kind == GGMLQuantizationType.BF16:
            halves = self.data.reshape(-1).view(np.uint16).astype(np.uint32) << 16
            return halves.view(np.float32).reshape(self.shape)
        return dequantize(self.data, self.kind).reshape(self.shape)

    def every(self, step: int) -> GgufTensor:
        """One row in `step`."""
        data = np.ascontiguousarray(self.data[::step])
        return replace(self, shape=(len(data), *self.shape[1:]), data=data)

    def parts(self, rows: int) -> Iterator[GgufTensor]:
        """The tensor in pieces of at most so many rows."""
        for start in range(0, self.shape[0], rows):
            data = self.data[start : start + rows]
            yield replace(self, shape=(len(data), *self.shape[1:]), data=data)


class GgufFile:
    """A mapped GGUF file: `metadata` by key, `tensors` by the file's own names.

    Raises ModelUnavailable when the file is no GGUF, is cut off, or is of an unknown version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata: dict[str, Any] = {}
        self.tensors: dict[str, GgufTensor] = {}
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._position = 0
            self._read()
        except (OSError, ValueError, KeyError, struct.error, UnicodeDecodeError, OverflowError) as error:
            raise ModelUnavailable(
                f"The model file {path.name} cannot be read; it is damaged or was not downloaded completely. "
                "Delete it and download it again."
            ) from error

    def _read(self) -> None:
        if self._bytes[:4] != MAGIC:
            raise ValueError("no GGUF file")
        self._position = 4
        if self._number("I") not in VERSIONS:
            raise ValueError("unknown GGUF version")
        tensor_count, key_count = self._number("Q"), self._number("Q")
        for _ in range(key_count):
            key = self._string()
            self.metadata[key] = self._value(self._number("I"))
        infos = [self._tensor_info() for _ in range(tensor_count)]
        alignment = int(self.metadata.get("general.alignment", DEFAULT_ALIGNMENT))
        start = -(-self._position // alignment) * alignment
        contents = np.frombuffer(self._bytes, dtype=np.uint8)
        for name, shape, kind, offset in infos:
            self.tensors[name] = _tensor(contents, name, shape, kind, start + offset)

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from("<" + code, self._bytes, self._position)
        self._position += struct.calcsize("<" + code)
        return value

    def _string(self) -> str:
        length = self._number("Q")
        raw = self._bytes[self._position : self._position + length]
        if len(raw) != length:
            raise ValueError("cut off")
        self._position += length
        return raw.decode("utf-8")

    def _value(self, kind: int) -> Any:
        if kind == STRING:
            return self._string()
        if kind != ARRAY:
            return self._number(SCALARS[kind])
        element, length = self._number("I"), self._number("Q")
        if element in (STRING, ARRAY):
            return [self._value(element) for _ in range(length)]
        layout = f"<{length}{SCALARS[element]}"
        values = struct.unpack_from(layout, self._bytes, self._position)
        self._position += struct.calcsize(layout)
        return list(values)

    def _tensor_info(self) -> tuple[str, tuple[int, ...], GGMLQuantizationType, int]:
        name = self._string()
        dimensions = [self._number("Q") for _ in range(self._number("I"))]
        return name, tuple(reversed(dimensions)), GGMLQuantizationType(self._number("I")), self._number("Q")


def _tensor(
    contents: np.ndarray, name: str, shape: tuple[int, ...], kind: GGMLQuantizationType, offset: int
) -> GgufTensor:
    block, block_bytes = GGML_QUANT_SIZES[kind]
    row_bytes, remainder = divmod(shape[-1] * block_bytes, block)
    rows = int(np.prod(shape[:-1], dtype=np.int64))
    end = offset + rows * row_bytes
    if remainder or end > contents.size:
        raise ValueError(f"{name} reaches past the end of the file")
    return GgufTensor(name, shape, kind, contents[offset:end].reshape(rows, row_bytes))
