"""What would come next without a head or a word, and what each layer would say, against the model itself."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from playground.attention.lens import probabilities
from playground.engine.engine import Engine
from playground.engine.recording import Edit, RecordingStopped
from playground.errors import InvalidInput, ModelUnavailable, NotFound
from playground.kernels.library import Library
from playground.ui.attention_runs import Run, make_run
from playground.ui.attention_whatif import (
    WhatIf,
    WhatIfs,
    edit_from_untrusted,
    lens_view,
    next_view,
    what_if,
    what_if_view,
)
from tests.engine.packed_models import FEW, as_floats, distance
from tests.ui.test_attention_runs import run_of
from tests.ui.tiny_runs import HOSTILE, SILENT, TEXT, engine_over, lean_loaded, reopen, tiny_run

EDIT = Edit(frozenset({(0, 1), (2, 3)}))


@pytest.fixture(scope="module", params=["llama", "qwen2", "gemma3"])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Run]]:
    with tiny_run(request.param) as both:
        yield both


def zero_columns(loaded: Any) -> None:
    for layer, head in SILENT:
        weight = loaded.model.model.layers[layer].self_attn.o_proj.weight.data
        weight.unflatten(1, (4, -1))[:, head] = 0


def likeliest(logits: Tensor, temperature: float, count: int = 10) -> list[float]:
    return probabilities(logits, temperature).topk(count).values.tolist()


def near(numbers: list[float]) -> Any:
    return pytest.approx(numbers, abs=2e-5)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_a_head_that_is_switched_off_is_one_whose_columns_of_the_output_projection_are_zero(family: str) -> None:
    with tiny_run(family) as (engine, run):
        result = what_if(engine, run, edit_from_untrusted({"heads": SILENT}, run))
        engine.run(zero_columns)
        expected = engine.record(run.recording.token_ids).logits
        torch.testing.assert_close(result.after, expected, rtol=1e-4, atol=1e-4)
        view = what_if_view(result)
        assert sorted((after for *_, after in view["changes"]), reverse=True)[:10] == near(likeliest(expected, 1.0))
        assert view["moved"] > 0.01


@pytest.mark.parametrize("temperature", [1.0, 0.01, 0.3, 2])
def test_before_and_after_stand_side_by_side_at_any_temperature(made: tuple[Engine, Run], temperature: float) -> None:
    engine, run = made
    result = what_if(engine, run, Edit(hidden_tokens=frozenset({4, 5})))
    view = what_if_view(result, temperature)
    before, after = (probabilities(logits, temperature) for logits in (run.recording.logits, result.after))
    for side, chances in ((1, before), (2, after)):
        shown = sorted((change[side] for change in view["changes"]), reverse=True)[:10]
        assert shown == near(chances.topk(10).values.tolist())
    assert view["moved"] == pytest.approx(float((before - after).abs().sum()) / 2, abs=1e-4)
    assert view["same_answer"] == (int(before.argmax()) == int(after.argmax()))
    assert [max(change[1:]) for change in view["changes"]] == sorted(
        (max(change[1:]) for change in view["changes"]), reverse=True
    )


def test_a_slider_can_compute_any_of_the_temperatures_itself(made: tuple[Engine, Run]) -> None:
    engine, run = made
    result = what_if(engine, run, EDIT)
    odds = what_if_view(result)["odds"]
    for step, temperature in enumerate(odds["temperatures"]):
        shown = {text: sides for text, *sides in what_if_view(result, temperature)["changes"]}
        for text, *logits in odds["tokens"]:
            sums = (odds["log_sums_before"][step], odds["log_sums_after"][step])
            own = [math.exp(logit / temperature - total) for logit, total in zip(logits, sums, strict=True)]
            assert own == pytest.approx(shown[text], abs=1e-4)


def test_the_run_stays_as_it_is(made: tuple[Engine, Run]) -> None:
    engine, run = made
    logits, queries = run.recording.logits.clone(), [layer.query.clone() for layer in run.recording.layers]
    result = what_if(engine, run, EDIT)
    assert not run.recording.edit and result.edit == EDIT and result.run_id == run.id
    assert torch.equal(run.recording.logits, logits)
    assert all(torch.equal(layer.query, old) for layer, old in zip(run.recording.layers, queries, strict=True))
    assert torch.equal(engine.record(run.recording.token_ids).logits, logits)


def test_a_whole_layer_is_all_of_its_heads(made: tuple[Engine, Run]) -> None:
    _, run = made
    edit = edit_from_untrusted({"layers": [1], "heads": [[0, 2]], "tokens": [3]}, run)
    assert edit == Edit(frozenset({(0, 2), (1, 0), (1, 1), (1, 2), (1, 3)}), frozenset({3}))


@pytest.mark.parametrize(
    "data",
    [
        {}, {"heads": []}, {"heads": [[3, 0]]}, {"heads": [[0, 4]]}, {"heads": [0]}, {"heads": "01"}, {"layers": [3]},
        {"layers": [None]}, {"tokens": [-1]}, {"tokens": [999]}, {"tokens": ["1"]}, {"heads": [[0, 0]] * 13},
        {"layers": [True]}, {"tokens": 4},
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused_with_a_sentence(made: tuple[Engine, Run], data: dict) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        edit_from_untrusted(data, made[1])


def test_the_last_layer_of_the_lens_says_what_the_run_says(made: tuple[Engine, Run]) -> None:
    engine, run = made
    for temperature in (1.0, 0.1, 2.0):
        view = lens_view(engine, run, temperature)
        assert [layer["layer"] for layer in view["layers"]] == [0, 1, 2, 3]
        last = view["layers"][-1]
        assert [chance for _, chance in last["guesses"]] == near(likeliest(run.recording.logits, temperature, 5))
        assert last["guesses"][0][0] == view["answer"] and last["answer_rank"] == 1
        assert view["deviation"] < 1e-4


def test_ranks_in_the_lens_do_not_depend_on_the_temperature(made: tuple[Engine, Run]) -> None:
    engine, run = made
    answer = int(run.recording.logits.argmax())
    logits = engine.read_out(run.recording.hidden)
    expected = [int((row > row[answer]).sum()) + 1 for row in logits]
    for temperature in (1.0, 0.01):
        assert [layer["answer_rank"] for layer in lens_view(engine, run, temperature)["layers"]] == expected
    assert max(expected) > 1


@pytest.mark.parametrize("temperature", [1.0, 0.05, 3])
def test_next_tokens_and_all_others_together_are_certain(made: tuple[Engine, Run], temperature: float) -> None:
    _, run = made
    view = next_view(run, temperature)
    assert [chance for _, chance in view["tokens"]] == near(likeliest(run.recording.logits, temperature, 40))
    assert sum(chance for _, chance in view["tokens"]) + view["others"] == pytest.approx(1.0, abs=1e-4)


def test_a_switched_model_is_refused_before_it_reads_the_text() -> None:
    with tiny_run("llama") as (engine, run):
        reopen(engine)
        told: list[int] = []
        for ask in (
            lambda: what_if(engine, run, EDIT, on_progress=lambda done, _: told.append(done)),
            lambda: lens_view(engine, run),
        ):
            with pytest.raises(ModelUnavailable, match="not open any more"):
                ask()
        assert not told and next_view(run)["tokens"]


def test_a_model_that_is_switched_while_the_text_is_read_gives_no_result() -> None:
    with tiny_run("llama") as (engine, run):

        def switch_at_the_end(done: int, total: int) -> None:
            if done == total:
                reopen(engine)

        with pytest.raises(ModelUnavailable, match="not open any more"):
            what_if(engine, run, EDIT, on_progress=switch_at_the_end)


def test_progress_is_told_and_an_experiment_can_be_stopped(made: tuple[Engine, Run]) -> None:
    engine, run = made
    told: list[tuple[int, int]] = []
    what_if(engine, run, EDIT, on_progress=lambda *figures: told.append(figures))
    assert told == [(16, len(TEXT)), (len(TEXT), len(TEXT))]
    cancel = threading.Event()
    with pytest.raises(RecordingStopped):
        what_if(engine, run, EDIT, cancel=cancel, on_progress=lambda *_: cancel.set())


def test_hostile_tokens_stay_text(made: tuple[Engine, Run]) -> None:
    engine, run = made
    views = (what_if_view(what_if(engine, run, EDIT)), lens_view(engine, run))
    texts = engine.token_texts(range(320))
    shown = [text for text, *_ in views[0]["changes"]]
    shown += [text for layer in views[1]["layers"] for text, _ in layer["guesses"]]
    assert set(shown) <= set(texts)
    assert [text for text in shown if text.startswith(HOSTILE)]
    assert json.loads(json.dumps(views[0], allow_nan=False))["changes"] == views[0]["changes"]
    assert json.loads(json.dumps(views[1], allow_nan=False)) == views[1]


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_the_lean_forward_gives_the_same_experiment_and_the_same_lens(library: Library, family: str) -> None:
    loaded = lean_loaded(family, library)
    plain = replace(loaded, model=as_floats(loaded.model), library=None)
    with engine_over(loaded) as engine, engine_over(plain) as other:
        assert engine.state.fast_path and not other.state.fast_path
        run = make_run(engine, "ann", TEXT)
        result = what_if(engine, run, EDIT)
        other.run(zero_columns)
        expected = other.record(run.recording.token_ids).logits
        assert distance(result.after, expected) < FEW
        assert distance(run.recording.logits, expected) > 2 * FEW
        lens = lens_view(engine, run)
        assert lens["deviation"] == 0 and lens["layers"][-1]["answer_rank"] == 1


def test_an_experiment_belongs_to_its_owner_and_the_oldest_goes_first() -> None:
    run = run_of("ann")
    kept = WhatIfs(most=4, most_of_owner=3)

    def keep(owner: str, name: str) -> None:
        kept.keep(WhatIf(owner, name, run.id, EDIT, run.recording.logits, run.recording.logits, {}))

    keep("bob", "precious")
    for number in range(5):
        keep("ann", f"{number}")
    assert kept.find("bob", "precious").owner == "bob"
    assert [kept.find("ann", name).id for name in "234"] == ["2", "3", "4"]
    for owner, name in (("ann", "1"), ("bob", "4"), ("", "4"), ("ann", "precious")):
        with pytest.raises(NotFound, match="not kept any more"):
            kept.find(owner, name)
    keep("cid", "new")
    with pytest.raises(NotFound):
        kept.find("bob", "precious")
