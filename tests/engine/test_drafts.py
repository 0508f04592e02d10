"""Steps with guesses: quicker, and the same answers in every company."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.batch import Batch
from playground.engine.reply import Reply, Request, join_chunks
from playground.engine.scheduler import Scheduler
from playground.engine.session import Session, open_session
from playground.engine.transformers_forward import TransformersForward
from playground.messages import Chunk, Message, SamplingParams

EXACT_ROWS = 8
GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=40)
SAMPLED = SamplingParams(temperature=0.8, top_k=0, top_p=0.9, repetition_penalty=1.05, seed=5, max_new_tokens=40)
CHECKED = replace(SAMPLED, alternatives=2, seed=6, max_new_tokens=23)
ASKED = [("Hi", GREEDY), ("What?", SAMPLED), ("A longer question, a longer question.", CHECKED), ("And so on", GREEDY)]


class Babbler:
    """A model that repeats itself: what comes next depends on the latest token, for a while.

    It reads the tokens back from the cache, where they are keys, so a cache that is wrong by one shows.
    """

    exact_rows = EXACT_ROWS

    def use_threads(self, count: int) -> None:
        pass

    def __init__(self) -> None:
        self.rows: list[list[int]] = []

    def step(self, batch: Batch) -> torch.Tensor:
        self.rows.append([len(piece.token_ids) for piece in batch.slices])
        logits = []
        for piece in batch.slices:
            ids = torch.tensor(piece.token_ids, dtype=torch.float32).reshape(1, -1, 1)
            piece.cache.append(0, ids, ids)
            history = piece.cache.read(0, len(piece.token_ids))[0].flatten().int().tolist()
            assert len(history) == piece.total
            logits += [self._after(history[: piece.total - back]) for back in range(piece.logit_rows)][::-1]
        for piece in batch.slices:
            piece.cache.advance(len(piece.token_ids))
        return torch.stack(logits) if logits else torch.empty((0, 320))

    def _after(self, history: list[int]) -> torch.Tensor:
        seed = history[-1] * 331 + (len(history) // 60) * 7919
        return 6 * torch.randn(320, generator=torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class Answer:
    """What an asker gets, without the times."""

    ids: list[int]
    text: str
    reason: str | None
    probabilities: list[tuple]


def answer_of(reply: Reply) -> Answer:
    chunk = join_chunks(list(reply.chunks()))
    return Answer(
        [token.id for token in chunk.tokens],
        chunk.text,
        chunk.finish_reason,
        [(token.text, token.logprob, token.alternatives) for token in chunk.tokens],
    )


def request(text: str, params: SamplingParams, owner: str = "") -> Reply:
    return Reply(Request((Message("user", text),), params, owner=owner))


def clock() -> Callable[[], float]:
    """Every step takes the same time, so guesses cost next to nothing and many are made."""
    ticks = iter(range(10**9))
    return lambda: float(next(ticks))


def run(session: Session, reply: Reply, chunk_tokens: int = 256) -> Reply:
    scheduler = Scheduler(session, most_running=1, chunk_tokens=chunk_tokens, clock=clock())
    scheduler.add(reply)
    while scheduler.waiting + scheduler.running:
        scheduler.admit()
        scheduler.step()
    return reply


def plain(params: SamplingParams) -> SamplingParams:
    return replace(params, prompt_lookup=False)


@pytest.fixture(scope="module")
def opened(tiny) -> Session:
    return open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))


@pytest.fixture
def session(opened) -> Session:
    return replace(opened, forward=Babbler())


@pytest.fixture(scope="module")
def alone(opened) -> list[Answer]:
    session = replace(opened, forward=Babbler())
    return [answer_of(run(session, request(text, plain(params)))) for text, params in ASKED]


def held_right(scheduler: Scheduler) -> Iterator[bool]:
    """Whether every writing answer's cache holds all tokens but the newest."""
    for sequence in scheduler._running:
        if not sequence.reading:
            stats = sequence.stats
            yield sequence.cache.length == stats.prompt_tokens + stats.new_tokens - 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), most_running=st.integers(1, 4), chunk=st.sampled_from([1, 5, 64]))
def test_any_schedule_with_guesses_leaves_every_answer_right(opened, alone, seed, most_running, chunk):
    chance, forward = random.Random(seed), Babbler()
    scheduler = Scheduler(
        replace(opened, forward=forward), most_running=most_running, chunk_tokens=chunk, clock=clock()
    )
    replies: list[tuple[int, Reply]] = []
    for step in range(10**4):
        if step < 60 and chance.random() < 0.2:
            number = chance.randrange(len(ASKED))
            replies.append((number, request(*ASKED[number], owner=chance.choice("ab"))))
            scheduler.add(replies[-1][1])
        if replies and chance.random() < 0.03:
            chance.choice(replies)[1].request.cancel.set()
        scheduler.drop_cancelled()
        scheduler.admit()
        assert scheduler.running <= most_running
        scheduler.step()
        assert all(held_right(scheduler))
        if step >= 60 and not scheduler.running + scheduler.waiting:
            break
    for number, reply in replies:
        answer, expected = answer_of(reply), alone[number]
        if answer.reason == "cancelled":
            assert answer.ids == expected.ids[: len(answer.ids)] and reply.cancelled
        else:
            assert answer == expected
    assert all(sum(rows) <= EXACT_ROWS for rows in forward.rows if len(rows) > 1)


