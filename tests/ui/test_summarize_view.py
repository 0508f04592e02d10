"""What the page gets of a summary: places as a browser counts them, lines that are the summary, limits of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.summary_request import MAX_TEXT_CHARACTERS, SummaryRequest
from playground.ui.kept_runs import MOST_RUNS_OF_OWNER
from playground.ui.page_jobs import MOST_JOBS_OF_OWNER
from playground.ui.summarize_asked import asked_of
from playground.ui.summarize_runs import SummaryRun
from playground.ui.summarize_view import Places
from tests.tasks.summary_fakes import first_words
from tests.ui.summarizing import REQUEST, SHORT, Held, Page, SummaryEngine, make_tab, until


@given(st.text())
def test_places_are_those_of_utf_16(text: str) -> None:
    places = Places(text)
    for offset in range(len(text) + 1):
        assert places.at(offset) == len(text[:offset].encode("utf-16-le", "surrogatepass")) // 2


def test_evidence_stands_where_a_browser_finds_it_behind_wide_letters(tmp_path: Path) -> None:
    text = f"🧩🧩🧩 A riddle came first. {SHORT}"
    said = "The old bridge over the river Lune was closed on Monday."
    view = Page(make_tab(tmp_path, SummaryEngine(lambda prompt: said))).summary(text, form="sentence")
    units = text.encode("utf-16-le")
    start, end = view["lines"][0]["sentences"][0]["evidence"][0]
    assert units[2 * start : 2 * end].decode("utf-16-le") == said


def test_the_lines_of_a_list_are_its_points_and_put_together_they_are_the_summary(tmp_path: Path) -> None:
    points = (
        "- The old bridge over the river Lune was closed. It has cracks in two pillars.\n- 4,000 cars use it every day."
    )
    view = Page(make_tab(tmp_path, SummaryEngine(lambda prompt: points))).summary(SHORT, form="bullets")
    lines = ["".join(one["before"] + one["text"] for one in line["sentences"]) for line in view["lines"]]
    assert lines == [line.removeprefix("- ") for line in view["text"].split("\n")]


@given(
    st.dictionaries(
        st.sampled_from(["text", "form", "length", "focus", "into", "name"]),
        st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_whatever_a_page_sends_becomes_a_request_within_its_limits(values: dict[str, Any]) -> None:
    asked = asked_of({**values, "text": SHORT}, shared=False)
    request = asked.request
    assert isinstance(request, SummaryRequest) and 1 <= request.count <= 12 and len(request.focus) <= 300
    assert len(asked.name) <= 200 and len(request.text) <= MAX_TEXT_CHARACTERS


def test_a_visitor_makes_only_so_many_at_once(tmp_path: Path) -> None:
    held = Held(at=1)
    engine = SummaryEngine(first_words(8), on_chunk=held)
    tab = make_tab(tmp_path, engine)
    pages = [Page(tab, name=f"page {number}") for number in range(MOST_JOBS_OF_OWNER)]
    answers = [page.begin(SHORT) for page in pages]
    until(lambda: all(page.news().get("plan") for page in pages))
    assert "Several of your texts" in Page(tab, name="one more").ask(SHORT)[-1]["refused"]
    held.free.set()
    assert all(answer.result(30)[-1]["run"] for answer in answers)


def test_memory_holds_the_newest_of_each_visitor_and_the_history_all_that_is_stored(tmp_path: Path) -> None:
    page = Page(make_tab(tmp_path, SummaryEngine(first_words(8))))
    runs, first = page.tab.runs, page.summary(SHORT)
    view = {key: value for key, value in first.items() if key not in ("source", "settings", "id", "stored")}
    for number in range(MOST_RUNS_OF_OWNER):
        runs.keep(SummaryRun("local", str(number), SHORT, view))
    assert runs.open_summary({"run": "0"}, REQUEST)["stored"] is False
    assert runs.open_summary({"run": first["id"], "whole": True}, REQUEST) == first, "read from the history again"
