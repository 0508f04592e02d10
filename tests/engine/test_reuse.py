"""What was read once is not read again: the answers stay the same, and nobody gets what is another's."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.engine import Engine
from playground.engine.kv_cache import KVCache
from playground.engine.session import forward_for
from playground.messages import Message, Prefix, SamplingParams, Stats

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=12)
SEEDED = SamplingParams(temperature=1.0, max_new_tokens=12, seed=7)
ADA = "ada"
APP = Message("system", "You are kind and answer briefly.")


class Watched:
    """A forward that counts the tokens of each step, and fails where it is told to."""

    exact_rows = 1

    def use_threads(self, count: int) -> None:
        pass

    def __init__(self, loaded) -> None:
        self._forward = forward_for(loaded)
        self.steps: list[int] = []
        self.trouble: Callable[[int], BaseException | None] = lambda step: None

    def step(self, batch):
        self.steps.append(len(batch.token_ids))
        if error := self.trouble(len(self.steps)):
            raise error
        return self._forward.step(batch)


@dataclass
class Desk:
    """An engine and the forward that it uses."""

    engine: Engine
    forwards: list[Watched]

    def ask(self, *texts: str, owner: str = ADA, params: SamplingParams = GREEDY, **options) -> tuple[list[int], Stats]:
        """The tokens of the answer to `texts` (the user's and the assistant's in turns), and its figures."""
        messages = [Message(("user", "assistant")[index % 2], text) for index, text in enumerate(texts)]
        if options.pop("app", False):
            messages, options["app_messages"] = [APP, *messages], 1
        chunks = list(self.engine.stream(messages, params, owner=owner, **options))
        return [token.id for chunk in chunks for token in chunk.tokens], chunks[-1].stats

    def store(self):
        return self.engine._worker.session.prefixes

    @property
    def tokens_read(self) -> int:
        return sum(self.forwards[-1].steps)


@contextmanager
def opened(tiny, family: str = "llama", **options) -> Iterator[Desk]:
    forwards: list[Watched] = []

    def make_forward(loaded) -> Watched:
        forwards.append(Watched(loaded))
        return forwards[-1]

    engine = Engine(tiny.load, chunk_tokens=32, grace_s=0.1, make_forward=make_forward, **options)
    engine.open(tiny.spec(family, family))
    engine.run(lambda loaded: None)
    yield Desk(engine, forwards)
    engine.close()


@pytest.fixture(scope="module")
def shared_desk(tiny) -> Iterator[Desk]:
    with opened(tiny) as desk:
        yield desk


@pytest.fixture
def desk(tiny) -> Iterator[Desk]:
    with opened(tiny) as desk:
        yield desk


QUESTION = "Tell me about whales, and do not forget where they sleep."
CONVERSATIONS = {
    "follow-up": [(QUESTION,), (QUESTION, "They sleep in the sea.", "And then?")],
    "edit in the middle": [(QUESTION, "In the sea.", "Why?"), (QUESTION, "On land.", "Why?")],
    "retry": [(QUESTION,), (QUESTION,)],
    "another ending": [(QUESTION,), (QUESTION[:-10],)],
    "longer than a block": [(QUESTION * 7,), (QUESTION * 7, "Well.", "More?")],
}


@pytest.mark.parametrize("case", CONVERSATIONS)
@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma3"])
def test_an_answer_is_the_same_with_what_was_kept_and_without(tiny, family, case):
    first, second = CONVERSATIONS[case]
    with opened(tiny, family) as desk, opened(tiny, family, prefix_store_bytes=0) as forgetful:
        assert desk.ask(*first)[0] == forgetful.ask(*first)[0]
        tokens, stats = desk.ask(*second)
        expected, plain = forgetful.ask(*second)
        assert tokens == expected
        assert plain.cached_tokens == 0
        assert stats.cached_tokens > len(QUESTION) // 2


def test_a_follow_up_reads_only_what_is_new(desk):
    answer, _ = desk.ask(QUESTION)
    read = desk.tokens_read
    tokenizer = desk.engine.run(lambda loaded: loaded.tokenizer)
    _, stats = desk.ask(QUESTION, tokenizer.decode(answer), "So?")
    assert desk.tokens_read - read == stats.prompt_tokens - stats.cached_tokens + stats.new_tokens - 1
    assert stats.cached_tokens > len(QUESTION)


def test_a_continued_answer_reads_one_token(desk):
    answer, _ = desk.ask(QUESTION)
    alone, _ = desk.ask(QUESTION, params=replace(GREEDY, max_new_tokens=16), owner="")
    more, stats = desk.ask(QUESTION, params=replace(GREEDY, max_new_tokens=4), prefix=Prefix(tuple(answer)))
    assert [*answer, *more] == alone
    assert stats.cached_tokens == stats.prompt_tokens - 1


@pytest.mark.parametrize("params", [GREEDY, SEEDED])
def test_the_same_prompt_again_needs_no_forward_and_gives_the_same_bits(desk, params):
    params = replace(params, alternatives=3)
    ask = [Message("user", QUESTION)]
    first = list(desk.engine.stream(ask, params, owner=ADA))
    read = desk.tokens_read
    second = list(desk.engine.stream(ask, params, owner=ADA))
    tokens = [[token for chunk in chunks for token in chunk.tokens] for chunks in (first, second)]
    assert tokens[0] == tokens[1], "log-probabilities included"
    assert second[-1].stats.cached_tokens == second[-1].stats.prompt_tokens
    assert desk.tokens_read - read == params.max_new_tokens - 1


def test_a_chosen_seed_takes_nothing_that_was_read_in_other_pieces(desk):
    desk.ask(QUESTION)
    follow_up = (QUESTION, "In the sea.", "Why?")
    assert desk.ask(*follow_up, params=SEEDED)[1].cached_tokens == 0
    _, stats = desk.ask(*follow_up, params=SEEDED)
    assert stats.cached_tokens == stats.prompt_tokens


def test_the_seed_of_an_answer_gives_that_answer_again_though_it_began_in_the_store(desk):
    desk.ask(QUESTION)
    free = replace(SEEDED, seed=None)
    tokens, stats = desk.ask(QUESTION, "In the sea.", "How?", params=free)
    assert 0 < stats.cached_tokens < stats.prompt_tokens
    again, repeated = desk.ask(QUESTION, "In the sea.", "How?", params=replace(free, seed=stats.seed))
    assert again == tokens and repeated.cached_tokens == repeated.prompt_tokens


def test_a_cancelled_answer_leaves_what_was_read(desk):
    long = "x" * 200
    for stop_at in ("reading", None):
        messages = [Message("user", long)]
        stream = desk.engine.stream(messages, replace(GREEDY, max_new_tokens=500), owner=f"stopped at {stop_at}")
        for chunk in stream:
            if (chunk.progress and chunk.progress.phase == stop_at) or (stop_at is None and chunk.tokens):
                break
        stream.close()
        desk.engine.run(lambda loaded: None)
        tokens, stats = desk.ask(long, owner=f"stopped at {stop_at}")
        assert stats.cached_tokens >= 32
        assert tokens == desk.ask(long, owner="")[0]


def test_two_owners_share_the_apps_own_text_and_nothing_else(desk):
    _, first = desk.ask(QUESTION, app=True)
    assert first.cached_tokens == 0
    for owner in ("eve", ""):
        _, stats = desk.ask(QUESTION, app=True, owner=owner)
        assert len(APP.content) < stats.cached_tokens < stats.prompt_tokens - len(QUESTION)
    assert desk.ask(QUESTION, app=True)[1].cached_tokens == first.prompt_tokens
    assert desk.ask(APP.content, owner="mallory")[1].cached_tokens <= 1, "the same words as a visitor's own"


ASKED = st.tuples(
    st.sampled_from(["", "ada", "eve", "bob"]),
    st.sampled_from(["Hi", "Hi!", "Hide and seek", "secret", "secrets of the sea"]),
    st.booleans(),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(ASKED, min_size=2, max_size=8))
def test_figures_and_work_of_one_owner_tell_nothing_of_another(tiny, shared_desk, asked):
    """More than the app's own text is there only for whoever has said it before; the work done says the same."""
    desk, said = shared_desk, set()
    desk.engine.run(lambda loaded: desk.store().clear())
    params = replace(GREEDY, max_new_tokens=1)
    for owner, text, app in asked:
        prompts = desk.engine._worker.session.prompts
        messages = [APP, Message("user", text)] if app else [Message("user", text)]
        prompt = prompts.build(messages, max_new_tokens=1, app_messages=int(app))
        before = desk.tokens_read
        _, stats = desk.ask(text, owner=owner, app=app, params=params)
        assert desk.tokens_read - before == len(prompt.ids) - stats.cached_tokens
        if stats.cached_tokens > prompt.public_length:
            assert owner
            assert any(
                prompt.ids[: stats.cached_tokens] == ids[: stats.cached_tokens] for name, ids in said if name == owner
            )
        said.add((owner, prompt.ids))


