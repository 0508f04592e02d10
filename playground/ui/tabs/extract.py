"""The extract tab: events, what its page may call, and the public endpoint /extract.

How a table is kept stands in `ui/extract_runs.py`, what the page gets of it in `ui/extract_view.py`.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import gradio as gr

from playground.errors import NotFound
from playground.tasks.extraction import Extractor
from playground.tasks.extraction_events import Finished, Table
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import language_in, shown
from playground.ui.extract_asked import USUAL, asked_of, choices_view, read_columns, request_of_program
from playground.ui.extract_jobs import ExtractJob, ExtractJobs
from playground.ui.extract_runs import ExtractRun, ExtractRuns
from playground.ui.extract_view import endpoint_view
from playground.ui.model_cards import opening_detail
from playground.ui.source_texts import SourceTexts, check_length
from playground.ui.streaming import Pages
from playground.ui.visitors import owner_of

UPDATE_EVERY_S = 0.1


class ExtractTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shared = services.settings.shared
        self._extractor = Extractor(services.engine)
        self.runs = ExtractRuns(services.history, self._owner)
        self.source = SourceTexts(self._owner, shared=self._shared)
        self._jobs = ExtractJobs(services.engine, self._extractor, self._finish)
        self._pages = Pages()

    async def extract(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Make the table that a page asks for: how far it is, then the run's id, the reason why not, or both."""
        values = event._data if isinstance(event._data, dict) else {}
        page, sequence = str(values.get("tab", ""))[:64], int(values.get("sequence") or 0)
        stamp = {"tab": page, "sequence": sequence}
        self._pages.arrive(page, sequence)
        language = language_in(values)
        if not self._pages.is_newest(page, sequence):
            return  # stopped before it began
        try:
            job = await anyio.to_thread.run_sync(self._begin, self._owner(request), stamp, values, language)
        except Exception as error:  # the page must always get an answer
            yield {**stamp, "phase": "ended", "refused": shown(error, language)}
            return
        while job.running and self._pages.is_newest(page, sequence):
            yield {**stamp, **self._progress(job)}
            await asyncio.sleep(UPDATE_EVERY_S)
        if self._pages.is_newest(page, sequence):
            yield {**stamp, "phase": "ended", "run": job.run_id, "refused": job.error}

    def _begin(self, owner: str, stamp: dict[str, Any], values: dict[str, Any], language: str) -> ExtractJob:
        asked = asked_of(values, shared=self._shared)
        return self._jobs.begin(ExtractJob(owner, stamp["tab"], stamp["sequence"], language, asked))

    def _progress(self, job: ExtractJob) -> dict[str, Any]:
        state = self._services.engine.state
        if state.phase == "opening" and job.asked.request.schema.needs_model:
            return {**job.progress(), "phase": "opening", "detail": opening_detail(state, job.language)}
        return job.progress()

    def _finish(self, job: ExtractJob, table: Table) -> str:
        """Keep a table. One that was stopped before anything was found makes no entry."""
        asked, owner = job.asked, job.owner
        settings = {"name": asked.name}
        empty = table.cancelled and not any(cell for row in table.rows for cell in row)
        stored = "" if empty else self.runs.store(owner, asked.request.text, table, settings)
        run_id = stored or secrets.token_urlsafe(12)
        self.runs.keep(ExtractRun(owner, run_id, asked.request.text, table, table, settings, stored=bool(stored)))
        return run_id

    def stop_extract(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is having looked into; what is done is kept, and its stream says so."""
        page, sequence = str(data.get("tab", ""))[:64], data.get("sequence")
        stopped = self._jobs.stop(self._owner(request), page)
        if not stopped and isinstance(sequence, int):
            self._pages.arrive(page, sequence + 1)  # its request has not come yet: it shall not begin
        return {"stopped": stopped}

    def extract_news(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The table so far."""
        job = self._jobs.find(self._owner(request), str(data.get("tab", ""))[:64])
        if job is None or job.sequence != data.get("sequence"):
            return {"table": None, "gone": True}
        return job.tell()

    def check_columns(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Columns that came from a file, as this app understands them. Raises InvalidInput."""
        self._owner(request)
        return {"schema": read_columns(data)}

    def extract_text(
        self,
        text: str,
        fields: str | list[Any] | dict[str, Any] = USUAL,
        one_row_for_each: bool = False,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Extract what a text says into rows; every value comes with its place in the text.

        Parameters:
            text: The text.
            fields: A preset ("overview": people, places, dates, amounts, e-mail, phone, web; "people", "places",
                "dates", "amounts", "contact"), names with commas ("deadline, price"), or JSON: a list of names or of
                {"name", "type", "many", "description", "choices"}. Types: text, name, number, amount, date, choice,
                yes_no, email, phone, link.
            one_row_for_each: Make a row for each value of the first field, instead of one row for the whole text.
        """  # fmt: skip
        cancel = threading.Event()
        try:
            asked = request_of_program(str(text), fields, bool(one_row_for_each))
            check_length(asked.text, shared=self._shared)
            for event in self._extractor.extract(asked, cancel=cancel, owner=self._program_owner(request)):
                if isinstance(event, Finished):
                    return endpoint_view(event.table)
            raise ValueError("a table without an end")
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _program_owner(self, request: gr.Request | None) -> str:
        try:
            return "" if request is None else self._owner(request)
        except NotFound:
            return ""

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = ExtractTab(services)
    functions = (
        tab.stop_extract, tab.extract_news, tab.check_columns, tab.source.read_file, tab.source.read_address,
        tab.runs.open_table, tab.runs.change_table, tab.runs.save_table, tab.runs.list_entries, tab.runs.delete_entry,
        tab.runs.restore_entry,
    )  # fmt: skip
    tab_view("extract", {"phase": "empty", **choices_view()}, stream=tab.extract, functions=functions)
    gr.api(tab.extract_text, api_name="extract", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="extract", build=build)
