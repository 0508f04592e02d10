"""How long one product takes: our kernels against PyTorch's 4-bit, 8-bit and bf16 ones on the same shapes."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.command_line import Plan, main
from benchmarks.results import Result, Table, with_spread
from benchmarks.sides import THREADS, take_turns
from playground.kernels.formats import FORMATS, Groups, Packed, pack
from playground.kernels.library import Activations, Library, open_library
from playground.kernels.program import Program
from playground.kernels.rows import Rounding
from playground.models.quantization import Int4Linear, Int8Linear, pack_int4
from playground.settings import Settings

SHAPES = ((1536, 576), (4864, 896), (8960, 1536))
ROWS = (1, 4, 8, 16)
FORMATS_SHOWN = ("q4_1", "q5_0", "q6_k", "q8_0")
FOOTPRINT_BYTES = 256 * 2**20
"""Copies of the weights that are walked through, so that they come from memory as in a model."""
COLUMNS = ("out x in, rows", *(f"ours, {name}" for name in FORMATS_SHOWN), "PyTorch int4", "PyTorch int8", "bf16")
MICROSECONDS = 1e6


def measure(plan: Plan) -> Result:
    """Every shape and number of rows; the ways take turns."""
    torch.set_num_threads(THREADS)
    library = open_library(Settings.from_env({}).cache_dir, threads=THREADS)
    rows = [_row(out, columns, count, library, plan.rounds) for out, columns in SHAPES for count in ROWS]
    return Result(
        "kernels",
        "One product",
        "Microseconds for `rows` rows of activations times one weight matrix that comes from memory, rounding of the "
        "activations included. Median (lowest–highest).",
        plan.rounds,
        (),
        (Table(COLUMNS, tuple(rows)),),
    )


def _row(out: int, columns: int, count: int, library: Library | None, rounds: int) -> tuple[str, ...]:
    x = torch.randn(count, columns)
    ways: dict[str, Callable[[], float]] = {}
    if library is not None:
        for name in FORMATS_SHOWN:
            if columns % 256 == 0 or not FORMATS[name].has_supers:
                ways[name] = _ours(library, name, out, columns, x)
    theirs = (_torch_int4(out, columns, x), _torch_int8(out, columns, x), _torch_bf16(out, columns, x))
    ways |= dict(zip(COLUMNS[-len(theirs) :], theirs, strict=True))
    # PyTorch's threads and ours spin while they wait, so they must not be awake together.
    times = take_turns(rounds, *(lambda _, way=way: _pause() or way() for way in ways.values()))
    cells = {name: with_spread(found) for name, found in zip(ways, times, strict=True)}
    return (f"{out} x {columns}, {count}", *(cells.get(name, "–") for name in (*FORMATS_SHOWN, *COLUMNS[-3:])))


def _pause() -> None:
    time.sleep(0.1)


def _timed(works: list[Callable[[], object]]) -> float:
    for work in works:
        work()
    start = time.perf_counter()
    for work in works:
        work()
    return (time.perf_counter() - start) / len(works) * MICROSECONDS


def _copies(tensors: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    size = sum(tensor.nbytes for tensor in tensors)
    return [[tensor.clone() for tensor in tensors] for _ in range(max(2, FOOTPRINT_BYTES // size))]


def _ours(library: Library, name: str, out: int, columns: int, x: torch.Tensor) -> Callable[[], float]:
    kind = FORMATS[name]
    groups = columns // 32
    scales = torch.ones(out, groups, kind.scales, dtype=torch.int8 if kind.has_supers else torch.float16)
    supers = torch.ones(out, groups // 8, 1 + kind.has_minimum, dtype=torch.float16) if kind.has_supers else None
    numbers = torch.randint(0, 1 << kind.bits, (out, columns), dtype=torch.uint8)
    packed = pack(Groups(kind, numbers, scales, supers))
    rounded, result = Activations.rounded(len(x), columns), torch.empty(len(x), out)
    first = library.stage("round", {Rounding.IN: x} | rounded.arguments(columns), chunks=len(x))
    programs = [
        Program([first, library.product(Packed(kind, *parts), rounded, result, rows=len(x))])
        for parts in _copies([packed.numbers, packed.bits, packed.scales, packed.supers])
    ]
    return lambda: _timed([lambda program=program: library.run(program) for program in programs])


def _torch_int4(out: int, columns: int, x: torch.Tensor) -> Callable[[], float]:
    numbers = torch.randint(0, 16, (out, columns), dtype=torch.uint8)
    scales = torch.ones(out, columns // 32)
    layers = [Int4Linear(*parts) for parts in _copies(list(pack_int4(numbers, scales, scales)))]
    rows = x.to(torch.bfloat16)
    return lambda: _timed([lambda layer=layer: layer.multiply(rows) for layer in layers])


def _torch_int8(out: int, columns: int, x: torch.Tensor) -> Callable[[], float]:
    weight = torch.randint(-127, 127, (out, columns), dtype=torch.int8)
    layers = [Int8Linear(*parts) for parts in _copies([weight, torch.ones(out, dtype=torch.bfloat16)])]
    rows = x.to(torch.bfloat16)
    return lambda: _timed([lambda layer=layer: layer.multiply(rows) for layer in layers])


def _torch_bf16(out: int, columns: int, x: torch.Tensor) -> Callable[[], float]:
    weights = [parts[0] for parts in _copies([torch.randn(out, columns).to(torch.bfloat16)])]
    rows = x.to(torch.bfloat16)
    return lambda: _timed([lambda weight=weight: functional.linear(rows, weight) for weight in weights])


if __name__ == "__main__":
    main(measure)
