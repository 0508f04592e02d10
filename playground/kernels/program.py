"""Lists of stages in memory, and the machine code with which threads work through them without the interpreter.

Owns how a stage is divided into chunks, and what a run is. Knows no stage's meaning and no thread. Whoever is free
takes the next chunk of the present stage; nobody enters a stage before the last one is done, unless the two are
independent. The results do not depend on who did what.

A run has a number, and chunks are claimed by exchanging (run number, next chunk) in one atomic word: a helper that the
operating system left behind finds a newer number and takes nothing. So the caller never waits for a helper that has no
chunk in its hands.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from llvmlite import ir

from playground.kernels.code import I64, POINTER, Code, whole

STAGE_WORDS = 8
"""A stage is a cache line, with these words in it. WAITS_FOR counts stages: itself and those before."""
FUNCTION, TABLE, CHUNKS, WAITS_FOR, CLAIM, DONE = range(6)
RUN, PROGRAM, LEAVE = 0, 8, 16
CONTROL_WORDS = 32
"""Words of the control block; what different threads write lies on different cache lines."""
RUN_BITS = 32
SPIN_CYCLES = 12_000_000
"""Four to six milliseconds of waiting for the next run before a helper sleeps: longer than a token is sampled."""


def define_team(module: ir.Module, kernels: Sequence[ir.Function]) -> None:
    """Add `team_run(control, program)` and `team_help(control, seen) -> seen`; a stage names one of `kernels` by
    its index, and it is called as `kernel(table, chunk)`."""
    work = _define_work(module, kernels)
    _define_run(module, work)
    _define_help(module, work)


def _atomic(code: Code, base: ir.Value, word: int) -> ir.Value:
    return code.load_atomic(code.at(base, 8 * word), "acquire", 8, typ=I64)


def _publish(code: Code, value: ir.Value, address: ir.Value) -> None:
    """An atomic store that everything before it is visible with."""
    code.atomic_rmw("xchg", address, value, "seq_cst")


def _parts(code: Code, program: ir.Value) -> tuple[ir.Value, ir.Value]:
    """How many stages a program has, and where they begin."""
    return _atomic(code, program, 0), code.at(program, 8 * STAGE_WORDS)


def _pause(code: Code) -> None:
    code.call_intrinsic("llvm.x86.sse2.pause", ir.VoidType(), [])


def _define_work(module: ir.Module, kernels: Sequence[ir.Function]) -> ir.Function:
    """`team_work(stages, count, run)`: take chunks of every stage until all are done, or a newer run has begun."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]), "team_work")
    function.linkage = "internal"
    stages, count, run = function.args
    code = Code(function.append_basic_block("entry"))
    claim, taken, finished, waiting = (
        function.append_basic_block(name) for name in ("claim", "taken", "finished", "waiting")
    )
    left = function.append_basic_block("left")
    with code.loop(0, count) as loop:
        stage = code.at(stages, loop.index, 8 * STAGE_WORDS)
        after = function.append_basic_block("after_stage")
        code.branch(claim)
        code.position_at_end(claim)
        word = _atomic(code, stage, CLAIM)
        chunk = code.and_(word, whole((1 << RUN_BITS) - 1))
        mine = code.icmp_unsigned("==", code.lshr(word, whole(RUN_BITS)), run)
        more = code.icmp_unsigned("<", chunk, _atomic(code, stage, CHUNKS))
        attempt = function.append_basic_block("attempt")
        code.cbranch(mine, attempt, left)
        code.position_at_end(attempt)
        swap = function.append_basic_block("swap")
        code.cbranch(more, swap, waiting)
        code.position_at_end(swap)
        result = code.cmpxchg(code.at(stage, 8 * CLAIM), word, code.add(word, whole(1)), "acq_rel", "acquire")
        code.cbranch(code.extract_value(result, 1), taken, claim)
        code.position_at_end(taken)
        _call_kernel(code, kernels, stage, chunk, finished)
        code.position_at_end(finished)
        code.atomic_rmw("add", code.at(stage, 8 * DONE), whole(1), "acq_rel")
        code.branch(claim)
        code.position_at_end(waiting)
        _wait_for_stages(code, stage, run, left)
        code.branch(after)
        code.position_at_end(after)
    code.ret_void()
    Code(left).ret_void()
    return function


def _call_kernel(
    code: Code, kernels: Sequence[ir.Function], stage: ir.Value, chunk: ir.Value, finished: ir.Block
) -> None:
    """Do a chunk with the kernel that the stage names, then go to `finished`."""
    arguments = [code.field(stage, TABLE, POINTER), chunk]
    choice = code.switch(code.field(stage, FUNCTION), finished)
    for number, kernel in enumerate(kernels):
        block = code.function.append_basic_block(kernel.name)
        choice.add_case(whole(number), block)
        code.position_at_end(block)
        code.call(kernel, arguments)
        code.branch(finished)


