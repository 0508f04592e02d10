"""Attention of single rows over a KV cache in blocks: softmax(q k^T * scale) v, for the few rows of a decode step.

Owns that loop. A chunk is one row, one key head with its query heads, and one segment of the keys: where the key heads
do not divide evenly among the threads, the keys of a row are cut into segments, and `segments.py` brings together what
each of them gave. Keys and values are bf16 and lie in blocks [key heads, 256 tokens, size]; each row brings the
addresses of its sequence's blocks, so nothing is gathered or copied. What a row gives depends on nothing but that row
and its keys.
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
HEADS_AT_ONCE = 3
SMALL = 64
"""Larger heads leave room for one head less in the processor's registers."""
AHEAD_BYTES = 4096
"""How far ahead keys and values are asked for: left to itself the processor waits for memory half of the time."""
LINE_BYTES = 64
SEGMENT_STEP = 16
"""A segment, the first aside, begins at a multiple of this."""
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
    blocks lies, the first key to look at, and the one to stop before. QUERY_STRIDE counts numbers. Chunks are numbered
    by row, key head and segment. Each has [heads of a key head, size] floats of OUT, and for each of these heads two of
    TOTALS: the largest score, and the sum of all exp(scaled score - scaled largest).
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
    SEGMENTS = 12
    TOTALS = 13


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
        segments = code.field(table, Attention.SEGMENTS)
        self.group = code.sdiv(heads, key_heads)
        place, segment = code.sdiv(chunk, segments), code.srem(chunk, segments)
        self.row, self.key_head = code.sdiv(place, key_heads), code.srem(place, key_heads)
        self.first, self.length = self._segment(table, segment, segments)
        # Keys are read four at a time, and what is read too much gets no weight. An empty segment has no scores.
        step = code.select(code.icmp_signed("<", self.first, self.length), whole(KEYS_AT_ONCE), whole(1))
        self.base = code.sub(self.first, code.srem(self.first, step))
        """The key that the first score belongs to."""
        self.keys = self._blocks(table, Attention.KEY_BLOCKS)
        self.values = self._blocks(table, Attention.VALUE_BLOCKS)
        stride = code.field(table, Attention.QUERY_STRIDE)
        queries = code.at(code.field(table, Attention.QUERIES, POINTER), code.mul(self.row, stride), 2)
        self.queries = code.at(queries, code.mul(self.key_head, self.group), 2 * size)
        before = code.mul(chunk, self.group)
        self.out = code.at(code.field(table, Attention.OUT, POINTER), before, 4 * size)
        self.totals = code.at(code.field(table, Attention.TOTALS, POINTER), before, 8)
        self.scale = code.field(table, Attention.SCALE, FLOAT)
        self.stride = code.field(table, Attention.SCRATCH_STRIDE)
        scratch = code.field(table, Attention.SCRATCH, POINTER)
        self.scores = code.at(scratch, code.mul(before, self.stride), 4)

    def _segment(self, table: ir.Value, segment: ir.Value, segments: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The first key of a segment of the row's keys, and the one to stop before."""
        code = self.code
        first = code.read(I64, code.field(table, Attention.FIRSTS, POINTER), self.row)
        length = code.read(I64, code.field(table, Attention.LENGTHS, POINTER), self.row)
        count = code.sub(length, first)

        def border(number_of_segment: ir.Value) -> ir.Value:
            exact = code.add(first, code.sdiv(code.mul(count, number_of_segment), segments))
            return code.larger(first, code.sub(exact, code.srem(exact, whole(SEGMENT_STEP))))

        following = code.add(segment, whole(1))
        last = code.icmp_signed("==", following, segments)
        return border(segment), code.select(last, length, border(following))

    def _blocks(self, table: ir.Value, entry: Attention) -> ir.Value:
        return self.code.read(POINTER, self.code.field(table, entry, POINTER), self.row)

    def write(self) -> None:
        """Some query heads at a time, so that what is unpacked of keys and values serves all of them."""
        code, most = self.code, HEADS_AT_ONCE if self.size <= SMALL else HEADS_AT_ONCE - 1
        done = code.sub(self.group, code.srem(self.group, whole(most)))
        with code.loop(0, done, step=most) as heads:
            self._attend(heads.index, most)
        left = code.sub(self.group, done)
        for count in range(1, most):
            with code.if_then(code.icmp_signed("==", left, whole(count))):
                self._attend(done, count)

    def _attend(self, head: ir.Value, count: int) -> None:
        code = self.code
        heads = [code.add(head, whole(index)) for index in range(count)]
        scores = [code.at(self.scores, code.mul(one, self.stride), 4) for one in heads]
        self._score(heads, scores)
        totals = [self._softmax(one, code.at(self.totals, head, 8)) for one, head in zip(scores, heads, strict=True)]
        self._weigh(heads, scores, totals)

    @contextmanager
    def _tokens(
        self, blocks: ir.Value, start: ir.Value, step: int, *, then: ir.Value, carried: Sequence[ir.Value] = ()
    ) -> Tokens:
        """Every `step`-th token from `start` on: its number, where its row begins, and the loop that goes through them.

        A block's address is looked up once for all of its tokens. Rows are asked for some way ahead, those at `then`
        when these come to their end.
        """
        code, size = self.code, whole(BLOCK_TOKENS)
        last = code.sdiv(code.sub(self.length, whole(1)), size)
        with code.loop(code.sdiv(start, size), code.add(last, whole(1)), carried=carried) as block:
            before = code.mul(block.index, size)
            rows = self._rows(blocks, block.index)
            is_last = code.icmp_signed("==", block.index, last)
            following = self._rows(blocks, code.select(is_last, last, code.add(block.index, whole(1))))
            following = code.select(is_last, then, following)
            low, high = code.larger(start, before), code.smaller(self.length, code.add(before, size))
            with code.loop(low, high, step=step, carried=block.values) as token:
                row = self._row(rows, code.sub(token.index, before))
                ahead = code.add(token.index, whole(AHEAD_BYTES // (2 * self.size)))
                behind = self._row(following, code.sub(ahead, high))
                within = code.icmp_signed("<", ahead, high)
                self._ask_for(code.select(within, self._row(rows, code.sub(ahead, before)), behind), step)
                yield token, token.index, row
            block.values = token.values
        token.values = block.values

    def _rows(self, blocks: ir.Value, block: ir.Value) -> ir.Value:
        """Where the rows of the key head begin in a block."""
        base = self.code.read(POINTER, blocks, block)
        return self._row(base, self.code.mul(self.key_head, whole(BLOCK_TOKENS)))

    def _row(self, rows: ir.Value, index: ir.Value) -> ir.Value:
        return self.code.at(rows, index, 2 * self.size)

    def _ask_for(self, row: ir.Value, count: int) -> None:
        """Have `count` rows brought to the second cache."""
        code = self.code
        hints = [ir.Constant(I32, hint) for hint in (0, 2, 1)]
        for line in range(0, 2 * self.size * count, LINE_BYTES):
            code.call_intrinsic("llvm.prefetch.p0", ir.VoidType(), [code.at(row, line), *hints])

    def _score(self, heads: list[ir.Value], scores: list[ir.Value]) -> None:
        """The products of every key with some query heads, not yet scaled, for four keys at a time."""
        code = self.code
        queries = [self._unpack(code.at(self.queries, head, 2 * self.size)) for head in heads]
        first = code.sdiv(self.first, whole(BLOCK_TOKENS))
        values = self._row(self._rows(self.values, first), code.srem(self.first, whole(BLOCK_TOKENS)))
        with self._tokens(self.keys, self.base, KEYS_AT_ONCE, then=values) as (_, token, row):
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

    def _softmax(self, scores: ir.Value, totals: ir.Value) -> ir.Value:
        """Scores of one head -> exp(scaled score - largest), in place; returns their sum, and fills in TOTALS."""
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
        code.write(code.max_lanes(loop.values[0]), totals, 0)
        largest = code.splat(code.read(FLOAT, totals, 0))
        scale = code.splat(self.scale)
        with code.loop(0, vectors, carried=[constant(FLOATS, 0.0)]) as loop:
            difference = code.fsub(code.read(FLOATS, scores, loop.index), largest)
            weight = exponential(code, code.fmul(difference, scale))
            code.write(weight, scores, loop.index)
            loop.values = [code.fadd(loop.values[0], weight)]
        total = code.sum_lanes(loop.values[0])
        code.write(total, totals, 1)
        return total

    def _weigh(self, heads: list[ir.Value], scores: list[ir.Value], totals: list[ir.Value]) -> None:
        """The weighted sums of the values, [size] floats for each head."""
        code, parts = self.code, self.size // self.lanes
        zeros = [constant(self.floats, 0.0)] * (parts * len(heads))
        with self._tokens(self.values, self.first, 1, then=self.out, carried=zeros) as (loop, token, row):
            value, place = self._unpack(row), code.sub(token, self.base)
            weights = [code.splat(code.read(FLOAT, one, place), self.lanes) for one in scores]
            factors = [(part, weight) for weight in weights for part in value]
            loop.values = [code.fused(*pair, total) for pair, total in zip(factors, loop.values, strict=True)]
        for index, (head, total) in enumerate(zip(heads, totals, strict=True)):
            empty = code.fcmp_ordered("==", total, number(0.0))
            factor = code.splat(code.select(empty, number(0.0), code.fdiv(number(1.0), total)), self.lanes)
            out = code.at(self.out, head, 4 * self.size)
            sums = [code.fmul(part, factor) for part in loop.values[index * parts : (index + 1) * parts]]
            for pair in range(parts // 2):
                for half, mixed in enumerate(code.interleave(*sums[2 * pair : 2 * pair + 2])):
                    code.write(mixed, out, 2 * pair + half)
