"""Attention of single rows over a KV cache in blocks: softmax(q k^T * scale) v, for the few rows of a decode step.

Owns that loop. A chunk is one row and some query heads of one key head. Keys and values are bf16 and lie in blocks
[key heads, 256 tokens, size]; each row brings the addresses of its sequence's blocks, so nothing is gathered or copied.
What a row gives depends on nothing but that row and its keys.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import (
    FLOAT,
    FLOATS,
    I16,
    I32,
    I64,
    LANES,
    POINTER,
    Code,
    Loop,
    constant,
    number,
    vector,
    whole,
)
from playground.kernels.mathematics import exponential

BLOCK_TOKENS = 256
KEYS_AT_ONCE = 4
SIZES = (16, 32, 64, 96, 128, 256)
"""Head sizes that there is code for."""


class Store(IntEnum):
    """Arguments of `store`: bf16 keys and values of a row, VALUE_OFFSET bytes apart, -> their blocks.

    POSITIONS has one entry a row; the blocks are as in `Attention`.
    """

    KEY_HEADS = 0
    SIZE = 1
    KEYS = 2
    VALUE_OFFSET = 3
    STRIDE = 4
    KEY_BLOCKS = 5
    VALUE_BLOCKS = 6
    POSITIONS = 7


class Attention(IntEnum):
    """Arguments of `attention_<size>`.

    KEY_BLOCKS, VALUE_BLOCKS, FIRSTS and LENGTHS have one entry a row: where the list of addresses of its sequence's
    blocks lies, the first key to look at, and the one to stop before. QUERY_STRIDE counts numbers.
    """

    HEADS = 0
    KEY_HEADS = 1
    QUERIES = 2
    QUERY_STRIDE = 3
    KEY_BLOCKS = 4
    VALUE_BLOCKS = 5
    FIRSTS = 6
    LENGTHS = 7
    OUT = 8
    SCALE = 9
    SCRATCH = 10
    SCRATCH_STRIDE = 11
    HEADS_IN_CHUNK = 12


def define_store(module: ir.Module) -> ir.Function:
    """Add `store(table, row)` to the module."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), "store")
    code = Code(function.append_basic_block("entry"))
    table, row = function.args
    size = code.field(table, Store.SIZE)
    position = code.read(I64, code.field(table, Store.POSITIONS, POINTER), row)
    block, offset = code.sdiv(position, whole(BLOCK_TOKENS)), code.srem(position, whole(BLOCK_TOKENS))
    keys = code.at(code.field(table, Store.KEYS, POINTER), code.mul(row, code.field(table, Store.STRIDE)), 2)
    sources = (keys, code.at(keys, code.field(table, Store.VALUE_OFFSET)))
    for entry, source in zip((Store.KEY_BLOCKS, Store.VALUE_BLOCKS), sources, strict=True):
        blocks = code.read(POINTER, code.field(table, entry, POINTER), row)
        base = code.read(POINTER, blocks, block)
        with code.loop(0, code.field(table, Store.KEY_HEADS)) as head:
            place = code.add(code.mul(head.index, whole(BLOCK_TOKENS)), offset)
            target = code.at(base, code.mul(place, size), 2)
            begin = code.at(source, code.mul(head.index, size), 2)
            with code.loop(0, code.sdiv(size, whole(LANES))) as part:
                code.write(code.read(vector(I16), begin, part.index), target, part.index)
    code.ret_void()
    return function


