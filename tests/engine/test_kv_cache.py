from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.batch import pack
from playground.engine.kv_cache import BLOCK_TOKENS, KVCache


def rows(start: int, count: int, heads: int = 2, size: int = 4) -> torch.Tensor:
    return torch.arange(start, start + count, dtype=torch.float32)[None, :, None].expand(heads, count, size)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_views_hold_everything_appended_however_it_grows(pieces):
    cache, total = KVCache(), 0
    for count in pieces:
        keys, values = cache.append(0, rows(total, count), -rows(total, count))
        total += count
        assert torch.equal(keys, rows(0, total)) and torch.equal(values, -rows(0, total))
        cache.advance(count)
    assert cache.length == total


def test_layers_may_differ_in_heads_and_sizes():
    cache = KVCache()
    for layer, (heads, size) in enumerate([(1, 8), (4, 2)]):
        keys, values = cache.append(layer, rows(0, 3, heads, size), rows(0, 3, heads, size + 1))
        assert keys.shape == (heads, 3, size) and values.shape == (heads, 3, size + 1)
    assert cache.layer_count == 2


def test_memory_grows_in_blocks_and_is_given_back():
    cache = KVCache()
    cache.append(0, rows(0, 1), rows(0, 1))
    cache.advance(1)
    assert cache.nbytes == 2 * 2 * BLOCK_TOKENS * 4 * 4
    cache.clear()
    assert cache.nbytes == 0 and cache.length == 0


def test_what_is_appended_but_not_counted_is_overwritten():
    cache = KVCache()
    cache.append(0, rows(5, 2), rows(5, 2))
    keys, _ = cache.append(0, rows(0, 1), rows(0, 1))
    assert torch.equal(keys, rows(0, 1))


def test_trim_and_fork_keep_the_start_and_refuse_what_is_not_held():
    cache = KVCache()
    cache.append(0, rows(0, 300), rows(0, 300))
    cache.advance(300)
    fork = cache.fork(100)
    cache.trim(50)
    keys, _ = fork.append(0, rows(100, 1), rows(100, 1))
    assert torch.equal(keys, rows(0, 101))
    keys, _ = cache.append(0, rows(50, 1), rows(50, 1))
    assert torch.equal(keys, rows(0, 51))
    with pytest.raises(ValueError, match="trim"):
        cache.trim(51)
    with pytest.raises(ValueError, match="fork"):
        cache.fork(51)


def test_a_batch_packs_positions_and_logit_rows():
    first, second = KVCache(), KVCache()
    second.advance(10)
    batch = pack([(first, [1, 2, 3], 0), (second, [4, 5], 2)])
    assert batch.token_ids == [1, 2, 3, 4, 5]
    assert batch.positions == [0, 1, 2, 10, 11]
    assert batch.logit_indices == [3, 4]


@pytest.mark.parametrize("part", [((), 0), ((1,), 2)])
def test_a_batch_refuses_what_cannot_be_run(part):
    with pytest.raises(ValueError, match="tokens"):
        pack([(KVCache(), *part)])


def test_a_batch_refuses_a_sequence_given_twice():
    cache = KVCache()
    with pytest.raises(ValueError, match="once"):
        pack([(cache, [1], 1), (cache, [2], 1)])
