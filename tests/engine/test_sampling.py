from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine import sampling
from playground.engine.sampling import fresh_seed, make_sampler
from playground.messages import SamplingParams

PLAIN = SamplingParams(temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=1.0)
ROUNDING = 1e-6


def params(**changes) -> SamplingParams:
    return SamplingParams(**{**PLAIN.__dict__, **changes})


def reference(logits: torch.Tensor, chosen: SamplingParams, context: list[int]) -> torch.Tensor:
    """The distribution by the book: everything sorted, one filter after the other."""
    logits = logits.double().clone()
    for token_id in set(context):
        value = logits[token_id]
        logits[token_id] = value * chosen.repetition_penalty if value < 0 else value / chosen.repetition_penalty
    probabilities = torch.softmax(logits / chosen.temperature, 0)
    if 0 < chosen.top_k < len(logits):
        kept = set(logits.topk(chosen.top_k).indices.tolist())
        for token_id in set(range(len(logits))) - kept:
            probabilities[token_id] = 0
        probabilities /= probabilities.sum()
    if chosen.top_p < 1:
        mass = 0.0
        for token_id in probabilities.argsort(descending=True).tolist():
            before, mass = mass, mass + float(probabilities[token_id])
            if before >= chosen.top_p:
                probabilities[token_id] = 0
        probabilities /= probabilities.sum()
    if chosen.min_p > 0:
        probabilities[probabilities < chosen.min_p * probabilities.max()] = 0
    return probabilities / probabilities.sum()


def ours(logits: torch.Tensor, chosen: SamplingParams, context: list[int]) -> torch.Tensor:
    """The exact distribution that the sampler draws from."""
    room = sampling._Room()
    room.take(logits)
    sampling._Penalty(chosen.repetition_penalty, context).apply(room.logits)
    ids, weights = sampling._distribution(room, chosen, float(room.logits.max()))
    full = torch.zeros(len(logits), dtype=torch.float64)
    full[ids if ids is not None else torch.arange(len(logits))] = weights
    return full / full.sum()


@settings(max_examples=150, deadline=None)
@given(
    size=st.sampled_from([3, 50, 999, 1000, 1001, 4000]),
    spread=st.sampled_from([0.01, 1.0, 5.0]),
    temperature=st.sampled_from([0.3, 1.0, 3.0]),
    top_k=st.sampled_from([0, 1, 5, 40, 2000]),
    top_p=st.sampled_from([0.1, 0.5, 0.95, 0.999, 1.0]),
    min_p=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    penalty=st.sampled_from([1.0, 1.3, 0.8]),
    seed=st.integers(0, 10**6),
)
def test_the_distribution_is_that_of_the_book(size, spread, temperature, top_k, top_p, min_p, penalty, seed):
    logits = torch.randn(size, generator=torch.Generator().manual_seed(seed)) * spread
    chosen = params(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, repetition_penalty=penalty)
    context = [0, 1, size - 1]
    found = ours(logits, chosen, context)
    # Whether the token on the edge of the mass still belongs to it is a matter of rounding.
    edges = {top_p, top_p - ROUNDING, top_p + ROUNDING} if top_p < 1.0 else {top_p}
    expected = [reference(logits, replace(chosen, top_p=edge), context) for edge in sorted(edges)]
    nearest = min(expected, key=lambda one: float((found - one).abs().max()))
    torch.testing.assert_close(found, nearest, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("changes", [{}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 2.0, "min_p": 0.1}])
def test_draws_follow_the_distribution(changes):
    logits, chosen = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, 1.5]), params(**changes)
    sample = make_sampler(chosen, torch.Generator().manual_seed(4))
    counts = torch.zeros(6, dtype=torch.float64)
    for _ in range(6000):
        counts[sample(logits).id] += 1
    expected = reference(logits, chosen, [])
    assert torch.all(counts[expected == 0] == 0)
    torch.testing.assert_close(counts / 6000, expected, atol=0.03, rtol=0)


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    logits = torch.randn(500)

    def draws(seed: int) -> list[int]:
        sample = make_sampler(params(), torch.Generator().manual_seed(seed))
        return [sample(logits).id for _ in range(20)]

    assert draws(1) == draws(1) != draws(2)


