"""The product of a few rows of activations with quantised weights, as code for one format of weights.

Owns the loop that decoding spends its time in. Activations are rounded to 8 bits for every 32 of them, as llama.cpp
does too, and multiplied as integers (VNNI); scales and sums are float32. What a row gives depends on nothing but that
row: every number of rows runs the same operations in the same order. Layouts are those of `formats.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import (
    BYTES,
    FLOAT,
    FLOATS,
    HALF,
    I1,
    I8,
    I32,
    I64,
    INTS,
    LANES,
    POINTER,
    Code,
    constant,
    vector,
    whole,
)
from playground.kernels.formats import GROUP, SUPER_GROUPS, Format

MOST_ROWS_AT_ONCE = 4
PREFETCH_BYTES = 2048
"""How far ahead weights are asked for; the processor's own guesses stop at the borders of pages."""
QUADS = GROUP // 4
"""Four neighbouring weights of a row lie in one lane; so many vectors make a group."""


class Product(IntEnum):
    """Where an argument lies in the table of a product."""

    ROWS = 0
    NUMBERS = 1
    BITS = 2
    SCALES = 3
    SUPERS = 4
    GROUPS = 5
    BLOCKS = 6
    BLOCKS_IN_CHUNK = 7
    X = 8
    X_SCALES = 9
    X_SUMS = 10
    OUT = 11
    OUT_COLUMNS = 12
    BIAS = 13
    ADDEND = 14


