"""A thin layer over llvmlite's IR builder: loops, vectors and conversions that every kernel needs.

Owns how a kernel is written down. Knows no format of weights, no thread and no model.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
HALF, FLOAT = ir.HalfType(), ir.FloatType()
POINTER = ir.PointerType()
LANES = 16
"""Numbers of 32 bits in a vector; one lane is one row of weights."""
FLOATS, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(I32, LANES)
BYTES = ir.VectorType(I8, 4 * LANES)


def vector(element: ir.Type, lanes: int = LANES) -> ir.VectorType:
    """A vector type."""
    return ir.VectorType(element, lanes)


def whole(value: int) -> ir.Constant:
    """A 64-bit constant: an index or a size."""
    return ir.Constant(I64, value)


def number(value: float) -> ir.Constant:
    """A float constant."""
    return ir.Constant(FLOAT, value)


def constant(kind: ir.VectorType, value: float) -> ir.Constant:
    """A vector that holds `value` in every lane."""
    return ir.Constant(kind, [value] * kind.count)


class Code(ir.IRBuilder):
    """Instructions of one function. Methods return values of the IR, never Python numbers."""

    def at(self, base: ir.Value, index: ir.Value | int, size: int = 1) -> ir.Value:
        """The address `index * size` bytes behind `base`."""
        index = whole(index) if isinstance(index, int) else index
        return self.gep(base, [self.mul(index, whole(size)) if size != 1 else index], source_etype=I8)

    def read(self, kind: ir.Type, base: ir.Value, index: ir.Value | int = 0, size: int | None = None) -> ir.Value:
        """The value of type `kind` at `base + index * size` bytes; `size` is that of `kind` if not given."""
        return self.load(self.at(base, index, byte_size(kind) if size is None else size), align=1, typ=kind)

    def write(self, value: ir.Value, base: ir.Value, index: ir.Value | int = 0, size: int | None = None) -> None:
        """Store `value` at `base + index * size` bytes."""
        address = self.at(base, index, byte_size(kind_of(value)) if size is None else size)
        self.store(value, address, align=1)

    def field(self, base: ir.Value, index: int, kind: ir.Type = I64) -> ir.Value:
        """Entry `index` of a table of 8-byte entries."""
        return self.load(self.at(base, 8 * index), align=8, typ=kind)

    def reserve(self, size: int) -> ir.Value:
        """The address of `size` bytes that the function has for itself."""
        place = self.alloca(I8, whole(size))
        place.align = 64
        place.type = POINTER  # the builder still gives typed pointers here, which LLVM no longer reads
        return place

    def splat(self, value: ir.Value, lanes: int = LANES) -> ir.Value:
        """A vector with `value` in every lane."""
        kind = ir.VectorType(kind_of(value), lanes)
        one = self.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return self.shuffle_vector(one, ir.Constant(kind, ir.Undefined), zeros)

    def call_intrinsic(self, name: str, result: ir.Type, values: Sequence[ir.Value]) -> ir.Value:
        """A call of LLVM's function `name`."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(result, [kind_of(value) for value in values]), name)
        return self.call(function, values)

    def fused(self, one: ir.Value, two: ir.Value, addend: ir.Value) -> ir.Value:
        """one * two + addend, rounded once."""
        suffix = f"v{kind_of(one).count}f32" if isinstance(kind_of(one), ir.VectorType) else "f32"
        return self.call_intrinsic(f"llvm.fma.{suffix}", kind_of(one), [one, two, addend])

    def sum_lanes(self, value: ir.Value) -> ir.Value:
        """The sum of a vector of floats, always in the same order."""
        lanes = kind_of(value).count
        while lanes > 1:
            lanes //= 2
            none = ir.Constant(kind_of(value), ir.Undefined)
            low, high = (
                self.shuffle_vector(value, none, ir.Constant(ir.VectorType(I32, lanes), list(part)))
                for part in (range(lanes), range(lanes, 2 * lanes))
            )
            value = self.fadd(low, high)
        return self.extract_element(value, ir.Constant(I32, 0))

    def sum_lanes_of_four(self, values: Sequence[ir.Value]) -> ir.Value:
        """The sums of four vectors of floats as one vector of four. Quicker than four sums one after the other."""
        lanes = kind_of(values[0]).count
        pairs = [self._fold(*values[index : index + 2], step=1, lanes=lanes) for index in (0, 2)]
        value = self._fold(*pairs, step=2, lanes=lanes)
        while lanes > 4:
            lanes //= 2
            value = self.fadd(self._pick(value, value, range(lanes)), self._pick(value, value, range(lanes, 2 * lanes)))
        return value

    def interleave(self, one: ir.Value, two: ir.Value) -> list[ir.Value]:
        """one[0], two[0], one[1], two[1] ... as two vectors."""
        lanes = kind_of(one).count
        order = [place for index in range(lanes) for place in (index, lanes + index)]
        return [self._pick(one, two, order[:lanes]), self._pick(one, two, order[lanes:])]

    def smaller(self, one: ir.Value, two: ir.Value) -> ir.Value:
        """The smaller of two whole numbers."""
        return self.select(self.icmp_signed("<", one, two), one, two)

    def larger(self, one: ir.Value, two: ir.Value) -> ir.Value:
        """The larger of two whole numbers."""
        return self.select(self.icmp_signed(">", one, two), one, two)

    def _pick(self, one: ir.Value, two: ir.Value, places: Sequence[int]) -> ir.Value:
        return self.shuffle_vector(one, two, ir.Constant(ir.VectorType(I32, len(places)), list(places)))

    def _fold(self, one: ir.Value, two: ir.Value, *, step: int, lanes: int) -> ir.Value:
        """Sums of neighbours `step` apart, in turns of `one` and of `two`."""
        low, high = [], []
        for start in range(0, lanes, 2 * step):
            for base in (0, lanes):
                low += range(base + start, base + start + step)
                high += range(base + start + step, base + start + 2 * step)
        return self.fadd(self._pick(one, two, low), self._pick(one, two, high))

    def max_lanes(self, value: ir.Value) -> ir.Value:
        """The largest of a vector of floats."""
        return self.call_intrinsic(f"llvm.vector.reduce.fmax.v{kind_of(value).count}f32", FLOAT, [value])

    def bf16_to_floats(self, halves: ir.Value) -> ir.Value:
        """A vector of 16-bit patterns of bf16 as floats."""
        lanes = kind_of(halves).count
        wide = self.zext(halves, ir.VectorType(I32, lanes))
        return self.bitcast(self.shl(wide, constant(wide.type, 16)), ir.VectorType(FLOAT, lanes))

    def floats_to_bf16(self, floats: ir.Value) -> ir.Value:
        """Floats as 16-bit patterns of bf16, rounded to the nearest, ties to even. No NaN is expected."""
        return self.trunc(self.floats_to_bf16_bits(floats), ir.VectorType(I16, kind_of(floats).count))

    def floats_to_bf16_bits(self, floats: ir.Value) -> ir.Value:
        """The same in the low halves of 32-bit lanes."""
        lanes = kind_of(floats).count
        bits = self.bitcast(floats, ir.VectorType(I32, lanes))
        odd = self.and_(self.lshr(bits, constant(bits.type, 16)), constant(bits.type, 1))
        rounded = self.add(bits, self.add(odd, constant(bits.type, 0x7FFF)))
        return self.lshr(rounded, constant(bits.type, 16))

    @contextmanager
    def loop(
        self, start: ir.Value | int, stop: ir.Value | int, *, step: int = 1, carried: Sequence[ir.Value] = ()
    ) -> Generator[Loop, None, None]:
        """`for index in range(start, stop, step)`; `carried` values go from round to round, see `Loop`."""
        start = whole(start) if isinstance(start, int) else start
        stop = whole(stop) if isinstance(stop, int) else stop
        before = self.block
        head = self.append_basic_block("loop")
        body = self.append_basic_block("body")
        after = self.append_basic_block("after")
        self.branch(head)
        self.position_at_end(head)
        index = self.phi(I64)
        index.add_incoming(start, before)
        values = [self.phi(kind_of(value)) for value in carried]
        for phi, value in zip(values, carried, strict=True):
            phi.add_incoming(value, before)
        self.cbranch(self.icmp_signed("<", index, stop), body, after)
        self.position_at_end(body)
        loop = Loop(index, list(values))
        yield loop
        index.add_incoming(self.add(index, whole(step)), self.block)
        for phi, value in zip(values, loop.values, strict=True):
            phi.add_incoming(value, self.block)
        self.branch(head)
        self.position_at_end(after)
        loop.values = list(values)


class Loop:
    """A loop being written: `index`, and `values` that the body replaces and that hold the last ones afterwards."""

    def __init__(self, index: ir.Value, values: list[ir.Value]) -> None:
        self.index = index
        self.values = values


def kind_of(value: ir.Value) -> Any:
    """The type of a value; llvmlite does not say that every value has one."""
    return value.type  # ty: ignore[missing-attribute]


def byte_size(kind: ir.Type) -> int:
    """Bytes that a value of this type takes in memory."""
    if isinstance(kind, ir.VectorType):
        return kind.count * byte_size(kind.element)
    if isinstance(kind, ir.IntType):
        return kind.width // 8
    return {HALF: 2, FLOAT: 4}.get(kind, 8)
