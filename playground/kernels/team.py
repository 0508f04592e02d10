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
import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from llvmlite import ir

from playground.kernels.code import I64, POINTER, Code, whole

Result = TypeVar("Result")

STAGE_WORDS = 8
"""A stage is a cache line: kernel, arguments, chunks, stages to wait for (itself and those before), claim word, chunks done."""
FUNCTION, TABLE, CHUNKS, WAITS_FOR, CLAIM, DONE = range(6)
RUN, PROGRAM, LEAVE = 0, 8, 16
CONTROL_WORDS = 32
"""Words of the control block; what different threads write lies on different cache lines."""
RUN_BITS = 32
FAREWELL_S = 1.0
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
    """`team_help(control, seen) -> seen`: take part in every run after `seen`; returns after a long pause, or when it shall leave."""
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


class Team:
    """The calling thread and its helpers. `run`, `share` and `use` belong to one thread at a time."""

    def __init__(self, run: ctypes._CFuncPtr, help_: ctypes._CFuncPtr, *, helpers: int, code: object) -> None:
        self._run = run
        self._help = help_
        self._words = (ctypes.c_int64 * (CONTROL_WORDS + 8))()
        self._address = ctypes.addressof(self._words) + -ctypes.addressof(self._words) % 64
        self._leave = ctypes.c_int64.from_address(self._address + 8 * LEAVE)
        self._helpers: list[_Helper] = []
        self._wanted = helpers
        weakref.finalize(self, _dismiss, self._helpers, self._leave, code)

    def use(self, helpers: int) -> None:
        """How many helpers take part from the next run on. With none they go to sleep at once."""
        self._wanted = helpers
        self._leave.value = int(helpers == 0)

    def run(self, program: Program) -> None:
        """Do everything in `program`."""
        for helper in self._awake():
            if not helper.waker.is_set():
                helper.waker.set()
        self._run(self._address, program.address)

    def share(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """Call the first task on this thread and the others on helpers, for work that is done by a library."""
        helpers = self._awake()[: len(tasks) - 1]
        if len(helpers) < len(tasks) - 1:
            return [task() for task in tasks]
        self._leave.value = 1  # spinning helpers would take the cores from those who work
        try:
            futures = [helper.call(task) for helper, task in zip(helpers, tasks[1:], strict=True)]
            return [tasks[0](), *(future.result() for future in futures)]
        finally:
            self._leave.value = 0

    def _awake(self) -> list[_Helper]:
        while len(self._helpers) < self._wanted:
            self._helpers.append(_Helper(self._help, self._words, self._address))
        return self._helpers[: self._wanted]


class _Helper:
    """A thread that takes part in runs while they follow each other closely, and sleeps otherwise."""

    def __init__(self, help_: ctypes._CFuncPtr, words: ctypes.Array, address: int) -> None:
        self.waker = threading.Event()
        self.tasks: queue.SimpleQueue = queue.SimpleQueue()
        arguments = (help_, words, address, self.waker, self.tasks)
        self._thread = threading.Thread(target=_assist, args=arguments, name="playground-helper", daemon=True)
        self._thread.start()

    def dismiss(self) -> None:
        """End the thread."""
        self.tasks.put(None)
        self.waker.set()
        self._thread.join(FAREWELL_S)

    def call(self, task: Callable[[], Result]) -> Future[Result]:
        """Have `task` called by this thread, before anything else."""
        future: Future[Result] = Future()
        self.tasks.put((task, future))
        self.waker.set()
        return future


def _assist(
    help_: ctypes._CFuncPtr, words: ctypes.Array, address: int, waker: threading.Event, tasks: queue.SimpleQueue
) -> None:
    """The life of a helper. A task of None ends it; `words` is the memory behind `address`."""
    seen = 0
    while True:
        waker.wait()
        if tasks.empty():
            seen = help_(address, seen)
        waker.clear()
        while not tasks.empty():
            given = tasks.get()
            if given is None:
                return
            task, future = given
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)


def _dismiss(helpers: list[_Helper], leave: ctypes.c_int64, code: object) -> None:
    """`code` is what the helpers run, so it has to outlive them. Also at the end of the process: a thread that comes back from machine code after Python has gone aborts it."""
    leave.value = 1
    for helper in helpers:
        helper.dismiss()
