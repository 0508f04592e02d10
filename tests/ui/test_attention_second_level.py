"""The handlers of the second level: whose run, which numbers, how many experiments at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from playground.attention.weights import head_rows
from playground.engine.engine import Engine
from playground.errors import InvalidInput
from playground.ui.attention_runs import Run
from playground.ui.edge import answered
from playground.ui.tabs.attention import AttentionTab
from playground.ui.visitors import owner_of
from tests.ui.conftest import make_services, until
from tests.ui.tiny_runs import reopen, tiny_run

VISITORS: list[Any] = [SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={}) for name in "abcdef"]
HEAD = {"run": "run", "layer": 1, "head": 2, "query": 8}


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Engine, Run]]:
    with tiny_run("llama") as both:
        yield both


@pytest.fixture
def tab(made: tuple[Engine, Run], tmp_path: Path) -> AttentionTab:
    """A tab in which the first visitor has a run."""
    engine, run = made
    tab = AttentionTab(make_services(engine, tmp_path, PLAYGROUND_SHARED="on"))  # type: ignore[arg-type]
    tab.runs.keep(replace(run, owner=owner_of(VISITORS[0], shared=True), id="run"))
    return tab


def functions_of(tab: AttentionTab) -> list[Any]:
    return [answered(one) for one in (tab.steps, tab.layer_heads, tab.layer_guesses, tab.experiment, tab.experiments)]


def test_only_its_owner_gets_the_second_level_of_a_run(tab: AttentionTab) -> None:
    asked = {**HEAD, "heads": [[1, 2]]}
    for function in functions_of(tab):
        assert "error" not in function(asked, VISITORS[0])
        refused = function(asked, VISITORS[1])
        assert list(refused) == ["error"] and refused == function({**asked, "run": "none"}, VISITORS[1])


@pytest.mark.parametrize(
    "wild",
    [
        {"layer": 99}, {"head": -1}, {"layer": "1"}, {"query": 10**9}, {"query": None}, {"query": [8]}, {"key": 1e9},
        {"key": "<script>"}, {"temperature": 0}, {"temperature": "warm"}, {"layer": None, "head": None},
    ],
)  # fmt: skip
def test_what_is_not_in_the_run_is_refused_with_a_sentence(tab: AttentionTab, wild: dict[str, Any]) -> None:
    refused = answered(tab.steps)({**HEAD, **wild}, VISITORS[0])
    assert list(refused) == ["error"] and refused["error"].endswith(".") and "reference" not in refused["error"]


@pytest.mark.parametrize("wild", [{}, {"heads": [[9, 9]]}, {"heads": "all"}, {"tokens": [True]}, {"layers": {"a": 1}}])
def test_an_experiment_with_nothing_or_nonsense_is_refused_and_leaves_its_place(
    tab: AttentionTab, wild: dict[str, Any]
) -> None:
    refused = answered(tab.experiment)({"run": "run", **wild}, VISITORS[0])
    assert refused["error"].endswith(".") and "reference" not in refused["error"]
    assert tab.experiment({"run": "run", "layers": [0]}, VISITORS[0])["changes"]


def test_without_a_key_the_strongest_look_is_explained(tab: AttentionTab, made: tuple[Engine, Run]) -> None:
    weights = head_rows(made[1].recording.layers[1], 2, (8,))[0]
    assert tab.steps(HEAD, VISITORS[0])["key"]["index"] == int(weights.argmax())
    weights[0] = 0
    assert tab.steps({**HEAD, "hide_first": True}, VISITORS[0])["key"]["index"] == int(weights.argmax())
    assert tab.steps({**HEAD, "key": 3}, VISITORS[0])["key"]["index"] == 3


def test_experiments_are_listed_with_their_run_alone(tab: AttentionTab, made: tuple[Engine, Run]) -> None:
    tab.runs.keep(replace(made[1], owner=owner_of(VISITORS[0], shared=True), id="other"))
    made_here = [tab.experiment({"run": "run", "heads": [[0, head]]}, VISITORS[0]) for head in range(3)]
    tab.experiment({"run": "other", "layers": [0]}, VISITORS[0])
    listed = tab.experiments({"run": "run"}, VISITORS[0])["experiments"]
    assert listed == made_here and [one["edit"]["heads"] for one in listed] == [[[0, head]] for head in range(3)]


def test_a_visitor_makes_one_experiment_at_a_time(
    tab: AttentionTab, made: tuple[Engine, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = threading.Event(), threading.Event()
    record = made[0].record

    def slowly(*given: Any, **options: Any) -> Any:
        begun.set()
        assert gate.wait(10)
        return record(*given, **options)

    monkeypatch.setattr(made[0], "record", slowly)
    asked = {"run": "run", "layers": [0]}
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(tab.experiment, asked, VISITORS[0])
        until(begun.is_set)
        with pytest.raises(InvalidInput, match="still being made"):
            tab.experiment(asked, VISITORS[0])
        gate.set()
        assert first.result(10)["changes"]
    assert tab.experiment(asked, VISITORS[0])["changes"]


def test_a_model_that_was_switched_is_said_in_the_visitors_language(tmp_path: Path) -> None:
    with tiny_run("llama") as (engine, run):
        tab = AttentionTab(make_services(engine, tmp_path))  # type: ignore[arg-type]
        tab.runs.keep(replace(run, owner="local", id="run"))
        reopen(engine)
        asked = {**HEAD, "heads": [[1, 2]], "language": "zh"}
        steps, *others, listed = (function(asked, VISITORS[0]) for function in functions_of(tab))
        assert "error" not in steps and listed == {"experiments": []}
        assert all("模型" in one["error"] for one in others)
