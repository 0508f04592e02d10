"""Rows of a packed table as floats: what turns token ids into the first activations.

Owns that kernel. A chunk is one token.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import FLOAT, FLOATS, I64, INTS, LANES, POINTER, Code, constant, whole
from playground.kernels.formats import GROUP, SUPER_GROUPS, Format
from playground.kernels.product import Product, WeightReader


class Embed(IntEnum):
    """Arguments of `embed_<format>`: the table as in `Product`, token ids (int64), and float32 rows to write."""

    NUMBERS = Product.NUMBERS
    BITS = Product.BITS
    SCALES = Product.SCALES
    SUPERS = Product.SUPERS
    GROUPS = Product.GROUPS
    IDS = Product.X
    OUT = Product.OUT
    MULTIPLIER = Product.BIAS


def define_embed(module: ir.Module, kind: Format) -> ir.Function:
    """Add `embed_<format>(table, token)` to the module. It unpacks the 16 rows that lie together and keeps one."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), f"embed_{kind.name}")
    code = Code(function.append_basic_block("entry"))
    table, token = function.args
    groups = code.field(table, Embed.GROUPS)
    row = code.read(I64, code.field(table, Embed.IDS, POINTER), token)
    lane = code.srem(row, whole(LANES))
    reader = WeightReader(code, table, kind, code.sdiv(row, whole(LANES)), groups)
    out = code.at(code.field(table, Embed.OUT, POINTER), code.mul(token, code.mul(groups, whole(GROUP))), 4)
    multiplier = code.field(table, Embed.MULTIPLIER, FLOAT)
    place = code.reserve(4 * LANES)
    with code.loop(0, groups) as group:
        supers = reader.supers(code.sdiv(group.index, whole(SUPER_GROUPS))) if kind.has_supers else []
        for column, values in enumerate(weights_of_group(code, reader, kind, group.index, supers)):
            code.write(values, place)
            value = code.fmul(code.read(FLOAT, place, lane), multiplier)
            code.write(value, out, code.add(code.mul(group.index, whole(GROUP)), whole(column)))
    code.ret_void()
    return function


def weights_of_group(
    code: Code, reader: WeightReader, kind: Format, group: ir.Value, supers: list[ir.Value]
) -> list[ir.Value]:
    """The 32 columns of a group as floats, each a vector over 16 weight rows."""
    scales, minimum = reader.scales(group, supers)
    shift = [code.fmul(scale, constant(FLOATS, -float(kind.zero))) for scale in scales]
    offsets = shift if minimum is None else [minimum] * len(scales)
    columns = []
    quads = reader.unpack(group)
    for index, quad in enumerate(quads):
        part = index * len(scales) // len(quads)
        words = code.bitcast(quad, INTS)
        for byte in range(4):
            value = code.and_(code.lshr(words, constant(INTS, 8 * byte)), constant(INTS, 255))
            columns.append(code.fused(code.uitofp(value, FLOATS), scales[part], offsets[part]))
    return columns
