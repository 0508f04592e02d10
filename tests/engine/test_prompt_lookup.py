from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.prompt_lookup import PromptLookup, RowCosts, share_rows

STRETCH = list(range(100, 140))
OTHERS = list(range(10))


def written(lookup: PromptLookup, ids: list[int]) -> PromptLookup:
    for token_id in ids:
        lookup.push(token_id)
    return lookup


def measured(costs: RowCosts, times: dict[int, float], rounds: int = 60, **options: int) -> RowCosts:
    """`costs` after steps of all numbers of rows in turn."""
    for _ in range(rounds):
        for rows, seconds in times.items():
            costs.record(rows, seconds, **options)
    return costs


def test_a_stretch_that_comes_again_is_guessed_to_its_end():
    lookup = written(PromptLookup(OTHERS + STRETCH + OTHERS), STRETCH[:2])
    for position in range(2, len(STRETCH) - 1):
        left = len(STRETCH) - position
        assert lookup.guesses(left) == tuple(STRETCH[position:])
        lookup.push(STRETCH[position])


def test_where_nothing_comes_again_there_is_no_guess():
    for ids in ([], [1], [1, 2], OTHERS):
        lookup = PromptLookup(ids)
        assert lookup.guesses(4) == () and lookup.chances(4) == []
    assert written(PromptLookup(STRETCH), OTHERS).guesses(4) == ()


def test_the_earlier_place_that_is_more_alike_counts_more_than_a_later_one():
    ids = [1, 2, 3, 4, 50, 51, 9, 9, 9, 3, 4, 60, 61, 8, 1, 2, 3, 4]
    assert PromptLookup(ids).guesses(2) == (50, 51)
    assert PromptLookup([3, 4, 60, *ids[4:8], 3, 4, 70, 71, 3, 4]).guesses(2) == (70, 71)


def test_a_loop_is_guessed_beyond_what_is_written():
    assert PromptLookup([7, 1, 2, 3, 1, 2, 3, 1, 2]).guesses(7) == (3, 1, 2, 3, 1, 2, 3)


def test_behind_a_replaced_word_the_stretch_goes_on():
    lookup = written(PromptLookup(OTHERS + STRETCH), [*STRETCH[:8], 77])
    assert lookup.guesses(3) == tuple(STRETCH[9:12])


@given(ids=st.lists(st.integers(0, 3), max_size=60), split=st.integers(0, 60), count=st.integers(1, 8))
def test_a_guess_always_follows_tokens_like_the_newest_or_a_replaced_word(ids, split, count):
    lookup = written(PromptLookup(ids[:split]), ids[split:])
    guesses = lookup.guesses(count)
    if not guesses:
        return
    assert len(guesses) == count
    pairs = [ids[i : i + 3] for i in range(len(ids) - 2)]
    resumed = lookup._matched < 2  # the pair that it follows would reach back over the replaced word
    assert resumed or [*ids[-2:], guesses[0]] in pairs


def test_a_prompt_known_at_once_gives_the_guesses_of_one_that_came_token_by_token():
    ids = random.Random(3).choices(range(60), k=200)
    at_once, one_by_one = PromptLookup(ids), written(PromptLookup(ids[:100]), ids[100:])
    suffix = ids[20:30]
    assert written(at_once, suffix).guesses(5) == written(one_by_one, suffix).guesses(5) == tuple(ids[30:35])


def test_a_longer_match_is_surer_and_every_further_guess_less_sure():
    lookup = written(PromptLookup(STRETCH), STRETCH[:2])
    short = lookup.chances(8)
    long = written(lookup, STRETCH[2:20]).chances(8)
    assert all(a < b for a, b in zip(short, long, strict=True))
    for chances in (short, long):
        assert chances == sorted(chances, reverse=True) and 0 < chances[-1] <= chances[0] < 1
    assert lookup.chances(0) == []


def test_guesses_stop_while_they_are_wrong_and_come_back_when_they_would_be_right():
    lookup, costs = PromptLookup([1, 2, 3]), RowCosts()
    for token_id in range(10, 60):
        written(lookup, [1, 2, token_id])
    lookup.push(1)
    lookup.push(2)
    assert lookup.guesses(1) and share_rows([lookup.chances(15)], 16, costs) == [0]
    written(lookup, STRETCH)
    written(lookup, STRETCH)
    assert share_rows([lookup.chances(15)], 16, costs)[0] >= 4


