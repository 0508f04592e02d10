"""The thread that owns the model lives on, whatever an answer or the loop does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from playground.engine.engine import Engine
from playground.engine.scheduler import Scheduler
from playground.engine.sequence import RunningSequence
from playground.messages import Message, SamplingParams

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=8)


def ids_of(engine: Engine, text: str, params: SamplingParams = GREEDY) -> list[int]:
    chunks = engine.stream([Message("user", text)], params)
    return [token.id for chunk in chunks for token in chunk.tokens]


def test_a_failure_of_the_loop_ends_what_runs_and_the_next_answer_comes(engine, monkeypatch, caplog):
    expected, steps = ids_of(engine, "Hi"), []
    step = Scheduler.step

    def broken_once(scheduler: Scheduler) -> None:
        steps.append(1)
        if len(steps) == 3:
            raise KeyError("a bug in the loop")
        step(scheduler)

    monkeypatch.setattr(Scheduler, "step", broken_once)
    with pytest.raises(KeyError, match="a bug in the loop"):
        ids_of(engine, "Hi")
    assert "the engine's loop failed; it goes on" in caplog.text and "a bug in the loop" in caplog.text
    assert ids_of(engine, "Hi") == expected
    engine.run(lambda loaded: None)
    assert engine.state.running == engine.state.waiting == 0


@pytest.mark.parametrize("method", ["accept", "__init__"])
def test_a_bug_in_one_answer_is_logged_and_the_others_go_on(engine, monkeypatch, caplog, method):
    expected, original = ids_of(engine, "Hello"), getattr(RunningSequence, method)

    def broken(sequence: RunningSequence, *given: object) -> object:
        params = given[0].request.params if method == "__init__" else sequence.reply.request.params
        if params.seed == 13:
            raise ZeroDivisionError("a bug in an answer")
        return original(sequence, *given)

    monkeypatch.setattr(RunningSequence, method, broken)

    def outcome(params: SamplingParams) -> object:
        try:
            return ids_of(engine, "Hello", params)
        except ZeroDivisionError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(outcome, [GREEDY, replace(GREEDY, seed=13), GREEDY]))
    assert outcomes == [expected, "a bug in an answer", expected]
    assert "a bug in an answer" in caplog.text