def test_guesses_save_steps_and_are_counted(session):
    reply = run(session, request("Hi", replace(GREEDY, max_new_tokens=200)))
    chunks = list(reply.chunks())
    stats, steps = chunks[-1].stats, len(session.forward.rows)
    assert stats.new_tokens == 200 and steps < 150
    # The first token comes from the prompt, every other step gives one and what it accepts.
    assert stats.accepted_tokens == 200 - steps
    assert stats.drafted_tokens == sum(sum(rows) - 1 for rows in session.forward.rows[1:]) >= stats.accepted_tokens
    assert max(sum(rows) for rows in session.forward.rows[1:]) == EXACT_ROWS


def test_nothing_is_guessed_where_it_is_switched_off_or_nothing_is_promised(opened):
    careful = Babbler()
    careful.exact_rows = 1
    for forward, params in ((Babbler(), plain(GREEDY)), (careful, GREEDY)):
        stats = join_chunks(list(run(replace(opened, forward=forward), request("Hi", params)).chunks())).stats
        assert stats.drafted_tokens == stats.accepted_tokens == 0
        assert set(map(len, forward.rows)) == {1} and {rows[0] for rows in forward.rows[1:]} == {1}


@pytest.mark.parametrize("params", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_an_answer_ends_inside_a_run_as_it_does_token_by_token(opened, params):
    params = replace(params, max_new_tokens=60)

    def both(changed: SamplingParams, **loaded: object) -> list[Answer]:
        session = replace(opened, forward=Babbler(), loaded=replace(opened.loaded, **loaded))
        return [answer_of(run(session, request("Hi", p))) for p in (changed, plain(changed))]

    whole = both(params)[1]
    reasons = set()
    for place in range(1, 60, 3):
        cases = [
            both(replace(params, max_new_tokens=place)),
            both(replace(params, stop=(whole.text[place : place + 3],))),
            both(params, eos_ids=(whole.ids[place],)),
            both(params, context_length=21 + place),
        ]
        for guessed, token_by_token in cases:
            assert guessed == token_by_token
            reasons.add(guessed.reason)
    assert reasons == {"length", "stop", "context"}


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3"])
def test_a_real_forward_gives_the_same_tokens_with_guesses(tiny, family):
    session = open_session(tiny.load(tiny.spec(family, "Tiny"), lambda *_: None))

    class Promising(TransformersForward):
        exact_rows = EXACT_ROWS

    session = replace(session, forward=Promising(session.loaded.model))
    drafted = 0
    for params in (replace(GREEDY, max_new_tokens=120), replace(SAMPLED, temperature=0.3, max_new_tokens=60)):
        text = "abcabcabc abcabcabc abc"
        guessed, expected = (
            join_chunks(list(run(session, request(text, p)).chunks())) for p in (params, plain(params))
        )
        assert [token.id for token in guessed.tokens] == [token.id for token in expected.tokens]
        assert guessed.text == expected.text
        drafted += guessed.stats.drafted_tokens
    assert drafted > 0


@pytest.mark.parametrize("chunk_tokens", [1, 7, 40])
def test_a_long_prompt_in_pieces_gives_the_answer_of_one_piece(opened, chunk_tokens):
    text = "A long text. " * 20
    whole = answer_of(run(opened, request(text, GREEDY), chunk_tokens=10**6))
    assert answer_of(run(opened, request(text, GREEDY), chunk_tokens)).ids == whole.ids


class Narrow(Babbler):
    """It promises more rows than it can take."""

    def step(self, batch: Batch) -> torch.Tensor:
        if batch.positions[0] > 0 and len(batch.token_ids) > 2:
            raise RuntimeError("too many rows")
        return super().step(batch)


def test_a_step_that_fails_with_guesses_is_repeated_without(opened, alone, caplog):
    replies = [request(text, params) for text, params in ASKED]
    scheduler = Scheduler(replace(opened, forward=Narrow()), most_running=2, chunk_tokens=256, clock=clock())
    with caplog.at_level(logging.WARNING):
        for reply in replies:
            scheduler.add(reply)
        while scheduler.waiting + scheduler.running:
            scheduler.admit()
            scheduler.step()
    assert [answer_of(reply) for reply in replies] == alone
    assert "one by one" in caplog.text and "too many rows" in caplog.text


def test_an_error_in_the_sampler_of_one_answer_ends_that_answer_alone(session, alone, caplog):
    scheduler = Scheduler(session, most_running=4, chunk_tokens=256, clock=clock())
    replies = [request(text, params) for text, params in ASKED]
    for reply in replies:
        scheduler.add(reply)
    scheduler.admit()
    victim, calls = scheduler._running[1], 0

    def broken(row: torch.Tensor) -> Chunk:
        raise ZeroDivisionError("a broken sampler")

    while scheduler.running:
        scheduler.step()
        calls += 1
        if calls == 8:
            victim._sample = broken
    with pytest.raises(ZeroDivisionError):
        list(replies[1].chunks())
    assert victim.cache.length == 0 and "a broken sampler" in caplog.text
    for number in (0, 2, 3):
        assert answer_of(replies[number]) == alone[number]
