"""The number of threads follows the machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.engine.thread_governor import LONGEST_PAUSE_S, SINGLE_STEPS, ThreadGovernor


@dataclass
class Machine:
    """Two cores and a clock. A step takes 20 ms with one thread, 12 with two, 500 with two when others compute."""

    busy: bool = False
    now_s: float = 0.0
    used: list[int] = field(default_factory=list)
    set_to: list[int] = field(default_factory=list)

    def run(self, governor: ThreadGovernor, steps: int = 1, sequences: int = 1) -> None:
        for _ in range(steps):
            with governor.decoding(sequences) as threads:
                self.used.append(threads)
                self.now_s += 0.020 if threads == 1 else 0.5 if self.busy else 0.012


def governed(threads: int = 2, **machine: bool) -> tuple[Machine, ThreadGovernor]:
    one = Machine(**machine)
    return one, ThreadGovernor(threads, set_threads=one.set_to.append, clock=lambda: one.now_s)


def test_a_quiet_machine_decodes_with_all_threads_after_a_short_comparison() -> None:
    machine, governor = governed()
    machine.run(governor, 100)
    assert machine.used == [1] * SINGLE_STEPS + [2] * (100 - SINGLE_STEPS)


def test_on_a_busy_machine_nearly_all_steps_use_one_thread_from_the_start() -> None:
    machine, governor = governed(busy=True)
    machine.run(governor, 1000)
    assert machine.used.count(2) < 12
    assert machine.now_s < 1000 * 0.020 * 1.35


def test_a_machine_that_becomes_quiet_gets_all_threads_back() -> None:
    machine, governor = governed(busy=True)
    machine.run(governor, 500)
    machine.busy = False
    machine.run(governor, int(LONGEST_PAUSE_S / 0.020) + 1)
    machine.used.clear()
    machine.run(governor, 50)
    assert machine.used == [2] * 50


def test_one_hiccup_costs_half_a_second_of_one_thread_and_no_more() -> None:
    machine, governor = governed()
    machine.run(governor, 50)
    machine.busy = True
    machine.run(governor, 1)
    machine.busy = False
    machine.used.clear()
    machine.run(governor, 60)
    assert 20 <= machine.used.count(1) <= 26


def test_each_number_of_answers_is_compared_with_its_own_time() -> None:
    machine, governor = governed()
    machine.run(governor, 10, sequences=1)
    machine.used.clear()
    machine.run(governor, 3, sequences=4)
    assert machine.used == [1] * SINGLE_STEPS + [2]


def test_after_a_step_all_threads_are_there_for_prompts_again_also_after_an_error() -> None:
    machine, governor = governed()
    machine.run(governor, 1)
    assert machine.set_to == [1, 2]
    try:
        with governor.decoding(1):
            raise ValueError
    except ValueError:
        pass
    assert machine.set_to[-1] == 2


def test_with_a_single_thread_nothing_is_measured() -> None:
    machine, governor = governed(threads=1)
    machine.run(governor, 5)
    assert machine.used == [1] * 5 and machine.set_to == []
