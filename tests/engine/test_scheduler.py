from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.kv_cache import KVCache
from playground.engine.reply import Reply, Request
from playground.engine.scheduler import Scheduler
from playground.engine.session import Session, open_session
from playground.messages import Message, SamplingParams

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=8)
ENDLESS = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=10**6)
ASK = (Message("user", "Hi"),)
TEXTS = ["Hi", "What?", "A longer question than the others have."]


@pytest.fixture(scope="module")
def session(tiny) -> Session:
    return open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))


@pytest.fixture(scope="module")
def alone(session) -> dict[str, list[int]]:
    """The ids of the answer to each text when nobody else asks."""
    answers = {}
    for text in TEXTS:
        scheduler = Scheduler(session, most_running=1, chunk_tokens=256)
        reply = Reply(Request((Message("user", text),), GREEDY))
        scheduler.add(reply)
        scheduler.admit()
        while scheduler.running:
            scheduler.step()
        answers[text] = [token.id for chunk in reply.chunks() for token in chunk.tokens]
    return answers


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), most_running=st.integers(1, 4), chunk=st.sampled_from([1, 5, 64]))
def test_any_schedule_of_joins_and_cancels_leaves_every_answer_right(session, alone, seed, most_running, chunk):
    chance = random.Random(seed)
    scheduler = Scheduler(session, most_running=most_running, chunk_tokens=chunk)
    replies: list[tuple[str, Reply]] = []
    for _ in range(40):
        if chance.random() < 0.3:
            text = chance.choice(TEXTS)
            replies.append((text, Reply(Request((Message("user", text),), GREEDY))))
            scheduler.add(replies[-1][1])
        if replies and chance.random() < 0.15:
            chance.choice(replies)[1].request.cancel.set()
        scheduler.drop_cancelled()
        scheduler.admit()
        assert scheduler.running <= most_running
        scheduler.step()
    while scheduler.running or scheduler.waiting:
        scheduler.admit()
        scheduler.step()
    for text, reply in replies:
        chunks = list(reply.chunks())
        written = [token.id for part in chunks for token in part.tokens]
        expected = alone[text]
        if chunks[-1].finish_reason == "length":
            assert written == expected
        else:
            assert reply.cancelled and written == expected[: len(written)]


def test_a_cancelled_answer_frees_its_cache_within_a_step(session, monkeypatch):
    freed = []
    monkeypatch.setattr(KVCache, "clear", lambda self: freed.append(self.nbytes))
    scheduler = Scheduler(session, most_running=1, chunk_tokens=64)
    reply = Reply(Request(ASK, ENDLESS))
    scheduler.add(reply)
    scheduler.admit()
    scheduler.step()
    reply.request.cancel.set()
    scheduler.drop_cancelled()
    assert freed and freed[0] > 0 and scheduler.running == 0


@pytest.mark.parametrize(("length", "pieces"), [(1, [20]), (29, [48]), (30, [32, 17]), (100, [32, 32, 32, 23])])
def test_a_prompt_is_cut_the_same_way_alone_and_in_company(session, length, pieces):
    seen: list[list[int]] = []

    class Watched:
        exact_rows = 1

        def use_threads(self, count: int) -> None:
            pass

        def step(self, batch):
            seen.append([len(piece.token_ids) for piece in batch.slices])
            return session.forward.step(batch)

    scheduler = Scheduler(replace(session, forward=Watched()), most_running=4, chunk_tokens=32)
    scheduler.add(Reply(Request(ASK, ENDLESS)))
    scheduler.admit()
    for _ in range(3):
        scheduler.step()
    scheduler.add(Reply(Request((Message("user", "x" * length),), ENDLESS)))
    scheduler.admit()
    seen.clear()
    for _ in range(6):
        scheduler.step()
    scheduler.cancel_running()
    assert [step[0] for step in seen if step != [1] * len(step)] == pieces
    assert all(len(step) == 1 or set(step) == {1} for step in seen)


def test_a_short_prompt_need_not_wait_for_a_long_one(session):
    scheduler = Scheduler(session, most_running=2, chunk_tokens=32)
    long, short = Reply(Request((Message("user", "x" * 600),), GREEDY)), Reply(Request(ASK, GREEDY))
    for reply in (long, short):
        scheduler.add(reply)
    scheduler.admit()
    for _ in range(6):
        scheduler.step()
    assert any(chunk.tokens for chunk in short._pending)
    assert not any(chunk.tokens for chunk in long._pending)
