"""Brings together what attention gave for each segment of a row's keys.

Owns that merge: attention over all keys is the mean of the segments' results, each weighted by its share of the sum of
all exponentials (as in FlashAttention, Dao et al. 2022). A chunk is one row.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import FLOAT, FLOATS, I64, LANES, POINTER, Code, constant, number, whole
from playground.kernels.mathematics import exponential


class Merge(IntEnum):
    """Arguments of `merge`: PARTS and TOTALS, as `Attention` gives them, -> OUT, float32 [rows, heads, size].

    The sums in TOTALS are replaced by the weights of the segments.
    """

    HEADS = 0
    KEY_HEADS = 1
    SIZE = 2
    SEGMENTS = 3
    PARTS = 4
    TOTALS = 5
    SCALE = 6
    OUT = 7


def define_merge(module: ir.Module) -> ir.Function:
    """Add `merge(table, row)` to the module."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), "merge")
    code = Code(function.append_basic_block("entry"))
    table, row = function.args
    heads, segments = code.field(table, Merge.HEADS), code.field(table, Merge.SEGMENTS)
    key_heads, size = code.field(table, Merge.KEY_HEADS), code.field(table, Merge.SIZE)
    group = code.sdiv(heads, key_heads)
    parts, totals = code.field(table, Merge.PARTS, POINTER), code.field(table, Merge.TOTALS, POINTER)
    out = code.at(code.field(table, Merge.OUT, POINTER), code.mul(code.mul(row, heads), size), 4)
    scale = code.field(table, Merge.SCALE, FLOAT)
    with code.loop(0, heads) as head:
        chunk = code.mul(code.add(code.mul(row, key_heads), code.sdiv(head.index, group)), segments)
        first = code.add(code.mul(chunk, group), code.srem(head.index, group))
        own = code.at(totals, first, 8)
        weight_of_all = _weights(code, own, segments, code.mul(group, whole(8)), scale)
        target = code.at(out, code.mul(head.index, size), 4)
        begin, step = code.at(parts, code.mul(first, size), 4), code.mul(code.mul(group, size), whole(4))
        with code.loop(0, code.sdiv(size, whole(LANES))) as part:
            with code.loop(0, segments, carried=[constant(FLOATS, 0.0)]) as segment:
                place = code.at(own, code.mul(segment.index, code.mul(group, whole(8))))
                weight = code.splat(code.read(FLOAT, place, 1))
                numbers = code.read(FLOATS, code.at(begin, code.mul(segment.index, step)), part.index)
                segment.values = [code.fused(numbers, weight, segment.values[0])]
            code.write(code.fdiv(segment.values[0], code.splat(weight_of_all)), target, part.index)
    code.ret_void()
    return function


def _weights(code: Code, own: ir.Value, segments: ir.Value, step: ir.Value, scale: ir.Value) -> ir.Value:
    """Replace the sums of one head's segments by weights that compare; returns the sum of these."""
    with code.loop(0, segments, carried=[number(float("-inf"))]) as loop:
        largest = code.read(FLOAT, code.at(own, code.mul(loop.index, step)))
        loop.values = [code.call_intrinsic("llvm.maxnum.f32", FLOAT, [largest, loop.values[0]])]
    largest_of_all = loop.values[0]
    with code.loop(0, segments, carried=[number(0.0)]) as loop:
        place = code.at(own, code.mul(loop.index, step))
        difference = code.fmul(code.fsub(code.read(FLOAT, place), largest_of_all), scale)
        factor = code.extract_element(exponential(code, code.splat(difference)), whole(0))
        weight = code.fmul(code.read(FLOAT, place, 1), factor)
        code.write(weight, place, 1)
        loop.values = [code.fadd(loop.values[0], weight)]
    return loop.values[0]
