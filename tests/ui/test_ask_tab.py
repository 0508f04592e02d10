"""The tab "Ask a text": the stream of an answer, the list of a text's answers, their entry, and the endpoint /ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from playground.errors import InvalidInput, NotFound
from playground.tasks.asking_prompts import ENGLISH
from playground.tasks.asking_request import USUAL_QUESTION
from playground.ui.ask_jobs import AskJob
from playground.ui.edge import answered
from playground.ui.source_texts import LONGEST_SHARED_CHARACTERS
from playground.ui.tabs.ask import AskTab
from tests.ui.conftest import make_services, until
from tests.ui.summarizing import REQUEST, Held, SummaryEngine, visitor

BRIDGE = "The old bridge 🌉 was closed on Monday 🗓. About 4,000 cars use it every day. The council wants to repair it."


def engine_that(answer: str = "", **options: Any) -> SummaryEngine:
    """Always gives `answer`, else what is right."""
    right = {"How many cars?": "4,000 cars", "When?": "Monday"}
    return SummaryEngine(
        lambda prompt: answer or right.get(prompt.rsplit("Question: ", 1)[-1], ENGLISH.none),
        parameters=10**9,
        **options,
    )


def make_tab(folder: Path, engine: SummaryEngine, **environ: str) -> AskTab:
    any_engine: Any = engine
    return AskTab(make_services(any_engine, folder, **environ))


@dataclass
class Page:
    """One page of one visitor."""

    tab: AskTab
    request: Any = field(default_factory=lambda: REQUEST)
    name: str = "page"
    sequence: int = 0
    run: str = ""

    def ask(self, question: str = "What?", text: str = BRIDGE, **values: Any) -> list[dict[str, Any]]:
        """Everything that the page is told until the end."""
        return self.begin(question, text, **values).result(30)

    def begin(self, question: str = "What?", text: str = BRIDGE, **values: Any) -> Future[list[dict[str, Any]]]:
        """Ask, and do not wait."""
        self.sequence += 1
        data = {"tab": self.name, "sequence": self.sequence, "text": text, "question": question, "run": self.run}

        async def gather(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
            return [view async for view in stream]

        event: Any = SimpleNamespace(_data={**data, **values})
        return ThreadPoolExecutor(1).submit(lambda: asyncio.run(gather(self.tab.ask(event, self.request))))

    def answers(self, question: str = "What?", text: str = BRIDGE, **values: Any) -> list[dict[str, Any]]:
        """The list of answers to a text, with this one."""
        end = self.ask(question, text, **values)[-1]
        assert end["phase"] == "ended" and end["run"] and not end["refused"], end
        self.run = end["run"]
        return self.tab.runs.open_asked({"run": self.run}, self.request)["answers"]

    def stop(self) -> dict[str, Any]:
        return self.tab.stop_asking({"tab": self.name, "sequence": self.sequence}, self.request)


def in_browser(text: str, span: list[int]) -> str:
    """What JavaScript's slice gives."""
    start, end = (2 * unit for unit in span)
    return text.encode("utf-16-le")[start:end].decode("utf-16-le")


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(make_tab(tmp_path, engine_that()))


def test_an_answer_comes_with_its_places_as_a_browser_counts(page: Page) -> None:
    [answer] = page.answers("How many cars?")
    assert answer["text"] == "4,000 cars"
    assert [in_browser(BRIDGE, span) for span in answer["places"]] == ["4,000 cars"]
    assert in_browser(BRIDGE, answer["evidence"]) == "About 4,000 cars use it every day."


def test_the_questions_about_one_text_make_one_list_and_one_entry(page: Page) -> None:
    page.answers("How many cars?")
    page.answers("When?")
    assert [(one["question"], one["text"]) for one in page.answers("Who is Ann?")] == [
        ("How many cars?", "4,000 cars"), ("When?", "Monday"), ("Who is Ann?", ""),
    ]  # fmt: skip
    [entry] = page.tab.runs.list_entries({}, REQUEST)["entries"]
    assert (entry["question"], entry["count"]) == ("Who is Ann?", 3)


def test_another_text_begins_a_list_of_its_own(page: Page) -> None:
    page.answers("How many cars?")
    [answer] = page.answers("When?", "It was on Monday.")
    assert answer["text"] == "Monday"
    assert len(page.tab.runs.list_entries({}, REQUEST)["entries"]) == 2


def test_an_entry_is_there_again_when_nothing_is_in_memory(page: Page) -> None:
    page.answers("How many cars?", name="bridge.txt")
    again = AskTab(page.tab._services)
    run = again.runs.open_asked({"run": page.run, "whole": True}, REQUEST)
    assert (run["source"], run["name"], run["stored"]) == (BRIDGE, "bridge.txt", True)
    assert len(Page(again, run=page.run).answers("When?")) == 2


def test_an_answer_can_be_taken_out_and_brought_back(page: Page) -> None:
    first, second = page.answers("How many cars?") and page.answers("When?")
    hidden = page.tab.runs.hide_answer({"run": page.run, "number": first["number"], "hidden": True}, REQUEST)
    assert [one["number"] for one in hidden["answers"]] == [second["number"]]
    third = page.answers("Who?")[-1]
    assert third["number"] not in (first["number"], second["number"])
    back = page.tab.runs.hide_answer({"run": page.run, "number": first["number"], "hidden": False}, REQUEST)
    assert [one["question"] for one in back["answers"]] == ["How many cars?", "When?", "Who?"]


