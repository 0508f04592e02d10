"""The tab "Ask a text": events, what its page may call, and the public endpoint /ask.

How answers are kept stands in `ui/ask_runs.py`, what the page gets of them in `ui/ask_view.py`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import gradio as gr

from playground.tasks.asking import Answer, Asker, Finished
from playground.tasks.asking_request import USUAL_QUESTION, AskRequest, check_request
from playground.ui.ask_jobs import AskJob, AskJobs
from playground.ui.ask_runs import AskRuns
from playground.ui.ask_view import answer_view, endpoint_view
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import shown
from playground.ui.model_cards import opening_detail
from playground.ui.page_streams import Asking, PageStreams
from playground.ui.source_texts import Places, SourceTexts, check_length, name_in
from playground.ui.visitors import owner_of, owner_of_program


class AskTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shared = services.settings.shared
        self._asker = Asker(services.engine)
        self.runs = AskRuns(services.history, self._owner)
        self.source = SourceTexts(self._owner, shared=self._shared)
        self._jobs = AskJobs(services.engine, self._asker, self._finish)
        self._streams = PageStreams[AskJob](self._jobs, self._owner, self._progress)

    async def ask(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Answer what a page asks: how far it is, then the run's id or the reason why there is no answer."""
        async for view in self._streams.follow(event, request, self._prepared):
            yield view

    def _prepared(self, asking: Asking) -> Callable[[], AskJob]:
        request = AskRequest.from_untrusted(asking.values.get("text"), asking.values)
        check_length(request.text, shared=self._shared)
        job = AskJob(asking.owner, asking.page, asking.sequence, asking.language, request)
        job.name, job.asked_run = name_in(asking.values), str(asking.values.get("run") or "")[:64]
        return partial(self._jobs.begin, job)

    def _progress(self, job: AskJob) -> dict[str, Any]:
        state = self._services.engine.state
        if state.phase == "opening":
            return {**job.progress(), "phase": "opening", "detail": opening_detail(state, job.language)}
        return job.progress()

    def _finish(self, job: AskJob, answer: Answer) -> str:
        view = answer_view(answer, Places(job.request.text))
        return self.runs.add(job.owner, job.asked_run, job.request.text, job.name, view).id

    def stop_asking(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is asking; the best answer so far is kept, and its stream says so."""
        return self._streams.stop(data, request)

    def still_asking(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Whether a page's question is still known here: a server that was restarted knows it no more."""
        return {"gone": self._streams.current(data, request) is None}

    def ask_text(
        self,
        text: str,
        question: str = USUAL_QUESTION,
        read_all: bool = False,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Answer a question about a text with words that are copied from it, with their places and the sentence that
        shows it; the answer is null where the text does not say it.

        Parameters:
            text: The text; of one that is longer than the model reads at once the parts that fit the question best.
            question: The question, in any language; without one what the text is about.
            read_all: Read all parts of a long text.
        """
        cancel = threading.Event()
        try:
            asked = check_request(AskRequest(text, question, read_all))
            check_length(asked.text, shared=self._shared)
            owner = owner_of_program(request, shared=self._shared)
            for event in self._asker.ask(asked, cancel=cancel, owner=owner):
                if isinstance(event, Finished):
                    return endpoint_view(event.answer, asked.text)
            raise ValueError("a question without an end")
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = AskTab(services)
    functions = (
        tab.stop_asking, tab.still_asking, tab.source.read_file, tab.source.read_address, tab.runs.open_asked,
        tab.runs.hide_answer, tab.runs.list_entries, tab.runs.delete_entry, tab.runs.restore_entry,
    )  # fmt: skip
    tab_view("ask", {"phase": "empty"}, stream=tab.ask, functions=functions)
    gr.api(tab.ask_text, api_name="ask", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="ask", build=build)
