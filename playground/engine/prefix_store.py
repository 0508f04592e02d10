"""What a model has read already: keys and values of prompts and answers, for whoever asks on from there.

Owns the entries, whose they are and which go first when memory is short. Lives on the worker's thread alone. Knows no
model, no text and no sampling.

An entry belongs to one owner and is found by nobody else; all that others may notice is that the memory is shared and
theirs goes sooner. The app's own text belongs to everybody: it is kept in entries of its own, under no owner's name, so
that no rule about lengths stands between one visitor's words and another's.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch

from playground.engine.kv_cache import BLOCK_TOKENS, KVCache

_EVERYBODY = ""
_STRETCH = 64
LEAST_TOKENS = 32
"""A shorter start is not worth a hit: reading it costs less than a prompt that does not begin at its beginning."""


@dataclass(frozen=True, eq=False)
class Found:
    """What need not be read again: a cache of one's own, and the logits [vocabulary] behind it if they are known."""

    cache: KVCache
    logits: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class _Entry:
    cache: KVCache
    logits: torch.Tensor | None
    block_bytes: dict[int, int]
    """Bytes by block; the entry keeps the blocks alive, so their identities stay theirs."""

    @property
    def logits_bytes(self) -> int:
        return 0 if self.logits is None else self.logits.nbytes


class PrefixStore:
    """The latest used prefixes within `limit_bytes`, blocks that several of them share counted once. 0: no store."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[tuple[str, tuple[int, ...]], _Entry] = OrderedDict()
        """By owner and tokens; the latest used comes last."""
        self._holders: Counter[int] = Counter()
        self._nbytes = 0
        self._changes = 0
        self._fitted: tuple[object, ...] = ()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self._nbytes

    def find(self, owner: str, ids: Sequence[int], public_length: int = 0, *, exact: bool = False) -> Found:
        """The longest start of `ids` that is held, as a cache that may be written, with length 0 where there is none.

        All of `ids` only together with their logits; else the last one is left to be read. `public_length` tokens are
        the app's own text. With `exact` all or nothing.
        """
        wanted = tuple(ids)
        whole = self._entries.get((owner, wanted)) if owner else None
        if whole is not None and whole.logits is not None:
            self._entries.move_to_end((owner, wanted))
            return Found(whole.cache.fork(), whole.logits)
        best, length = None, 0
        for key in () if exact else self._entries:
            if key[0] in (owner, _EVERYBODY):
                most = public_length if key[0] == _EVERYBODY else len(wanted)
                held = min(_common_length(key[1], wanted), most, len(wanted) - 1)
                # Among equals the latest used one.
                best, length = (key, held) if held >= max(length, LEAST_TOKENS) else (best, length)
        if best is None:
            return Found(KVCache())
        self._entries.move_to_end(best)
        return Found(self._entries[best].cache.fork(length))

    def put(
        self,
        owner: str,
        ids: Sequence[int],
        cache: KVCache,
        *,
        public_length: int = 0,
        logits: torch.Tensor | None = None,
    ) -> None:
        """Keep the first `len(ids)` tokens of `cache`, which are `ids`, for `owner`; nothing is copied but `logits`.

        Of them `public_length` are the app's own text and kept for everybody; for an unknown owner ("") that is all.
        """
        if self._limit_bytes <= 0 or not ids:
            return
        public = min(public_length, len(ids))
        if public >= LEAST_TOKENS:
            self._keep(_EVERYBODY, tuple(ids[:public]), _entry(cache.fork(public)))
        if owner:
            copied = None if logits is None else logits.clone()
            self._keep(owner, tuple(ids), _entry(cache.fork(len(ids)), copied))

    def make_room(self, running: Collection[KVCache] = ()) -> None:
        """Let the least recently used entries go until the rest fits beside the `running` caches. Cheap to ask."""
        shape = (self._changes, *((id(cache), -(-cache.length // BLOCK_TOKENS)) for cache in running))
        if shape == self._fitted:
            return
        beside: dict[int, int] = {}
        for cache in running:
            beside |= cache.block_bytes()
        total = self._nbytes + sum(size for block, size in beside.items() if not self._holders[block])
        while self._entries and total > self._limit_bytes:
            _, entry = self._entries.popitem(last=False)
            freed = self._release(entry)
            total -= entry.logits_bytes + sum(size for block, size in freed.items() if block not in beside)
        self._fitted = (self._changes, *shape[1:])

    def clear(self) -> None:
        """Give all memory back."""
        self._entries.clear()
        self._holders.clear()
        self._nbytes = 0
        self._changes += 1

    def _keep(self, owner: str, ids: tuple[int, ...], entry: _Entry) -> None:
        """Put an entry in; those that it makes needless go, and it is not needed where a longer one is there.

        Of the prompts inside it, which are kept with their logits to be tried again, the latest stays.
        """
        prompt: tuple[str, tuple[int, ...]] | None = None
        for key in list(self._entries):
            if key[0] != owner:
                continue
            held = self._entries[key]
            if held.logits is not None and len(key[1]) < len(ids) and ids[: len(key[1])] == key[1]:
                if prompt is not None:
                    self._release(self._entries.pop(prompt))
                prompt = key
            if entry.logits is None and key[1][: len(ids)] == ids:
                self._entries.move_to_end(key)
                return
            if key[1] == ids or (held.logits is None and ids[: len(key[1])] == key[1]):
                del self._entries[key]
                self._release(held)
        self._entries[owner, ids] = entry
        self._nbytes += entry.logits_bytes + sum(
            size for block, size in entry.block_bytes.items() if not self._holders[block]
        )
        self._holders.update(entry.block_bytes.keys())
        self._changes += 1

    def _release(self, entry: _Entry) -> dict[int, int]:
        """Count an entry out that is no longer held; the blocks that no other entry has."""
        self._holders.subtract(entry.block_bytes.keys())
        freed = {block: size for block, size in entry.block_bytes.items() if not self._holders[block]}
        for block in freed:
            del self._holders[block]
        self._nbytes -= entry.logits_bytes + sum(freed.values())
        self._changes += 1
        return freed


def _entry(cache: KVCache, logits: torch.Tensor | None = None) -> _Entry:
    return _Entry(cache, logits, cache.block_bytes())


def _common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens at the start are the same; whole stretches are compared, which is far quicker than tokens."""
    shorter = min(len(first), len(second))
    start = 0
    while start < shorter and first[start : start + _STRETCH] == second[start : start + _STRETCH]:
        start += _STRETCH
    if start >= shorter:
        return shorter
    differing = (index for index in range(start, min(start + _STRETCH, shorter)) if first[index] != second[index])
    return next(differing, shorter)