def test_an_entry_can_be_deleted_and_brought_back(page: Page) -> None:
    page.answers()
    page.tab.runs.delete_entry({"id": page.run}, REQUEST)
    with pytest.raises(NotFound):
        page.tab.runs.open_asked({"run": page.run}, REQUEST)
    page.tab.runs.restore_entry({"id": page.run}, REQUEST)
    assert page.tab.runs.open_asked({"run": page.run}, REQUEST)["answers"]


def test_an_entry_of_another_version_is_refused_with_a_sentence(page: Page) -> None:
    history = page.tab._services.history
    row = history.add_run("local", "ask", input=BRIDGE, output="", settings={"answers": [{"version": 0}]})
    with pytest.raises(InvalidInput, match="another version"):
        page.tab.runs.open_asked({"run": row.id}, REQUEST)


def test_what_cannot_be_asked_is_refused_in_the_visitors_language(page: Page) -> None:
    [end] = page.ask("Who?", " ", language="zh")
    assert end["phase"] == "ended" and "没有" in end["refused"]
    [end] = page.ask("  ")
    assert end["refused"].startswith("There is no question yet")
    assert page.tab.runs.list_entries({}, REQUEST)["entries"] == []


def test_on_a_shared_machine_texts_are_shorter(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, engine_that("word"), PLAYGROUND_SHARED="on")
    [end] = Page(tab, visitor("a")).ask("Who?", "word " * LONGEST_SHARED_CHARACTERS)
    assert "on a shared machine" in end["refused"]


def test_a_question_that_is_stopped_before_an_answer_leaves_nothing_behind(tmp_path: Path) -> None:
    held = Held(at=1)
    engine = engine_that("4,000 cars", on_chunk=held)
    page = Page(make_tab(tmp_path, engine))
    answer = page.begin()
    assert held.reached.wait(30)
    assert page.stop() == {"stopped": True}
    until(engine.was_stopped)
    held.free.set()
    end = answer.result(30)[-1]
    assert (end["phase"], end["run"], end["refused"]) == ("ended", None, None)
    assert page.tab.runs.list_entries({}, REQUEST)["entries"] == []


def test_a_stop_that_overtakes_its_question_ends_it_before_it_begins(page: Page) -> None:
    assert page.tab.stop_asking({"tab": page.name, "sequence": 1}, REQUEST) == {"stopped": False}
    assert page.ask() == []
    assert page.tab.still_asking({"tab": page.name, "sequence": 1}, REQUEST) == {"gone": True}


def test_a_question_waits_for_the_model_that_is_being_opened(tmp_path: Path) -> None:
    engine = engine_that("Monday", phase="opening")
    page = Page(make_tab(tmp_path, engine))
    answer = page.begin()
    until(lambda: isinstance(page.tab._jobs.find("local", page.name), AskJob))
    engine.phase = "ready"
    views = answer.result(30)
    assert views[-1]["run"]


def test_nobody_else_sees_changes_or_stops_an_answer(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, engine_that("4,000 cars"), PLAYGROUND_SHARED="on")
    mine, other = Page(tab, visitor("a")), Page(tab, visitor("b"))
    mine.answers()
    assert tab.runs.list_entries({}, other.request)["entries"] == []
    for call in (tab.runs.open_asked, tab.runs.hide_answer):
        with pytest.raises(NotFound):
            call({"run": mine.run, "number": 1, "hidden": True}, other.request)
    other.run = mine.run
    assert len(other.answers()) == 1, "an answer never joins somebody else's list"
    assert other.run != mine.run


def test_a_file_is_read_and_a_broken_one_refused(page: Page) -> None:
    view = page.tab.source.read_file({"name": "a.txt", "data": "SGVsbG8u"}, REQUEST)
    assert (view["text"], view["name"]) == ("Hello.", "a.txt")
    assert answered(page.tab.source.read_file)({"name": "a.txt", "data": "%"}, REQUEST)["error"]


def test_a_program_gets_the_answer_with_offsets_in_code_points(page: Page) -> None:
    answer = page.tab.ask_text(BRIDGE, "How many cars?")
    [[start, end]] = answer["offsets"]
    assert (answer["answer"], BRIDGE[start:end]) == ("4,000 cars", "4,000 cars")
    assert BRIDGE[slice(*answer["evidence_offsets"])] == answer["evidence"] == "About 4,000 cars use it every day."


def test_for_a_program_a_text_alone_is_enough(page: Page) -> None:
    assert page.tab.ask_text(BRIDGE)["question"] == USUAL_QUESTION


def test_a_program_is_told_that_the_text_does_not_say_it_and_what_cannot_be_asked(tmp_path: Path) -> None:
    tab = make_tab(tmp_path, engine_that(ENGLISH.none))
    assert tab.ask_text(BRIDGE, "Who is Ann?")["answer"] is None
    with pytest.raises(gr.Error, match="There is no text"):
        tab.ask_text("")
