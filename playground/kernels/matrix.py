"""The product of many rows of activations with quantised weights on Intel's matrix unit (AMX), in bf16.

Owns the loop that reading a prompt spends its time in. A chunk is 32 rows of weights: they are unpacked some hundred
columns at a time into the order in which the unit wants them, and meet all rows of activations while they lie in the
nearest cache. Rows of activations, and of the result, come in whole blocks of 32; what is behind the last real one may
be anything. What a row gives depends on nothing but that row. Arguments are those of `product.py`, with X in bf16 and
no X_SCALES, X_SUMS.
"""

from __future__ import annotations

from llvmlite import ir

from playground.kernels.code import FLOATS, I8, I64, INTS, LANES, POINTER, Code, constant, vector, whole
from playground.kernels.embedding import weights_of_group
from playground.kernels.formats import GROUP, SUPER_GROUPS, Format
from playground.kernels.product import Product, WeightReader

ROW_BLOCK = 32
PANEL_GROUPS = 18
"""Most groups of columns that are unpacked at once: 32 rows of 576 columns in bf16 are 36 KB."""
TILE_BYTES = 1024
PAIRS = GROUP // 2
"""Rows of a tile of weights: each has two columns of 16 weight rows."""
A0, A1, B0, B1, C00, C01, C10, C11 = (ir.Constant(I8, tile) for tile in range(8))


