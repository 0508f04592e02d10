from __future__ import annotations

import gc
import weakref

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from playground.engine.batch import pack
from playground.engine.kv_cache import BLOCK_TOKENS, KVCache

HEADS, KEY_SIZE, VALUE_SIZE, LAYERS = 2, 3, 4, 2
BLOCK_BYTES = HEADS * BLOCK_TOKENS * (KEY_SIZE + VALUE_SIZE) * 4
COUNTS = st.sampled_from([1, 100, 256, 600])
CHOICES = st.sampled_from([0, 1, 2])
LENGTHS = st.sampled_from([50, 256, 300, 512, 2000])


def rows(start: int, count: int, size: int = KEY_SIZE) -> torch.Tensor:
    return torch.arange(start, start + count, dtype=torch.float32)[None, :, None].expand(HEADS, count, size)


def grow(cache: KVCache, count: int, start: int | None = None) -> None:
    """Append `count` tokens whose numbers follow on from the length, or count from `start`."""
    start = cache.length if start is None else start
    for layer in range(LAYERS):
        cache.append(layer, rows(start, count), rows(start, count, VALUE_SIZE) + layer)
    cache.advance(count)


def held(cache: KVCache, layer: int = 0) -> list[int]:
    """The numbers that the cache holds, one a token; checks that keys and values agree."""
    keys, values = cache.read(layer, 0)
    assert torch.equal(keys[:, :, :1] + layer, values[:, :, :1])
    return keys[0, :, 0].int().tolist()


class Caches(RuleBasedStateMachine):
    """Several caches that share blocks, each beside a plain list of what it must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[KVCache, list[int]]] = [(KVCache(), []) for _ in range(3)]
        self.next_number = 0

    @rule(choice=CHOICES, count=COUNTS)
    def append(self, choice, count):
        cache, expected = self.pairs[choice]
        grow(cache, count, self.next_number)
        expected += range(self.next_number, self.next_number + count)
        self.next_number += count

    @rule(choice=CHOICES, count=st.sampled_from([1, 300]))
    def append_to_one_layer_and_fail(self, choice, count):
        cache, _ = self.pairs[choice]
        cache.append(0, rows(-count, count), rows(-count, count, VALUE_SIZE))

    @rule(choice=CHOICES, length=LENGTHS)
    def trim(self, choice, length):
        cache, expected = self.pairs[choice]
        length = min(length, len(expected))
        cache.trim(length)
        del expected[length:]

    @rule(choice=CHOICES, length=LENGTHS, place=CHOICES)
    def fork(self, choice, length, place):
        cache, expected = self.pairs[choice]
        length = min(length, len(expected))
        self.pairs[place] = cache.fork(length), expected[:length]

    @rule(choice=CHOICES)
    def clear(self, choice):
        cache, expected = self.pairs[choice]
        cache.clear()
        expected.clear()

    @invariant()
    def every_cache_holds_its_own_tokens(self):
        for cache, expected in self.pairs:
            assert cache.length == len(expected)
            if expected:
                assert held(cache, 0) == held(cache, 1) == [*expected]

    @invariant()
    def addresses_are_those_of_the_blocks(self):
        for cache, _ in self.pairs:
            for layer in range(cache.layer_count):
                blocks = cache.blocks(layer)
                assert blocks.addresses.tolist() == [
                    [block.data_ptr() for block in blocks.keys],
                    [block.data_ptr() for block in blocks.values],
                ]


TestCaches = Caches.TestCase
TestCaches.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_layers_may_differ_in_heads_and_sizes():
    cache = KVCache()
    for layer, (heads, size) in enumerate([(1, 8), (4, 2)]):
        cache.append(layer, torch.ones(heads, 3, size), torch.ones(heads, 3, size + 1))
        keys, values = cache.read(layer, 3)
        assert keys.shape == (heads, 3, size) and values.shape == (heads, 3, size + 1)
    assert cache.layer_count == 2


def test_growing_adds_blocks_and_moves_none():
    cache = KVCache()
    grow(cache, 1)
    assert cache.nbytes == LAYERS * BLOCK_BYTES
    first = cache.blocks(0).addresses
    grow(cache, BLOCK_TOKENS - 1)
    assert cache.blocks(0).addresses is first
    grow(cache, 1)
    assert cache.nbytes == 2 * LAYERS * BLOCK_BYTES
    assert torch.equal(cache.blocks(0).addresses[:, :1], first)
    cache.clear()
    assert cache.nbytes == 0 and cache.length == 0


def test_room_for_new_tokens_is_there_before_they_are():
    cache = KVCache()
    blocks = cache.reserve(0, HEADS, KEY_SIZE, VALUE_SIZE, torch.bfloat16, torch.device("cpu"), 300)
    assert blocks is cache.blocks(0)
    assert [block.shape for block in blocks.keys] == [(HEADS, BLOCK_TOKENS, KEY_SIZE)] * 2
    assert [block.shape for block in blocks.values] == [(HEADS, BLOCK_TOKENS, VALUE_SIZE)] * 2
    assert blocks.keys[0].dtype == torch.bfloat16 and cache.length == 0


def test_what_is_appended_but_not_counted_is_overwritten():
    cache = KVCache()
    cache.append(0, rows(5, 2), rows(5, 2))
    cache.append(0, rows(0, 1), rows(0, 1))
    assert torch.equal(cache.read(0, 1)[0], rows(0, 1))


def test_reading_from_a_later_token_leaves_out_what_is_before():
    cache = KVCache()
    grow(cache, 600)
    for first in (0, 10, 256, 300, 512, 599):
        assert torch.equal(cache.read(0, 0, first=first)[0], rows(first, 600 - first))


def test_what_lies_in_one_block_is_read_without_a_copy():
    cache = KVCache()
    grow(cache, 400)
    start = cache.blocks(0).keys[1].data_ptr()
    assert cache.read(0, 0, first=BLOCK_TOKENS)[0].data_ptr() == start


def test_a_fork_shares_its_blocks_until_it_writes():
    cache = KVCache()
    grow(cache, 300)
    fork = cache.fork(280)
    assert fork.block_bytes() == cache.block_bytes()
    grow(cache, 1)
    assert fork.block_bytes() == cache.block_bytes(), "who made the block writes behind what others read of it"
    grow(fork, 1)
    shared = fork.block_bytes().keys() & cache.block_bytes().keys()
    assert len(shared) == 2 * LAYERS, "the full block is still shared, the last one is a copy"
    copied = fork.block_bytes()
    grow(fork, 1)
    assert fork.block_bytes() == copied, "and is copied once"


@pytest.mark.parametrize("length", [40, 256, 290])
def test_neither_a_trimmed_cache_nor_its_trimmed_fork_writes_into_the_other(length):
    for first in (0, 1):
        original = KVCache()
        grow(original, 300)
        pair = original, original.fork()
        writer, reader = pair[first], pair[1 - first]
        writer.trim(length)
        grow(writer, 5, 1000)
        assert held(reader) == [*range(300)]
        assert held(writer) == [*range(length), *range(1000, 1005)]


def test_blocks_are_freed_with_the_last_cache_that_holds_them():
    cache = KVCache()
    grow(cache, 300)
    full, last = (weakref.ref(block) for block in cache.blocks(0).keys)
    fork = cache.fork(256)
    cache.clear()
    gc.collect()
    assert full() is not None and last() is None
    fork.trim(0)
    gc.collect()
    assert full() is None


def test_lengths_that_are_not_held_are_refused():
    cache = KVCache()
    grow(cache, 50)
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
