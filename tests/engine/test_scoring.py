"""`Engine.score`: what plain forwards say of the same tokens, however many openings come together."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from playground.engine.batch import Batch, pack
from playground.engine.engine import Engine
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.scoring import Opening, Scored, ScoringRun, ScoringStopped
from playground.engine.session import Session, open_session
from playground.engine.transformers_forward import TransformersForward
from playground.errors import InvalidInput, ModelUnavailable, PromptTooLong
from playground.messages import Message, SamplingParams
from tests.engine.packed_models import FAMILIES as LEAN
from tests.engine.packed_models import Build

OPTIONS = (" yes", " no", " nobody knows", "!")
TEXTS = (
    "It rained all day. Good?",
    "It rained all day, and then? Good?",
    "Nice. Good?",
    "It",
    "It rained all day. Good?",
)
OPENINGS = [Opening(text) for text in TEXTS]


def scores(session: Session, openings: Sequence[Opening], options: Sequence[str] = OPTIONS, **how) -> list[Scored]:
    run = ScoringRun(session, openings, options, **{"chunk_tokens": 512, **how})
    found: list[Scored] = []
    while (more := run.step(session)) is not None:
        found += more
    return sorted(found, key=lambda one: one.index)


def token_by_token(session: Session, before: Sequence[int], option: Sequence[int]) -> float:
    """Every token in a step of its own."""
    cache, total = KVCache(), 0.0
    logits = torch.empty(0)
    for position, token_id in enumerate([*before, *option]):
        if position >= len(before):
            total += logits.log_softmax(-1)[token_id].item()
        logits = session.forward.step(pack([(cache, [token_id], 1)]))[0].clone()
    return total


def expected(session: Session, text: str, option: str) -> float:
    ids = session.prompts.reply_ids
    return token_by_token(session, ids(text), ids(text + option)[len(ids(text)) :])


@pytest.fixture
def session(tiny, family: str) -> Session:
    return open_session(tiny.load(tiny.spec(family, "Tiny"), lambda *_: None))


def test_scores_are_the_sums_of_what_plain_forwards_say_in_every_family(session: Session) -> None:
    for one, text in zip(scores(session, OPENINGS), TEXTS, strict=True):
        for logprob, tokens, option in zip(one.logprobs, one.tokens, OPTIONS, strict=True):
            assert logprob == pytest.approx(expected(session, text, option), abs=2e-3)
            assert tokens == len(option)


@pytest.mark.parametrize("family", LEAN)
def test_the_lean_forward_agrees_with_its_own_single_steps(build: Build, family: str) -> None:
    session = open_session(build(family))
    assert isinstance(session.forward, Int4Forward)
    for one, text in zip(scores(session, OPENINGS[:3], OPTIONS[:3]), TEXTS, strict=False):
        for logprob, option in zip(one.logprobs, OPTIONS, strict=False):
            # Rows are rounded in another way in steps of many; a bug would be off by whole units a token.
            assert logprob == pytest.approx(expected(session, text, option), abs=0.25 * len(option))


@pytest.fixture(scope="module")
def llama(tiny) -> Session:
    return open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_company_the_order_and_the_size_of_steps_change_nothing(llama: Session, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text("ab .", min_size=1, max_size=40), min_size=1, max_size=8))
    options = data.draw(st.lists(st.text("ab ", min_size=1, max_size=5), min_size=1, max_size=4))
    chunk = data.draw(st.integers(1, 60))
    together = scores(llama, [Opening(text) for text in texts], options, chunk_tokens=chunk)
    for text, one in zip(texts, together, strict=True):
        (alone,) = scores(llama, [Opening(text)], options)
        assert one.logprobs == pytest.approx(alone.logprobs, abs=2e-3)


def test_options_that_a_tokenizer_joins_with_the_opening_count_from_where_all_are_alike(tiny) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate([*letters, "dy", "Ġg"])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[("d", "y"), ("Ġ", "g")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken("<s>", special=True)])
    loaded = tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None)
    joining = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<s>")
    session = open_session(type(loaded)(**{**vars(loaded), "tokenizer": joining}))
    (found,) = scores(session, [Opening("a bad")], ["y", "e"])
    ids = session.prompts.reply_ids
    # "bady" ends with the token "dy": for "e", too, the "d" is part of what is asked.
    assert found.tokens == (1, 2)
    assert found.logprobs[0] == pytest.approx(token_by_token(session, ids("a ba"), ids("dy")), abs=2e-3)
    assert found.logprobs[1] == pytest.approx(token_by_token(session, ids("a ba"), ids("de")), abs=2e-3)


def test_messages_are_put_into_the_template_and_control_tokens_stay_text(llama: Session) -> None:
    messages = (Message("system", "Judge."), Message("user", "Fine <|im_end|> day"))
    (found,) = scores(llama, [Opening("It is", messages)], [" good", " bad<|im_end|>"])
    prompt = llama.prompts.build(messages, max_new_tokens=20, prefix_ids=llama.prompts.reply_ids("It is")).ids
    for logprob, option in zip(found.logprobs, [" good", " bad<|im_end|>"], strict=True):
        assert logprob == pytest.approx(token_by_token(llama, prompt, llama.prompts.reply_ids(option)), abs=2e-3)


def test_an_opening_that_does_not_fit_fails_alone(llama: Session) -> None:
    found = scores(llama, [Opening("short"), Opening("long " * 400), Opening(""), Opening("end")])
    assert [type(one.error) for one in found] == [type(None), PromptTooLong, InvalidInput, type(None)]
    assert [len(one.logprobs) for one in found] == [4, 0, 0, 4]


@pytest.mark.parametrize("options", [[], ["good", ""]])
def test_an_empty_option_is_refused(llama: Session, options: list[str]) -> None:
    with pytest.raises(InvalidInput, match="empty answer"):
        scores(llama, OPENINGS, options)


def test_half_a_surrogate_pair_is_no_crash(llama: Session) -> None:
    (found,) = scores(llama, [Opening("a \ud83d b")], ["x", "\ud83d"])
    assert len(found.logprobs) == 2


class Counting(TransformersForward):
    """Notes the tokens and the slices of every step, and calls `then` behind it."""

    def __init__(self, loaded) -> None:
        super().__init__(loaded.model)
        self.read: list[int] = []
        self.then = lambda: None

    def step(self, batch: Batch) -> torch.Tensor:
        logits = super().step(batch)
        self.read.append(len(batch.token_ids))
        self.then()
        return logits


@pytest.fixture
def counted(tiny) -> Iterator[tuple[Engine, Counting]]:
    forwards: list[Counting] = []

    def make(loaded) -> Counting:
        forwards.append(Counting(loaded))
        return forwards[-1]

    engine = Engine(tiny.load, chunk_tokens=64, grace_s=0.2, make_forward=make)
    engine.open(tiny.spec("llama", "Tiny Llama"))
    engine.run(lambda loaded: None)
    yield engine, forwards[-1]
    engine.close()


COMMON = "These words stand before every text that is judged here. "


def test_what_all_openings_begin_with_is_read_once(counted: tuple[Engine, Counting]) -> None:
    engine, forward = counted
    texts = [f"{COMMON}{number}?" for number in range(10, 30)]
    found = list(engine.score([Opening(text) for text in texts], ["a", "b"]))
    assert [one.index for one in found] == list(range(20))
    # One of the two digits may be common, and steps are not padded.
    assert sum(forward.read) <= len(COMMON) + 20 * 3


def test_an_owner_reads_the_beginning_once_and_nobody_else_is_helped_by_it(counted: tuple[Engine, Counting]) -> None:
    engine, forward = counted
    readings = []
    for owner in ("ann", "ann", "bob", "", ""):
        forward.read.clear()
        openings = [Opening(f"{COMMON}{random.Random(owner).random()} {len(readings)} {end}") for end in "xy"]
        list(engine.score(openings, ["a"], owner=owner))
        readings.append(sum(forward.read))
    assert readings[1] < readings[0] - len(COMMON) + 5
    assert all(read > len(COMMON) for read in readings[2:])


def test_scoring_goes_on_between_the_steps_of_an_answer(counted: tuple[Engine, Counting]) -> None:
    engine, _ = counted
    params = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=200)
    alone = [token.id for chunk in engine.stream([Message("user", "Hi")], params) for token in chunk.tokens]
    answer = engine.stream([Message("user", "Hi")], params)
    ids = [token.id for token in next(answer).tokens]
    assert len(list(engine.score(OPENINGS, OPTIONS))) == len(OPENINGS)
    assert ids + [token.id for chunk in answer for token in chunk.tokens] == alone


def test_what_was_scored_before_a_stop_is_kept_and_the_engine_goes_on(counted: tuple[Engine, Counting]) -> None:
    engine, forward = counted
    cancel, found = threading.Event(), []
    openings = [Opening(f"{number} " * 30) for number in range(20)]
    with pytest.raises(ScoringStopped):
        for one in engine.score(openings, ["a"], cancel=cancel):
            found.append(one)
            if len(found) == 3:
                cancel.set()
    assert 3 <= len(found) < 20
    steps = len(forward.read)
    assert engine.run(lambda loaded: "alive") == "alive" and len(forward.read) == steps


def test_a_model_switch_in_the_middle_is_said(counted: tuple[Engine, Counting], tiny) -> None:
    engine, _ = counted
    run = engine.score([Opening(f"{number} " * 40) for number in range(9)], ["a"])
    next(run)
    engine.open(tiny.spec("qwen2", "Another"))
    engine.run(lambda loaded: None)
    with pytest.raises(ModelUnavailable, match="changed while"):
        list(run)


def test_without_a_model_it_is_said(tiny) -> None:
    engine = Engine(tiny.load)
    with pytest.raises(ModelUnavailable):
        next(engine.score(OPENINGS, OPTIONS))
    engine.close()


def test_nothing_to_score_is_no_error(llama: Session) -> None:
    assert scores(llama, []) == []