def define_matrix(module: ir.Module, kind: Format) -> ir.Function:
    """Add `matrix_<format>(table, chunk)` to the module."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), f"matrix_{kind.name}")
    code = Code(function.append_basic_block("entry"))
    _Matrix(code, *function.args, kind=kind).write()
    code.ret_void()
    return function


class _Matrix:
    def __init__(self, code: Code, table: ir.Value, chunk: ir.Value, *, kind: Format) -> None:
        self.code, self.table, self.kind = code, table, kind
        self.groups = code.field(table, Product.GROUPS)
        self.columns = code.mul(self.groups, whole(GROUP))
        self.row_blocks = code.sdiv(code.add(code.field(table, Product.ROWS), whole(ROW_BLOCK - 1)), whole(ROW_BLOCK))
        self.x = code.field(table, Product.X, POINTER)
        self.stride = code.mul(code.field(table, Product.OUT_COLUMNS), whole(4))
        self.block = code.mul(chunk, whole(2))
        self.column = code.mul(chunk, whole(2 * LANES))
        self.out = code.at(code.field(table, Product.OUT, POINTER), self.column, 4)
        self.panel = code.reserve(2 * PANEL_GROUPS * TILE_BYTES)

    def write(self) -> None:
        code = self.code
        self._configure()
        readers = [
            WeightReader(code, self.table, self.kind, code.add(self.block, whole(half)), self.groups) for half in (0, 1)
        ]
        panels = code.sdiv(code.add(self.groups, whole(PANEL_GROUPS - 1)), whole(PANEL_GROUPS))
        with code.loop(0, panels) as part:
            # Panels of equal size: a short last one would cost as much traffic of results as a whole one.
            first, last = (
                code.sdiv(code.mul(place, self.groups), panels)
                for place in (part.index, code.add(part.index, whole(1)))
            )
            with code.loop(first, last) as group:
                place = code.mul(code.sub(group.index, first), whole(2))
                for half, reader in enumerate(readers):
                    self._unpack(reader, group.index, code.add(place, whole(half)))
            self._multiply(first, last)
        code.call_intrinsic("llvm.x86.tilerelease", ir.VoidType(), [])
        self._add_bias()

    def _configure(self) -> None:
        """All eight tiles have 16 rows of 64 bytes."""
        code = self.code
        settings = code.reserve(64)
        rows = [16] * 8
        bytes_ = [1, *[0] * 15, *[byte for _ in range(8) for byte in (64, 0)], *[0] * 16, *rows, *[0] * 8]
        code.write(ir.Constant(vector(I8, 64), bytes_), settings)
        code.call_intrinsic("llvm.x86.ldtilecfg", ir.VoidType(), [settings])

    def _unpack(self, reader: WeightReader, group: ir.Value, tile: ir.Value) -> None:
        """One group of 16 weight rows -> a tile of bf16: row p holds columns 2 p and 2 p + 1 of each weight row."""
        code, kind = self.code, self.kind
        target = code.at(self.panel, tile, TILE_BYTES)
        supers = reader.supers(code.sdiv(group, whole(SUPER_GROUPS))) if kind.has_supers else []
        columns = weights_of_group(code, reader, kind, group, supers)
        for pair in range(PAIRS):
            low, high = (code.floats_to_bf16_bits(value) for value in columns[2 * pair : 2 * pair + 2])
            code.write(code.or_(low, code.shl(high, constant(INTS, 16))), target, pair)

    def _multiply(self, first: ir.Value, last: ir.Value) -> None:
        """Every block of 32 rows of activations times the panel; results add up in the memory of the result."""
        code = self.code
        start = code.icmp_signed("==", first, whole(0))
        addend = code.field(self.table, Product.ADDEND)
        fresh = code.and_(start, code.icmp_signed("==", addend, whole(0)))
        # The first panel starts from what the product is added to, the others from what the last one left.
        begun = code.at(code.inttoptr(addend, POINTER), self.column, 4)
        source = code.select(start, begun, self.out)
        x_stride = code.mul(self.columns, whole(2))
        with code.loop(0, self.row_blocks) as block:
            row = code.mul(block.index, whole(ROW_BLOCK))
            tiles = (C00, C01, C10, C11)
            with code.if_else(fresh) as (then, otherwise):
                with then:
                    for tile in tiles:
                        code.call_intrinsic("llvm.x86.tilezero", ir.VoidType(), [tile])
                with otherwise:
                    for tile, place in zip(tiles, self._corners(source, row), strict=True):
                        self._tile("llvm.x86.tileloadd64", tile, place, self.stride)
            x = code.at(code.at(self.x, code.mul(row, x_stride)), first, 2 * GROUP)
            with code.loop(0, code.sub(last, first)) as step:
                panel = code.at(self.panel, step.index, 2 * TILE_BYTES)
                rows = code.at(x, step.index, 2 * GROUP)
                self._tile("llvm.x86.tileloadd64", B0, panel, whole(64))
                self._tile("llvm.x86.tileloadd64", A0, rows, x_stride)
                self._product(C00, A0, B0)
                self._tile("llvm.x86.tileloadd64", B1, code.at(panel, TILE_BYTES), whole(64))
                self._product(C01, A0, B1)
                self._tile("llvm.x86.tileloadd64", A1, code.at(rows, code.mul(x_stride, whole(16))), x_stride)
                self._product(C10, A1, B0)
                self._product(C11, A1, B1)
            for tile, place in zip(tiles, self._corners(self.out, row), strict=True):
                self._tile("llvm.x86.tilestored64", tile, place, self.stride)

    def _corners(self, base: ir.Value, row: ir.Value) -> list[ir.Value]:
        """Where the four tiles of a block of 32 rows begin."""
        code = self.code
        upper = code.at(base, code.mul(row, self.stride))
        lower = code.at(upper, code.mul(self.stride, whole(16)))
        return [upper, code.at(upper, 64), lower, code.at(lower, 64)]

    def _tile(self, name: str, tile: ir.Constant, place: ir.Value, stride: ir.Value) -> None:
        self.code.call_intrinsic(name, ir.VoidType(), [tile, place, stride])

    def _product(self, result: ir.Constant, rows: ir.Constant, weights: ir.Constant) -> None:
        self.code.call_intrinsic("llvm.x86.tdpbf16ps", ir.VoidType(), [result, rows, weights])

    def _add_bias(self) -> None:
        code = self.code
        base = code.field(self.table, Product.BIAS)
        with code.if_then(code.icmp_signed("!=", base, whole(0))):
            bias = code.at(code.inttoptr(base, POINTER), self.column, 4)
            with code.loop(0, code.field(self.table, Product.ROWS)) as row:
                place = code.at(self.out, code.mul(row.index, self.stride))
                for half in (0, 1):
                    total = code.fadd(code.read(FLOATS, place, half), code.read(FLOATS, bias, half))
                    code.write(total, place, half)
