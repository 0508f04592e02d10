"""What is done to a row of activations between two products: norms, activation, rotation, rounding to 8 bits.

Owns these loops. A chunk is a row, or a part of one. Nothing here depends on the other rows of a step.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import (
    FLOAT,
    FLOATS,
    I8,
    I32,
    I64,
    INTS,
    LANES,
    POINTER,
    Code,
    constant,
    number,
    vector,
    whole,
)
from playground.kernels.formats import GROUP
from playground.kernels.mathematics import ACTIVATIONS


class Rounding(IntEnum):
    """Arguments of `round`: float32 rows -> 8-bit rows with scales and sums.

    Kernels whose name ends in `_half` write bf16 to OUT instead and have no SCALES and SUMS.
    """

    COLUMNS = 0
    IN = 1
    OUT = 2
    SCALES = 3
    SUMS = 4


class Norm(IntEnum):
    """Arguments of `norm`: RMS norm, then rounding as above. `normed_add` adds the norm of IN to OUT instead."""

    COLUMNS = 0
    IN = 1
    OUT = 2
    SCALES = 3
    SUMS = 4
    WEIGHT = 5
    EPSILON = 6


class Gate(IntEnum):
    """Arguments of `gate_<activation>`: rounding of activation(gate) * up, which lie side by side in a row of IN."""

    COLUMNS = 0
    IN = 1
    OUT = 2
    SCALES = 3
    SUMS = 4
    PARTS = 5
    PART_COLUMNS = 6


class Rotation(IntEnum):
    """Arguments of `rotate`: float32 rows of q, k, v side by side -> bf16 rows, q and k normed and rotated."""

    HEADS = 0
    KEY_HEADS = 1
    SIZE = 2
    IN = 3
    OUT = 4
    POSITIONS = 5
    COSINES = 6
    SINES = 7
    QUERY_NORM = 8
    KEY_NORM = 9
    EPSILON = 10


def define_rows(module: ir.Module) -> list[ir.Function]:
    """Add all kernels of this file to the module."""
    return [
        *(_define_round(module, suffix) for suffix in WRITERS),
        *(_define_norm(module, suffix) for suffix in WRITERS),
        *(_define_gate(module, name, suffix) for name in ACTIVATIONS for suffix in WRITERS),
        _define_normed_add(module),
        _define_rotate(module),
    ]


def _begin(module: ir.Module, name: str) -> tuple[Code, ir.Value, ir.Value]:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), name)
    table, row = function.args
    return Code(function.append_basic_block("entry")), table, row


def _end(code: Code) -> ir.Function:
    code.ret_void()
    return code.function


class _Rounder:
    """Writes groups of 32 numbers as 8-bit ones. The arguments lie where `Rounding` says, for all kernels."""

    def __init__(self, code: Code, table: ir.Value, row: ir.Value) -> None:
        columns = code.field(table, Rounding.COLUMNS)
        groups = code.sdiv(columns, whole(GROUP))
        before = code.mul(row, groups)
        self.code = code
        self.groups = groups
        self.out = code.at(code.field(table, Rounding.OUT, POINTER), before, GROUP)
        self.scales = code.at(code.field(table, Rounding.SCALES, POINTER), before, 4)
        self.sums = code.at(code.field(table, Rounding.SUMS, POINTER), before, 8)

    def write(self, group: ir.Value, halves: list[ir.Value]) -> None:
        code = self.code
        sizes = [code.call_intrinsic("llvm.fabs.v16f32", FLOATS, [half]) for half in halves]
        largest = code.max_lanes(code.call_intrinsic("llvm.maxnum.v16f32", FLOATS, sizes))
        scale = code.fmul(largest, number(1 / 127))
        empty = code.fcmp_ordered("==", largest, number(0.0))
        inverse = code.select(empty, number(0.0), code.fdiv(number(127.0), largest))
        code.write(scale, self.scales, group)
        for part, half in enumerate(halves):
            steps = code.call_intrinsic("llvm.rint.v16f32", FLOATS, [code.fmul(half, code.splat(inverse))])
            numbers = code.fptosi(steps, INTS)
            index = code.add(code.mul(group, whole(2)), whole(part))
            code.write(code.trunc(numbers, vector(I8)), self.out, index)
            code.write(code.call_intrinsic("llvm.vector.reduce.add.v16i32", I32, [numbers]), self.sums, index)


class _HalfWriter:
    """Writes groups of 32 numbers as bf16."""

    def __init__(self, code: Code, table: ir.Value, row: ir.Value) -> None:
        columns = code.field(table, Rounding.COLUMNS)
        self.code = code
        self.groups = code.sdiv(columns, whole(GROUP))
        self.out = code.at(code.field(table, Rounding.OUT, POINTER), code.mul(row, columns), 2)

    def write(self, group: ir.Value, halves: list[ir.Value]) -> None:
        for part, half in enumerate(halves):
            index = self.code.add(self.code.mul(group, whole(2)), whole(part))
            self.code.write(self.code.floats_to_bf16(half), self.out, index)


WRITERS = {"": _Rounder, "_half": _HalfWriter}


def _define_round(module: ir.Module, suffix: str) -> ir.Function:
    code, table, row = _begin(module, f"round{suffix}")
    rounder = WRITERS[suffix](code, table, row)
    values = _row(code, table, Rounding.IN, row, code.field(table, Rounding.COLUMNS))
    with code.loop(0, rounder.groups) as group:
        rounder.write(group.index, _pair(code, values, group.index))
    return _end(code)


def _row(code: Code, table: ir.Value, entry: IntEnum, row: ir.Value, columns: ir.Value) -> ir.Value:
    """Where a row of floats begins."""
    return code.at(code.field(table, entry, POINTER), code.mul(row, columns), 4)


def _pair(code: Code, base: ir.Value, group: ir.Value) -> list[ir.Value]:
    first = code.mul(group, whole(2))
    return [code.read(FLOATS, base, code.add(first, whole(half))) for half in (0, 1)]


def _inverse_size(code: Code, values: ir.Value, columns: ir.Value, epsilon: ir.Value) -> ir.Value:
    """1 / sqrt(mean of squares + epsilon) in every lane. `columns` is a multiple of 16."""
    with code.loop(0, code.sdiv(columns, whole(LANES)), carried=[constant(FLOATS, 0.0)]) as loop:
        part = code.read(FLOATS, values, loop.index)
        loop.values = [code.fused(part, part, loop.values[0])]
    mean = code.fdiv(code.sum_lanes(loop.values[0]), code.sitofp(columns, FLOAT))
    root = code.call_intrinsic("llvm.sqrt.f32", FLOAT, [code.fadd(mean, epsilon)])
    return code.splat(code.fdiv(number(1.0), root))


def _define_norm(module: ir.Module, suffix: str) -> ir.Function:
    code, table, row = _begin(module, f"norm{suffix}")
    rounder = WRITERS[suffix](code, table, row)
    columns = code.field(table, Norm.COLUMNS)
    values, weight = _row(code, table, Norm.IN, row, columns), code.field(table, Norm.WEIGHT, POINTER)
    factor = _inverse_size(code, values, columns, code.field(table, Norm.EPSILON, FLOAT))
    with code.loop(0, rounder.groups) as group:
        pairs = zip(_pair(code, values, group.index), _pair(code, weight, group.index), strict=True)
        rounder.write(group.index, [code.fmul(code.fmul(value, factor), scale) for value, scale in pairs])
    return _end(code)


def _define_normed_add(module: ir.Module) -> ir.Function:
    code, table, row = _begin(module, "normed_add")
    columns = code.field(table, Norm.COLUMNS)
    values, weight = _row(code, table, Norm.IN, row, columns), code.field(table, Norm.WEIGHT, POINTER)
    out = _row(code, table, Norm.OUT, row, columns)
    factor = _inverse_size(code, values, columns, code.field(table, Norm.EPSILON, FLOAT))
    with code.loop(0, code.sdiv(columns, whole(LANES))) as loop:
        index = loop.index
        normed = code.fmul(code.fmul(code.read(FLOATS, values, index), factor), code.read(FLOATS, weight, index))
        code.write(code.fadd(code.read(FLOATS, out, index), normed), out, index)
    return _end(code)


def _define_gate(module: ir.Module, activation: str, suffix: str) -> ir.Function:
    code, table, chunk = _begin(module, f"gate_{activation}{suffix}")
    parts, columns = code.field(table, Gate.PARTS), code.field(table, Gate.COLUMNS)
    row, part = code.sdiv(chunk, parts), code.srem(chunk, parts)
    rounder = WRITERS[suffix](code, table, row)
    gate = _row(code, table, Gate.IN, row, code.mul(columns, whole(2)))
    up = code.at(gate, columns, 4)
    size = code.sdiv(code.field(table, Gate.PART_COLUMNS), whole(GROUP))
    first = code.mul(part, size)
    end = code.add(first, size)
    last = code.select(code.icmp_signed("<", end, rounder.groups), end, rounder.groups)
    with code.loop(first, last) as group:
        pairs = zip(_pair(code, gate, group.index), _pair(code, up, group.index), strict=True)
        rounder.write(group.index, [code.fmul(ACTIVATIONS[activation](code, one), two) for one, two in pairs])
    return _end(code)


def _define_rotate(module: ir.Module) -> ir.Function:
    """Half of a head against the other half, as in transformers' `rotate_half`; a head's half is a multiple of 8."""
    code, table, row = _begin(module, "rotate")
    heads, key_heads = code.field(table, Rotation.HEADS), code.field(table, Rotation.KEY_HEADS)
    size = code.field(table, Rotation.SIZE)
    half = code.sdiv(size, whole(2))
    total = code.add(heads, code.mul(key_heads, whole(2)))
    before = code.mul(code.mul(row, total), size)
    values = code.at(code.field(table, Rotation.IN, POINTER), before, 4)
    out = code.at(code.field(table, Rotation.OUT, POINTER), before, 2)
    position = code.read(I64, code.field(table, Rotation.POSITIONS, POINTER), row)
    angle = code.mul(position, half)
    cosines = code.at(code.field(table, Rotation.COSINES, POINTER), angle, 4)
    sines = code.at(code.field(table, Rotation.SINES, POINTER), angle, 4)
    epsilon = code.field(table, Rotation.EPSILON, FLOAT)
    borders = [whole(0), heads, code.add(heads, key_heads)]
    for first, last, norm in zip(borders, borders[1:], (Rotation.QUERY_NORM, Rotation.KEY_NORM), strict=False):
        weight = code.field(table, norm, POINTER)
        normed = code.icmp_signed("!=", code.field(table, norm), whole(0))
        with code.loop(first, last) as head:
            start = code.mul(head.index, size)
            source, target = code.at(values, start, 4), code.at(out, start, 2)
            with code.if_then(normed):
                _norm_head(code, source, size, weight, epsilon)
            _rotate_head(code, source, target, half, cosines, sines)
    start = code.mul(borders[2], size)
    with code.loop(0, code.sdiv(code.mul(key_heads, size), whole(8))) as loop:
        part = code.read(vector(FLOAT, 8), code.at(values, start, 4), loop.index)
        code.write(code.floats_to_bf16(part), code.at(out, start, 2), loop.index)
    return _end(code)


def _norm_head(code: Code, source: ir.Value, size: ir.Value, weight: ir.Value, epsilon: ir.Value) -> None:
    """In place; nobody else reads the row."""
    factor = _inverse_size(code, source, size, epsilon)
    with code.loop(0, code.sdiv(size, whole(LANES))) as loop:
        normed = code.fmul(code.read(FLOATS, source, loop.index), factor)
        code.write(code.fmul(normed, code.read(FLOATS, weight, loop.index)), source, loop.index)


def _rotate_head(
    code: Code, source: ir.Value, target: ir.Value, half: ir.Value, cosines: ir.Value, sines: ir.Value
) -> None:
    eight = vector(FLOAT, 8)
    with code.loop(0, code.sdiv(half, whole(8))) as loop:
        first, second = (code.read(eight, base, loop.index) for base in (source, code.at(source, half, 4)))
        cosine, sine = code.read(eight, cosines, loop.index), code.read(eight, sines, loop.index)
        low = code.fsub(code.fmul(first, cosine), code.fmul(second, sine))
        high = code.fadd(code.fmul(second, cosine), code.fmul(first, sine))
        code.write(code.floats_to_bf16(low), target, loop.index)
        code.write(code.floats_to_bf16(high), code.at(target, half, 2), loop.index)
