"""How the next token is chosen from the logits.

Owns penalties, filters, the random generator and log-probabilities. Knows ids and numbers only: no text, no model.

The order is: grammar, repetition penalty, temperature, top-k, top-p, min-p, draw. The filters all keep a prefix of the
tokens in order of probability, so some hundred candidates suffice nearly always and the vocabulary need not be sorted.
It stays exact: probabilities are divided by the sum over the whole vocabulary (or the k that top-k keeps), and where a
filter might reach beyond the candidates, more are looked at, in the end all. The draw takes one uniform number per
token and inverts the cumulative distribution in order of ids, so near-equal tokens that swap ranks do not change the
draw.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from playground.engine import top_tokens
from playground.engine.grammar import GrammarMatcher
from playground.messages import SamplingParams

CANDIDATES = 250
_LEAST = -1e30


@dataclass(frozen=True)
class Choice:
    """The chosen id; its natural log-probability and the likeliest (id, log-probability) where asked for."""

    id: int
    logprob: float | None = None
    alternatives: tuple[tuple[int, float], ...] = ()


Sampler = Callable[[torch.Tensor], Choice]
"""Takes the logits [vocabulary] of one sequence in float32 and returns what comes next."""


def fresh_seed() -> int:
    """A random 32-bit seed, for a request without one."""
    return secrets.randbits(32)


def make_sampler(
    params: SamplingParams,
    generator: torch.Generator,
    *,
    context_ids: Sequence[int] = (),
    matcher: GrammarMatcher | None = None,
) -> Sampler:
    """A sampler for one sequence, whose tokens so far are `context_ids`. It remembers what it has chosen.

    `generator` lives on the CPU and belongs to this sequence alone. Odd logits and parameters never raise: where no
    distribution is left, the likeliest token comes. With a `matcher`, which belongs to the sequence as well, only what
    it allows is looked at at all; what it raises is raised here.
    """
    penalty, room = _Penalty(params.repetition_penalty, context_ids), _Room()

    def sample(logits: torch.Tensor) -> Choice:
        room.take(logits)
        allowed = None if matcher is None else room.keep(matcher.allowed(len(logits)))
        likeliest = _likeliest(room, params.alternatives) if params.alternatives > 0 else None
        penalty.apply(room.logits)
        chosen = _draw(room, params, generator)
        if matcher is not None and allowed is not None:
            # The last of a draw's candidates may be one of weight 0.
            chosen = chosen if allowed[chosen] else top_tokens.argmax(room.logits)
            matcher.take(chosen)
        penalty.add(chosen)
        return Choice(chosen) if likeliest is None else likeliest.choice(chosen, float(logits[chosen]))

    return sample


class _Room:
    """Two vectors as long as the vocabulary. They are kept: temporaries of that size are new memory to the system every
    time, and that costs more than what is computed in them."""

    def __init__(self) -> None:
        self.logits = self.weights = torch.empty(0)

    def take(self, logits: torch.Tensor) -> None:
        """Copy the logits, NaN as what never comes."""
        if len(self.logits) != len(logits):
            self.logits, self.weights = torch.empty(len(logits)), torch.empty(len(logits))
        self.logits.copy_(logits.detach())
        self.logits.nan_to_num_(nan=-math.inf, posinf=math.inf, neginf=-math.inf)

    def keep(self, allowed: torch.Tensor) -> torch.Tensor:
        """Leave only the `allowed` (bool [vocabulary]); those come before all others, whatever a model gives them."""
        self.logits.clamp_(min=_LEAST).masked_fill_(~allowed, -math.inf)
        return allowed

    def exponentials(self, highest: float, inverse: float = 1.0) -> torch.Tensor:
        """exp((logits - highest) * inverse), valid until the next call."""
        return torch.sub(self.logits, highest, out=self.weights).mul_(inverse).exp_()


class _Penalty:
    """Logits of tokens that came before are divided by the penalty, negative ones multiplied."""

    def __init__(self, penalty: float, context_ids: Sequence[int]) -> None:
        self._active = math.isfinite(penalty) and penalty > 0 and penalty != 1.0
        self._penalty = penalty
        self._seen = set(context_ids) if self._active else set()
        self._ids = torch.tensor(sorted(self._seen), dtype=torch.long)

    def apply(self, logits: torch.Tensor) -> None:
        """In place."""
        if not self._active or not len(self._ids):
            return
        ids = self._ids[self._ids < len(logits)]
        scores = logits[ids]
        logits[ids] = torch.where(scores < 0, scores * self._penalty, scores / self._penalty)

    def add(self, token_id: int) -> None:
        if self._active and token_id not in self._seen:
            self._seen.add(token_id)
            self._ids = torch.cat([self._ids, torch.tensor([token_id])])


def _draw(room: _Room, params: SamplingParams, generator: torch.Generator) -> int:
    """The id that comes next. Takes exactly one number from the generator unless the choice is greedy."""
    logits = room.logits
    highest = float(logits.amax())
    if not params.temperature > 0 or not math.isfinite(highest):
        return top_tokens.argmax(logits)
    uniform = float(torch.rand(1, generator=generator, dtype=torch.float64))
    ids, probabilities = _distribution(room, params, highest)
    cumulative = probabilities.cumsum(0)
    total = float(cumulative[-1])
    if not (math.isfinite(total) and total > 0):
        return top_tokens.argmax(logits)
    index = int(torch.searchsorted(cumulative, torch.tensor(uniform * total, dtype=torch.float64), right=True))
    return int(ids[min(index, len(ids) - 1)]) if ids is not None else min(index, len(logits) - 1)


def _distribution(room: _Room, params: SamplingParams, highest: float) -> tuple[torch.Tensor | None, torch.Tensor]:
    """(ids in ascending order, weights in float64) of what the filters keep; ids None: the whole vocabulary."""
    logits = room.logits
    inverse = 1.0 / max(params.temperature, 1e-30)
    top_k = params.top_k if 0 < params.top_k < len(logits) else 0
    top_p = params.top_p if params.top_p < 1 else 1.0
    min_p = params.min_p if params.min_p > 0 else 0.0
    mass = 0.0
    if not top_k:
        everything = room.exponentials(highest, inverse)
        if top_p == 1.0 and not min_p:
            return None, everything.double()
        mass = float(everything.sum(dtype=torch.float64))
    for count in (top_k,) if top_k else _candidate_counts(len(logits)):
        values, ids = top_tokens.topk(logits, count)
        weights = (values.double() - highest).mul_(inverse).exp_()
        kept = _kept_prefix(weights, float(weights.sum()) if top_k else mass, top_p, min_p)
        if kept < count or top_k or count == len(logits):
            break
    ids, order = ids[:kept].sort()
    return ids, weights[:kept][order]


def _candidate_counts(vocabulary: int) -> list[int]:
    """How many candidates to look at, one after the other: a flat distribution needs more."""
    return [*(count for count in (CANDIDATES, 16 * CANDIDATES) if count < vocabulary), vocabulary]


def _kept_prefix(weights: torch.Tensor, total: float, top_p: float, min_p: float) -> int:
    """How many of the descending `weights` the filters keep: at least one, all where none of them ends the prefix."""
    kept = len(weights)
    if top_p < 1.0:
        # A token stays while the mass before it is below top_p, so the kept mass reaches top_p.
        mass_before = (weights.cumsum(0) - weights) / total
        kept = min(kept, int((mass_before < top_p).sum()))
    if min_p > 0.0:
        kept = min(kept, int((weights >= min_p * float(weights[0])).sum()))
    return max(1, kept)


@dataclass(frozen=True)
class _Likeliest:
    """The likeliest ids with their log-probabilities before penalties and filters. `normaliser` is the logarithm of the
    sum of all exponentials; not finite where there is no distribution."""

    pairs: tuple[tuple[int, float], ...]
    normaliser: float

    def choice(self, chosen: int, logit: float) -> Choice:
        if not math.isfinite(self.normaliser):
            return Choice(chosen)
        return Choice(chosen, logit - self.normaliser, self.pairs)


def _likeliest(room: _Room, count: int) -> _Likeliest:
    highest = float(room.logits.amax())
    if not math.isfinite(highest):
        return _Likeliest((), math.inf)
    normaliser = highest + math.log(float(room.exponentials(highest).sum()))
    values, ids = top_tokens.topk(room.logits, min(count, len(room.logits)))
    pairs = ((id_, value) for id_, value in zip(ids.tolist(), values.tolist(), strict=True) if value > _LEAST)
    return _Likeliest(tuple((token_id, value - normaliser) for token_id, value in pairs), normaliser)
