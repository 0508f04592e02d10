"""Runs of tiny random models, made by a real engine, with tokens that would be code if they were not text."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from playground.engine.engine import Engine
from playground.kernels.library import Library
from playground.models.loader import LoadedModel
from playground.ui.attention_runs import Run, make_run
from tests.engine.conftest import FakeSpec, Tiny, build_tokenizer, load_tiny
from tests.engine.packed_models import quantised

TEXT = "The cat sat; the cat slept."
HOSTILE = ("<script>alert(1)</script>", "${alert(1)}", "{{value}}", "\u202etxet", "<img src=x onerror=alert(1)>")
SILENT = [[0, 1], [2, 3]]


def reopen(engine: Engine) -> None:
    """Open the same model once more."""
    spec = engine.state.spec
    assert spec is not None
    engine.open(spec)
    engine.run(lambda _: None)


def tiny_loaded(family: str) -> LoadedModel:
    """Every id that is no byte stands for a hostile text."""
    tokenizer = build_tokenizer()
    tokenizer.add_tokens([f"{HOSTILE[number % len(HOSTILE)]}{number}" for number in range(60)])
    return replace(load_tiny(FakeSpec(family, "Tiny"), lambda *_: None), tokenizer=tokenizer)


def lean_loaded(family: str, library: Library) -> LoadedModel:
    """The model in 4 bits, for the lean forward."""
    loaded = quantised(Tiny, library, family)
    return replace(loaded, tokenizer=tiny_loaded(family).tokenizer)


@contextmanager
def engine_over(loaded: LoadedModel) -> Generator[Engine]:
    """An engine that has opened `loaded`."""
    engine = Engine(lambda spec, report: loaded, chunk_tokens=16)
    engine.open(loaded.spec)
    engine.run(lambda _: None)
    yield engine
    engine.close()


@contextmanager
def tiny_run(family: str, text: str = TEXT) -> Generator[tuple[Engine, Run]]:
    """An engine and Ann's run of a text."""
    with engine_over(tiny_loaded(family)) as engine:
        yield engine, make_run(engine, "ann", text)
