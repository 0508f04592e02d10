"""Small kernels that show who does which chunk when, and programs of them, for tests of teams of threads."""

from __future__ import annotations

import ctypes

from llvmlite import ir

from playground.kernels.code import I64, POINTER, Code, whole
from playground.kernels.program import Program, Stage
from playground.kernels.team import Team

MIX, MEET, LINGER = range(3)
PATIENCE = 1_000_000_000
"""Rounds of waiting for another thread: long beside any pause that a loaded machine makes."""
MASK = (1 << 64) - 1


def begin(module: ir.Module, name: str) -> tuple[Code, ir.Value, ir.Value]:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), name)
    return Code(function.append_basic_block("entry")), *function.args


def define_mix(module: ir.Module) -> ir.Function:
    """out[chunk] += 3 * in[chunk] + in[its mirror image] + 1: wrong when a chunk is done twice, or when the first chunk
    is done before the last one of what it reads."""
    code, table, chunk = begin(module, "mix")
    with code.loop(0, code.mul(code.and_(chunk, whole(3)), whole(15))):  # so that chunks end in another order
        code.call_intrinsic("llvm.x86.sse2.pause", ir.VoidType(), [])
    count = code.field(table, 2)
    source, out = code.field(table, 0, POINTER), code.field(table, 1, POINTER)
    mirrored = code.sub(code.sub(count, whole(1)), chunk)
    mixed = code.add(code.mul(code.read(I64, source, chunk), whole(3)), code.read(I64, source, mirrored))
    code.write(code.add(code.read(I64, out, chunk), code.add(mixed, whole(1))), out, chunk)
    code.ret_void()
    return code.function


def define_meet(module: ir.Module) -> ir.Function:
    """Wait until as many threads are here as there are chunks, or for a very long time; count those who met."""
    code, table, _ = begin(module, "meet")
    here, met = code.field(table, 0, POINTER), code.field(table, 1, POINTER)
    code.atomic_rmw("add", here, whole(1), "seq_cst")
    head, look, after = (code.function.append_basic_block(name) for name in ("head", "look", "after_meeting"))
    entry = code.block
    code.branch(head)
    code.position_at_end(head)
    rounds = code.phi(I64)
    together = code.icmp_signed(">=", code.load_atomic(here, "acquire", 8, typ=I64), code.field(table, 2))
    more = code.icmp_signed("<", rounds, whole(PATIENCE))
    code.cbranch(code.and_(more, code.not_(together)), look, after)
    code.position_at_end(look)
    code.call_intrinsic("llvm.x86.sse2.pause", ir.VoidType(), [])
    rounds.add_incoming(whole(0), entry)
    rounds.add_incoming(code.add(rounds, whole(1)), look)
    code.branch(head)
    code.position_at_end(after)
    code.atomic_rmw("add", met, code.zext(together, I64), "seq_cst")
    code.ret_void()
    return code.function


def define_linger(module: ir.Module) -> ir.Function:
    """Some thousand cycles of nothing, then out[chunk] += 1."""
    code, table, chunk = begin(module, "linger")
    with code.loop(0, 200):
        code.call_intrinsic("llvm.x86.sse2.pause", ir.VoidType(), [])
    out = code.field(table, 0, POINTER)
    code.write(code.add(code.read(I64, out, chunk), whole(1)), out, chunk)
    code.ret_void()
    return code.function


def numbers(*values: int) -> ctypes.Array:
    return (ctypes.c_int64 * len(values))(*values)


def stage(kernel: int, *words: ctypes.Array | int, chunks: int, waits: bool = True) -> Stage:
    table = numbers(*(ctypes.addressof(word) if isinstance(word, ctypes.Array) else word for word in words))
    return Stage(kernel, table, chunks, waits, words)


class Chain:
    """A random list of stages; each reads what a stage wrote that must be done by then."""

    def __init__(self, plan: list[tuple[int, bool, int]]) -> None:
        self.width = max(chunks for chunks, _, _ in plan)
        self.start = numbers(*range(1, self.width + 1))
        self.outs = [numbers(*[0] * self.width) for _ in plan]
        self.expected = [[0] * self.width for _ in plan]
        done, stages = 0, []
        for index, (chunks, waits, choice) in enumerate(plan):
            source = choice % (done + 1)  # the beginning, or a stage before the last that was waited for
            given = list(self.start) if source == 0 else self.expected[source - 1]
            read = self.start if source == 0 else self.outs[source - 1]
            for chunk in range(chunks):
                self.expected[index][chunk] = (3 * given[chunk] + given[chunks - 1 - chunk] + 1) & MASK
            stages.append(stage(MIX, read, self.outs[index], chunks, chunks=chunks, waits=waits))
            done = index + 1 if waits else done
        self.program = Program(stages)

    def run(self, team: Team) -> None:
        for out in self.outs:
            ctypes.memset(out, 0, ctypes.sizeof(out))
        team.run(self.program)
        assert [[value & MASK for value in out] for out in self.outs] == self.expected
