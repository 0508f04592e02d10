"""The stream of one look inside, what the page may ask about it, and the public endpoint."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from playground.engine.recording import Recording
from playground.engine.split_tokens import SplitToken
from playground.errors import PlaygroundError, PromptTooLong
from playground.ui.edge import answered
from playground.ui.tabs.attention import AttentionTab
from playground.ui.visitors import owner_of
from tests.ui.conftest import make_services, until
from tests.ui.fakes import FakeEngine
from tests.ui.test_attention_runs import recording, run_of

REQUEST: Any = SimpleNamespace(cookies={}, headers={})


@dataclass
class LookingEngine(FakeEngine):
    """Reads word by word; with `gate` set, one word for each `gate.release()`."""

    error: PlaygroundError | None = None
    read: list[Sequence[int]] = field(default_factory=list)

    def split(self, text: str) -> list[SplitToken]:
        parts = [part if index == 0 else f" {part}" for index, part in enumerate(text.split(" "))]
        places = [sum(map(len, parts[:index])) for index in range(len(parts))]
        return [SplitToken(9, part, part, at, at + len(part)) for part, at in zip(parts, places, strict=True)]

    def record(
        self, token_ids: Sequence[int], *, cancel: threading.Event | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Recording:  # fmt: skip
        self.read.append(token_ids)
        if self.error:
            raise self.error
        for done in range(len(token_ids)):
            if not self._may_go_on(cancel):
                raise PlaygroundError("Stopped.")
            if on_progress:
                on_progress(done + 1, len(token_ids))
        return recording(len(token_ids))

    def token_texts(self, token_ids: Sequence[int], *, of: Recording | None = None) -> list[str]:
        return [f"<{token_id}>" for token_id in token_ids]


@pytest.fixture
def engine() -> LookingEngine:
    return LookingEngine()


@pytest.fixture
def tab(engine: LookingEngine, tmp_path: Path) -> AttentionTab:
    return AttentionTab(make_services(engine, tmp_path))


def views_of(
    tab: AttentionTab, sequence: int = 1, text: object = "The cat sat.", tab_name: str = "page", **values: Any
) -> list[dict[str, Any]]:
    """All views of one look, as fast as they come."""

    async def collect() -> list[dict[str, Any]]:
        event: Any = SimpleNamespace(_data={"tab": tab_name, "sequence": sequence, "text": text, **values})
        return [view async for view in tab.look(event, REQUEST)]

    # On a thread of its own: the tests' own thread may have an event loop (the browser's driver brings one).
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(collect())).result(30)


def test_a_look_ends_with_a_run_that_its_visitor_can_open(tab: AttentionTab) -> None:
    last = views_of(tab)[-1]
    assert last["phase"] == "ended" and last["refused"] is None and last["tab"] == "page"
    run = tab.open_run({"run": last["run"]}, REQUEST)
    assert run["tokens"] == ["The", " cat", " sat."] and (run["layers"], run["heads"]) == (2, 4)
    assert run["text"] == "The cat sat." and run["next"]["tokens"][0][0].startswith("<")


def test_the_page_hears_how_far_the_model_has_read(tab: AttentionTab, engine: LookingEngine) -> None:
    engine.delay_s = 0.15
    views = views_of(tab)
    reading = [(view["done"], view["total"]) for view in views if view["phase"] == "reading"]
    assert reading == sorted(reading) and (1, 3) in reading


def test_stopping_ends_the_look_without_a_result_and_without_a_complaint(
    tab: AttentionTab, engine: LookingEngine
) -> None:
    engine.gate = threading.Semaphore(1)
    threading.Timer(0.3, lambda: tab.stop_look({"tab": "page"}, REQUEST)).start()
    last = views_of(tab)[-1]
    assert (last["phase"], last["run"], last["refused"]) == ("ended", None, None)
    assert tab.stop_look({"tab": "page"}, REQUEST) == {"stopped": False}


def test_a_look_that_is_stopped_before_it_begins_asks_nothing_of_the_model(
    tab: AttentionTab, engine: LookingEngine
) -> None:
    tab.stop_look({"tab": "page", "sequence": 2}, REQUEST)
    assert views_of(tab, sequence=1) == [] and not engine.read


def test_a_newer_look_of_the_page_ends_the_older_one(tab: AttentionTab, engine: LookingEngine) -> None:
    gate = engine.gate = threading.Semaphore(0)
    newer: list[dict[str, Any]] = []
    threading.Timer(0.3, lambda: newer.extend(views_of(tab, 2, "Another text."))).start()
    threading.Timer(0.6, lambda: gate.release(50)).start()
    assert not any(view["phase"] == "ended" for view in views_of(tab))
    until(lambda: newer and newer[-1].get("run"))
    assert tab.open_run({"run": newer[-1]["run"]}, REQUEST)["text"] == "Another text."


def test_one_visitor_takes_only_some_of_the_places(tab: AttentionTab, engine: LookingEngine) -> None:
    gate = engine.gate = threading.Semaphore(0)
    threading.Timer(0.6, lambda: gate.release(50)).start()
    with ThreadPoolExecutor(3) as threads:
        looks = [threads.submit(views_of, tab, tab_name=f"page {number}") for number in range(3)]
        until(lambda: len(engine.read) == 3)
        assert "Several of your texts" in views_of(tab, tab_name="page 4")[-1]["refused"]
        assert all(look.result()[-1]["run"] for look in looks)


@pytest.mark.parametrize("text", ["", "  \n", None, 7, "x" * 100_001])
def test_what_cannot_be_looked_into_is_refused_before_the_model_is_asked(
    tab: AttentionTab, engine: LookingEngine, text: object
) -> None:
    (view,) = views_of(tab, text=text)
    assert view["phase"] == "ended" and view["refused"].endswith(".") and not engine.read


def test_a_refusal_of_the_engine_is_said_in_the_visitors_language(tab: AttentionTab, engine: LookingEngine) -> None:
    engine.error = PromptTooLong("Your text is 9,000 tokens; this model reads 2,048. Choose a part of it.")
    assert "9,000" in views_of(tab, language="zh")[-1]["refused"]
    assert "个词元" in views_of(tab, 2, language="zh")[-1]["refused"]


def test_anothers_run_looks_like_one_that_does_not_exist(engine: LookingEngine, tmp_path: Path) -> None:
    tab = AttentionTab(make_services(engine, tmp_path, PLAYGROUND_SHARED="on"))
    visitors: list[Any] = [SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={}) for name in "ab"]
    tab.runs.keep(replace(run_of("nobody"), owner=owner_of(visitors[0], shared=True)))
    functions = (tab.open_run, tab.rows, tab.exact_row, tab.tile, tab.strongest_pairs, tab.overview)
    region = {"first": 0, "query": 0, "bottom": 2, "right": 2}
    for function in map(answered, functions):
        assert "error" not in function({"run": "run", **region}, visitors[0])
        refused = function({"run": "run", **region}, visitors[1])
        assert refused == function({"run": "none", **region}, visitors[1]) and list(refused) == ["error"]


def test_a_program_needs_only_a_text(tab: AttentionTab) -> None:
    answer = tab.attention("The cat sat.")
    assert set(answer) == {"model", "tokens", "weights", "caption"} and len(answer["weights"]) == 3
    assert tab.attention("The cat sat.", 1, 3)["caption"] != answer["caption"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("word " * 600,), "at most 512"), (("",), "nothing to look into"), (("a b", 2), "Layers are 0 to 1"),
        (("a b", None, 1), "Name the layer"),
    ],
)  # fmt: skip
def test_a_program_is_told_what_is_wrong(tab: AttentionTab, arguments: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(gr.Error, match=sentence):
        tab.attention(*arguments)
