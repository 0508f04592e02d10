"""Answers of the whole engine over our own kernels: company, guesses, cancelling and the store change no token."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.int4_forward import Int4Forward
from playground.engine.reply import Reply, Request, join_chunks
from playground.engine.scheduler import Scheduler
from playground.engine.session import Session, open_session
from playground.messages import Message, SamplingParams, Stats
from tests.engine.packed_models import Build

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=24)
SAMPLED = SamplingParams(temperature=0.9, top_k=0, top_p=0.9, seed=11, max_new_tokens=24, alternatives=2)
ASKED = [
    ("Hi", GREEDY),
    ("What?", SAMPLED),
    ("One, two, three, one, two, three, one, two", GREEDY),
    ("x" * 70, SAMPLED),
]
CHUNK = 32


@pytest.fixture(scope="module")
def session(build: Build) -> Session:
    session = open_session(build("llama"))
    assert isinstance(session.forward, Int4Forward)
    return session


def request(text: str, params: SamplingParams, owner: str = "") -> Reply:
    return Reply(Request((Message("user", text),), params, owner=owner))


def run(scheduler: Scheduler) -> None:
    while scheduler.running or scheduler.waiting:
        scheduler.admit()
        scheduler.step()


def answer(session: Session, text: str, params: SamplingParams, owner: str = "") -> tuple[list, Stats]:
    scheduler, reply = Scheduler(session, most_running=1, chunk_tokens=CHUNK), request(text, params, owner)
    scheduler.add(reply)
    run(scheduler)
    chunk = join_chunks(list(reply.chunks()))
    return [(token.id, token.logprob, token.alternatives) for token in chunk.tokens], chunk.stats


@pytest.fixture(scope="module")
def alone(session: Session) -> dict[str, list]:
    return {text: answer(session, text, replace(params, prompt_lookup=False))[0] for text, params in ASKED}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), most_running=st.integers(1, 4), drafts=st.booleans())
def test_any_schedule_gives_every_answer_the_bits_that_it_has_alone(
    session: Session, alone: dict[str, list], seed: int, most_running: int, drafts: bool
) -> None:
    chance = random.Random(seed)
    scheduler = Scheduler(session, most_running=most_running, chunk_tokens=CHUNK)
    replies: list[tuple[str, Reply]] = []
    for _ in range(60):
        if chance.random() < 0.3:
            text, params = chance.choice(ASKED)
            replies.append((text, request(text, replace(params, prompt_lookup=drafts), chance.choice("abc"))))
            scheduler.add(replies[-1][1])
        if replies and chance.random() < 0.1:
            chance.choice(replies)[1].request.cancel.set()
        scheduler.drop_cancelled()
        scheduler.admit()
        scheduler.step()
    run(scheduler)
    for text, reply in replies:
        chunk = join_chunks(list(reply.chunks()))
        found = [(token.id, token.logprob, token.alternatives) for token in chunk.tokens]
        assert found == alone[text][: len(found)]
        assert chunk.finish_reason == "cancelled" or len(found) == len(alone[text])


def test_the_very_same_question_again_is_answered_from_the_store_bit_for_bit(build: Build) -> None:
    session = open_session(build("llama"), prefix_store_bytes=1 << 24)
    for text, params in ASKED:
        first, _ = answer(session, text, params, "ada")
        again, stats = answer(session, text, params, "ada")
        assert again == first
        assert stats.cached_tokens == stats.prompt_tokens
        assert answer(session, text, params, "eve")[1].cached_tokens < stats.prompt_tokens


def test_the_logits_behind_a_prompt_do_not_change_while_others_are_answered(build: Build) -> None:
    session = open_session(build("llama"), prefix_store_bytes=1 << 24)
    first, _ = answer(session, "Hi", SAMPLED, "ada")
    for text, params in ASKED[1:]:
        answer(session, text, params, "ada")
    assert answer(session, "Hi", SAMPLED, "ada")[0] == first


def test_a_vocabulary_that_no_kernel_takes_is_multiplied_by_pytorch_and_nothing_is_guessed(build: Build) -> None:
    session = open_session(build("llama", vocab_size=323))
    assert isinstance(session.forward, Int4Forward)
    assert session.forward.exact_rows == 1
    tokens, stats = answer(session, ASKED[2][0], GREEDY)
    assert len(tokens) == GREEDY.max_new_tokens
    assert stats.drafted_tokens == 0
