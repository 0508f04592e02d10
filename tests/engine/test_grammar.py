"""Answers that must have a form have it, whatever the model, and nobody else notices."""

from __future__ import annotations

import json
import math
import random
import threading
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.grammar import GrammarVocabulary
from playground.engine.reply import Reply, Request, join_chunks
from playground.engine.sampling import make_sampler
from playground.engine.scheduler import Scheduler
from playground.engine.session import Session, open_session
from playground.errors import InvalidInput, ModelUnavailable
from playground.messages import Chunk, Grammar, Message, Prefix, SamplingParams
from tests.engine.test_drafts import Babbler, clock

TEXT = "Le café à côté, 12 € 😀 und ein Wort. 今天很好。"
COPY = Grammar(lark="start: /n/ | copy\ncopy: %regex " + json.dumps({"substring_chars": TEXT}))
PEOPLE = Grammar(
    json_schema=json.dumps(
        {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 6}, "age": {"enum": [7, 70, 700]}},
                "required": ["name", "age"],
                "additionalProperties": False,
            },
        }
    )
)
GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=120)
SAMPLED = SamplingParams(temperature=1.5, top_k=0, top_p=1.0, seed=5, max_new_tokens=120)
FILTERED = SamplingParams(temperature=0.8, top_k=3, min_p=0.1, repetition_penalty=1.3, seed=7, max_new_tokens=120)
PLAIN = SamplingParams(temperature=0.7, seed=3, max_new_tokens=30)


class Stranger(Babbler):
    """A Babbler with another taste for every `taste`, and with odd logits at times."""

    def __init__(self, taste: int = 0, *, odd: bool = False) -> None:
        super().__init__()
        self.taste, self.odd = taste, odd

    def _after(self, history: list[int]) -> torch.Tensor:
        logits = super()._after([*history[:-1], history[-1] + 1000 * self.taste])
        if self.odd:
            logits[::2] = -math.inf
            logits[1::7] = math.nan
        return logits


@pytest.fixture(scope="module")
def opened(tiny) -> Session:
    return open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))


def asked(grammar: Grammar | None, params: SamplingParams, text: str = "Hi", owner: str = "") -> Reply:
    return Reply(Request((Message("user", text),), replace(params, grammar=grammar), owner=owner))


def run(session: Session, *replies: Reply, most_running: int = 4) -> list[Chunk]:
    scheduler = Scheduler(session, most_running=most_running, chunk_tokens=64, clock=clock())
    for reply in replies:
        scheduler.add(reply)
    while scheduler.waiting + scheduler.running:
        scheduler.admit()
        scheduler.step()
    return [join_chunks(list(reply.chunks())) for reply in replies]


def has_form(grammar: Grammar, text: str) -> bool:
    if grammar is COPY:
        return text == "n" or text in TEXT
    people = json.loads(text)
    return len(people) <= 2 and all(
        one.keys() == {"name", "age"} and one["age"] in (7, 70, 700) and len(one["name"]) <= 6 for one in people
    )


@settings(max_examples=60, deadline=None)
@given(
    taste=st.integers(0, 10**6),
    params=st.sampled_from([GREEDY, SAMPLED, FILTERED]),
    grammar=st.sampled_from([COPY, PEOPLE]),
    odd=st.booleans(),
    lookup=st.booleans(),
)
def test_whatever_a_model_wants_to_say_its_answer_has_the_form(opened, taste, params, grammar, odd, lookup):
    session = replace(opened, forward=Stranger(taste, odd=odd))
    (answer,) = run(session, asked(grammar, replace(params, prompt_lookup=lookup)))
    if answer.finish_reason == "stop":
        assert has_form(grammar, answer.text)
    else:
        assert answer.finish_reason == "length"


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), most_running=st.integers(1, 4))
def test_company_changes_neither_those_with_a_form_nor_those_without(opened, seed, most_running):
    chance = random.Random(seed)
    kinds = [(COPY, SAMPLED), (PEOPLE, FILTERED), (None, PLAIN), (None, replace(PLAIN, alternatives=2, seed=9))]
    chosen = [chance.choice(kinds) for _ in range(5)]
    session = replace(opened, forward=Stranger(seed))
    together = run(session, *(asked(*one) for one in chosen), most_running=most_running)
    for one, answer in zip(chosen, together, strict=True):
        (alone,) = run(session, asked(one[0], replace(one[1], prompt_lookup=False)))
        assert [token.id for token in answer.tokens] == [token.id for token in alone.tokens]
        assert (answer.text, answer.finish_reason) == (alone.text, alone.finish_reason)


