"""What is kept of earlier prompts: the longest start is found, for its owner alone, and the oldest goes first."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine import prefix_store
from playground.engine.kv_cache import BLOCK_TOKENS, KVCache
from playground.engine.prefix_store import PrefixStore

BLOCK_BYTES = 2 * BLOCK_TOKENS * 4
LOGITS = torch.arange(4.0)
MUCH = 1 << 30


def read(ids, cache: KVCache | None = None) -> KVCache:
    """A cache that holds `ids`, one number a token, as if a model had read them."""
    cache = KVCache() if cache is None else cache
    new = torch.tensor(ids[cache.length :], dtype=torch.float32).reshape(1, -1, 1)
    if new.numel():
        cache.append(0, new, -new)
        cache.advance(new.shape[1])
    return cache


def held(cache: KVCache) -> list[int]:
    return cache.read(0, 0)[0].flatten().int().tolist() if cache.length else []


def put(store: PrefixStore, owner: str, ids, **options) -> None:
    store.put(owner, ids, read(ids), **options)


def test_the_longest_start_is_found_and_its_last_token_left_to_be_read():
    store = PrefixStore(MUCH)
    put(store, "ada", [1, 2, 3])
    put(store, "ada", [1, 2, 9, 9, 9])
    assert held(store.find("ada", [1, 2, 3, 4, 5]).cache) == [1, 2, 3]
    assert held(store.find("ada", [1, 2, 9, 9, 4]).cache) == [1, 2, 9, 9]
    assert held(store.find("ada", [1, 2, 3]).cache) == [1, 2]
    assert store.find("ada", [7, 1, 2, 3]).cache.length == 0


def test_a_prompt_with_its_logits_need_not_be_read_at_all():
    store = PrefixStore(MUCH)
    logits = LOGITS.clone()
    put(store, "ada", [1, 2, 3], logits=logits)
    logits.zero_()
    found = store.find("ada", [1, 2, 3])
    assert held(found.cache) == [1, 2, 3] and torch.equal(found.logits, LOGITS)
    assert store.find("ada", [1, 2, 3, 4]).logits is None
    assert store.find("eve", [1, 2, 3]).cache.length == 0


def test_exactly_the_same_is_all_of_a_prompt_or_nothing():
    store = PrefixStore(MUCH)
    put(store, "ada", [1, 2, 3])
    assert store.find("ada", [1, 2, 3], exact=True).cache.length == 0
    put(store, "ada", [1, 2, 3], logits=LOGITS)
    assert store.find("ada", [1, 2, 3], exact=True).cache.length == 3
    assert store.find("ada", [1, 2, 3, 4], exact=True).cache.length == 0


def test_of_the_prompts_inside_a_longer_entry_the_latest_stays():
    store = PrefixStore(MUCH)
    for length in (3, 6, 9):
        put(store, "ada", range(length), logits=LOGITS)
    put(store, "ada", range(12))
    assert [bool(store.find("ada", range(length), exact=True).cache.length) for length in (3, 6, 9)] == [0, 0, 1]
    assert store.find("ada", range(20)).cache.length == 12


def test_a_start_of_a_few_tokens_is_neither_kept_for_everybody_nor_a_hit(monkeypatch):
    monkeypatch.setattr(prefix_store, "LEAST_TOKENS", 4)
    store = PrefixStore(MUCH)
    put(store, "", range(10), public_length=3)
    put(store, "ada", range(8))
    assert len(store) == 1
    assert store.find("ada", [0, 1, 2, 9, 9]).cache.length == 0
    assert store.find("ada", [0, 1, 2, 3, 9]).cache.length == 4


def test_an_answer_that_says_nothing_does_not_cost_its_prompt_the_logits():
    store = PrefixStore(MUCH)
    cache = read([1, 2, 3])
    store.put("ada", [1, 2, 3], cache, logits=LOGITS)
    store.put("ada", [1, 2, 3], cache)
    assert store.find("ada", [1, 2, 3]).logits is not None and len(store) == 1


def test_what_is_found_can_be_written_and_the_store_keeps_its_own():
    store = PrefixStore(MUCH)
    put(store, "ada", [1, 2, 3, 4])
    for end in ([5, 6], [7, 8]):
        assert held(read([1, 2, *end], store.find("ada", [1, 2, *end]).cache)) == [1, 2, *end]
    assert held(store.find("ada", [1, 2, 3, 4, 5]).cache) == [1, 2, 3, 4]


def test_a_longer_conversation_takes_the_place_of_its_beginning_and_shares_its_blocks():
    store = PrefixStore(MUCH)
    ids = list(range(3 * BLOCK_TOKENS))
    cache = read(ids[: 2 * BLOCK_TOKENS])
    store.put("ada", ids[: 2 * BLOCK_TOKENS], cache)
    assert store.nbytes == 2 * BLOCK_BYTES
    store.put("ada", ids, read(ids, cache))
    assert len(store) == 1 and store.nbytes == 3 * BLOCK_BYTES
    store.put("ada", ids[:5], cache.fork(5))
    assert len(store) == 1 and store.nbytes == 3 * BLOCK_BYTES
    put(store, "bob", ids[:5])
    assert len(store) == 2 and store.nbytes == 4 * BLOCK_BYTES


def test_the_apps_own_text_is_everybodys_and_the_rest_is_not():
    store = PrefixStore(MUCH)
    put(store, "ada", [1, 2, 3, 4, 5], public_length=2)
    for owner in ("", "eve"):
        assert held(store.find(owner, [1, 2, 3, 4, 5, 6], 2).cache) == [1, 2]
        assert held(store.find(owner, [1, 2, 3, 4, 5, 6], 1).cache) == [1]
        assert held(store.find(owner, [1, 2, 3, 4, 5, 6], 0).cache) == []
    assert held(store.find("ada", [1, 2, 3, 4, 5, 6], 0).cache) == [1, 2, 3, 4, 5]


def test_of_an_unknown_owner_only_the_apps_own_text_is_kept():
    store = PrefixStore(MUCH)
    put(store, "", [1, 2, 3, 4], public_length=2, logits=LOGITS)
    assert len(store) == 1
    assert store.find("", [1, 2, 3, 4], 2).cache.length == 2
    assert store.find("", [1, 2, 3, 4], 2, exact=True).cache.length == 0


def test_the_least_recently_used_goes_first():
    store = PrefixStore(3 * BLOCK_BYTES)
    for owner in "abc":
        put(store, owner, [1, 2, 3])
    store.make_room()
    assert len(store) == 3
    store.find("a", [1, 2, 3])
    put(store, "d", [1, 2, 3])
    store.make_room()
    assert store.nbytes == 3 * BLOCK_BYTES
    assert [store.find(owner, [1, 2, 3]).cache.length for owner in "abcd"] == [2, 0, 2, 2]


def test_logits_count_as_well_as_blocks():
    store = PrefixStore(MUCH)
    put(store, "ada", [1, 2, 3], logits=LOGITS)
    assert store.nbytes == BLOCK_BYTES + LOGITS.nbytes
    store.clear()
    assert store.nbytes == len(store) == 0


def test_running_answers_have_the_room_first_and_what_they_share_counts_once():
    store = PrefixStore(3 * BLOCK_BYTES)
    put(store, "old", [1, 2, 3])
    ids = list(range(2 * BLOCK_TOKENS))
    running = read(ids)
    store.make_room([running])
    assert len(store) == 1
    store.put("new", ids, running)
    store.make_room([running])
    assert len(store) == 2, "the answer's blocks and the store's are the same"
    other = read([4])
    store.make_room([running, other])
    assert [store.find(owner, [*ids, 0]).cache.length for owner in ("old", "new")] == [0, len(ids)]
    store.make_room([running, other, read(ids)])
    assert len(store) == store.nbytes == 0


def test_a_store_without_room_keeps_nothing():
    store = PrefixStore(0)
    put(store, "ada", [1, 2, 3], public_length=2, logits=LOGITS)
    assert len(store) == store.nbytes == 0


TEXTS = st.lists(st.integers(1, 3), min_size=1, max_size=6)
ASKED = st.tuples(st.sampled_from(["", "ada", "eve"]), TEXTS, st.booleans(), st.booleans())
APP = [1, 1]


@settings(max_examples=150, deadline=None)
@given(st.lists(ASKED, max_size=12), st.sampled_from([1, 4, 100]))
def test_nothing_depends_on_what_others_have_said(asked, limit_blocks):
    """Each owner finds, behind the app's own text, what it would find in a store that nobody else uses."""
    shared = PrefixStore(MUCH)
    private = {owner: PrefixStore(MUCH) for owner in ("", "ada", "eve")}
    scarce = PrefixStore(limit_blocks * BLOCK_BYTES)
    app_text_read = False
    for owner, text, persona, with_logits in asked:
        ids = [*APP, *text] if persona else text
        public = len(APP) if persona else 0
        lengths = []
        for store in (shared, private[owner], scarce):
            found = store.find(owner, ids, public)
            assert held(found.cache) == ids[: found.cache.length]
            assert found.cache.length < len(ids) or found.logits is not None
            lengths.append(found.cache.length)
            options = {"logits": LOGITS} if with_logits else {}
            put(store, owner, ids, public_length=public, **options)
            store.make_room()
        assert lengths[0] == max(lengths[1], public if app_text_read else 0)
        assert lengths[2] <= lengths[0]
        assert scarce.nbytes <= limit_blocks * BLOCK_BYTES
        app_text_read |= persona
