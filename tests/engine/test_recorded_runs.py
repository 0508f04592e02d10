"""`Engine.record`: a run between everybody's answers, and what is said when it cannot be made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from playground.engine import recorded_run
from playground.engine.batch import Batch
from playground.engine.engine import Engine
from playground.engine.recorded_run import bytes_per_token
from playground.engine.recording import Edit, RecordingStopped
from playground.engine.session import forward_for, open_session
from playground.engine.transformers_forward import TransformersForward
from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError, PromptTooLong
from playground.messages import Message, SamplingParams
from tests.engine.packed_models import FAMILIES, Build, random_ids
from tests.engine.recorded_models import eager, largest_difference, record, weights

IDS = random_ids(100)
ENDLESS = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=10**6)


class Spy(TransformersForward):
    """Notes for every step whether somebody watched it, and calls `then` behind it."""

    def __init__(self, loaded) -> None:
        super().__init__(loaded.model)
        self.watched: list[bool] = []
        self.then = lambda: None

    def step(self, batch: Batch) -> torch.Tensor:
        logits = super().step(batch)
        self.watched.append(bool(batch.watched))
        self.then()
        return logits


@pytest.fixture
def spied(tiny) -> Iterator[tuple[Engine, list[Spy]]]:
    """An engine that reads pieces of 16 tokens, and the forwards that it makes."""
    spies: list[Spy] = []

    def make(loaded) -> Spy:
        spies.append(Spy(loaded))
        return spies[-1]

    engine = Engine(tiny.load, chunk_tokens=16, grace_s=0.2, make_forward=make)
    engine.open(tiny.spec("llama", "Tiny Llama"))
    engine.run(lambda loaded: None)
    yield engine, spies
    engine.close()


def test_a_recording_is_that_of_the_model_itself_and_its_progress_is_told(engine, tiny):
    told: list[tuple[int, int]] = []
    recording = engine.record(IDS, on_progress=lambda *figures: told.append(figures))
    expected, _, logits = eager(tiny.model("llama"), IDS)
    assert largest_difference([weights(layer) for layer in recording.layers], expected) < 1e-5
    torch.testing.assert_close(recording.logits, logits[-1], rtol=1e-3, atol=1e-3)
    assert told == [(16, 100), (32, 100), (48, 100), (64, 100), (80, 100), (100, 100)]


def test_edits_reach_the_model(engine, tiny):
    edit = Edit(frozenset({(1, 1)}), frozenset({0}))
    expected = record(TransformersForward(tiny.model("llama")), IDS, edit=edit)
    recording = engine.record(IDS, edit=edit)
    torch.testing.assert_close(recording.logits, expected.logits, rtol=1e-3, atol=1e-3)
    assert recording.edit == edit


def test_answers_go_on_between_two_pieces(spied):
    engine, (spy,) = spied
    answer = engine.stream([Message("user", "Hi")], ENDLESS)
    next(answer)
    engine.record(IDS)
    answer.close()
    steps = "".join("w" if watched else "." for watched in spy.watched)
    assert steps.count("w") == 6
    assert "ww" not in steps.strip(".")


def test_an_answer_is_the_same_while_somebody_looks_inside(engine):
    params = replace(ENDLESS, max_new_tokens=40)
    alone = [token.id for chunk in engine.stream([Message("user", "Hi")], params) for token in chunk.tokens]
    answer = engine.stream([Message("user", "Hi")], params)
    ids = [token.id for token in next(answer).tokens]
    engine.record(IDS)
    assert ids + [token.id for chunk in answer for token in chunk.tokens] == alone


def test_a_recording_is_stopped_between_two_pieces(spied):
    engine, (spy,) = spied
    cancel = threading.Event()
    spy.then = lambda: cancel.set() if len(spy.watched) == 2 else None
    with pytest.raises(RecordingStopped, match="Stopped before"):
        engine.record(IDS, cancel=cancel)
    assert len(spy.watched) == 2
    assert engine.run(lambda loaded: "alive") == "alive"


def test_a_recording_that_waits_for_the_models_thread_is_stopped_at_once(spied):
    engine, (spy,) = spied
    free, cancel = threading.Event(), threading.Event()
    busy = threading.Thread(target=lambda: engine.run(lambda loaded: free.wait(10)))
    busy.start()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(RecordingStopped):
        engine.record(IDS, cancel=cancel)
    assert not free.is_set() and not spy.watched
    free.set()
    busy.join()


def test_a_model_switch_in_the_middle_is_said(spied, tiny):
    engine, spies = spied
    spies[0].then = lambda: engine.open(tiny.spec("qwen2", "Tiny Qwen"))
    with pytest.raises(ModelUnavailable, match="The model was changed while your text was being read"):
        engine.record(IDS)
    assert len(spies) == 2 and spies[1].watched == []


@pytest.mark.parametrize(
    ("ids", "edit", "sentence"),
    [
        ([], Edit(), "There is no text"),
        ([1, 320], Edit(), "not of the model that is open"),
        ([1, -1], Edit(), "not of the model that is open"),
        ([1] * 1025, Edit(), "Your text is 1,025 tokens; this model reads 1,024"),
        ([1, 2], Edit(frozenset({(3, 0)})), "3 layers of 4 heads, and your text 2 tokens"),
        ([1, 2], Edit(frozenset({(0, -1)})), "3 layers of 4 heads"),
        ([1, 2], Edit(hidden_tokens=frozenset({2})), "3 layers of 4 heads"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(spied, ids, edit, sentence):
    engine, (spy,) = spied
    with pytest.raises(InvalidInput, match=sentence):
        engine.record(ids, edit=edit)
    assert not spy.watched


def test_a_text_that_takes_too_much_memory_is_told_how_much_of_it_fits(spied, monkeypatch):
    engine, (spy,) = spied
    a_token = 3 * (4 + 2 * 2) * 16 * 4
    with pytest.raises(PromptTooLong, match="Your text is 100 tokens; there is memory to look inside 50 of them"):
        engine.record(IDS, most_bytes=50 * a_token + 7)
    monkeypatch.setattr(recorded_run, "free_memory_bytes", lambda: 2 * 99 * a_token)
    with pytest.raises(PromptTooLong, match="inside 99 of them"):
        engine.record(IDS)
    assert not spy.watched
    assert engine.record(IDS[:99]).nbytes == 99 * a_token


def test_the_estimate_is_what_a_recording_takes(tiny, family):
    session = open_session(tiny.load(tiny.spec(family, "Tiny"), lambda *_: None))
    assert record(session.forward, IDS).nbytes == 100 * bytes_per_token(session)


@pytest.mark.parametrize("lean_family", FAMILIES)
def test_the_estimate_for_the_lean_forward(build: Build, lean_family):
    session = open_session(build(lean_family))
    assert session.has_fast_path
    assert record(session.forward, IDS).nbytes == 100 * bytes_per_token(session)


def test_full_memory_is_said_and_frees_what_was_kept(spied):
    engine, (spy,) = spied
    list(engine.stream([Message("user", "Hello")], replace(ENDLESS, max_new_tokens=2), owner="ann"))
    prefixes = engine._worker.session.prefixes
    assert len(prefixes)

    def full() -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    spy.then = full
    with pytest.raises(PlaygroundError, match="The memory is full"):
        engine.record(IDS)
    assert not len(prefixes)


def test_without_a_model_the_sentence_says_so(tiny):
    engine = Engine(tiny.load)
    for ask in (lambda: engine.record([1]), lambda: engine.split("Hi"), lambda: engine.split_chat([])):
        with pytest.raises(ModelUnavailable, match="No model is open yet"):
            ask()
    engine.close()


def test_a_model_that_shows_nothing_is_refused_with_the_reason(tiny):
    def blind(loaded):
        forward = forward_for(loaded)
        unseen = SimpleNamespace(exact_rows=1, use_threads=forward.use_threads)
        unseen.step = lambda batch: forward.step(
            replace(batch, slices=tuple(replace(piece, watch=None) for piece in batch.slices))
        )
        return unseen

    engine = Engine(tiny.load, make_forward=blind)
    engine.open(tiny.spec("llama", "Tiny"))
    engine.run(lambda loaded: None)
    with pytest.raises(ModelUnavailable, match="does not show its attention"):
        engine.record(IDS)
    engine.close()


def test_closing_the_engine_ends_a_recording_that_waits(spied):
    engine, (spy,) = spied
    spy.then = lambda: engine.close(0)
    with pytest.raises(PlaygroundError, match="The app is shutting down"):
        engine.record(IDS)
