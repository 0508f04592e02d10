"""One step of the model: the new tokens of all running sequences, packed into one row.

Owns the description of a step and nothing else: no model, no sampling, no thread. What a step should record or switch
off belongs here too, because the batch is all that the attention function is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from playground.engine.kv_cache import KVCache
from playground.engine.recorder import Recorder

_NOBODY: Mapping[int, Recorder] = MappingProxyType({})


@dataclass(frozen=True)
class Branch:
    """One of several texts that each go on behind the same cache, see nothing of one another and are not kept."""

    tokens: int
    logit_rows: int


@dataclass(frozen=True)
class SequenceSlice:
    """The new tokens of one sequence in a step; they follow what its cache already holds."""

    cache: KVCache
    token_ids: tuple[int, ...]
    start: int
    """Index of the first new token in the packed row."""
    position: int
    """Position of the first new token within its sequence."""
    logit_rows: int = 1
    """How many of the last new tokens need logits: 0 inside a prompt, 1 to sample, all to score."""
    watch: Recorder | None = None
    """Who is shown what the attention of this sequence computes, and may change it."""
    branches: tuple[Branch, ...] = ()
    """The new tokens as texts side by side, in order; none for one text, which the cache keeps."""

    @property
    def kept(self) -> int:
        """How many of the new tokens the cache holds when the step is done."""
        return 0 if self.branches else len(self.token_ids)

    @property
    def positions(self) -> list[int]:
        """Of every new token within its text."""
        lengths = [branch.tokens for branch in self.branches] or [len(self.token_ids)]
        return [self.position + place for length in lengths for place in range(length)]

    @property
    def logit_indices(self) -> list[int]:
        """Indices into the packed row that need logits: the last ones of every text."""
        found, end = [], self.start
        for branch in self.branches or (Branch(len(self.token_ids), self.logit_rows),):
            end += branch.tokens
            found += range(end - branch.logit_rows, end)
        return found

    @property
    def stop(self) -> int:
        """Index behind the last new token in the packed row."""
        return self.start + len(self.token_ids)

    @property
    def total(self) -> int:
        """Length of the sequence when the step is done."""
        return self.position + len(self.token_ids)


@dataclass(frozen=True)
class Batch:
    """A step: slices that fill the packed row without a gap, in order."""

    slices: tuple[SequenceSlice, ...]

    @cached_property
    def watched(self) -> tuple[tuple[SequenceSlice, Recorder], ...]:
        """The slices that somebody watches; in nearly every step there are none."""
        return tuple((piece, piece.watch) for piece in self.slices if piece.watch is not None)

    @cached_property
    def token_ids(self) -> list[int]:
        """The packed row, N tokens."""
        return [token_id for piece in self.slices for token_id in piece.token_ids]

    @cached_property
    def positions(self) -> list[int]:
        """Position of each of the N tokens within its own sequence."""
        return [position for piece in self.slices for position in piece.positions]

    @cached_property
    def logit_indices(self) -> list[int]:
        """Indices into the packed row that need logits, in order of the slices."""
        return [index for piece in self.slices for index in piece.logit_indices]

    @cached_property
    def branched(self) -> bool:
        """Whether there are texts side by side."""
        return any(piece.branches for piece in self.slices)


def pack(parts: Sequence[tuple[KVCache, Sequence[int], int]], *, watches: Mapping[int, Recorder] = _NOBODY) -> Batch:
    """A batch from (cache, new token ids, logit rows) of each sequence; `watches` by the index of a part.

    Raises ValueError for a part without tokens, with more logit rows than tokens, or for one cache given twice.
    """
    slices, start, seen = [], 0, set()
    for index, (cache, token_ids, logit_rows) in enumerate(parts):
        if not token_ids or not 0 <= logit_rows <= len(token_ids):
            raise ValueError(f"{len(token_ids)} tokens cannot give {logit_rows} rows of logits")
        if id(cache) in seen:
            raise ValueError("a sequence can be in a step only once")
        seen.add(id(cache))
        slices.append(SequenceSlice(cache, tuple(token_ids), start, cache.length, logit_rows, watch=watches.get(index)))
        start += len(token_ids)
    return Batch(tuple(slices))


def pack_branches(cache: KVCache, texts: Sequence[tuple[Sequence[int], int]]) -> Batch:
    """A step over texts that each go on behind `cache`, which stays as it is: (token ids, logit rows) of each.

    Raises ValueError for a text without tokens, with more logit rows than tokens, or for no text.
    """
    branches = tuple(Branch(len(ids), logit_rows) for ids, logit_rows in texts)
    if not branches or not all(branch.tokens and 0 <= branch.logit_rows <= branch.tokens for branch in branches):
        raise ValueError(f"{branches} cannot be read")
    ids = tuple(token_id for text, _ in texts for token_id in text)
    rows = sum(branch.logit_rows for branch in branches)
    return Batch((SequenceSlice(cache, ids, 0, cache.length, rows, branches=branches),))
