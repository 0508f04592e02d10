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
        return [position for piece in self.slices for position in range(piece.position, piece.total)]

    @cached_property
    def logit_indices(self) -> list[int]:
        """Indices into the packed row that need logits, in order of the slices."""
        return [index for piece in self.slices for index in range(piece.stop - piece.logit_rows, piece.stop)]


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