class WeightReader:
    """Reads one block of 16 weight rows, group by group."""

    def __init__(self, code: Code, table: ir.Value, kind: Format, block: ir.Value, groups: ir.Value) -> None:
        self.code, self.kind = code, kind
        before = code.mul(block, groups)
        self._numbers = code.at(code.field(table, Product.NUMBERS, POINTER), before, kind.number_bytes)
        self._bits = code.at(code.field(table, Product.BITS, POINTER), before, kind.bit_bytes)
        self._scales = code.at(code.field(table, Product.SCALES, POINTER), before, kind.scale_bytes)
        before = code.sdiv(before, whole(SUPER_GROUPS))
        self._supers = code.at(code.field(table, Product.SUPERS, POINTER), before, kind.super_bytes)

    def supers(self, index: ir.Value) -> list[ir.Value]:
        """Super-scales of a super-group, that of the minimums last; [16] each."""
        count = 2 if self.kind.has_minimum else 1
        first = self.code.mul(index, whole(count))
        return [self._halves(self._supers, self.code.add(first, whole(offset))) for offset in range(count)]

    def scales(self, group: ir.Value, supers: Sequence[ir.Value]) -> tuple[list[ir.Value], ir.Value | None]:
        """Scales of the parts of a group, and what is added to every weight; [16] each."""
        code, kind = self.code, self.kind
        if not kind.has_supers:
            first = code.mul(group, whole(kind.scales))
            values = [self._halves(self._scales, code.add(first, whole(part))) for part in range(kind.scales)]
        else:
            small = vector(I8)
            first = code.mul(group, whole(kind.scales))
            bytes_ = [code.read(small, self._scales, code.add(first, whole(part))) for part in range(kind.scales)]
            floats = [code.sitofp(code.sext(value, INTS), FLOATS) for value in bytes_]
            steps = [supers[0]] * kind.parts + list(supers[1:])
            values = [code.fmul(value, step) for value, step in zip(floats, steps, strict=True)]
        return values[: kind.parts], values[kind.parts] if kind.has_minimum else None

    def unpack(self, group: ir.Value) -> list[ir.Value]:
        """Eight vectors of numbers without sign, each four columns of 16 rows."""
        code, kind = self.code, self.kind
        base = code.at(self._numbers, group, kind.number_bytes)
        if kind.bits == 8:
            return [code.read(BYTES, base, quad) for quad in range(QUADS)]
        pairs = [code.read(vector(I32), base, pair) for pair in range(QUADS // 2)]
        mask = constant(INTS, 0x0F0F0F0F)
        low = [code.bitcast(code.and_(pair, mask), BYTES) for pair in pairs]
        high = [code.bitcast(code.and_(code.lshr(pair, constant(INTS, 4)), mask), BYTES) for pair in pairs]
        quads = [*low, *high]
        for plane in range(kind.bits - 4):
            bits = code.at(self._bits, group, kind.bit_bytes)
            for quad in range(QUADS):
                chosen = code.bitcast(code.read(I64, bits, plane * QUADS + quad), vector(I1, 4 * LANES))
                more = code.or_(quads[quad], constant(BYTES, 16 << plane))
                quads[quad] = code.select(chosen, more, quads[quad])
        return quads

    def prefetch(self, group: ir.Value) -> None:
        """Ask for what comes some groups later: the processor's own guesses stop at the borders of pages."""
        code, kind = self.code, self.kind
        ahead = code.add(group, whole(PREFETCH_BYTES // kind.number_bytes))
        for base, size in (
            (self._numbers, kind.number_bytes),
            (self._bits, kind.bit_bytes),
            (self._scales, kind.scale_bytes),
        ):
            for line in range(0, size, 64):
                address = code.at(code.at(base, ahead, size), line)
                hints = [ir.Constant(I32, hint) for hint in (0, 3, 1)]
                code.call_intrinsic("llvm.prefetch.p0", ir.VoidType(), [address, *hints])

    def _halves(self, base: ir.Value, index: ir.Value) -> ir.Value:
        return self.code.fpext(self.code.read(vector(HALF), base, index), FLOATS)


def define_product(module: ir.Module, kind: Format) -> ir.Function:
    """Add `product_<format>(table, chunk)` to the module: blocks of a chunk times all rows."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), f"product_{kind.name}")
    code = Code(function.append_basic_block("entry"))
    table, chunk = function.args
    rows = code.field(table, Product.ROWS)
    blocks, size = code.field(table, Product.BLOCKS), code.field(table, Product.BLOCKS_IN_CHUNK)
    first = code.mul(chunk, size)
    end = code.add(first, size)
    last = code.select(code.icmp_signed("<", end, blocks), end, blocks)
    parts = {count: _define_part(module, kind, count) for count in range(1, MOST_ROWS_AT_ONCE + 1)}
    with code.loop(first, last) as block:
        whole_rows = code.sub(rows, code.srem(rows, whole(MOST_ROWS_AT_ONCE)))
        with code.loop(0, whole_rows, step=MOST_ROWS_AT_ONCE) as row:
            code.call(parts[MOST_ROWS_AT_ONCE], [table, block.index, row.index])
        left = code.sub(rows, whole_rows)
        for count in range(1, MOST_ROWS_AT_ONCE):
            with code.if_then(code.icmp_signed("==", left, whole(count))):
                code.call(parts[count], [table, block.index, whole_rows])
    code.ret_void()
    return function


def _define_part(module: ir.Module, kind: Format, count: int) -> ir.Function:
    """One block of 16 weight rows times `count` rows of activations."""
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
    function = ir.Function(module, signature, f"product_{kind.name}_{count}")
    function.linkage = "internal"
    _Part(Code(function.append_basic_block("entry")), kind, count).write(*function.args)
    return function


class _Part:
    def __init__(self, code: Code, kind: Format, count: int) -> None:
        self.code = code
        self.kind = kind
        self.count = count

    def write(self, table: ir.Value, block: ir.Value, row: ir.Value) -> None:
        code, kind = self.code, self.kind
        groups = code.field(table, Product.GROUPS)
        self.reader = WeightReader(code, table, kind, block, groups)
        indices = [code.add(row, whole(offset)) for offset in range(self.count)]
        self.x = [self._row(table, Product.X, index, groups, GROUP) for index in indices]
        self.x_scales = [self._row(table, Product.X_SCALES, index, groups, 4) for index in indices]
        self.x_sums = [self._row(table, Product.X_SUMS, index, groups, 8) for index in indices]
        totals = [constant(FLOATS, 0.0)] * self.count
        if kind.has_supers:
            with code.loop(0, code.sdiv(groups, whole(SUPER_GROUPS)), carried=totals) as outer:
                steps = self.reader.supers(outer.index)
                first = code.mul(outer.index, whole(SUPER_GROUPS))
                with code.loop(first, code.add(first, whole(SUPER_GROUPS)), carried=outer.values) as inner:
                    inner.values = self._group(inner.index, inner.values, steps)
                outer.values = inner.values
        else:
            with code.loop(0, groups, carried=totals) as outer:
                outer.values = self._group(outer.index, outer.values, [])
        for index, total in zip(indices, outer.values, strict=True):
            self._store(table, block, index, total)
        code.ret_void()

    def _row(self, table: ir.Value, entry: Product, row: ir.Value, groups: ir.Value, size: int) -> ir.Value:
        return self.code.at(self.code.field(table, entry, POINTER), self.code.mul(row, groups), size)

    def _group(self, group: ir.Value, totals: Sequence[ir.Value], supers: Sequence[ir.Value]) -> list[ir.Value]:
        """Add the products of one group of 32 columns to `totals`."""
        code, kind = self.code, self.kind
        self.reader.prefetch(group)
        quads = self.reader.unpack(group)
        scales, minimum = self.reader.scales(group, supers)
        results = []
        for row, total in enumerate(totals):
            x_scale = code.splat(code.read(FLOAT, self.x_scales[row], group))
            sums = [code.read(I32, code.at(self.x_sums[row], group, 8), half) for half in (0, 1)]
            if len(scales) == 1:
                sums = [code.add(*sums)]
            size = QUADS // len(scales)
            for part, (scale, x_sum) in enumerate(zip(scales, sums, strict=True)):
                # Numbers are stored without sign, so what the shift adds is taken off before the first product.
                shift = code.splat(code.mul(x_sum, ir.Constant(I32, -kind.zero)))
                dot = constant(INTS, 0) if not kind.zero else shift
                for quad in range(part * size, part * size + size):
                    four = code.splat(code.read(I32, code.at(self.x[row], group, GROUP), quad))
                    # Declared as LLVM 20 has it; later ones, which want bytes, rewrite it themselves.
                    operands = [dot, code.bitcast(quads[quad], INTS), four]
                    dot = code.call_intrinsic("llvm.x86.avx512.vpdpbusd.512", INTS, operands)
                total = code.fused(code.sitofp(dot, FLOATS), code.fmul(scale, x_scale), total)
            if minimum is not None:
                weighted = code.fmul(code.splat(code.sitofp(sums[0], FLOAT)), x_scale)
                total = code.fused(minimum, weighted, total)
            results.append(total)
        return results

    def _store(self, table: ir.Value, block: ir.Value, row: ir.Value, total: ir.Value) -> None:
        code = self.code
        column = code.mul(block, whole(LANES))
        index = code.add(code.mul(row, code.field(table, Product.OUT_COLUMNS)), column)
        for entry, place in ((Product.BIAS, column), (Product.ADDEND, index)):
            base = code.field(table, entry)
            with code.if_else(code.icmp_signed("!=", base, whole(0))) as (then, otherwise):
                with then:
                    pointer = code.inttoptr(base, POINTER)
                    more = code.fadd(total, code.read(FLOATS, pointer, place, 4))
                    given = code.block
                with otherwise:
                    absent = code.block
            phi = code.phi(FLOATS)
            phi.add_incoming(more, given)
            phi.add_incoming(total, absent)
            total = phi
        code.write(total, code.field(table, Product.OUT, POINTER), index, 4)
