"""Two or more threads that work through a list of stages without the interpreter.

Owns the helper threads, how a stage is divided into chunks, and what a run is. Knows no stage's meaning. Whoever is free
takes the next chunk of the present stage; nobody enters a stage before the last one is done, unless the two are
independent. The results do not depend on
who did what. Helpers wait for the next run by spinning for some milliseconds, which is longer than the pauses inside a
step, and then sleep until they are woken.

A run has a number, and chunks are claimed by exchanging (run number, next chunk) in one atomic word: a helper that the
operating system left behind finds a newer number and takes nothing. So the caller never waits for a helper that has no
chunk in its hands.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from playground.kernels.code import I64, POINTER, Code, whole

STAGE_WORDS = 8
"""A stage is a cache line: kernel, arguments, chunks, stages to wait for (itself and those before), claim word, chunks done."""
FUNCTION, TABLE, CHUNKS, WAITS_FOR, CLAIM, DONE = range(6)
RUN, STAGES, COUNT, ASLEEP, STOP = 0, 8, 9, 16, 24
CONTROL_WORDS = 32
"""Words of the control block; what different threads write lies on different cache lines."""
RUN_BITS = 32
SPIN_CYCLES = 6_000_000
"""Two to three milliseconds of waiting for the next run before a helper sleeps."""


def define_team(module: ir.Module, kernels: Sequence[ir.Function]) -> None:
    """Add `team_run(control, stages, count)` and `team_help(control, seen) -> seen`; a stage names one of `kernels` by
    its index, and it is called as `kernel(table, chunk)`."""
    work = _define_work(module, kernels)
    _define_run(module, work)
    _define_help(module, work)


def _atomic(code: Code, base: ir.Value, word: int) -> ir.Value:
    return code.load_atomic(code.at(base, 8 * word), "acquire", 8, typ=I64)


def _publish(code: Code, value: ir.Value, address: ir.Value) -> None:
    """An atomic store that everything before it is visible with."""
    code.atomic_rmw("xchg", address, value, "seq_cst")


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
        arguments = [code.field(stage, TABLE, POINTER), chunk]
        choice = code.switch(code.field(stage, FUNCTION), finished)
        for number, kernel in enumerate(kernels):
            block = function.append_basic_block(kernel.name)
            choice.add_case(whole(number), block)
            code.position_at_end(block)
            code.call(kernel, arguments)
            code.branch(finished)
        code.position_at_end(finished)
        code.atomic_rmw("add", code.at(stage, 8 * DONE), whole(1), "acq_rel")
        code.branch(claim)
        code.position_at_end(waiting)
        with code.loop(0, _atomic(code, stage, WAITS_FOR)) as back:
            awaited = code.at(stage, code.sub(whole(0), back.index), 8 * STAGE_WORDS)
            check, look, spinning, done = (
                function.append_basic_block(name) for name in ("check", "look", "spinning", "done")
            )
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
        code.branch(after)
        code.position_at_end(after)
    code.ret_void()
    Code(left).ret_void()
    return function


def _define_run(module: ir.Module, work: ir.Function) -> None:
    """`team_run(control, stages, count)`, for the one thread that owns the team. Returns when everything is done."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, POINTER, I64]), "team_run")
    control, stages, count = function.args
    code = Code(function.append_basic_block("entry"))
    number = code.and_(code.add(_atomic(code, control, RUN), whole(1)), whole((1 << RUN_BITS) - 1))
    tag = code.shl(number, whole(RUN_BITS))
    # The claim words go first: from then on nobody can take a chunk of the last run, wherever a helper stands.
    with code.loop(0, count) as loop:
        stage = code.at(stages, loop.index, 8 * STAGE_WORDS)
        _publish(code, whole(0), code.at(stage, 8 * DONE))
        _publish(code, tag, code.at(stage, 8 * CLAIM))
    _publish(code, code.ptrtoint(stages, I64), code.at(control, 8 * STAGES))
    _publish(code, count, code.at(control, 8 * COUNT))
    _publish(code, number, code.at(control, 8 * RUN))
    code.call(work, [stages, count, number])
    code.ret_void()


def _define_help(module: ir.Module, work: ir.Function) -> None:
    """`team_help(control, seen) -> seen`: take part in every run after `seen`; returns after a long pause or a stop."""
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
    stop = _atomic(code, control, STOP)
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
    stages = code.inttoptr(_atomic(code, control, STAGES), POINTER)
    code.call(work, [stages, _atomic(code, control, COUNT), number])
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
    """A list of stages in memory, ready to run. Keeps the tables of its stages alive."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        words = (ctypes.c_int64 * (STAGE_WORDS * len(stages) + STAGE_WORDS))()
        # On a cache line of its own: its words are contended.
        skip = -ctypes.addressof(words) % 64 // 8
        loose = 0
        for index, stage in enumerate(self.stages):
            base = skip + index * STAGE_WORDS
            loose += 1
            last = index == len(self.stages) - 1
            words[base + WAITS_FOR] = loose if stage.waits or last else 0
            loose = 0 if stage.waits else loose
            words[base + FUNCTION] = stage.function
            words[base + TABLE] = ctypes.addressof(stage.table)
            words[base + CHUNKS] = stage.chunks
        self._words = words
        self.address = ctypes.addressof(words) + 8 * skip
        self.count = len(stages)


class Team:
    """The calling thread and its helpers. `run` may be called by one thread at a time.

    `helpers` takes effect at the next run; helpers that are not wanted sleep.
    """

    def __init__(self, run: ctypes._CFuncPtr, help_: ctypes._CFuncPtr, *, helpers: int) -> None:
        self.helpers = helpers
        self._run = run
        self._control = (ctypes.c_int64 * (CONTROL_WORDS + 8))()
        self._address = ctypes.addressof(self._control) + -ctypes.addressof(self._control) % 64
        self._wakers: list[threading.Event] = []
        self._help = help_
        self._stopped = False
        weakref.finalize(self, _stop, self._control, self._address, self._wakers)

    def run(self, program: Program) -> None:
        """Do everything in `program`."""
        for index in range(self.helpers):
            if index == len(self._wakers):
                self._hire()
            waker = self._wakers[index]
            if not waker.is_set():
                waker.set()
        self._run(self._address, program.address, program.count)

    def _hire(self) -> None:
        waker = threading.Event()
        self._wakers.append(waker)
        arguments = (self._help, self._control, self._address, waker)
        threading.Thread(target=_assist, args=arguments, name="playground-helper", daemon=True).start()


def _assist(help_: ctypes._CFuncPtr, control: ctypes.Array, address: int, waker: threading.Event) -> None:
    """The life of a helper: wait, take part, sleep again."""
    stop = ctypes.c_int64.from_address(address + 8 * STOP)
    seen = 0
    while True:
        waker.wait()
        if stop.value:
            return
        seen = help_(address, seen)
        waker.clear()
        if stop.value:
            return


def _stop(control: ctypes.Array, address: int, wakers: list[threading.Event]) -> None:
    ctypes.c_int64.from_address(address + 8 * STOP).value = 1
    for waker in wakers:
        waker.set()
