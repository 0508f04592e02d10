"""Few companion models are open at a time, each is opened once, and none is closed while somebody uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, partial

import pytest

from playground.engine.companions import Companions
from playground.errors import ModelUnavailable
from playground.models.catalog import ModelSpec
from playground.models.companion_models import LoadedCompanion
from playground.models.transfer import Cancelled
from tests.engine.companion_folders import build_folder, load_folder

PATIENCE_S = 60.0
Folder = Callable[[str], ModelSpec]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return cache(lambda family: build_folder(family, tmp_path_factory.mktemp("folders")))


class Loader:
    """Opens folders and counts; waits at a gate where it is given one."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self.opened: list[str] = []
        self.begun = threading.Event()
        self.gate = gate

    def __call__(self, spec: ModelSpec, report: Callable[..., None], cancelled: Callable[[], bool]) -> LoadedCompanion:
        self.opened.append(spec.name)
        self.begun.set()
        report("downloading", 0.5)
        while self.gate is not None and not self.gate.wait(0.01):
            if cancelled():
                raise Cancelled("Stopped.")
        return load_folder(spec)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_a_model_is_opened_once_and_then_at_hand(folder: Folder):
    load, said = Loader(), []
    companions = Companions(load)
    assert not companions.is_open(folder("bert"))
    first = companions.open(folder("bert"), on_progress=lambda detail, fraction: said.append((detail, fraction)))
    assert companions.open(folder("bert")) is first and companions.is_open(folder("bert"))
    assert load.opened == ["bert"] and said == [("downloading", 0.5)]
    assert first.spec.kind == first.kind == "masked"


def test_callers_that_come_together_open_it_once(folder: Folder):
    gate = threading.Event()
    load = Loader(gate)
    companions, spec, found = Companions(load), folder("minilm"), []
    threads = [in_thread(lambda: found.append(companions.open(spec))) for _ in range(4)]
    assert load.begun.wait(PATIENCE_S)
    gate.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert load.opened == ["minilm"] and len(found) == 4 and len(set(map(id, found))) == 1


def test_the_longest_unused_gives_its_place(folder: Folder):
    load = Loader()
    companions = Companions(load, most=2)
    bert, minilm = companions.open(folder("bert")), companions.open(folder("minilm"))
    companions.open(folder("bert"))
    companions.open(folder("distilbert"))
    assert not companions.is_open(folder("minilm"))
    assert bert.split("cat")
    with pytest.raises(ModelUnavailable, match="was closed"):
        minilm.split("cat")
    assert companions.open(folder("minilm")).split("cat")
    assert load.opened == ["bert", "minilm", "distilbert", "minilm"]


def test_a_model_in_use_keeps_its_place_and_the_next_one_waits_for_it(folder: Folder):
    companions, waited = Companions(Loader(), most=1), threading.Event()

    def note(detail: str, fraction: float | None) -> None:
        if "waiting" in detail:
            waited.set()

    with companions.using(folder("bert")) as companion:
        thread = in_thread(partial(companions.open, folder("minilm"), on_progress=note))
        assert waited.wait(PATIENCE_S)
        assert companion.split("cat") and not companions.is_open(folder("minilm"))
    thread.join(PATIENCE_S)
    assert companions.is_open(folder("minilm")) and not companions.is_open(folder("bert"))


def test_waiting_for_a_place_can_be_cancelled(folder: Folder):
    companions, cancel, errors = Companions(Loader(), most=1), threading.Event(), []

    def want() -> None:
        try:
            companions.open(folder("minilm"), on_progress=lambda *_: cancel.set(), cancel=cancel)
        except Cancelled as error:
            errors.append(error)

    with companions.using(folder("bert")):
        in_thread(want).join(PATIENCE_S)
        assert len(errors) == 1
    assert companions.open(folder("minilm")).split("cat"), "nothing is left behind by the one who gave up"


def test_a_download_can_be_cancelled_and_the_next_try_opens_it(folder: Folder):
    gate, cancel = threading.Event(), threading.Event()
    load = Loader(gate)
    companions = Companions(load)
    with pytest.raises(Cancelled):
        companions.open(folder("bert"), on_progress=lambda *_: cancel.set(), cancel=cancel)
    gate.set()
    assert companions.open(folder("bert")).split("cat")
    with pytest.raises(Cancelled):
        companions.open(folder("minilm"), cancel=cancel)


def test_a_failure_is_told_to_everybody_and_nothing_stays_shut(folder: Folder):
    tries = []

    def load(spec: ModelSpec, report: Callable[..., None], cancelled: Callable[[], bool]) -> LoadedCompanion:
        tries.append(spec.name)
        if len(tries) == 1:
            raise ModelUnavailable("It cannot be opened. Choose another model.")
        return load_folder(spec)

    companions = Companions(load)
    with pytest.raises(ModelUnavailable, match="cannot be opened"):
        companions.open(folder("bert"))
    assert companions.open(folder("bert")).split("cat")


def test_where_memory_is_short_others_are_closed_first_and_then_it_is_said(folder: Folder):
    free = [10]
    companions = Companions(Loader(), most=5, free_memory=lambda: free[0])
    needs = {"bert": 5, "minilm": 5}
    specs = {name: _needing(folder(name), count) for name, count in needs.items()}
    companions.open(specs["bert"])
    free[0] = 4
    with pytest.raises(ModelUnavailable, match="not enough free memory for minilm"):
        companions.open(specs["minilm"])
    assert not companions.is_open(specs["bert"])
    free[0] = 5
    assert companions.open(specs["minilm"]).split("cat")


def test_two_models_work_at_the_same_time(folder: Folder):
    companions = Companions(Loader(), most=2)
    expected = {name: len(companions.open(folder(name)).split("The cat sat")) for name in ("bert", "roberta")}
    found: list[bool] = []

    def work(name: str) -> None:
        for _ in range(10):
            with companions.using(folder(name)) as companion:
                ids = [token.id for token in companion.split("The cat sat")]
                found.append(len(ids) == expected[name] and companion.record(ids).deviation < 1e-5)

    threads = [in_thread(partial(work, name)) for name in expected for _ in range(2)]
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == [True] * 40


def test_all_are_closed_at_the_end(folder: Folder):
    companions = Companions(Loader())
    bert = companions.open(folder("bert"))
    companions.close()
    with pytest.raises(ModelUnavailable):
        bert.split("cat")
    assert not companions.is_open(folder("bert"))


def _needing(spec: ModelSpec, memory_bytes: int) -> ModelSpec:
    return ModelSpec(**{**vars(spec), "memory_bytes": memory_bytes})
