"""All kernels of this machine, compiled once and kept as machine code in the cache folder.

Owns which kernels there are, the file that they are kept in, and how a stage is put together. Opening the kept file
takes a few milliseconds; compiling takes some seconds and happens once for a processor and a version of this package.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from llvmlite import __version__ as llvmlite_version
from llvmlite import ir

from playground.kernels import compiler
from playground.kernels.attention import SIZES, define_attention, define_store
from playground.kernels.embedding import define_embed
from playground.kernels.formats import FORMATS, GROUP, ROWS, Packed
from playground.kernels.mathematics import ACTIVATIONS
from playground.kernels.matrix import ROW_BLOCK, define_matrix
from playground.kernels.product import Product, define_product
from playground.kernels.program import Program, Stage, define_team
from playground.kernels.rows import WRITERS, Rounding, define_rows
from playground.kernels.segments import define_merge
from playground.kernels.team import Team

log = logging.getLogger(__name__)

KERNELS = (
    *(f"product_{name}" for name in FORMATS),
    *(f"matrix_{name}" for name in FORMATS),
    *(f"round{suffix}" for suffix in WRITERS),
    *(f"norm{suffix}" for suffix in WRITERS),
    *(f"gate_{name}{suffix}" for name in ACTIVATIONS for suffix in WRITERS),
    "normed_add",
    "rotate",
    *(f"embed_{name}" for name in FORMATS),
    "store",
    *(f"attention_{size}" for size in SIZES),
    "merge",
)
"""In the order in which a stage names them."""


FEW_ROWS = 16
"""So many rows are multiplied as integers; above that the matrix unit is quicker."""
FORGOTTEN_AFTER_S = 30 * 24 * 3600.0
"""Kept kernels of another processor or version are deleted after that: a cache folder may be shared."""
CHUNKS_FOR_EACH = 12
"""Chunks of a product for each thread: enough that threads end together, few enough that claiming costs nothing."""


@dataclass(frozen=True, eq=False)
class Activations:
    """Rows as the products want them.

    bf16 [rows, columns], or int8 with float32 `scales` [rows, columns / 32] and int32 `sums` [rows, columns / 16].
    Buffers may be larger; rows of `columns` numbers lie one behind the other.
    """

    numbers: torch.Tensor
    scales: torch.Tensor | None = None
    sums: torch.Tensor | None = None

    @classmethod
    def rounded(cls, rows: int, columns: int) -> Activations:
        """Room for 8-bit rows."""
        return cls(
            torch.empty(rows * columns, dtype=torch.int8),
            torch.empty(rows * columns // GROUP),
            torch.empty(rows * columns // GROUP * 2, dtype=torch.int32),
        )

    @property
    def suffix(self) -> str:
        """What the names of kernels that write such rows end in."""
        return "_half" if self.scales is None else ""

    def arguments(self, columns: int) -> dict[Any, object]:
        """Where a kernel of `rows.py` shall write."""
        return {
            Rounding.COLUMNS: columns,
            Rounding.OUT: self.numbers,
            Rounding.SCALES: self.scales,
            Rounding.SUMS: self.sums,
        }


def weights(packed: Packed) -> dict[Any, object]:
    """Packed weights as arguments."""
    return {
        Product.NUMBERS: packed.numbers,
        Product.BITS: packed.bits,
        Product.SCALES: packed.scales,
        Product.SUPERS: packed.supers,
    }


class Library:
    """The kernels and the threads that run them. One thread at a time may use it."""

    def __init__(self, code: compiler.MachineCode, *, threads: int) -> None:
        run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(code.address("team_run"))
        help_ = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)(code.address("team_help"))
        self._code = code
        self._indices = {name: index for index, name in enumerate(KERNELS)}
        self._threads = threads
        self.has_matrix_unit = compiler.enable_matrix_unit()
        """Whether this processor multiplies bf16 matrices on a unit of its own (AMX)."""
        self._team = Team(run, help_, helpers=threads - 1, code=code)

    @property
    def threads(self) -> int:
        """Threads of the machine's allowance, the caller's included."""
        return self._threads

    def use_threads(self, count: int) -> None:
        """How many threads take part from the next run on."""
        self._team.use(count - 1)

    def stage(self, name: str, arguments: Mapping[Any, object], *, chunks: int, waits: bool = True) -> Stage:
        """A stage of the kernel `name`, whose arguments are named by an IntEnum beside its definition.

        They are ints, floats, or tensors, which stand for their addresses and live as long as the stage.
        With `waits=False` the next stage may begin before this one is done.
        """
        table = (ctypes.c_int64 * (max(arguments) + 1))()
        for entry, value in arguments.items():
            table[entry] = as_word(value)
        return Stage(self._indices[name], table, chunks, waits, tuple(arguments.values()))

    def multiply(self, packed: Packed, rows: torch.Tensor) -> torch.Tensor:
        """`rows` [n, in] times packed weights -> float32 [n, out]. Up to 16 rows as 8-bit integers, more as bf16 where
        the processor has a matrix unit."""
        many = self.has_matrix_unit and len(rows) > FEW_ROWS
        room = -(-len(rows) // ROW_BLOCK) * ROW_BLOCK
        columns = rows.shape[1]
        if many:
            out = torch.empty(room, packed.shape[0])
            x = torch.empty(room, columns, dtype=torch.bfloat16)
            x[: len(rows)] = rows
            stages = [self.product(packed, Activations(x), out, rows=len(rows))]
        else:
            out, x = torch.empty(len(rows), packed.shape[0]), Activations.rounded(len(rows), columns)
            given = rows.to(torch.float32).contiguous()
            stages = [
                self.stage("round", {Rounding.IN: given} | x.arguments(columns), chunks=len(rows)),
                self.product(packed, x, out, rows=len(rows)),
            ]
        self.run(Program(stages))
        return out[: len(rows)]

    def product(
        self,
        packed: Packed,
        x: Activations,
        out: torch.Tensor,
        *,
        rows: int,
        bias: torch.Tensor | None = None,
        addend: torch.Tensor | None = None,
        waits: bool = True,
    ) -> Stage:
        """The stage `out[:rows] = x[:rows] @ weights.T + bias + addend`.

        `bias` float32 [out], `addend` and `out` float32 [rows, out]; the last two may be the same, and some columns of
        a wider tensor. On the matrix unit they have room for whole blocks of 32 rows.
        """
        half = x.scales is None
        blocks = packed.shape[0] // ROWS
        in_chunk = 2 if half else max(1, -(-blocks // (CHUNKS_FOR_EACH * self._threads)))
        arguments = {
            Product.ROWS: rows,
            Product.GROUPS: packed.shape[1] // GROUP,
            Product.BLOCKS: blocks,
            Product.BLOCKS_IN_CHUNK: in_chunk,
            Product.X: x.numbers,
            Product.X_SCALES: x.scales,
            Product.X_SUMS: x.sums,
            Product.OUT: out,
            Product.OUT_COLUMNS: out.stride(0),
            Product.BIAS: bias,
            Product.ADDEND: addend,
        }
        name = f"{'matrix' if half else 'product'}_{packed.kind.name}"
        return self.stage(name, arguments | weights(packed), chunks=-(-blocks // in_chunk), waits=waits)

    def share(self, tasks: Sequence[Callable[[], torch.Tensor]]) -> list[torch.Tensor]:
        """What the tasks return, each called on a thread of its own; for work of PyTorch, with one thread for each."""
        return self._team.share([partial(_alone, task) for task in tasks])

    def run(self, program: Program) -> None:
        """Do everything in `program`."""
        self._team.run(program)


def _alone(task: Callable[[], torch.Tensor]) -> torch.Tensor:
    """PyTorch's settings belong to a thread: here one without gradients and without more threads of its own."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        return task()


