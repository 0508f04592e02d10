"""The summarize tab: events, what its page may call, and the public endpoint /summarize.

How a summary is kept stands in `ui/summarize_runs.py`, what the page gets of it in `ui/summarize_view.py`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import ModelUnavailable
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import Finished, Summary
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import shown
from playground.ui.model_cards import opening_detail
from playground.ui.page_streams import Asking, PageStreams
from playground.ui.source_texts import Places, SourceTexts, check_length
from playground.ui.summarize_asked import asked_of, choices_view, request_of_program
from playground.ui.summarize_jobs import SummaryJob, SummaryJobs
from playground.ui.summarize_runs import SummaryRun, SummaryRuns
from playground.ui.summarize_view import endpoint_view, plan_view, summary_view
from playground.ui.visitors import owner_of, owner_of_program

MOST_PLANNED_AT_ONCE = 4
"""Of all visitors; the page's calls do not wait in Gradio's queue."""


class SummarizeTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shared = services.settings.shared
        self._summarizer = Summarizer(services.engine)
        self.runs = SummaryRuns(services.history, self._owner)
        self._jobs = SummaryJobs(services.engine, self._summarizer, self._finish)
        self._streams = PageStreams[SummaryJob](self._jobs, self._owner, self._progress)
        self.source = SourceTexts(self._owner, shared=self._shared)
        self._planning = threading.BoundedSemaphore(MOST_PLANNED_AT_ONCE)

    async def summarize(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Summarize what a page asks for: how far it is, then the run's id or the reason why there is none."""
        async for view in self._streams.follow(event, request, self._prepared):
            yield view

    def _prepared(self, asking: Asking) -> Callable[[], SummaryJob]:
        asked = asked_of(asking.values, shared=self._shared)
        job = SummaryJob(asking.owner, asking.page, asking.sequence, asking.language, asked)
        return partial(self._jobs.begin, job)

    def _progress(self, job: SummaryJob) -> dict[str, Any]:
        state = self._services.engine.state
        if state.phase == "opening":
            return {**job.progress(), "phase": "opening", "detail": opening_detail(state, job.language)}
        return job.progress()

    def _finish(self, job: SummaryJob, summary: Summary) -> str:
        """Keep a summary. One that was stopped before the model had written anything makes no entry."""
        asked, owner = job.asked, job.owner
        request = asked.request
        view = summary_view(summary, request.text, focus=request.focus, name=asked.name)
        settings = {
            "form": request.form, "length": request.length, "focus": request.focus, "into": request.language,
            "name": asked.name,
        }  # fmt: skip
        empty = summary.cancelled and summary.origin != "model"
        stored = "" if empty else self.runs.store(owner, request.text, view, settings)
        run_id = stored or secrets.token_urlsafe(12)
        self.runs.keep(SummaryRun(owner, run_id, request.text, view, settings, stored=bool(stored)))
        return run_id

    def stop_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is having summarized; what is done is kept, and its stream says so."""
        return self._streams.stop(data, request)

    def summary_news(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The plan, the central sentences, and what was written about parts since the page asked last."""
        job = self._streams.current(data, request)
        if job is None:
            return {"notes": [], "next": 0, "gone": True}
        return job.tell(max(0, int(data.get("after") or 0)))

    def plan_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What a summary of a text would take: parts, tokens, seconds. {"opening": True} while no model is open."""
        asked = asked_of(data, shared=self._shared)
        with self._planning:
            try:
                plan = self._summarizer.plan(asked.request)
            except ModelUnavailable:
                return {"opening": True}
        return plan_view(plan, Places(asked.request.text))

    def summarize_text(
        self,
        text: str,
        format: str = "bullets",
        length: int | None = None,
        focus: str = "",
        language: str = "",
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Summarize a text with the loaded model; each sentence comes with those of the text that carry it, and with
        numbers, names and dates that the text does not have.

        Parameters:
            text: The text; one that is longer than the model reads at once is read in parts.
            format: "sentence", "bullets", "abstract", "key_points" (with quotes) or "simple".
            length: How many sentences or points, 1 to 12; without one what is usual for the format.
            focus: A question that the summary should keep in mind.
            language: The language of the summary, as a code or name; without one that of the text.
        """
        cancel = threading.Event()
        try:
            asked = request_of_program(text, format, length, focus, language)
            check_length(asked.text, shared=self._shared)
            for event in self._summarizer.summarize(
                asked, cancel=cancel, owner=owner_of_program(request, shared=self._shared)
            ):
                if isinstance(event, Finished):
                    return endpoint_view(event.summary)
            raise ValueError("a summary without an end")
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = SummarizeTab(services)
    functions = (
        tab.stop_summary, tab.summary_news, tab.plan_summary, tab.source.read_file, tab.source.read_address,
        tab.runs.open_summary, tab.runs.list_entries, tab.runs.delete_entry, tab.runs.restore_entry,
    )  # fmt: skip
    tab_view("summarize", {"phase": "empty", **choices_view()}, stream=tab.summarize, functions=functions)
    gr.api(tab.summarize_text, api_name="summarize", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="summarize", build=build)
