"""How the next token is chosen from the logits.

Owns penalties, filters, the random generator and log-probabilities. Knows ids and numbers only: no text, no model.

The order is: repetition penalty, temperature, top-k, top-p, min-p, draw. The filters all keep a prefix of the tokens in
order of probability, so some hundred candidates suffice nearly always and the vocabulary need not be sorted. It stays
exact: probabilities are divided by the sum over the whole vocabulary (or the k that top-k keeps), and where a filter
might reach beyond the candidates, more are looked at, in the end all. The draw takes one uniform number per token
and inverts the cumulative distribution in order of ids, so near-equal tokens that swap ranks do not change the draw.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from playground.engine import top_tokens
from playground.messages import SamplingParams

CANDIDATES = 250


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


def make_sampler(params: SamplingParams, generator: torch.Generator, *, context_ids: Sequence[int] = ()) -> Sampler:
    """A sampler for one sequence, whose tokens so far are `context_ids`. It remembers what it has chosen.

    `generator` lives on the CPU and belongs to this sequence alone. Odd logits and parameters never raise: where no
    distribution is left, the likeliest token comes.
    """
    penalty = _Penalty(params.repetition_penalty, context_ids)

    def sample(logits: torch.Tensor) -> Choice:
        raw = torch.nan_to_num(
            logits.detach().to("cpu", torch.float32), nan=-math.inf, posinf=math.inf, neginf=-math.inf
        )
        penalised = penalty.apply(raw)
        chosen = _draw(penalised, params, generator)
        penalty.add(chosen)
        if params.alternatives <= 0:
            return Choice(chosen)
        return _with_logprobs(chosen, raw, params.alternatives)

    return sample


class _Penalty:
    """Logits of tokens that came before are divided by the penalty, negative ones multiplied."""

    def __init__(self, penalty: float, context_ids: Sequence[int]) -> None:
        self._active = math.isfinite(penalty) and penalty > 0 and penalty != 1.0
        self._penalty = penalty
        self._seen = set(context_ids) if self._active else set()
        self._ids = torch.tensor(sorted(self._seen), dtype=torch.long)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        if not self._active or not len(self._ids):
            return logits
        ids = self._ids[self._ids < len(logits)]
        scores = logits[ids]
        return logits.index_put((ids,), torch.where(scores < 0, scores * self._penalty, scores / self._penalty))

    def add(self, token_id: int) -> None:
        if self._active and token_id not in self._seen:
            self._seen.add(token_id)
            self._ids = torch.cat([self._ids, torch.tensor([token_id])])


def _draw(logits: torch.Tensor, params: SamplingParams, generator: torch.Generator) -> int:
    """The id that comes next. Takes exactly one number from the generator unless the choice is greedy."""
    highest = float(logits.amax())
    if not params.temperature > 0 or not math.isfinite(highest):
        return top_tokens.argmax(logits)
    uniform = float(torch.rand(1, generator=generator, dtype=torch.float64))
    ids, probabilities = _distribution(logits, params, highest)
    cumulative = probabilities.cumsum(0)
    total = float(cumulative[-1])
    if not (math.isfinite(total) and total > 0):
        return top_tokens.argmax(logits)
    index = int(torch.searchsorted(cumulative, torch.tensor(uniform * total, dtype=torch.float64), right=True))
    return int(ids[min(index, len(ids) - 1)]) if ids is not None else min(index, len(logits) - 1)


def _distribution(
    logits: torch.Tensor, params: SamplingParams, highest: float
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """(ids in ascending order, weights in float64) of what the filters keep; ids None: the whole vocabulary."""
    inverse = 1.0 / max(params.temperature, 1e-30)
    top_k = params.top_k if 0 < params.top_k < len(logits) else 0
    top_p = params.top_p if params.top_p < 1 else 1.0
    min_p = params.min_p if params.min_p > 0 else 0.0
    everything = None
    if not top_k:
        everything = (logits - highest).mul_(inverse).exp_()
        if top_p == 1.0 and not min_p:
            return None, everything.double()
    for count in (top_k,) if top_k else _candidate_counts(len(logits)):
        values, ids = top_tokens.topk(logits, count)
        weights = (values.double() - highest).mul_(inverse).exp_()
        total = weights.sum() if everything is None else everything.sum(dtype=torch.float64)
        kept = _kept_prefix(weights, float(total), top_p, min_p)
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


def _with_logprobs(chosen: int, raw: torch.Tensor, count: int) -> Choice:
    normaliser = float(raw.logsumexp(0))
    if not math.isfinite(normaliser):
        return Choice(chosen)
    values, ids = top_tokens.topk(raw, min(count, len(raw)))
    pairs = zip(ids.tolist(), values.tolist(), strict=True)
    likeliest = tuple((token_id, value - normaliser) for token_id, value in pairs)
    return Choice(chosen, float(raw[chosen]) - normaliser, likeliest)
