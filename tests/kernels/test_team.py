"""Threads that work through a list of stages: every chunk once, in order, whoever does it and whenever helpers come."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir

from playground.kernels import compiler
from playground.kernels.program import Program, define_team
from playground.kernels.team import Team
from tests.kernels.team_programs import LINGER, MEET, MIX, Chain, define_linger, define_meet, define_mix, numbers, stage

RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
HELP = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)


@pytest.fixture(scope="module")
def machine_code() -> compiler.MachineCode:
    if not compiler.is_supported():
        pytest.skip("this processor has no AVX-512 VNNI")
    module = ir.Module("team")
    define_team(module, [define_mix(module), define_meet(module), define_linger(module)])
    return compiler.MachineCode(compiler.compile_module(module))


@pytest.fixture
def build(machine_code: compiler.MachineCode) -> Callable[..., Team]:
    def new_team(helpers: int, help_: ctypes._CFuncPtr | None = None) -> Team:
        helping = HELP(machine_code.address("team_help")) if help_ is None else help_
        return Team(RUN(machine_code.address("team_run")), helping, helpers=helpers, code=machine_code)

    return new_team


@pytest.fixture
def team(build: Callable[..., Team]) -> Team:
    return build(1)


plans = st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 20)), min_size=1, max_size=12)


@pytest.mark.parametrize("helpers", range(4))
@given(lists=st.lists(plans, min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_any_list_of_stages_is_done_right_with_any_number_of_helpers(
    machine_code: compiler.MachineCode, helpers: int, lists: list[list[tuple[int, bool, int]]]
) -> None:
    run, help_ = RUN(machine_code.address("team_run")), HELP(machine_code.address("team_help"))
    team = Team(run, help_, helpers=helpers, code=machine_code)
    chains = [Chain(plan) for plan in lists]
    for chain in chains * 3:
        chain.run(team)


def test_thousands_of_tiny_runs_of_programs_that_come_and_go(team: Team) -> None:
    for number in range(3000):
        chain = Chain([(1 + number % 3, number % 2 == 0, 1), (40, True, number), (40, True, 2), (40, True, 3)])
        chain.run(team)


@pytest.mark.parametrize("pause_ms", [0, 1, 2, 3, 4, 5, 6, 8, 100])
def test_helpers_take_part_in_every_run_however_long_the_pause_before_it_was(team: Team, pause_ms: int) -> None:
    for _ in range(20):
        time.sleep(pause_ms / 1000)
        here, met = numbers(0), numbers(0)
        team.run(Program([stage(MEET, here, met, 2, chunks=2)]))
        assert met[0] == 2


def test_a_run_that_begins_while_a_helper_falls_asleep_wakes_it_again() -> None:
    team: Team
    helped = threading.Semaphore(0)
    runs: list[int] = []

    def help_(_: int, seen: int) -> int:
        begun = len(runs)
        if seen == 0:
            team.run(program)  # at the last moment before the helper is back in Python
        helped.release()
        return begun

    program = Program([stage(MIX, numbers(1), numbers(0), chunks=1)])
    team = Team(lambda control, address: runs.append(address), help_, helpers=1, code=None)
    team.run(program)
    assert helped.acquire(timeout=5)
    assert helped.acquire(timeout=5)


def test_a_helper_stays_for_a_run_that_is_announced_but_late() -> None:
    looked = threading.Semaphore(0)

    def begin_late(control: int, address: int) -> None:
        for _ in range(3):  # the caller lost the processor on its way here
            assert looked.acquire(timeout=5)

    def help_(_: int, seen: int) -> int:
        looked.release()
        looks.append(seen)
        return seen + (len(looks) == 3)

    looks: list[int] = []
    team = Team(begin_late, help_, helpers=1, code=None)
    team.run(Program([stage(MIX, numbers(1), numbers(0), chunks=1)]))
    assert looks == [0, 0, 0]


def test_helpers_that_are_not_wanted_any_more_stay_away(team: Team) -> None:
    team.run(Program([stage(LINGER, numbers(0, 0), chunks=2)]))
    team.use(0)
    out = numbers(*[0] * 50)
    time.sleep(0.05)
    before = helpers_cpu_s()
    for _ in range(20):
        team.run(Program([stage(LINGER, out, chunks=50)]))
    assert helpers_cpu_s() - before <= 0.02
    assert list(out) == [20] * 50


def test_an_idle_team_uses_no_cpu(team: Team) -> None:
    for _ in range(10):
        team.run(Program([stage(LINGER, numbers(*[0] * 20), chunks=20)]))
    time.sleep(0.1)
    before = helpers_cpu_s()
    time.sleep(0.3)
    assert helpers_cpu_s() - before <= 0.03


def helpers_cpu_s() -> float:
    """What all helpers of this process, those of other teams too, have used so far."""
    helpers = {thread.native_id for thread in threading.enumerate() if thread.name == "playground-helper"}
    assert helpers
    threads = [thread for thread in psutil.Process().threads() if thread.id in helpers]
    return sum(thread.user_time + thread.system_time for thread in threads)


def test_a_helper_that_never_gets_the_cpu_holds_nobody_up(build: Callable[..., Team]) -> None:
    stuck = threading.Event()

    @HELP
    def never(control: int, seen: int) -> int:
        stuck.wait(30)
        return seen

    team = build(3, never)
    chain = Chain([(20, False, 0), (30, True, 0), (7, True, 2)])
    start_s = time.perf_counter()
    for _ in range(50):
        chain.run(team)
    assert time.perf_counter() - start_s < 20
    stuck.set()


def test_shared_work_is_done_by_as_many_threads_and_comes_back_in_order(team: Team) -> None:
    chain = Chain([(9, False, 0), (5, True, 0), (6, True, 1)])
    for _ in range(50):
        meeting = threading.Barrier(2, timeout=10)
        found = team.share([partial(meet_and_say, meeting, word) for word in ("one", "two")])
        assert found == ["one", "two"]
        chain.run(team)


def meet_and_say(meeting: threading.Barrier, word: str) -> str:
    meeting.wait()
    return word


def test_an_error_in_shared_work_reaches_the_caller_and_the_team_goes_on(team: Team) -> None:
    with pytest.raises(ZeroDivisionError):
        team.share([lambda: 1, lambda: 1 // 0])
    with pytest.raises(ZeroDivisionError):
        team.share([lambda: 1 // 0, lambda: 1])
    Chain([(9, True, 0), (5, True, 1)]).run(team)
    assert team.share([lambda: 1, lambda: 2]) == [1, 2]


def test_shared_work_that_is_done_is_forgotten(team: Team) -> None:
    given = Chain([(1, True, 0)])
    team.share([lambda: None, partial(isinstance, given, Chain)])
    gone = weakref.ref(given)
    del given
    deadline_s = time.monotonic() + 5
    while gone() is not None and time.monotonic() < deadline_s:  # the helper hands the result over first
        time.sleep(0.01)
    assert gone() is None


def test_more_work_than_threads_is_done_by_the_caller(team: Team) -> None:
    assert team.share([threading.get_ident] * 3) == [threading.get_ident()] * 3


def test_helpers_end_with_their_team(build: Callable[..., Team]) -> None:
    before = set(threading.enumerate())
    team = build(2)
    team.run(Program([stage(LINGER, numbers(0), chunks=1)]))
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 2
    del team
    gc.collect()
    for helper in helpers:
        helper.join(5)
        assert not helper.is_alive()


def test_memory_of_a_program_that_is_gone_is_only_ever_read_as_a_program(build: Callable[..., Team]) -> None:
    """A helper that the system left behind may still look at it."""
    team = build(0)
    gone = Program([stage(LINGER, numbers(0), chunks=1)] * 5)
    team.run(gone)
    address = gone.address
    del gone
    gc.collect()
    kept = [Program([stage(LINGER, numbers(0), chunks=1)] * count) for count in (5, 6, 7)]
    assert address in {program.address for program in kept}
    team.run(kept[0])
