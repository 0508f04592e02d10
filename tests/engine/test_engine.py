from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from playground.engine.engine import Engine
from playground.engine.transformers_forward import TransformersForward
from playground.errors import ModelUnavailable, PlaygroundError, PromptTooLong
from playground.messages import Chunk, Message, Prefix, SamplingParams

GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=12)
SAMPLED = SamplingParams(temperature=1.5, top_k=0, top_p=1.0, seed=11, max_new_tokens=12)
ENDLESS = replace(GREEDY, max_new_tokens=10**6)
TEXTS = ["Hello", "A rather longer question, for more than one chunk of prompt.", "?"]


def ask(text: str) -> list[Message]:
    return [Message("user", text)]


def answer(engine: Engine, text: str, params: SamplingParams, **options) -> list[Chunk]:
    return list(engine.stream(ask(text), params, **options))


def ids_of(chunks: list[Chunk]) -> list[int]:
    return [token.id for chunk in chunks for token in chunk.tokens]


def wait_until(condition, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_an_answer_has_the_tokens_of_generate_and_true_figures(engine, tiny):
    chunks = answer(engine, TEXTS[1], GREEDY)
    tokenizer = tiny.tokenizer()
    prompt = f"<|im_start|>user\n{TEXTS[1]}<|im_end|>\n<|im_start|>assistant\n"
    prompt_ids = tokenizer(prompt)["input_ids"]
    expected = tiny.greedy_ids(tiny.model("llama"), prompt_ids, 12)
    stats = chunks[-1].stats
    assert ids_of(chunks) == expected
    assert "".join(chunk.text for chunk in chunks) == tokenizer.decode(expected)
    assert [chunk.finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].finish_reason == "length"
    assert (stats.prompt_tokens, stats.new_tokens, stats.context_length) == (len(prompt_ids), 12, 1024)
    assert 0 <= stats.waited_s <= stats.first_token_s and stats.decode_s > 0 and stats.tokens_per_second > 0
    assert isinstance(stats.seed, int)


def test_a_long_prompt_tells_how_far_it_is_read(engine):
    done = [c.progress.done_tokens for c in answer(engine, "x" * 400, GREEDY) if c.progress and c.progress.done_tokens]
    assert done and done == sorted(done) and done[-1] < 460


def test_two_threads_stream_at_the_same_time(engine, tiny):
    seen: list[int] = []

    def read(number: int) -> list[int]:
        tokens = []
        for chunk in engine.stream(ask(TEXTS[number]), replace(GREEDY, max_new_tokens=150)):
            seen.append(number)
            tokens += [token.id for token in chunk.tokens]
        return tokens

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(read, range(2)))
    changes = sum(first != second for first, second in pairwise(seen))
    assert changes > 5
    assert together == [ids_of(answer(engine, text, replace(GREEDY, max_new_tokens=150))) for text in TEXTS[:2]]


def test_a_seed_gives_the_same_tokens_alone_and_in_company(engine):
    alone = [ids_of(answer(engine, text, SAMPLED)) for text in TEXTS]
    with ThreadPoolExecutor(3) as pool:
        company = list(pool.map(lambda text: ids_of(answer(engine, text, SAMPLED)), TEXTS))
    assert alone == company
    assert alone[0] != ids_of(answer(engine, TEXTS[0], replace(SAMPLED, seed=12)))


@pytest.mark.parametrize("seed", [None, 0, -5, 2**70])
def test_the_seed_that_was_used_is_told_and_can_be_used_again(engine, seed):
    first = answer(engine, "Hi", replace(SAMPLED, seed=seed))
    told = first[-1].stats.seed
    assert seed is None or told == seed
    assert ids_of(answer(engine, "Hi", replace(SAMPLED, seed=told))) == ids_of(first)