def define_attention(module: ir.Module, size: int) -> ir.Function:
    """Add `attention_<size>(table, chunk)` to the module."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), f"attention_{size}")
    code = Code(function.append_basic_block("entry"))
    _Attend(code, *function.args, size=size).write()
    code.ret_void()
    return function


Tokens = Generator[tuple[Loop, ir.Value, ir.Value], None, None]


class _Attend:
    def __init__(self, code: Code, table: ir.Value, chunk: ir.Value, *, size: int) -> None:
        self.code, self.size = code, size
        self.lanes = min(LANES, size // 2)
        self.floats = vector(FLOAT, self.lanes)
        heads, key_heads = code.field(table, Attention.HEADS), code.field(table, Attention.KEY_HEADS)
        self.group = code.field(table, Attention.HEADS_IN_CHUNK)
        in_row = code.sdiv(heads, self.group)
        self.row, part = code.sdiv(chunk, in_row), code.srem(chunk, in_row)
        head = code.mul(part, self.group)
        self.key_head = code.sdiv(head, code.sdiv(heads, key_heads))
        self.first = code.read(I64, code.field(table, Attention.FIRSTS, POINTER), self.row)
        self.length = code.read(I64, code.field(table, Attention.LENGTHS, POINTER), self.row)
        self.base = code.sub(self.first, code.srem(self.first, whole(KEYS_AT_ONCE)))
        """Where the scores begin: keys are read four at a time, and what is read too much gets no weight."""
        self.keys = self._blocks(table, Attention.KEY_BLOCKS)
        self.values = self._blocks(table, Attention.VALUE_BLOCKS)
        stride = code.field(table, Attention.QUERY_STRIDE)
        queries = code.at(code.field(table, Attention.QUERIES, POINTER), code.mul(self.row, stride), 2)
        self.queries = code.at(queries, head, 2 * size)
        out = code.at(code.field(table, Attention.OUT, POINTER), code.mul(self.row, heads), 4 * size)
        self.out = code.at(out, head, 4 * size)
        self.scale = code.field(table, Attention.SCALE, FLOAT)
        self.stride = code.field(table, Attention.SCRATCH_STRIDE)
        scratch = code.field(table, Attention.SCRATCH, POINTER)
        self.scores = code.at(scratch, code.mul(chunk, code.mul(self.group, self.stride)), 4)

    def _blocks(self, table: ir.Value, entry: Attention) -> ir.Value:
        return self.code.read(POINTER, self.code.field(table, entry, POINTER), self.row)

    def write(self) -> None:
        """Two query heads at a time, so that what is unpacked of keys and values serves both."""
        code = self.code
        even = code.sub(self.group, code.srem(self.group, whole(2)))
        with code.loop(0, even, step=2) as pair:
            self._attend(pair.index, 2)
        with code.if_then(code.icmp_signed("<", even, self.group)):
            self._attend(even, 1)

    def _attend(self, head: ir.Value, count: int) -> None:
        code = self.code
        heads = [code.add(head, whole(index)) for index in range(count)]
        scores = [code.at(self.scores, code.mul(one, self.stride), 4) for one in heads]
        self._score(heads, scores)
        totals = [self._softmax(one) for one in scores]
        self._weigh(heads, scores, totals)

    @contextmanager
    def _tokens(self, blocks: ir.Value, start: ir.Value, step: int, carried: Sequence[ir.Value] = ()) -> Tokens:
        """Every `step`-th token from `start` on: its number, where its row begins, and the loop that goes through them.

        A block's address is looked up once for all of its tokens.
        """
        code, size = self.code, whole(BLOCK_TOKENS)
        last = code.add(code.sdiv(code.sub(self.length, whole(1)), size), whole(1))
        with code.loop(code.sdiv(start, size), last, carried=carried) as block:
            before = code.mul(block.index, size)
            base = code.read(POINTER, blocks, block.index)
            rows = code.at(base, code.mul(self.key_head, size), 2 * self.size)
            low, high = code.larger(start, before), code.smaller(self.length, code.add(before, size))
            with code.loop(low, high, step=step, carried=block.values) as token:
                yield token, token.index, code.at(rows, code.sub(token.index, before), 2 * self.size)
            block.values = token.values
        token.values = block.values

    def _score(self, heads: list[ir.Value], scores: list[ir.Value]) -> None:
        """The products of every key with some query heads, not yet scaled, for four keys at a time."""
        code = self.code
        queries = [self._unpack(code.at(self.queries, head, 2 * self.size)) for head in heads]
        with self._tokens(self.keys, self.base, KEYS_AT_ONCE) as (_, token, row):
            zero: ir.Value = constant(self.floats, 0.0)
            totals: list[list[ir.Value]] = [[zero] * KEYS_AT_ONCE for _ in heads]
            for offset in range(KEYS_AT_ONCE):
                key = self._unpack(code.at(row, 2 * self.size * offset))
                for query, sums in zip(queries, totals, strict=True):
                    for one, other in zip(query, key, strict=True):
                        sums[offset] = code.fused(one, other, sums[offset])
            for sums, target in zip(totals, scores, strict=True):
                code.write(code.sum_lanes_of_four(sums), target, code.sub(token, self.base), 4)

    def _unpack(self, row: ir.Value) -> list[ir.Value]:
        """A row of bf16 as floats: of each pair of neighbours the first ones, then the second ones."""
        code, words = self.code, vector(I32, self.lanes)
        halves = []
        for index in range(self.size // (2 * self.lanes)):
            pairs = code.read(words, row, index)
            for bits in (code.shl(pairs, constant(words, 16)), code.and_(pairs, constant(words, -65536))):
                halves.append(code.bitcast(bits, self.floats))
        return halves

    def _softmax(self, scores: ir.Value) -> ir.Value:
        """Scores of one head -> exp(scaled score - largest), in place; returns their sum."""
        code = self.code
        count = code.sub(self.length, self.base)
        vectors = code.sdiv(code.add(count, whole(LANES - 1)), whole(LANES))
        for low, high in ((whole(0), code.sub(self.first, self.base)), (count, code.mul(vectors, whole(LANES)))):
            with code.loop(low, high) as outside:
                code.write(number(float("-inf")), scores, outside.index)
        lowest = constant(FLOATS, float("-inf"))
        with code.loop(0, vectors, carried=[lowest]) as loop:
            part = code.read(FLOATS, scores, loop.index)
            loop.values = [code.call_intrinsic("llvm.maxnum.v16f32", FLOATS, [part, loop.values[0]])]
        largest = code.splat(code.max_lanes(loop.values[0]))
        scale = code.splat(self.scale)
        with code.loop(0, vectors, carried=[constant(FLOATS, 0.0)]) as loop:
            difference = code.fsub(code.read(FLOATS, scores, loop.index), largest)
            weight = exponential(code, code.fmul(difference, scale))
            code.write(weight, scores, loop.index)
            loop.values = [code.fadd(loop.values[0], weight)]
        return code.sum_lanes(loop.values[0])

    def _weigh(self, heads: list[ir.Value], scores: list[ir.Value], totals: list[ir.Value]) -> None:
        """The weighted sums of the values, [size] floats for each head."""
        code, parts = self.code, self.size // self.lanes
        zeros = [constant(self.floats, 0.0)] * (parts * len(heads))
        with self._tokens(self.values, self.first, 1, zeros) as (loop, token, row):
            value, place = self._unpack(row), code.sub(token, self.base)
            weights = [code.splat(code.read(FLOAT, one, place), self.lanes) for one in scores]
            factors = [(part, weight) for weight in weights for part in value]
            loop.values = [code.fused(*pair, total) for pair, total in zip(factors, loop.values, strict=True)]
        for index, (head, total) in enumerate(zip(heads, totals, strict=True)):
            factor = code.splat(code.fdiv(number(1.0), total), self.lanes)
            out = code.at(self.out, head, 4 * self.size)
            sums = [code.fmul(part, factor) for part in loop.values[index * parts : (index + 1) * parts]]
            for pair in range(parts // 2):
                for half, mixed in enumerate(code.interleave(*sums[2 * pair : 2 * pair + 2])):
                    code.write(mixed, out, 2 * pair + half)
