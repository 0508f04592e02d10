from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from playground.engine.engine import Engine
from playground.errors import ModelUnavailable
from playground.messages import Message, SamplingParams

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=8)
ENDLESS = replace(GREEDY, max_new_tokens=10**6)
ASK = [Message("user", "Hi")]


def wait_until(condition, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Gate:
    """A loader that waits until it is let through, and reports meanwhile."""

    def __init__(self, tiny) -> None:
        self._tiny = tiny
        self.open = threading.Event()
        self.loaded: list[str] = []

    def __call__(self, spec, report):
        while not self.open.wait(0.01):
            report("Downloading", fraction=0.25)
        if spec.name == "broken":
            raise ModelUnavailable("The file is broken. Download it again.")
        if spec.name == "buggy":
            raise KeyError("oops")
        self.loaded.append(spec.id)
        return self._tiny.load(spec, report)


@pytest.fixture
def gate(tiny) -> Gate:
    return Gate(tiny)


@pytest.fixture
def gated(gate):
    engine = Engine(gate, grace_s=0.2)
    yield engine
    engine.close()


def test_a_request_waits_for_the_model_and_says_so(gated, gate, tiny):
    gated.open(tiny.spec("llama", "Tiny"))
    stream = gated.stream(ASK, GREEDY)
    assert next(stream).progress.phase == "opening"
    wait_until(lambda: gated.state.opening_detail == "Downloading")
    state = gated.state
    assert (state.phase, state.spec.name, state.opening_fraction, state.waiting) == ("opening", "Tiny", 0.25, 1)
    assert state.opening_for_s > 0
    gate.open.set()
    assert list(stream)[-1].finish_reason == "length"
    assert (gated.state.phase, gated.state.loaded.spec.name) == ("ready", "Tiny")
    wait_until(lambda: gated.state.tokens_per_second)


def test_a_request_can_be_cancelled_while_the_model_opens(gated, tiny):
    gated.open(tiny.spec("llama", "Tiny"))
    cancel = threading.Event()
    stream = gated.stream(ASK, GREEDY, cancel=cancel)
    next(stream)
    cancel.set()
    assert list(stream)[-1].finish_reason == "cancelled"


@pytest.mark.parametrize(
    ("name", "sentence"), [("broken", "Download it again"), ("buggy", "buggy could not be opened")]
)
def test_a_model_that_fails_says_why_and_another_can_be_opened(gated, gate, tiny, name, sentence):
    gate.open.set()
    gated.open(tiny.spec("llama", name))
    with pytest.raises(ModelUnavailable, match=sentence):
        list(gated.stream(ASK, GREEDY))
    assert gated.state.phase == "failed" and sentence in str(gated.state.error)
    with pytest.raises(ModelUnavailable, match=sentence):
        gated.run(print)
    gated.open(tiny.spec("qwen2", "Tiny"))
    assert list(gated.stream(ASK, GREEDY))[-1].finish_reason == "length"


def test_running_answers_finish_within_the_grace_time(tiny):
    engine = Engine(tiny.load, grace_s=30)
    engine.open(tiny.spec("llama", "first"))
    stream = engine.stream(ASK, replace(GREEDY, max_new_tokens=60))
    next(stream)
    engine.open(tiny.spec("qwen2", "second"))
    assert list(stream)[-1].finish_reason == "length"
    assert engine.run(lambda loaded: loaded.spec.name) == "second"
    engine.close()


def test_running_answers_are_stopped_after_the_grace_time_and_waiting_ones_go_on(tiny):
    engine = Engine(tiny.load, grace_s=0.1, most_running=1)
    engine.open(tiny.spec("llama", "first"))
    running = engine.stream(ASK, ENDLESS)
    next(running)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: list(engine.stream(ASK, GREEDY)))
        wait_until(lambda: engine.state.waiting == 1)
        engine.open(tiny.spec("qwen2", "second"))
        assert list(running)[-1].finish_reason == "cancelled"
        chunks = waiting.result(20)
    engine.close()
    assert chunks[-1].finish_reason == "length"
    assert "opening" in [chunk.progress.phase for chunk in chunks if chunk.progress]


def test_the_latest_wish_wins(gated, gate, tiny):
    gated.open(tiny.spec("llama", "first"))
    wait_until(lambda: gated.state.opening_detail == "Downloading")
    gated.open(tiny.spec("qwen2", "second"))
    wait_until(lambda: gated.state.opening_detail == "Downloading")
    gate.open.set()
    assert gated.run(lambda loaded: loaded.spec.name) == "second"
    assert gate.loaded == ["qwen2"]


def test_closing_while_a_model_opens_leaves_no_thread(gate, tiny):
    engine = Engine(gate)
    engine.open(tiny.spec("llama", "Tiny"))
    stream = engine.stream(ASK, GREEDY)
    next(stream)
    engine.close()
    assert list(stream)[-1].finish_reason == "cancelled"
    assert not engine._worker._thread.is_alive()
