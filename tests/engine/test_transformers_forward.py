from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    StableLmConfig,
    StableLmForCausalLM,
)

from playground.engine.attention_function import attend
from playground.engine.batch import pack
from playground.engine.kv_cache import KVCache
from playground.engine.transformers_forward import TransformersForward
from playground.errors import ModelUnavailable

PROMPTS = [[7, 3, 9, 250, 11], list(range(40, 77)), [5]]


def random_ids(count: int, seed: int = 0) -> list[int]:
    return random.Random(seed).choices(range(320), k=count)


def read_in_chunks(forward: TransformersForward, cache: KVCache, ids: list[int], size: int) -> torch.Tensor:
    """Logits of the last token."""
    for start in range(0, len(ids), size):
        logits = forward.step(pack([(cache, ids[start : start + size], 1)]))
    return logits[0]


def write(forward: TransformersForward, joins: dict[int, int], steps: int, count: int) -> list[list[int]]:
    """Greedy tokens of PROMPTS[i], where prompt i joins at step joins[i]."""
    caches = [KVCache() for _ in PROMPTS]
    written: list[list[int]] = [[] for _ in PROMPTS]
    for step in range(steps):
        active = [i for i in range(len(PROMPTS)) if joins.get(i, steps) <= step and len(written[i]) < count]
        if not active:
            continue
        parts = [(caches[i], written[i][-1:] or PROMPTS[i], 1) for i in active]
        for i, row in zip(active, forward.step(pack(parts)), strict=True):
            written[i].append(int(row.argmax()))
    return written


def test_one_sequence_gives_the_tokens_of_generate(tiny, family):
    model = tiny.model(family)
    expected = tiny.greedy_ids(model, PROMPTS[1], 24)
    assert write(TransformersForward(model), {1: 0}, 24, 24)[1] == expected
    assert len(set(expected)) > 3


def test_three_sequences_that_join_one_after_the_other_give_the_tokens_of_generate(tiny, family):
    model = tiny.model(family)
    expected = [tiny.greedy_ids(model, prompt, 20) for prompt in PROMPTS]
    assert write(TransformersForward(model), {0: 0, 1: 3, 2: 9}, 40, 20) == expected


def test_a_prompt_in_chunks_gives_the_logits_of_the_prompt_in_one_piece(tiny, family):
    forward, ids = TransformersForward(tiny.model(family)), random_ids(40)
    whole = forward.step(pack([(KVCache(), ids, 1)]))[0]
    for size in (3, 16):
        torch.testing.assert_close(read_in_chunks(forward, KVCache(), ids, size), whole, rtol=1e-3, atol=1e-3)


def test_logits_of_all_rows_equal_the_models_own_forward(tiny, family):
    model, ids = tiny.model(family), random_ids(40)
    model.set_attn_implementation("eager")  # older versions leave Gemma 2's soft cap out of the quicker ways
    with torch.inference_mode():
        expected = model(torch.tensor([ids]), use_cache=False).logits[0]
    got = TransformersForward(model).step(pack([(KVCache(), [1, 2, 3], 0), (KVCache(), ids, len(ids))]))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)


def test_a_trimmed_cache_goes_on_as_if_the_rest_had_never_been_read(tiny, family):
    forward, ids, cache = TransformersForward(tiny.model(family)), random_ids(30), KVCache()
    read_in_chunks(forward, cache, ids + random_ids(20, seed=5), 50)
    cache.trim(30)
    expected = read_in_chunks(forward, KVCache(), [*ids, 8, 9], 32)
    torch.testing.assert_close(forward.step(pack([(cache, [8, 9], 1)]))[0], expected, rtol=1e-3, atol=1e-3)


