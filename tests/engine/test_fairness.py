"""Places and pieces of prompts go round those who ask."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.reply import Reply, Request
from playground.engine.scheduler import Scheduler
from playground.engine.session import Session, open_session
from playground.messages import Message, SamplingParams

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=6)
ENDLESS = replace(GREEDY, max_new_tokens=10**6)
LONG = "x" * 300


class Watched:
    """A forward that notes whose prompt was read, by the length of the cache that it was given."""

    exact_rows = 1

    def use_threads(self, count: int) -> None:
        pass

    def __init__(self, session: Session) -> None:
        self._forward = session.forward
        self.readers: list[int] = []

    def step(self, batch):
        if len(batch.token_ids) > len(batch.slices):
            self.readers.append(id(batch.slices[0].cache))
        return self._forward.step(batch)


@pytest.fixture(scope="module")
def session(tiny) -> Session:
    return open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))


def ask(scheduler: Scheduler, owner: str, text: str = "Hi", params: SamplingParams = GREEDY) -> Reply:
    reply = Reply(Request((Message("user", text),), params, owner=owner))
    scheduler.add(reply)
    return reply


def owners(sequences) -> list[str]:
    return [sequence.reply.request.owner for sequence in sequences]


def has_written(reply: Reply) -> bool:
    return any(chunk.tokens for chunk in reply._pending)


def told_ahead(reply: Reply) -> int | None:
    told = [chunk.progress.ahead for chunk in reply._pending if chunk.progress and chunk.progress.phase == "waiting"]
    return told[-1] if told else None


def finish(scheduler: Scheduler) -> None:
    while scheduler.running + scheduler.waiting:
        scheduler.admit()
        scheduler.step()


def test_a_newcomer_gets_a_place_at_once_from_somebody_who_has_several(session):
    scheduler = Scheduler(session, most_running=2, chunk_tokens=64)
    many = [ask(scheduler, "many") for _ in range(4)]
    scheduler.admit()
    scheduler.step()
    newcomer = ask(scheduler, "new")
    scheduler.admit()
    assert owners(scheduler._running) == ["many", "new"]
    scheduler.step()
    assert has_written(newcomer)
    assert not has_written(many[1])
    finish(scheduler)
    texts = {"".join(chunk.text for chunk in reply.chunks()) for reply in (*many, newcomer)}
    assert len(texts) == 1 and texts != {""}


def test_requests_of_one_owner_are_answered_in_their_order(session):
    scheduler = Scheduler(session, most_running=1, chunk_tokens=64)
    replies = [ask(scheduler, "one") for _ in range(3)]
    for reply in replies:
        while reply._last.finish_reason is None and not any(chunk.finish_reason for chunk in reply._pending):
            scheduler.admit()
            scheduler.step()
        assert not any(has_written(later) for later in replies[replies.index(reply) + 1 :])


def test_those_who_wait_are_told_how_many_are_before_them(session):
    scheduler = Scheduler(session, most_running=1, chunk_tokens=64)
    running, *waiting = [ask(scheduler, "many") for _ in range(4)]
    scheduler.admit()
    assert [told_ahead(reply) for reply in (running, *waiting)] == [None, 0, 1, 2]
    newcomer = ask(scheduler, "new")
    scheduler.admit()
    assert told_ahead(newcomer) == 0
    assert [told_ahead(reply) for reply in waiting] == [1, 2, 3]
    order = []
    while scheduler.running + scheduler.waiting:
        scheduler.admit()
        order += [reply for reply in (newcomer, *waiting) if reply not in order and has_written(reply)]
        scheduler.step()
    assert order == [newcomer, *waiting]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), most_running=st.integers(1, 4))
def test_nobody_has_fewer_places_than_another_while_he_waits(session, seed, most_running):
    chance = random.Random(seed)
    scheduler = Scheduler(session, most_running=most_running, chunk_tokens=64)
    replies = []
    for _ in range(30):
        if chance.random() < 0.6:
            replies.append(ask(scheduler, chance.choice("aaab") + chance.choice(["", "", "c"])))
        if replies and chance.random() < 0.1:
            chance.choice(replies).request.cancel.set()
        scheduler.drop_cancelled()
        scheduler.admit()
        running, waiting = Counter(owners(scheduler._running)), owners(scheduler._waiting)
        assert scheduler.running == min(most_running, scheduler.running + scheduler.waiting)
        for owner in waiting:
            assert max(running.values()) <= running[owner] + 1
        for index, sequence in enumerate(scheduler._waiting):
            assert sequence.begun or told_ahead(sequence.reply) == index
        scheduler.step()
    finish(scheduler)
    for reply in replies:
        chunks = list(reply.chunks())
        assert reply.cancelled or chunks[-1].finish_reason == "length"


def test_pieces_of_prompts_go_round_the_owners(session):
    forward = Watched(session)
    scheduler = Scheduler(replace(session, forward=forward), most_running=4, chunk_tokens=32)
    for owner in ("many", "many", "many", "one"):
        ask(scheduler, owner, LONG)
    scheduler.admit()
    owner_of = {id(sequence.cache): sequence.reply.request.owner for sequence in scheduler._answers}
    for _ in range(12):
        scheduler.step()
    assert [owner_of[reader] for reader in forward.readers] == ["many", "one"] * 6
    assert len(set(forward.readers)) == 4
    scheduler.cancel_running()


@pytest.mark.parametrize("owner", ["long", "another"])
def test_a_short_prompt_waits_for_no_more_than_a_piece_of_a_long_one(session, owner):
    scheduler = Scheduler(session, most_running=4, chunk_tokens=32)
    longs = [ask(scheduler, "long", LONG, ENDLESS), ask(scheduler, "long too", LONG, ENDLESS)]
    for _ in range(4):
        scheduler.admit()
        scheduler.step()
    short = ask(scheduler, owner)
    for _ in range(2):
        scheduler.admit()
        scheduler.step()
    assert has_written(short) and not any(map(has_written, longs))
    scheduler.cancel_running()


def test_what_has_begun_does_not_go_to_another_model(session):
    scheduler = Scheduler(session, most_running=2, chunk_tokens=64)
    begun = [ask(scheduler, "many", "Hi", ENDLESS) for _ in range(2)]
    scheduler.admit()
    for _ in range(2):
        scheduler.step()
    newcomer, later = ask(scheduler, "new"), ask(scheduler, "many")
    scheduler.admit()
    assert owners(scheduler._running) == ["many", "new"]
    # A place that somebody has begun on before a switch of models is not given to anybody new.
    scheduler.admit(newcomers=False)
    assert owners(scheduler._running) == ["many", "many"]
    scheduler.step()
    scheduler.admit()
    scheduler.cancel_running()
    assert [list(reply.chunks())[-1].finish_reason for reply in begun] == ["cancelled"] * 2
    assert scheduler.give_back_waiting() == [newcomer, later]
    assert scheduler.running == scheduler.waiting == 0


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (["again"] * 4, ["patient", "again", "patient", "again", "patient", "again", "again"]),
        (["a", "b", "c", "d"], ["patient", "a", "patient", "b", "c", "patient", "d"]),
    ],
)
def test_whoever_waits_for_longest_without_a_place_comes_next(session, others, expected):
    scheduler = Scheduler(session, most_running=1, chunk_tokens=64)
    patient = [ask(scheduler, "patient") for _ in range(3)]
    served: list[str] = []
    for owner in [*others, *[""] * 3]:
        if owner:
            ask(scheduler, owner)
        scheduler.admit()
        served += owners(scheduler._running)
        while scheduler.running:
            scheduler.step()
    assert served == expected
    assert all(has_written(reply) for reply in patient)


def test_nothing_is_remembered_of_those_who_have_gone(session):
    scheduler = Scheduler(session, most_running=2, chunk_tokens=64)
    for number in range(20):
        ask(scheduler, str(number), params=replace(GREEDY, max_new_tokens=1))
    finish(scheduler)
    turns = scheduler._turns
    assert not turns._left_s and not turns._latest_piece
