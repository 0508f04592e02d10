"""Who may see which run, and how many runs are kept."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.attention.words import words
from playground.engine.recording import LayerRecord, Recording
from playground.errors import NotFound
from playground.ui.attention_runs import AttentionRuns, Run

TEXTS = ("The", " cat", " sat", ".")


def recording(tokens: int = 4, layers: int = 2, heads: int = 4, seed: int = 0) -> Recording:
    made = torch.Generator().manual_seed(seed)
    records = tuple(
        LayerRecord(
            torch.randn(heads, tokens, 8, generator=made) * 3, torch.randn(2, tokens, 8, generator=made),
            torch.randn(2, tokens, 8, generator=made), 8**-0.5,
        )
        for _ in range(layers)
    )  # fmt: skip
    logits = torch.randn(60, generator=made) * 4
    return Recording(tuple(range(tokens)), records, logits, torch.zeros(layers + 1, 8), deviation=1e-6)


def run_of(owner: str, name: str = "run", texts: tuple[str, ...] = TEXTS, seed: int = 0) -> Run:
    recorded = recording(len(texts), seed=seed)
    logits, ids = recorded.logits.topk(40)
    likely = tuple((f"t{token}", logit) for token, logit in zip(ids.tolist(), logits.tolist(), strict=True))
    return Run(owner, name, "Tiny", "".join(texts), texts, words(texts), likely, recorded)


def test_a_run_is_found_by_its_owner_alone() -> None:
    runs = AttentionRuns()
    runs.keep(run_of("ann"))
    assert runs.find("ann", "run").text == "The cat sat."
    for owner, name in (("bob", "run"), ("", "run"), ("ann", "other")):
        with pytest.raises(NotFound):
            runs.find(owner, name)


def test_one_owner_never_pushes_out_anothers_run_by_their_number() -> None:
    runs = AttentionRuns(most_of_owner=2)
    runs.keep(run_of("bob", "precious"))
    for number in range(5):
        runs.keep(run_of("ann", f"run {number}"))
    assert runs.find("bob", "precious") and runs.find("ann", "run 4") and runs.find("ann", "run 3")
    with pytest.raises(NotFound):
        runs.find("ann", "run 2")


def test_a_run_larger_than_the_budget_is_kept_while_it_is_the_newest() -> None:
    runs = AttentionRuns(most_bytes=1)
    runs.keep(run_of("ann", "first"))
    runs.keep(run_of("ann", "second"))
    assert runs.find("ann", "second")
    with pytest.raises(NotFound):
        runs.find("ann", "first")


@given(st.lists(st.tuples(st.sampled_from("kf"), st.sampled_from(["ann", "bob"]), st.integers(0, 5)), max_size=40))
def test_in_any_order_the_least_used_run_goes_first_and_nobody_gets_anothers(
    events: list[tuple[str, str, int]],
) -> None:
    size = run_of("ann").recording.nbytes
    runs = AttentionRuns(most_bytes=3 * size, most_of_owner=6)
    used: list[tuple[str, str]] = []
    for event, owner, number in events:
        name = f"{owner}'s {number}"
        if event == "k":
            runs.keep(run_of(owner, name))
            used = [*[entry for entry in used if entry[1] != name][-2:], (owner, name)]
            continue
        for visitor in ("ann", "bob"):
            if (visitor, name) in used:
                assert runs.find(visitor, name).owner == visitor
                used.remove((visitor, name))
                used.append((visitor, name))
            else:
                with pytest.raises(NotFound):
                    runs.find(visitor, name)