def test_forks_are_independent(tiny):
    forward, ids, cache = TransformersForward(tiny.model("llama")), random_ids(30), KVCache()
    read_in_chunks(forward, cache, ids, 30)
    fork = cache.fork()
    forward.step(pack([(cache, [1], 1)]))
    both = forward.step(pack([(cache, [2], 1), (fork, [3], 1)]))
    torch.testing.assert_close(both[0], read_in_chunks(forward, KVCache(), [*ids, 1, 2], 32), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(both[1], read_in_chunks(forward, KVCache(), [*ids, 3], 32), rtol=1e-3, atol=1e-3)


@settings(max_examples=12, deadline=None)
@given(joins=st.dictionaries(st.integers(0, 2), st.integers(0, 12), min_size=1), count=st.integers(1, 6))
def test_any_schedule_of_joins_gives_the_same_tokens(tiny, joins, count):
    model = tiny.model("gemma3")
    forward = TransformersForward(model)
    alone = [write(forward, {i: 0}, count, count)[i] for i in range(3)]
    together = write(forward, joins, 12 + count + 1, count)
    assert all(together[i] == alone[i] for i in joins)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Phi3ForCausalLM(Phi3Config(**SMALL)),
        lambda: Olmo2ForCausalLM(Olmo2Config(**SMALL)),
        lambda: StableLmForCausalLM(StableLmConfig(**SMALL)),
    ],
    ids=["phi3", "olmo2", "stablelm, which no list names"],
)
def test_other_families_work_without_code_of_their_own(tiny, build):
    torch.manual_seed(3)
    model = build().eval()
    expected = [tiny.greedy_ids(model, prompt, 8) for prompt in PROMPTS]
    assert write(TransformersForward(model), {0: 0, 1: 2, 2: 3}, 20, 8) == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda: MambaForCausalLM(MambaConfig(vocab_size=320, hidden_size=32, num_hidden_layers=1)),
        lambda: BloomForCausalLM(BloomConfig(vocab_size=320, hidden_size=32, n_layer=1, n_head=2)),
    ],
    ids=["mamba", "bloom"],
)
def test_models_with_other_attention_are_refused_with_a_sentence(build):
    with pytest.raises(ModelUnavailable, match="choose another model"):
        TransformersForward(build().eval())


def test_an_unlisted_model_that_mixes_tokens_outside_its_attention_is_refused():
    torch.manual_seed(3)
    model = StableLmForCausalLM(StableLmConfig(**SMALL)).eval()
    model.model.layers[0].mlp.register_forward_hook(lambda module, inputs, output: output.cumsum(1))
    with pytest.raises(ModelUnavailable, match="choose another model"):
        TransformersForward(model)


def test_an_unknown_attention_argument_is_refused(tiny):
    model = tiny.model("llama")
    forward = TransformersForward(model)
    plain = model.model.layers[0].self_attn.forward
    model.model.layers[0].self_attn.forward = lambda *args, **kwargs: plain(*args, **kwargs, s_aux=torch.ones(4))
    cache = KVCache()
    with pytest.raises(ModelUnavailable, match="s_aux"):
        forward.step(pack([(cache, [1, 2], 1)]))
    assert cache.length == 0


def test_the_attention_function_works_only_inside_a_step():
    with pytest.raises(RuntimeError, match="inside"):
        attend(torch.nn.Identity(), *[torch.zeros(1, 1, 1, 4)] * 3)


def test_a_step_that_fails_in_a_late_layer_leaves_the_cache_usable(tiny):
    model = tiny.model("qwen2")
    forward, cache = TransformersForward(model), KVCache()
    read_in_chunks(forward, cache, PROMPTS[1], 64)
    layer = model.model.layers[2]
    plain, layer.forward = layer.forward, lambda *_, **__: (_ for _ in ()).throw(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        forward.step(pack([(cache, [9], 1)]))
    layer.forward = plain
    expected = read_in_chunks(forward, KVCache(), [*PROMPTS[1], 8], 64)
    torch.testing.assert_close(forward.step(pack([(cache, [8], 1)]))[0], expected, rtol=1e-3, atol=1e-3)


SMALL = {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.25,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