def as_word(value: object) -> int:
    """An argument as 8 bytes."""
    if isinstance(value, torch.Tensor):
        return value.data_ptr()
    if isinstance(value, float):
        return struct.unpack("<i", struct.pack("<f", value))[0]
    return 0 if value is None else int(value)  # ty: ignore[invalid-argument-type]


@cache
def open_library(cache_dir: Path, *, threads: int) -> Library | None:
    """The kernels for this processor, from the cache or compiled now; None where it cannot run them."""
    if not compiler.is_supported():
        return None
    path = cache_dir / "kernels" / f"{_fingerprint()}.o"
    try:
        return Library(compiler.MachineCode(_checked(path.read_bytes())), threads=threads)
    except (OSError, ValueError, RuntimeError):
        start_s = time.perf_counter()
    try:
        object_code = _compile()
        library = Library(compiler.MachineCode(object_code), threads=threads)
    except RuntimeError:
        log.warning("the kernels cannot be compiled; others are used", exc_info=True)
        return None
    log.info("compiled the kernels in %.1f s", time.perf_counter() - start_s)
    _keep(path, object_code)
    return library


@cache
def _compile() -> bytes:
    return compiler.compile_module(_define())


def _define() -> ir.Module:
    module = ir.Module("kernels")
    kernels = [define_product(module, kind) for kind in FORMATS.values()]
    kernels += [define_matrix(module, kind) for kind in FORMATS.values()]
    kernels += define_rows(module)
    kernels += [define_embed(module, kind) for kind in FORMATS.values()]
    kernels.append(define_store(module))
    kernels += [define_attention(module, size) for size in SIZES]
    kernels.append(define_merge(module))
    names = [kernel.name for kernel in kernels]
    if names != list(KERNELS):
        raise AssertionError(f"KERNELS has to list {names}")
    define_team(module, kernels)
    return module


def _fingerprint() -> str:
    """What the machine code depends on: processor, compiler, and the sources of this package."""
    digest = hashlib.sha256(f"{compiler.processor()} {llvmlite_version}".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:24]


def _checked(kept: bytes) -> bytes:
    """The code behind its own checksum. Raises ValueError: half a file must never be run."""
    checksum, code = kept[:32], kept[32:]
    if hashlib.sha256(code).digest() != checksum:
        raise ValueError("the kept kernels are damaged")
    return code


def _keep(path: Path, object_code: bytes) -> None:
    """Write the code where the next start finds it; without a place for it every start compiles."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.iterdir():
            if time.time() - old.stat().st_mtime > FORGOTTEN_AFTER_S:
                old.unlink(missing_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(hashlib.sha256(object_code).digest() + object_code)
        os.replace(part, path)
    except OSError as error:
        log.info("the compiled kernels are not kept: %s", error)