def test_probabilities_come_when_asked_for(engine):
    token = answer(engine, "Hi", replace(GREEDY, alternatives=3, max_new_tokens=1))[-1].tokens[0]
    assert len(token.alternatives) == 3
    assert token.logprob == token.alternatives[0].logprob <= 0
    assert token.id == token.alternatives[0].id and token.alternatives[0].text


def test_a_stop_string_ends_the_answer_and_is_not_shown(engine):
    text = "".join(chunk.text for chunk in answer(engine, "Hi", replace(GREEDY, max_new_tokens=60)))
    stop = text[20:23]
    chunks = answer(engine, "Hi", replace(GREEDY, max_new_tokens=60, stop=(stop,)))
    assert "".join(chunk.text for chunk in chunks) == text[: text.index(stop)]
    assert chunks[-1].finish_reason == "stop"


def test_an_end_token_ends_the_answer(tiny):
    def load(spec, report):
        loaded = tiny.load(spec, report)
        return replace(loaded, eos_ids=(expected[4],))

    prompt = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    expected = tiny.greedy_ids(tiny.model("llama"), tiny.tokenizer()(prompt)["input_ids"], 10)
    engine = Engine(load)
    engine.open(tiny.spec("llama", "Tiny"))
    chunks = answer(engine, "Hi", GREEDY)
    engine.close()
    assert ids_of(chunks) == expected[: expected.index(expected[4])]
    assert chunks[-1].finish_reason == "stop"


def test_a_full_context_ends_the_answer(tiny):
    engine = Engine(lambda spec, report: tiny.load(spec, report, context_length=80))
    engine.open(tiny.spec("gpt2", "Tiny"))
    last = answer(engine, "Hi", ENDLESS)[-1]
    engine.close()
    assert last.finish_reason == "context"
    assert last.stats.prompt_tokens + last.stats.new_tokens == 80


def test_an_answer_can_be_continued_from_its_tokens(engine):
    whole = ids_of(answer(engine, "Hi", GREEDY))
    rest = answer(engine, "Hi", replace(GREEDY, max_new_tokens=7), prefix=Prefix(ids=tuple(whole[:5])))
    assert ids_of(rest) == whole[5:]


def test_cancelling_ends_within_a_step_and_keeps_the_text(engine):
    cancel, chunks = threading.Event(), []
    for chunk in engine.stream(ask("Hi"), ENDLESS, cancel=cancel):
        chunks.append(chunk)
        if len(ids_of(chunks)) >= 3:
            cancel.set()
    assert chunks[-1].finish_reason == "cancelled"
    assert chunks[-1].stats.new_tokens >= 3
    wait_until(lambda: engine.state.running == 0)


def test_closing_the_iterator_frees_the_place(engine):
    stream = engine.stream(ask("Hi"), ENDLESS)
    next(stream)
    stream.close()
    wait_until(lambda: engine.state.running == 0)
    assert ids_of(answer(engine, "Hi", GREEDY))


def test_more_requests_than_places_wait_and_are_told(engine):
    holders = [engine.stream(ask("Hi"), ENDLESS) for _ in range(3)]
    for holder in holders:
        next(holder)
    waiting = engine.stream(ask("Hi"), GREEDY)
    first = next(waiting)
    assert first.progress is not None and first.progress.phase == "waiting" and first.progress.ahead == 0
    assert (engine.state.running, engine.state.waiting) == (3, 1)
    for holder in holders:
        holder.close()
    assert list(waiting)[-1].finish_reason == "length"


def test_a_prompt_too_long_fails_alone(engine):
    with pytest.raises(PromptTooLong):
        answer(engine, "x" * 3000, GREEDY)
    assert ids_of(answer(engine, "Hi", GREEDY))


class Brittle:
    """A forward that breaks whenever a certain token is read."""

    exact_rows = 1

    def use_threads(self, count: int) -> None:
        pass

    def __init__(self, loaded) -> None:
        self._forward = TransformersForward(loaded.model)

    def step(self, batch):
        if ord("Z") - 33 in batch.token_ids[-40:] and batch.logit_indices:
            raise RuntimeError("broken")
        return self._forward.step(batch)


