"""A run is of one model from its first token to its last, also where the model is switched while it is made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from playground.engine.engine import Engine
from playground.errors import ModelUnavailable, PlaygroundError
from playground.ui.attention_runs import ATTEMPTS, make_run
from tests.engine.conftest import FakeSpec, build_tokenizer, load_tiny
from tests.ui.tiny_runs import tiny_loaded

TEXT = "The cat sat."
MODELS = ("qwen2", "llama")


class RestlessEngine(Engine):
    """Opens the other model behind each of its first `switches` splits, or before its first recordings end."""

    def __init__(self, switches: int, *, moment: str = "split") -> None:
        self._left = switches
        self._moment = moment
        other = build_tokenizer()
        other.add_tokens([" sat"])  # so that the two cut the text in different ways
        llama = replace(load_tiny(FakeSpec("llama", "Tiny llama"), lambda *_: None), tokenizer=other)
        models = {"qwen2": tiny_loaded("qwen2"), "llama": llama}
        super().__init__(lambda spec, report: models[spec.id], chunk_tokens=16)
        self.choose(0)

    def choose(self, number: int) -> None:
        self._number = number
        family = MODELS[number % 2]
        self.open(FakeSpec(family, f"Tiny {family}"))  # type: ignore[arg-type]
        self.run(lambda _: None)

    def split(self, text: str) -> list[Any]:
        tokens = super().split(text)
        self._perhaps_switch("split")
        return tokens

    def record(self, token_ids: Any, *, on_progress: Callable[[int, int], None] | None = None, **more: Any) -> Any:
        recording = super().record(token_ids, on_progress=on_progress, **more)
        self._perhaps_switch("record")
        return recording

    def _perhaps_switch(self, moment: str) -> None:
        if self._moment == moment and self._left:
            self._left -= 1
            self.choose(self._number + 1)


@pytest.fixture
def restless() -> Iterator[Callable[..., RestlessEngine]]:
    engines: list[RestlessEngine] = []

    def make(switches: int, moment: str = "split") -> RestlessEngine:
        engines.append(RestlessEngine(switches, moment=moment))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("moment", ["split", "record"])
def test_a_text_is_cut_and_read_again_for_a_model_that_comes_between(
    restless: Callable[..., RestlessEngine], moment: str
) -> None:
    engine = restless(1, moment)
    run = make_run(engine, "ann", TEXT)
    assert run.model == "Tiny llama"
    ids = [token.id for token in Engine.split(engine, TEXT)]
    assert run.recording.token_ids == tuple(ids)
    engine.token_texts((), of=run.recording)  # raises for another model's recording
    assert [text for text, _ in run.next_texts[:1]] == engine.token_texts([int(run.recording.logits.argmax())])


def test_a_model_that_changes_all_the_time_ends_in_a_sentence(restless: Callable[..., RestlessEngine]) -> None:
    with pytest.raises(ModelUnavailable, match="model was changed while your text was being read"):
        make_run(restless(2 * ATTEMPTS), "ann", TEXT)


def test_a_text_is_not_read_again_once_it_is_cancelled(restless: Callable[..., RestlessEngine]) -> None:
    engine, cancel, pieces = restless(ATTEMPTS, "record"), threading.Event(), []

    def stop(done: int, total: int) -> None:
        pieces.append(done)
        if done:
            cancel.set()

    with pytest.raises(PlaygroundError):
        make_run(engine, "ann", TEXT * 20, cancel=cancel, on_progress=stop)
    assert pieces.count(0) == 1