def _wait_for_stages(code: Code, stage: ir.Value, run: ir.Value, left: ir.Block) -> None:
    """Until this stage, and those before that it waits for, are done; go to `left` when a newer run has begun."""
    with code.loop(0, _atomic(code, stage, WAITS_FOR)) as back:
        awaited = code.at(stage, code.sub(whole(0), back.index), 8 * STAGE_WORDS)
        names = ("check", "look", "spinning", "done")
        check, look, spinning, done = (code.function.append_basic_block(name) for name in names)
        code.branch(check)
        code.position_at_end(check)
        same = code.icmp_unsigned("==", code.lshr(_atomic(code, awaited, CLAIM), whole(RUN_BITS)), run)
        code.cbranch(same, look, left)
        code.position_at_end(look)
        pending = code.icmp_unsigned("<", _atomic(code, awaited, DONE), _atomic(code, awaited, CHUNKS))
        code.cbranch(pending, spinning, done)
        code.position_at_end(spinning)
        _pause(code)
        code.branch(check)
        code.position_at_end(done)


def _define_run(module: ir.Module, work: ir.Function) -> None:
    """`team_run(control, program)`, for the one thread that owns the team. Returns when everything is done."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER]), "team_run")
    control, program = function.args
    code = Code(function.append_basic_block("entry"))
    count, stages = _parts(code, program)
    number = code.and_(code.add(_atomic(code, control, RUN), whole(1)), whole((1 << RUN_BITS) - 1))
    tag = code.shl(number, whole(RUN_BITS))
    # The claim words go first: from then on nobody can take a chunk of the last run, wherever a helper stands.
    with code.loop(0, count) as loop:
        stage = code.at(stages, loop.index, 8 * STAGE_WORDS)
        _publish(code, whole(0), code.at(stage, 8 * DONE))
        _publish(code, tag, code.at(stage, 8 * CLAIM))
    _publish(code, code.ptrtoint(program, I64), code.at(control, 8 * PROGRAM))
    _publish(code, number, code.at(control, 8 * RUN))
    code.call(work, [stages, count, number])
    code.ret_void()


def _define_help(module: ir.Module, work: ir.Function) -> None:
    """`team_help(control, seen) -> seen`: take part in every run after `seen`.

    Returns after a long pause, or when it shall leave.
    """
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, I64]), "team_help")
    control, seen = function.args
    code = Code(function.append_basic_block("entry"))
    entry = code.block
    head, look, spin, idle, join, gone = (
        function.append_basic_block(name) for name in ("head", "look", "spin", "idle", "join", "gone")
    )
    cycles = code.call_intrinsic("llvm.readcyclecounter", I64, [])
    code.branch(head)
    code.position_at_end(head)
    last = code.phi(I64)
    since = code.phi(I64)
    number = _atomic(code, control, RUN)
    stop = _atomic(code, control, LEAVE)
    code.cbranch(code.icmp_signed("!=", stop, whole(0)), gone, look)
    code.position_at_end(look)
    code.cbranch(code.icmp_signed("==", number, last), spin, join)
    code.position_at_end(spin)
    _pause(code)
    now = code.call_intrinsic("llvm.readcyclecounter", I64, [])
    code.cbranch(code.icmp_signed("<", code.sub(now, since), whole(SPIN_CYCLES)), idle, gone)
    code.position_at_end(idle)
    code.branch(head)
    code.position_at_end(join)
    # It may be the program of the next run already, whose stages this number does not fit.
    count, stages = _parts(code, code.inttoptr(_atomic(code, control, PROGRAM), POINTER))
    code.call(work, [stages, count, number])
    after = code.call_intrinsic("llvm.readcyclecounter", I64, [])
    code.branch(head)
    for block, value, moment in ((entry, seen, cycles), (idle, last, since), (join, number, after)):
        last.add_incoming(value, block)
        since.add_incoming(moment, block)
    code.position_at_end(gone)
    code.ret(last)


@dataclass(frozen=True)
class Stage:
    """A piece of work for all threads: `kernel(table, chunk)` for every chunk, in any order."""

    function: int
    """Which of the team's kernels."""
    table: ctypes.Array
    """The function's arguments, 8 bytes each."""
    chunks: int
    waits: bool = True
    """Whether the next stage begins only when this one, and all before it, are done."""
    owners: tuple = ()
    """What must live as long as the stage: the tensors that its table points to."""


class Program:
    """A list of stages in memory, ready to run. Keeps the tables of its stages alive.

    Its memory is one cache line with the number of stages, and one for each stage. A helper that the operating system
    left behind may read it when the program is long gone, so it is never given back but kept for other programs.
    """

    _spare: ClassVar[dict[int, list[ctypes.Array]]] = {}

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        lines = 1 << len(stages).bit_length()
        spare = self._spare.setdefault(lines, [])
        words = spare.pop() if spare else (ctypes.c_int64 * (STAGE_WORDS * (lines + 2)))()
        weakref.finalize(self, spare.append, words).atexit = False
        # On a cache line of its own: its words are contended.
        start = -ctypes.addressof(words) % 64 // 8
        for base in range(start + STAGE_WORDS, start + STAGE_WORDS * (lines + 1), STAGE_WORDS):
            words[base + CLAIM] = 0  # before anything else: nobody can take a chunk of what was here
        loose = 0
        for index, stage in enumerate(self.stages):
            base = start + (index + 1) * STAGE_WORDS
            loose += 1
            last = index == len(self.stages) - 1
            words[base + WAITS_FOR] = loose if stage.waits or last else 0
            loose = 0 if stage.waits else loose
            words[base + FUNCTION] = stage.function
            words[base + TABLE] = ctypes.addressof(stage.table)
            words[base + CHUNKS] = stage.chunks
        words[start] = len(stages)
        self.address = ctypes.addressof(words) + 8 * start
