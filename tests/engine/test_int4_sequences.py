"""Sequences on the lean forward: alone or in company, in pieces, trimmed, forked and interrupted."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.transformers_forward import TransformersForward
from playground.kernels.library import FEW_ROWS, Library
from playground.kernels.program import Program
from tests.engine.packed_models import FAMILIES, FEW, MANY, distance, random_ids, read, read_by_ones, step

FAMILY = pytest.mark.parametrize("family", FAMILIES)
PROMPTS = [[7, 3, 9, 250, 11], [40, 41, 42], [5]]
Forwards = Callable[[str], tuple[Int4Forward, TransformersForward]]


@FAMILY
@given(
    counts=st.lists(st.tuples(*[st.integers(0, 5)] * 3).filter(any), min_size=1, max_size=6), threads=st.integers(1, 2)
)
@settings(max_examples=12, deadline=None)
def test_a_row_has_the_same_logits_to_the_bit_alone_and_in_any_company(
    forwards: Forwards, library: Library, family: str, counts: list[tuple[int, ...]], threads: int
) -> None:
    """Sequences join, leave and read several tokens at once, in steps of at most `exact_rows` rows."""
    forward, _ = forwards(family)
    assert forward.exact_rows == FEW_ROWS >= 3 * 5
    texts = [random_ids(30, seed) for seed in range(3)]
    alone = [read_by_ones(forward, text) for text in texts]
    caches = [KVCache() for _ in texts]
    forward.use_threads(threads)
    try:
        for taken in counts:
            parts = [(caches[i], texts[i][caches[i].length :][:count], count) for i, count in enumerate(taken) if count]
            expected = [alone[i][caches[i].length :][:count] for i, count in enumerate(taken) if count]
            assert torch.equal(forward.step(pack(parts)), torch.cat(expected))
    finally:
        forward.use_threads(library.threads)


@FAMILY
@pytest.mark.parametrize("size", [3, 16, 24])
def test_a_prompt_in_chunks_gives_the_logits_of_the_prompt_in_one_piece(
    forwards: Forwards, family: str, size: int
) -> None:
    forward, reference = forwards(family)
    ids = random_ids(60)
    found = read(forward, KVCache(), ids, size)
    assert distance(found, read(forward, KVCache(), ids)) < FEW + MANY
    assert distance(found, read(reference, KVCache(), ids)) < FEW


@FAMILY
def test_a_long_text_goes_on_over_the_borders_of_blocks_and_of_known_angles(forwards: Forwards, family: str) -> None:
    forward, reference = forwards(family)
    ids = random_ids(2070)
    caches = KVCache(), KVCache()
    for one, cache in zip((forward, reference), caches, strict=True):
        read(one, cache, ids[:2040], 600)
    for start in range(2040, 2070, 5):
        parts = [pack([(cache, ids[start : start + 5], 5)]) for cache in caches]
        assert distance(forward.step(parts[0]), reference.step(parts[1])) < FEW + MANY


def write(forward: Int4Forward, joins: dict[int, int], count: int) -> list[list[int]]:
    """Greedy tokens of PROMPTS[i], where prompt i joins at step joins[i] and leaves after `count` tokens."""
    caches = [KVCache() for _ in PROMPTS]
    written: list[list[int]] = [[] for _ in PROMPTS]
    for now in range(max(joins.values()) + count):
        active = [i for i, join in joins.items() if join <= now < join + count]
        parts = [(caches[i], written[i][-1:] or PROMPTS[i], 1) for i in active]
        for i, row in zip(active, forward.step(pack(parts)) if parts else [], strict=True):
            written[i].append(int(row.argmax()))
    return written


@FAMILY
def test_sequences_that_join_one_after_the_other_write_what_each_writes_alone(forwards: Forwards, family: str) -> None:
    forward, _ = forwards(family)
    alone = [write(forward, {i: 0}, 20)[i] for i in range(3)]
    assert write(forward, {0: 0, 1: 3, 2: 9}, 20) == alone
    assert len({id_ for ids in alone for id_ in ids}) > 5


@FAMILY
def test_a_long_prompt_of_one_visitor_does_not_change_what_another_reads(forwards: Forwards, family: str) -> None:
    forward, reference = forwards(family)
    ids, short = random_ids(50), random_ids(9, seed=1)
    caches = [(KVCache(), KVCache()) for _ in range(2)]
    steps = [pack([(one, ids, 1), (two, short, 9)]) for one, two in caches]
    found, expected = forward.step(steps[0]), reference.step(steps[1])
    assert distance(found[:1], expected[:1]) < MANY * 2
    assert distance(found[1:], expected[1:]) < MANY * 2
    follow = [pack([(two, [7, 8], 2), (one, [9], 1)]) for one, two in caches]
    assert distance(forward.step(follow[0]), reference.step(follow[1])) < FEW


@FAMILY
def test_a_trimmed_cache_goes_on_as_if_the_rest_had_never_been_read(forwards: Forwards, family: str) -> None:
    forward, _ = forwards(family)
    ids, cache = random_ids(300), KVCache()
    read(forward, cache, ids, 16)
    cache.trim(250)
    expected = read(forward, KVCache(), [*ids[:250], 8, 9], 16)
    assert torch.equal(step(forward, (cache, [8, 9], 1))[0], expected)


@FAMILY
def test_forks_are_independent(forwards: Forwards, family: str) -> None:
    forward, _ = forwards(family)
    ids, cache = random_ids(30), KVCache()
    read(forward, cache, ids, 16)
    fork = cache.fork(20)
    step(forward, (cache, [1], 1))
    both = step(forward, (cache, [2], 1), (fork, [3], 1))
    assert torch.equal(both[0], read(forward, KVCache(), [*ids, 1, 2], 16))
    assert torch.equal(both[1], read(forward, KVCache(), [*ids[:20], 3], 16))


@pytest.mark.parametrize("rows", [1, 20])
def test_a_step_that_fails_on_its_way_leaves_the_caches_usable(
    forwards: Forwards, library: Library, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    forward, _ = forwards("qwen3")
    cache, other = KVCache(), KVCache()
    read(forward, cache, PROMPTS[0])
    plain, runs = library.run, []

    def break_late(program: Program) -> None:
        plain(program)
        runs.append(program)
        if rows == 1 or len(runs) == 3:
            raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(library, "run", break_late)
        with pytest.raises(RuntimeError, match="broken"):
            step(forward, (cache, [9] * rows, 1), (other, [5], 1))
    assert (cache.length, other.length) == (len(PROMPTS[0]), 0)
    after = step(forward, (cache, [8], 1), (other, [5], 1))
    assert torch.equal(after[0], read(forward, KVCache(), [*PROMPTS[0], 8], 3))
    assert torch.equal(after[1], read(forward, KVCache(), [5]))


def test_rows_without_logits_give_none(forwards: Forwards) -> None:
    forward, _ = forwards("llama")
    assert step(forward, (KVCache(), [1, 2], 0)).shape == (0, 320)


def test_a_cache_that_nobody_uses_any_more_is_freed(forwards: Forwards) -> None:
    forward, _ = forwards("llama")
    cache = KVCache()
    step(forward, (cache, [1, 2], 1))
    gone = weakref.ref(cache)
    del cache
    assert gone() is None
