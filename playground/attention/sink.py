"""The tokens on which attention rests when it has nothing to read, and weights without them.

Language models park attention on their first token: it takes nearly half of it in small ones, whatever it says. (Xiao
et al. 2023, "Efficient Streaming Language Models with Attention Sinks", name it; Barbero et al. 2025, "Why do LLMs
attend to the first token?", explain it as a way not to mix.) Owns the share of such tokens and their removal. Knows
no layers.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

FIRST_TOKEN = (0,)
LEAST_TIMES_CHANCE = 2.0
RESTING_SHARE = 0.3
"""A head with more than this part of its attention on the sink rests there: the bound of Gu et al. 2024, "When
Attention Sink Emerges in Language Models"."""


def resting_places(average: Tensor, candidates: Iterable[int]) -> tuple[int, ...]:
    """Those of the keys `candidates` on which attention rests, ascending; () where it rests on none.

    `average` [keys] is the mean of all rows. Models that look both ways rest on the tokens that stand around every text
    ([CLS], [SEP], </s>; Clark et al. 2019, "What Does BERT Look at?"), mostly, not always: what counts has at least
    LEAST_TIMES_CHANCE times an even share, and all together have RESTING_SHARE.
    """
    least = LEAST_TIMES_CHANCE / max(1, len(average))
    found = tuple(sorted({key for key in candidates if float(average[key]) >= least}))
    return found if float(average[list(found)].sum()) >= RESTING_SHARE else ()


def share(weights: Tensor, positions: Iterable[int] = FIRST_TOKEN, *, first: int = 0) -> Tensor:
    """The part of each row that rests on `positions`: [..., keys] -> [...]. The keys begin with position `first`."""
    columns = _columns(weights, positions, first)
    return weights[..., columns].sum(-1) if columns else weights.new_zeros(weights.shape[:-1])


def remove_(weights: Tensor, positions: Iterable[int] = FIRST_TOKEN, *, first: int = 0) -> Tensor:
    """`weights` [..., keys] without the weight on `positions`, in place; what is left is not stretched."""
    columns = _columns(weights, positions, first)
    if columns:
        weights[..., columns] = 0.0
    return weights


def without(weights: Tensor, positions: Iterable[int] = FIRST_TOKEN, *, first: int = 0) -> Tensor:
    """A copy of `weights` [..., keys] without `positions`, its rows stretched to sum 1; a row with nothing left is
    zero."""
    return normalise_(remove_(weights.clone(), positions, first=first))


def normalise_(weights: Tensor) -> Tensor:
    """Rows [..., keys] stretched to sum 1, in place. A row with nothing in it stays zero and never becomes NaN."""
    total = weights.sum(-1, keepdim=True)
    # Sums below the smallest normal number have no digits left that one could stretch.
    empty = total < torch.finfo(weights.dtype).tiny
    weights.div_(total.masked_fill_(empty, 1.0))
    return weights.masked_fill_(empty, 0.0) if bool(empty.any()) else weights


def _columns(weights: Tensor, positions: Iterable[int], first: int) -> list[int]:
    keys = weights.shape[-1]
    return sorted({position - first for position in positions if first <= position < first + keys})