def test_tokens_that_swap_ranks_by_a_hair_do_not_change_the_draw():
    logits = torch.randn(200)
    logits[:100] = 1.0
    nearly = logits + torch.randn(200) * 1e-6
    draws = [
        [make_sampler(params(top_k=150), torch.Generator().manual_seed(seed))(row).id for seed in range(60)]
        for row in (logits, nearly)
    ]
    assert draws[0] == draws[1]


def test_a_greedy_sampler_takes_the_likeliest():
    assert make_sampler(params(temperature=0), torch.Generator())(torch.tensor([0.0, 3.0, 1.0])).id == 1


def test_the_penalty_counts_the_prompt_and_what_was_chosen():
    sample = make_sampler(params(temperature=0, repetition_penalty=2.0), torch.Generator(), context_ids=[0])
    logits = torch.tensor([5.0, 4.0, 3.0, -9.0])
    assert [sample(logits).id for _ in range(3)] == [1, 2, 0]


def test_a_penalty_makes_negative_logits_smaller():
    sample = make_sampler(params(temperature=0, repetition_penalty=3.0), torch.Generator(), context_ids=[0])
    assert sample(torch.tensor([-1.0, -2.0])).id == 1


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("logits", "changes", "expected"),
    [
        ([0.0, NAN, 1.0], {"temperature": 0}, 2),
        ([0.0, INF, 1.0], {}, 1),
        ([NAN, NAN, NAN], {}, 0),
        ([-INF, -INF, -INF], {"top_k": 2}, 0),
        ([-INF, 2.0, -INF], {}, 1),
        ([1.0, 1.1, 0.0], {"temperature": 1e-9}, 1),
        ([1.0, 1.1, 0.0], {"temperature": 1e-320}, 1),
        ([1.0, 1.1, 0.0], {"temperature": -1.0}, 1),
        ([1.0, 1.1, 0.0], {"temperature": NAN}, 1),
        ([1.0, 1.1, 0.0], {"top_p": 0.0}, 1),
        ([1.0, 1.1, 0.0], {"top_p": -1.0}, 1),
        ([1.0, 1.1, 0.0], {"top_k": 1}, 1),
        ([1.0, 1.1, 0.0], {"min_p": 1.0}, 1),
        ([1.0, 1.1, 0.0], {"min_p": 2.0}, 1),
        ([1.0, 1.1, -INF], {"temperature": INF, "top_k": 1}, 1),
    ],
)
def test_odd_input_falls_to_the_likeliest_token(logits, changes, expected):
    chosen = params(alternatives=3, **changes)
    for seed in range(5):
        assert make_sampler(chosen, torch.Generator().manual_seed(seed))(torch.tensor(logits)).id == expected


@pytest.mark.parametrize("penalty", [0.0, -1.0, NAN, INF])
def test_a_senseless_penalty_does_nothing(penalty):
    sample = make_sampler(params(temperature=0, repetition_penalty=penalty), torch.Generator(), context_ids=[1, 99])
    assert sample(torch.tensor([0.0, 3.0, 1.0])).id == 1


def test_probabilities_are_natural_whatever_the_filters():
    logits = torch.randn(300)
    chosen = params(temperature=0.5, top_k=2, repetition_penalty=1.5, alternatives=5)
    choice = make_sampler(chosen, torch.Generator().manual_seed(0), context_ids=[3])(logits)
    natural = torch.log_softmax(logits, 0)
    assert choice.logprob == pytest.approx(float(natural[choice.id]), abs=1e-4)
    assert [token_id for token_id, _ in choice.alternatives] == natural.topk(5).indices.tolist()
    assert [value for _, value in choice.alternatives] == pytest.approx(natural.topk(5).values.tolist(), abs=1e-4)


def test_no_probabilities_are_computed_unless_asked_for():
    choice = make_sampler(params(), torch.Generator())(torch.randn(10))
    assert choice.logprob is None and choice.alternatives == ()


def test_more_alternatives_than_tokens_gives_all_tokens():
    choice = make_sampler(params(alternatives=20), torch.Generator())(torch.randn(4))
    assert len(choice.alternatives) == 4


def test_fresh_seeds_are_32_bits_and_differ():
    seeds = {fresh_seed() for _ in range(50)}
    assert len(seeds) == 50 and all(0 <= seed < 2**32 for seed in seeds)