def test_an_error_in_one_answer_ends_that_answer_alone(tiny):
    engine = Engine(tiny.load, make_forward=Brittle)
    engine.open(tiny.spec("llama", "Tiny"))
    letter_z = tiny.tokenizer()("Z")["input_ids"]
    assert letter_z == [ord("Z") - 33]
    expected = ids_of(answer(engine, "Hello", replace(GREEDY, max_new_tokens=5)))

    def outcome(text: str) -> object:
        try:
            return ids_of(answer(engine, text, replace(GREEDY, max_new_tokens=5)))
        except RuntimeError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(outcome, ["Hello", "ZZZ", "Hello"]))
    engine.close()
    assert outcomes == [expected, "broken", expected]


def test_logits_without_a_number_do_not_end_anything(tiny):
    class Empty:
        exact_rows = 1

        def use_threads(self, count: int) -> None:
            pass

        def step(self, batch):
            for piece in batch.slices:
                piece.cache.advance(len(piece.token_ids))
            return torch.full((len(batch.logit_indices), 320), float("nan"))

    engine = Engine(tiny.load, make_forward=lambda loaded: Empty())
    engine.open(tiny.spec("llama", "Tiny"))
    chunks = answer(engine, "Hi", replace(SAMPLED, alternatives=2))
    engine.close()
    assert chunks[-1].stats.new_tokens == 12


def test_functions_run_on_the_models_thread(engine):
    def look(loaded, extra):
        return loaded.spec.name, threading.current_thread().name, extra

    assert engine.run(look, 5) == ("Tiny Llama", "playground-engine", 5)
    with pytest.raises(ZeroDivisionError):
        engine.run(lambda loaded: 1 / 0)
    assert ids_of(answer(engine, "Hi", GREEDY))


def test_tokens_are_counted_as_the_prompt_counts_them(engine):
    assert engine.count_tokens(ask("Hello")) == answer(engine, "Hello", GREEDY)[-1].stats.prompt_tokens


def test_nothing_runs_while_nothing_is_asked(engine):
    answer(engine, "Hi", GREEDY)
    used = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - used < 0.1


def test_closing_ends_answers_and_the_thread(tiny):
    engine = Engine(tiny.load)
    engine.open(tiny.spec("llama", "Tiny"))
    stream = engine.stream(ask("Hi"), ENDLESS)
    next(stream)
    engine.close()
    engine.close()
    assert list(stream)[-1].finish_reason == "cancelled"
    assert not [t for t in threading.enumerate() if t is engine._worker._thread]
    with pytest.raises(PlaygroundError, match="shutting down"):
        next(engine.stream(ask("Hi"), GREEDY))
    with pytest.raises(PlaygroundError, match="shutting down"):
        engine.run(lambda loaded: None)


def test_without_a_model_there_is_a_sentence(tiny):
    engine = Engine(tiny.load)
    for attempt in (lambda: answer(engine, "Hi", GREEDY), lambda: engine.run(print), lambda: engine.count_tokens([])):
        with pytest.raises(ModelUnavailable, match="No model is open"):
            attempt()
    assert engine.state.phase == "empty"
    engine.close()


def test_the_old_model_is_gone_before_the_new_one_is_loaded(tiny):
    alive: list[bool] = []
    models: list[weakref.ref] = []

    def load(spec, report):
        gc.collect()
        alive.append(any(model() is not None for model in models))
        loaded = tiny.load(spec, report)
        models.append(weakref.ref(loaded.model))
        return loaded

    engine = Engine(load)
    for family in ("llama", "qwen2", "gpt2"):
        engine.open(tiny.spec(family, family))
        answer(engine, "Hi", GREEDY)
    engine.close()
    assert alive == [False] * 3