def test_what_has_no_choice_is_read_in_one_step(opened):
    grammar = Grammar(lark='start: "all of this is certain" /[ab]/')
    forward = Stranger()
    (answer,) = run(replace(opened, forward=forward), asked(grammar, GREEDY))
    assert answer.text[:-1] == "all of this is certain"
    assert answer.stats.accepted_tokens > len(answer.text) // 2
    assert len(forward.rows) < len(answer.text) // 2


def test_an_answer_ends_where_nothing_can_follow(opened):
    (answer,) = run(replace(opened, forward=Stranger()), asked(Grammar(lark='start: "yes" | "no"'), SAMPLED))
    assert answer.text in ("yes", "no")
    assert answer.finish_reason == "stop"


def test_probabilities_are_those_among_what_is_allowed(opened):
    params = replace(SAMPLED, alternatives=5)
    (answer,) = run(replace(opened, forward=Stranger()), asked(Grammar(lark='start: "yes" | "no"'), params))
    first, *rest = answer.tokens
    assert sorted(one.text for one in first.alternatives) == ["n", "y"]
    assert sum(math.exp(one.logprob) for one in first.alternatives) == pytest.approx(1, abs=1e-4)
    assert all(token.logprob == pytest.approx(0, abs=1e-4) for token in rest)


def test_a_continued_answer_has_the_form_behind_its_beginning(opened):
    request = Request((Message("user", "Hi"),), replace(SAMPLED, grammar=COPY), Prefix(text="Answer: "))
    (answer,) = run(replace(opened, forward=Stranger()), Reply(request))
    assert answer.text in TEXT


def test_a_form_can_be_cancelled(engine):
    cancel = threading.Event()
    grammar = Grammar(lark="start: /[a-z ]{1000}/")
    params = replace(SAMPLED, grammar=grammar, max_new_tokens=900)
    last = Chunk()
    for last in engine.stream((Message("user", "Hi"),), params, cancel=cancel):
        if last.tokens:
            cancel.set()
    assert last.finish_reason == "cancelled"


@pytest.mark.parametrize(
    "grammar",
    [Grammar(), Grammar("start: x", "{}"), Grammar(lark="start: nowhere"), Grammar(json_schema='{"type": 7}'),
     Grammar(json_schema="{")],
)  # fmt: skip
def test_a_form_that_is_none_is_refused_at_once(engine, grammar):
    with pytest.raises(InvalidInput, match="form"):
        next(engine.stream((Message("user", "Hi"),), replace(GREEDY, grammar=grammar)))


def test_a_form_too_complicated_to_follow_ends_that_answer_alone(opened, monkeypatch):
    session = replace(opened, forward=Stranger())
    bad, good = asked(COPY, GREEDY), asked(COPY, GREEDY)
    scheduler = Scheduler(session, most_running=2, chunk_tokens=64, clock=clock())
    scheduler.add(bad)
    scheduler.add(good)
    matcher = scheduler._answers[0]._matcher
    monkeypatch.setattr(matcher, "allowed", matcher.take)  # consumes what cannot be consumed
    while scheduler.waiting + scheduler.running:
        scheduler.admit()
        scheduler.step()
    with pytest.raises(Exception, match="complicated"):
        list(bad.chunks())
    assert join_chunks(list(good.chunks())).text in TEXT


def test_a_tokenizer_that_nobody_can_read_is_named(tiny_tokenizer):
    class Slow:
        eos_token_id = 7

    with pytest.raises(ModelUnavailable, match="form"):
        GrammarVocabulary(Slow(), size=9, end_ids=())


def test_a_model_without_any_number_left_still_keeps_to_the_form(opened):
    matcher = opened.grammar_vocabulary.matcher(Grammar(lark='start: "yes"'))
    sample = make_sampler(GREEDY, torch.Generator(), matcher=matcher)
    assert [sample(torch.full((320,), math.nan)).id for _ in range(3)] == list(tokens_of(opened, "yes"))


def tokens_of(session: Session, text: str) -> tuple[int, ...]:
    return session.prompts.reply_ids(text)
