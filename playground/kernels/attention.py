"""Attention of single rows over a KV cache in blocks: softmax(q k^T * scale) v, for the few rows of a decode step.

Owns that loop. A chunk is one row and some query heads of one key head. Keys and values are bf16 and lie in blocks
[key heads, 256 tokens, size]; each row brings the addresses of its sequence's blocks, so nothing is gathered or copied.
What a row gives depends on nothing but that row and its keys.
"""

from __future__ import annotations

from enum import IntEnum

from llvmlite import ir

from playground.kernels.code import FLOAT, FLOATS, I16, I64, LANES, POINTER, Code, Loop, constant, number, vector, whole
from playground.kernels.mathematics import exponential

BLOCK_TOKENS = 256
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


class _Attend:
    def __init__(self, code: Code, table: ir.Value, chunk: ir.Value, *, size: int) -> None:
        self.code, self.size, self.vectors = code, size, size // LANES
        heads, key_heads = code.field(table, Attention.HEADS), code.field(table, Attention.KEY_HEADS)
        self.group = code.field(table, Attention.HEADS_IN_CHUNK)
        in_row = code.sdiv(heads, self.group)
        self.row, part = code.sdiv(chunk, in_row), code.srem(chunk, in_row)
        head = code.mul(part, self.group)
        self.key_head = code.sdiv(head, code.sdiv(heads, key_heads))
        self.first = code.read(I64, code.field(table, Attention.FIRSTS, POINTER), self.row)
        self.length = code.read(I64, code.field(table, Attention.LENGTHS, POINTER), self.row)
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
        code = self.code
        self._scores()
        with code.loop(0, self.group) as head:
            scores = code.at(self.scores, code.mul(head.index, self.stride), 4)
            total = self._softmax(scores)
            self._weigh(scores, head.index, total)

    def _token(self, blocks: ir.Value, token: ir.Value) -> ir.Value:
        """Where the row of a token begins."""
        code = self.code
        block = code.read(POINTER, blocks, code.sdiv(token, whole(BLOCK_TOKENS)))
        offset = code.add(code.mul(self.key_head, whole(BLOCK_TOKENS)), code.srem(token, whole(BLOCK_TOKENS)))
        return code.at(block, offset, 2 * self.size)

    def _scores(self) -> None:
        """The products of every key with all query heads of its group, not yet scaled."""
        code = self.code
        with code.loop(self.first, self.length) as token:
            key = self._token(self.keys, token.index)
            parts = [code.bf16_to_floats(code.read(vector(I16), key, index)) for index in range(self.vectors)]
            with code.loop(0, self.group) as head:
                query = code.at(self.queries, head.index, 2 * self.size)
                total = constant(FLOATS, 0.0)
                for index, part in enumerate(parts):
                    other = code.bf16_to_floats(code.read(vector(I16), query, index))
                    total = code.fused(part, other, total)
                place = code.add(code.mul(head.index, self.stride), code.sub(token.index, self.first))
                code.write(code.sum_lanes(total), self.scores, place)

    def _softmax(self, scores: ir.Value) -> ir.Value:
        """Scores of one head -> exp(scaled score - largest), in place; returns their sum."""
        code = self.code
        count = code.sub(self.length, self.first)
        vectors = code.sdiv(code.add(count, whole(LANES - 1)), whole(LANES))
        with code.loop(count, code.mul(vectors, whole(LANES))) as rest:
            code.write(number(float("-inf")), scores, rest.index)
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

    def _weigh(self, scores: ir.Value, head: ir.Value, total: ir.Value) -> None:
        """The weighted sum of the values, [size] floats."""
        code = self.code
        out = code.at(self.out, head, 4 * self.size)
        factor = code.splat(code.fdiv(number(1.0), total))
        for start in range(0, self.vectors, 4):
            part = range(start, min(start + 4, self.vectors))
            with code.loop(self.first, self.length, carried=[constant(FLOATS, 0.0)] * len(part)) as token:
                self._add_value(token, scores, part)
            for index, value in zip(part, token.values, strict=True):
                code.write(code.fmul(value, factor), out, index)

    def _add_value(self, token: Loop, scores: ir.Value, part: range) -> None:
        code = self.code
        value = self._token(self.values, token.index)
        weight = code.splat(code.read(FLOAT, scores, code.sub(token.index, self.first)))
        token.values = [
            code.fused(code.bf16_to_floats(code.read(vector(I16), value, index)), weight, total)
            for index, total in zip(part, token.values, strict=True)
        ]
