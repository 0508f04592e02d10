"""Which keys a token may see where several texts go on side by side behind one beginning.

Owns the cut of such texts into groups that are attended to together, their masks, and on which threads they are.
Knows no cache; the attention itself is a function that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from playground.engine.batch import Branch
from playground.kernels.library import Library

GROUP_TOKENS = 128
"""Texts of a group are told apart by a mask, so their tokens are compared with those of all others in vain: small
groups waste less of that, large ones fewer calls. Measured best of 64 to 512 for texts of 30 tokens."""

AttendRows = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Attention of rows: query, keys, values [heads, tokens, size] and a mask -> [heads, rows, size]."""


class BranchGroups:
    """The groups of some `branches`, each a part of their rows without a gap; at least `parts` of them if that can be.

    `before` is the number of tokens that all follow.
    """

    def __init__(self, branches: Sequence[Branch], before: int, *, parts: int = 1) -> None:
        self._before = before
        lengths = [branch.tokens for branch in branches]
        self._texts = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
        self._positions = torch.cat([torch.arange(before, before + length) for length in lengths])
        self.rows: tuple[slice, ...] = tuple(_cut(lengths, min(GROUP_TOKENS, -(-sum(lengths) // parts))))
        self._masks: dict[tuple[int, int | None], Tensor] = {}

    def first_seen(self, window: int | None) -> int:
        """The first token of what they follow that any of them sees."""
        return 0 if window is None else max(0, self._before + 1 - window)

    def mask(self, group: int, *, window: int | None, device: torch.device) -> Tensor:
        """Boolean [rows, keys], true where a row of a group may look; the keys are those of what they follow, from
        `first_seen` on, and then those of the rows."""
        found = self._masks.get((group, window))
        if found is None:
            rows = self.rows[group]
            texts, positions = self._texts[rows], self._positions[rows]
            ahead = torch.arange(self.first_seen(window), self._before)
            seen = torch.cat([ahead, positions])
            own = torch.cat([torch.ones(len(texts), len(ahead), dtype=torch.bool), texts[:, None] == texts], dim=1)
            found = own & (seen <= positions[:, None])
            if window is not None:
                found &= seen > positions[:, None] - window
            found = self._masks[group, window] = found.to(device)
        return found

    def attend(
        self,
        own: tuple[Tensor, Tensor, Tensor],
        before: tuple[Tensor, Tensor] | None,
        attend_rows: AttendRows,
        *,
        window: int | None,
        library: Library | None,
    ) -> Tensor:
        """Attention of all rows, [heads, rows, size]. `own`: their query, key and value; `before`: keys and values of
        what they follow, from `first_seen` on. With a `library` its threads share the groups."""
        count = len(self.rows)
        some = partial(self._attend_some, own, before, attend_rows, window)
        parts = 1 if library is None else min(library.threads, count)
        bounds = [range(part * count // parts, (part + 1) * count // parts) for part in range(parts)]
        if library is None or parts == 1:
            return some(range(count))
        return torch.cat(library.share([partial(some, indices) for indices in bounds]), dim=1)

    def _attend_some(
        self,
        own: tuple[Tensor, Tensor, Tensor],
        before: tuple[Tensor, Tensor] | None,
        attend_rows: AttendRows,
        window: int | None,
        indices: range,
    ) -> Tensor:
        found = []
        for index in indices:
            query, keys, values = (part[:, self.rows[index]] for part in own)
            if before is not None:
                keys, values = torch.cat([before[0], keys], dim=1), torch.cat([before[1], values], dim=1)
            found.append(attend_rows(query, keys, values, self.mask(index, window=window, device=query.device)))
        return torch.cat(found, dim=1)


def _cut(lengths: Sequence[int], most: int) -> list[slice]:
    found, start, end = [], 0, 0
    for length in lengths:
        if end > start and end + length - start > most:
            found.append(slice(start, end))
            start = end
        end += length
    return [*found, slice(start, end)]