def test_the_work_for_a_token_does_not_grow_with_the_text():
    compared = 0

    class Counting(int):
        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return int(self) == other

    lookup = PromptLookup([Counting(0)] * 20_000)
    chance = random.Random(1)
    for _ in range(50):
        compared = 0
        lookup.push(Counting(chance.choice([0, 0, 1])))
        assert compared < 300


def test_until_steps_are_measured_a_row_costs_a_little():
    costs = RowCosts()
    assert costs.of(1) == 1 and 1 < costs.of(2) < costs.of(8) < 4


def test_costs_are_learned_from_the_steps():
    costs = measured(RowCosts(), {1: 0.010, 4: 0.020, 8: 0.040})
    assert costs.of(4) == pytest.approx(2, rel=0.1) and costs.of(8) == pytest.approx(4, rel=0.1)
    # What has not been measured is like what is similar.
    assert 2 < costs.of(6) < 4 and costs.of(12) > 4


def test_a_machine_that_slows_down_does_not_change_the_costs():
    times = {1: 0.010, 4: 0.013}
    costs = measured(RowCosts(), times)
    measured(costs, {rows: 8 * seconds for rows, seconds in times.items()}, rounds=1)
    measured(costs, times, rounds=1)
    assert costs.of(4) == pytest.approx(1.3, rel=0.25)


def test_one_interrupted_step_does_not_count_for_much_and_is_forgotten():
    costs = RowCosts()
    costs.record(1, 0.01)
    costs.record(4, 10.0)
    usual = RowCosts().of(4)
    assert costs.of(4) < 1.5 * usual
    for _ in range(2000):
        costs.record(1, 0.01)
    assert costs.of(4) == pytest.approx(usual, rel=0.02)


def test_steps_on_other_numbers_of_threads_are_not_compared():
    costs = RowCosts()
    for _ in range(20):
        costs.record(1, 0.010, threads=2)
        costs.record(4, 0.100, threads=1)
    assert costs.of(4) == RowCosts().of(4)


@given(steps=st.lists(st.tuples(st.integers(1, 32), st.just(0) | st.floats(1e-9, 1e6), st.integers(1, 2)), max_size=40))
def test_whatever_is_measured_a_cost_is_a_number_from_one_on(steps):
    costs = RowCosts()
    for rows, seconds, threads in steps:
        costs.record(rows, seconds, threads=threads)
    assert costs.of(1) == 1
    assert all(math.isfinite(costs.of(rows)) and costs.of(rows) >= 1 for rows in range(1, 40))


def test_a_sure_guess_gets_all_rows_a_poor_one_none():
    costs = RowCosts()
    assert share_rows([[0.999] * 15], 16, costs) == [15]
    assert share_rows([[0.1, 0.01]], 16, costs) == [0]
    assert share_rows([[0.999] * 15], 1, costs) == [0]
    dear = measured(RowCosts(), {1: 0.01, 2: 0.03, 16: 0.3})
    assert share_rows([[0.999] * 15], 16, dear) == [0]


def test_the_rows_are_shared_equally_by_those_who_can_use_them():
    assert share_rows([[0.99] * 15, [0.99] * 15], 16, RowCosts()) == [7, 7]
    assert share_rows([[0.99] * 15] * 3, 2, RowCosts()) == [0, 0, 0]
    # The one who writes alone among copyists keeps most of its speed.
    counts = share_rows([[0.99] * 15, []], 16, RowCosts())
    assert counts[1] == 0 and 0 < counts[0] < 7


@settings(max_examples=200)
@given(
    tables=st.lists(st.lists(st.floats(0.01, 0.99), max_size=15), min_size=1, max_size=10),
    most_rows=st.integers(1, 16),
    times=st.dictionaries(st.integers(1, 16), st.floats(0.01, 0.1), max_size=5),
)
def test_guesses_pay_for_all_together_and_harm_nobody_much(tables, most_rows, times):
    chances = [sorted(table, reverse=True) for table in tables]
    costs = measured(RowCosts(), times, rounds=5)
    counts = share_rows(chances, most_rows, costs)
    writers, rows = len(chances), len(chances) + sum(counts)
    assert not sum(counts) or rows <= most_rows
    assert all(0 <= count <= len(table) for count, table in zip(counts, chances, strict=True))
    assert all(count <= max(0, most_rows // writers - 1) for count in counts)
    expected = [1 + sum(table[:count]) for count, table in zip(counts, chances, strict=True)]
    before, after = 1 / costs.of(writers), 1 / costs.of(rows)
    assert sum(expected) * after >= writers * before * (1 - 1e-9)
    assert min(expected) * after >= 0.8 * before * (1 - 1e-9)
