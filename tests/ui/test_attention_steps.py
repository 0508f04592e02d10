"""The numbers of one weight, and of heads that come together, are those of the recording and of the model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from playground.attention.steps import head_outputs
from playground.attention.weights import Reading, head_rows
from playground.engine.engine import Engine
from playground.engine.recording import Edit
from playground.errors import InvalidInput, ModelUnavailable
from playground.kernels.library import Library
from playground.ui.attention_runs import Run, make_run
from playground.ui.attention_steps import heads_view, steps_view
from tests.engine.packed_models import as_floats
from tests.ui.test_attention_runs import run_of
from tests.ui.tiny_runs import HOSTILE, TEXT, engine_over, lean_loaded, reopen, tiny_run

TEXTS = tuple(f" w{number}" for number in range(30))


@pytest.fixture
def run() -> Run:
    return run_of("ann", texts=TEXTS)


@pytest.fixture(scope="module", params=["llama", "qwen2", "gemma3", "gpt2"])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Run]]:
    with tiny_run(request.param) as both:
        yield both


def changed(run: Run, **facts: Any) -> Run:
    layers = tuple(replace(layer, **facts) for layer in run.recording.layers)
    return replace(run, recording=replace(run.recording, layers=layers))


def near(number: float) -> Any:
    return pytest.approx(number, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.2, 3])
def test_one_number_follows_from_the_one_before(run: Run, temperature: float) -> None:
    view = steps_view(run, 1, 2, 20, 7, temperature)
    vectors = view["vectors"]
    assert view["size"] == len(vectors["query"]) == len(vectors["key"]) == 8
    products = [one * other for one, other in zip(vectors["query"], vectors["key"], strict=True)]
    assert vectors["products"] == [near(product) for product in products]
    assert view["score"] == near(sum(products))
    assert view["scaled"] == near(view["score"] * view["scaling"]) == near(view["final_score"])
    assert (view["heads"], view["key_heads"], view["key_head"]) == (4, 2, 1)
    layer = run.recording.layers[1]
    weights = head_rows(layer, 2, (20,), reading=Reading(temperature))[0]
    assert view["weight"] == near(float(weights[7]))
    assert vectors["value"] == [near(number) for number in layer.value[1, 7].tolist()]
    assert vectors["output"] == [near(number) for number in (weights @ layer.value[1]).tolist()]


def test_the_row_shows_the_largest_weights_the_chosen_key_and_the_rest_as_one(run: Run) -> None:
    weights = head_rows(run.recording.layers[0], 0, (25,))[0]
    order = weights[:26].argsort(descending=True).tolist()
    for chosen in (order[3], order[-1]):
        view = steps_view(run, 0, 0, 25, chosen)
        keys = [key for key, *_ in view["keys"]]
        assert keys[:12] == order[:12] and chosen in keys
        assert len(keys) == (12 if chosen in order[:12] else 13)
        assert all(text == TEXTS[key] and weight == near(float(weights[key])) for key, text, _, weight in view["keys"])
        assert sum(weight for *_, weight in view["keys"]) + view["rest"]["weight"] == near(1.0)
        assert len(keys) + view["rest"]["keys"] == view["seen_keys"] == 26 and view["unseen_keys"] == 4


def test_scores_of_the_row_become_its_weights_by_the_softmax(run: Run) -> None:
    view = steps_view(run, 0, 3, 9, 4, 0.5)
    assert view["rest"] == {"keys": 0, "weight": 0} and len(view["keys"]) == 10
    powers = [math.exp(score / 0.5) for _, _, score, _ in view["keys"]]
    assert [weight for *_, weight in view["keys"]] == [near(power / sum(powers)) for power in powers]


@pytest.mark.parametrize(
    ("facts", "key", "mask"),
    [
        ({}, 12, "ahead"), ({}, 11, None), ({"window": 4}, 7, "window"), ({"window": 4}, 8, None),
        ({"hidden": frozenset({3, 11})}, 3, "hidden"), ({"hidden": frozenset({3, 11})}, 11, None),
    ],
)  # fmt: skip
def test_a_key_that_is_not_seen_says_why_and_has_no_weight(run: Run, facts: dict, key: int, mask: str | None) -> None:
    view = steps_view(changed(run, **facts), 0, 1, 11, key)
    assert view["mask"] == mask
    assert (view["weight"] == 0 and view["final_score"] is None) == (mask is not None)
    assert (key in [shown for shown, *_ in view["keys"]]) == (mask is None)


def test_soft_caps_and_biases_are_steps_of_their_own(run: Run) -> None:
    bias = torch.randn(4, 30, 30)
    view = steps_view(changed(run, softcap=2.0, bias=bias), 0, 1, 11, 5)
    assert view["squeezed"] == near(math.tanh(view["scaled"] / 2.0) * 2.0)
    assert view["bias"] == near(float(bias[1, 11, 5]))
    assert view["final_score"] == near(view["squeezed"] + view["bias"])
    plain = steps_view(run, 0, 1, 11, 5)
    assert plain["softcap"] is plain["squeezed"] is plain["bias"] is None


def test_what_the_heads_add_is_the_projection_of_their_concatenation(made: tuple[Engine, Run]) -> None:
    engine, run = made
    for layer in range(3):
        view = heads_view(engine, run, layer, 6)
        concat = head_outputs(run.recording.layers[layer], 6).flatten()
        projected = engine.output_projection(layer) @ concat
        assert view["concat"] == len(concat) == view["heads"] * view["value_size"] and view["hidden"] == 64
        assert view["total"] == near(float(projected.norm()))
        assert sum(part["share"] for part in view["parts"]) == near(1.0)
        lengths = [part["adds"] for part in view["parts"]]
        assert lengths[view["largest"]] == max(lengths)
        alone = concat.view(4, -1)[view["largest"]]
        columns = engine.output_projection(layer).unflatten(1, (4, -1))[:, view["largest"]]
        assert max(lengths) == near(float((columns @ alone).norm()))


@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma3"])
def test_packed_weights_bring_the_heads_together_like_the_same_weights_as_floats(library: Library, family: str) -> None:
    loaded = lean_loaded(family, library)
    plain = replace(loaded, model=as_floats(loaded.model), library=None)
    with engine_over(loaded) as engine, engine_over(plain) as other:
        assert engine.state.fast_path and not other.state.fast_path
        runs = [(one, make_run(one, "ann", TEXT)) for one in (engine, other)]
        for layer in range(3):
            found, expected = (heads_view(*both, layer, 6) for both in runs)
            assert found["total"] == pytest.approx(expected["total"], rel=0.1)
            lengths, others = ([part["adds"] for part in view["parts"]] for view in (found, expected))
            assert lengths == pytest.approx(others, rel=0.1)


def test_a_silent_head_adds_nothing(made: tuple[Engine, Run]) -> None:
    engine, run = made
    edited = engine.record(run.recording.token_ids, edit=Edit(frozenset({(1, 2)})))
    parts = heads_view(engine, replace(run, recording=edited), 1, 6)["parts"]
    assert [part["silent"] for part in parts] == [False, False, True, False]
    assert parts[2]["adds"] == parts[2]["share"] == parts[2]["length"] == 0
    assert all(part["adds"] > 0 for part in parts if not part["silent"])


def test_a_layer_whose_heads_are_all_silent_still_has_a_view(made: tuple[Engine, Run]) -> None:
    engine, run = made
    everything = replace(run.recording, edit=Edit(frozenset((0, head) for head in range(4))))
    view = heads_view(engine, replace(run, recording=everything), 0, 6)
    assert view["total"] == 0 and {part["share"] for part in view["parts"]} == {0.0}


def test_the_steps_stay_when_the_model_is_gone_but_not_its_projection() -> None:
    with tiny_run("llama") as (engine, run):
        reopen(engine)
        assert steps_view(run, 0, 0, 3, 1)["weight"] > 0
        with pytest.raises(ModelUnavailable, match="not open any more"):
            heads_view(engine, run, 0, 3)


@pytest.mark.parametrize(
    "asked",
    [
        (None, 0, 0, 0, 1.0), (0, None, 0, 0, 1.0), (2, 0, 0, 0, 1.0), (0, 4, 0, 0, 1.0), (0, 0, 30, 0, 1.0),
        (0, 0, 0, -1, 1.0), (0, 0, "1", 0, 1.0), (0, 0, 0, None, 1.0), (0, 0, True, 0, 1.0), (0, 0, 0, 0, 0),
        (0, 0, 0, 0, float("nan")), (0, 0, 0, 0, "1"), (0, 0, 0, 0, float("inf")), (0, 0, 0, 0, True),
    ],
)  # fmt: skip
def test_what_is_not_in_the_run_is_refused_with_a_sentence(run: Run, asked: tuple) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        steps_view(run, *asked)


def test_hostile_tokens_stay_text_and_every_number_is_one_for_json() -> None:
    run = run_of("ann", texts=HOSTILE)
    broken = torch.full_like(run.recording.layers[0].key, math.inf)
    for layers in (run, changed(run, key=broken)):
        view = steps_view(layers, 0, 1, 4, 2)
        read = json.loads(json.dumps(view, allow_nan=False))
        assert read["query"]["text"] == HOSTILE[4] and read["key"]["text"] == HOSTILE[2]
        assert [text for _, text, *_ in read["keys"]] == [HOSTILE[key] for key, *_ in read["keys"]]
