"""The tour shows the head that a run has, and does not claim what it does not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from playground.engine.recording import Recording
from playground.errors import InvalidInput, NotFound
from playground.ui.attention_runs import AttentionRuns, Run
from playground.ui.attention_tour import clearest_head_view
from playground.ui.attention_view import Choice, unit_rows
from tests.attention.random_records import layer_of
from tests.ui.test_attention_runs import run_of

TEXTS = ("The", " trophy", " was", " too", " big", ";", " it")
QUERY, KEY = [6, 7], [1, 2]


def run_with(*last_rows: list[float]) -> Run:
    """A run of one layer; each head's last token reads as told, the others from themselves."""
    weights = torch.eye(len(TEXTS)).repeat(len(last_rows), 1, 1)
    weights[:, -1] = torch.tensor(last_rows)
    layer = layer_of(weights)
    run = run_of("ann", texts=TEXTS)
    return replace(run, recording=Recording(run.recording.token_ids, (layer,), torch.zeros(50), torch.zeros(2, 8)))


CLEAR = [0.3, 0.6, 0.0, 0.0, 0.1, 0.0, 0.0]
RESTING = [0.95, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0]
ELSEWHERE = [0.1, 0.35, 0.0, 0.0, 0.45, 0.0, 0.1]


def test_the_head_is_the_one_that_looks_there_most_and_its_share_is_what_the_page_shows() -> None:
    run = run_with(ELSEWHERE, CLEAR, RESTING)
    for choice in (Choice(words=True), Choice(words=True, hide_first=True)):
        found = clearest_head_view(run, choice, QUERY, KEY)
        assert (found["layer"], found["head"], found["clear"]) == (0, 1, True)
        shown = unit_rows(run, replace(choice, layer=0, head=1), 6, 7)[0, 1]
        assert found["share"] == pytest.approx(float(shown), abs=1e-3)


def test_a_head_that_rests_on_the_first_token_is_not_called_clear_however_its_rest_looks() -> None:
    found = clearest_head_view(run_with(RESTING), Choice(hide_first=True), QUERY, KEY)
    assert found["share"] > 0.9 and not found["clear"]


def test_a_head_that_looks_more_at_another_token_is_not_called_clear() -> None:
    assert not clearest_head_view(run_with(ELSEWHERE), Choice(), QUERY, KEY)["clear"]


def test_several_tokens_are_read_together_and_read_as_their_mean() -> None:
    run = run_of("ann", texts=TEXTS)
    found = clearest_head_view(run, Choice(), [5, 7], [1, 4])
    rows = unit_rows(run, Choice(found["layer"], found["head"]), 5, 7)
    assert found["share"] == pytest.approx(float(rows[:, 1:4].sum(1).mean()), abs=1e-3)


@pytest.mark.parametrize(
    ("query", "key"),
    [(None, KEY), ([6, 8], KEY), ([6, 6], KEY), ([-1, 2], KEY), (QUERY, [True, 2]), (QUERY, ["1", 2]), (6, KEY)],
)
def test_places_that_the_run_does_not_have_are_refused(query: Any, key: Any) -> None:
    with pytest.raises(InvalidInput):
        clearest_head_view(run_of("ann", texts=TEXTS), Choice(), query, key)


def test_texts_of_the_tour_push_out_none_of_the_visitors_own() -> None:
    runs = AttentionRuns(most_of_owner=2)
    for name in ("first", "second"):
        runs.keep(run_of("ann", name))
    for number in range(4):
        runs.keep(replace(run_of("ann", f"tour {number}"), guided=True))
    assert runs.find("ann", "first") and runs.find("ann", "second") and runs.find("ann", "tour 3")
    with pytest.raises(NotFound):
        runs.find("ann", "tour 1")