def test_another_model_knows_nothing_of_what_the_first_one_read(desk, tiny):
    desk.ask(QUESTION)
    first = weakref.ref(desk.store())
    assert len(first())
    desk.engine.open(tiny.spec("qwen3", "another"))
    desk.engine.run(lambda loaded: None)
    gc.collect()
    assert first() is None
    assert desk.ask(QUESTION)[1].cached_tokens == 0


def test_a_closed_engine_holds_nothing(tiny):
    with opened(tiny) as desk:
        desk.ask(QUESTION)
        store = weakref.ref(desk.store())
    gc.collect()
    assert store() is None


def test_a_full_memory_takes_the_store_and_the_answer_comes(desk, caplog):
    expected, _ = desk.ask(QUESTION)
    forward, other = desk.forwards[-1], "Something else that is long enough to be read."
    alone = desk.ask(other, owner="")[0]
    failed = len(forward.steps) + 1
    forward.trouble = lambda step: torch.OutOfMemoryError("full") if step == failed else None
    assert desk.ask(other)[0] == alone
    assert "given up" in caplog.text
    tokens, stats = desk.ask(QUESTION)
    assert stats.cached_tokens < 10 and tokens == expected


def test_an_answer_for_which_memory_does_not_suffice_fails_alone(desk):
    desk.ask(QUESTION)
    forward = desk.forwards[-1]
    forward.trouble = lambda step: RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
    with pytest.raises(Exception, match="The memory is full"):
        desk.ask("Something else")
    forward.trouble = lambda step: None
    assert desk.ask(QUESTION)[1].new_tokens == 12


def gc_count(kind: type) -> int:
    gc.collect()
    return sum(type(one) is kind for one in gc.get_objects())


def test_500_requests_leave_no_more_than_the_store_may_hold(tiny):
    limit, before = 3_000_000, gc_count(KVCache)
    with opened(tiny, prefix_store_bytes=limit) as desk:
        params = replace(GREEDY, max_new_tokens=2)
        counts = []
        for number in range(500):
            desk.ask(f"Question {number}", owner=f"owner {number % 7}", params=params, app=number % 2 == 0)
            if number in (149, 499):  # the same owner at the same point of the round
                desk.engine.run(lambda loaded: None)
                assert desk.store().nbytes <= limit
                blocks = sum(
                    type(one) is torch.Tensor and one.dim() == 3 and one.shape[1] == 256
                    for one in (gc.collect(), *gc.get_objects())
                )
                counts.append((len(desk.store()), gc_count(KVCache), blocks))
        assert counts[0] == counts[1] and 7 <= counts[0][0] <= 40
        desk.engine.run(lambda loaded: desk.store().clear())
        assert gc_count(KVCache) == before
