"""The translate tab: events, what its page may call, and the public endpoint /translate.

What a translation is stands in `ui/translate_runs.py`, what the page gets of it in `ui/translate_view.py`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, ModelUnavailable
from playground.tasks.translation_events import Finished, TranslationJob
from playground.text.languages import detect
from playground.text.sentences import is_wrapped
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import language_in, shown
from playground.ui.model_cards import opening_detail
from playground.ui.page_streams import Asking, PageStreams
from playground.ui.translate_asked import (
    Asked,
    Unsure,
    asked_of,
    code_of,
    glossary_of,
    is_doubtful,
    languages_view,
    usual_target,
)
from playground.ui.translate_documents import Documents
from playground.ui.translate_entries import TranslationEntries
from playground.ui.translate_jobs import TranslationJobOfPage, TranslationJobs, run_of
from playground.ui.translate_models import TranslationModels
from playground.ui.translate_runs import TranslationRun, TranslationRuns
from playground.ui.translate_sentences import SentenceQuestions
from playground.ui.translate_view import endpoint_view, run_view
from playground.ui.visitors import owner_of, owner_of_program

COUNTED_CHARACTERS = 20_000
"""Up to here the tokens of a text are counted while it is being written."""
ENDPOINT_CHARACTERS = 20_000


class TranslateTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shared = services.settings.shared
        self.models = TranslationModels(services)
        self.runs = TranslationRuns()
        self.entries = TranslationEntries(services.history, self.runs, self._owner)
        self.documents = Documents(self._owner, shared=self._shared)
        self.sentences = SentenceQuestions(self.models, self.entries, self.runs, self._owner)
        self._jobs = TranslationJobs(self.models, self._finish)
        self._streams = PageStreams[TranslationJobOfPage](self._jobs, self._owner, self._progress)

    async def translate(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Translate what a page asks for: how far it is, then the run's id or the reason why there is none."""
        async for view in self._streams.follow(event, request, self._prepared):
            yield view

    def _prepared(self, asking: Asking) -> Callable[[], TranslationJobOfPage] | dict[str, Any]:
        """What begins the job that a page wants to see made; after a reload that is the one that it had begun."""
        owner, values = asking.owner, asking.values
        if values.get("follow"):
            if (known := self._jobs.find(owner, asking.page)) is None:
                return {"gone": True}
            known.sequence = asking.sequence
            return lambda: known
        document = self.documents.find(owner, str(values["document"])) if values.get("document") else None
        asked = asked_of(values, document, shared=self._shared)
        if isinstance(asked, Unsure):
            return {"ask": list(asked.among)}
        job = TranslationJobOfPage(owner, asking.page, asking.sequence, asking.language, asked)
        return partial(self._jobs.begin, job)

    def _progress(self, job: TranslationJobOfPage) -> dict[str, Any]:
        state = self._services.engine.state
        if not job.asked.companion and state.phase == "opening":
            return {**job.progress(), "phase": "opening", "detail": opening_detail(state, job.language)}
        return job.progress()

    def _finish(self, job: TranslationJobOfPage, run: TranslationRun) -> TranslationRun:
        stored = self.entries.store(run)
        kept = stored if stored.id else replace(stored, id=secrets.token_urlsafe(12))
        self.runs.keep(kept)
        return kept

    def stop_translation(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is having translated; what is done is kept, and its stream says so."""
        return self._streams.stop(data, request)

    def job_news(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Sentences that are done since the page asked last."""
        job = self._streams.current(data, request)
        if job is None:
            return {"news": [], "next": 0, "gone": True}
        return job.tell(max(0, int(data.get("after") or 0)), layout=bool(data.get("layout")))

    def open_translation(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole translation, also one of the history."""
        run = self.entries.open(self._owner(request), str(data.get("run", "")))
        view = run_view(run, language_in(data))
        if run.document_name:
            here = self.documents.has(run.owner, run.document_key)
            return {**view, "text": "", "document_key": run.document_key if here else ""}
        return {**view, "text": run.source_text(), "document_key": ""}

    def look_at_text(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The language of a text that is being written, and its tokens if they are quickly counted."""
        text = str(data.get("text") or "")[: 10 * COUNTED_CHARACTERS]
        guess = detect(text)
        return {
            "guess": guess.code,
            "doubtful": is_doubtful(guess),
            "ranked": [code for code, _ in guess.ranked],
            "tokens": self._tokens(text),
            "target": usual_target(guess.code, language_in(data)) if guess.code else "",
        }

    def _tokens(self, text: str) -> int | None:
        if len(text) > COUNTED_CHARACTERS:
            return None
        try:
            return len(self._services.engine.split(text)) if text.strip() else 0
        except ModelUnavailable:
            return None

    def about_pair(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """How well the chosen model does a pair of languages."""
        source, target = code_of(data.get("source")), code_of(data.get("target"))
        return self.models.about_pair(str(data.get("model") or ""), source, target)

    def translation_models(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What can translate."""
        return self.models.offered(str(data.get("source")), str(data.get("target")), language_in(data))

    def download(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A translated file in its own format."""
        return self.documents.translated(self.entries.open(self._owner(request), str(data.get("run", ""))))

    def translate_text(
        self, text: str, target: str = "", source: str = "", glossary: str = "", request: gr.Request | None = None
    ) -> dict[str, Any]:
        """Translate a text with the loaded model, sentence by sentence; what is between the sentences stays.

        Parameters:
            text: The text, at most 20,000 characters.
            target: The language to translate into, as a code or name ("fr", "French"); without one English, and French
                for an English text.
            source: The language of the text; without one it is detected.
            glossary: Terms to be translated in one way, a line each: "heat pump = pompe à chaleur".
        """
        cancel = threading.Event()
        try:
            if len(text) > ENDPOINT_CHARACTERS:
                raise InvalidInput(
                    f"The text has {len(text):,} characters; {ENDPOINT_CHARACTERS:,} are the most here. Send it in "
                    "parts."
                )
            own = code_of(source) if source else None
            into = code_of(target) if target else usual_target(own or detect(text).code)
            job = TranslationJob((text,), into, own, glossary_of(glossary), join_lines=is_wrapped(text))
            return endpoint_view(self._translated(job, owner_of_program(request, shared=self._shared), cancel))
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _translated(self, job: TranslationJob, owner: str, cancel: threading.Event) -> TranslationRun:
        """A run that nobody keeps."""
        chosen = self.models.choose("", owner, cancel=cancel)
        begun = TranslationJobOfPage(owner, "", 0, "en", Asked(job))
        for event in chosen.translator.translate(job, cancel=cancel):
            if isinstance(event, Finished):
                return run_of(begun, chosen, event.translation)
            begun.hear(event)
        raise ValueError("a translation without an end")

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = TranslateTab(services)
    functions = (
        tab.stop_translation, tab.job_news, tab.open_translation, tab.look_at_text, tab.about_pair,
        tab.translation_models, tab.download, tab.documents.open_file, tab.sentences.other_wordings,
        tab.sentences.translate_back, tab.sentences.stop_asking, tab.sentences.replace_sentence, tab.sentences.compare,
        tab.entries.list_entries, tab.entries.delete_entry, tab.entries.restore_entry,
    )  # fmt: skip
    value = {"phase": "empty", "languages": languages_view()}
    tab_view("translate", value, stream=tab.translate, functions=functions)
    gr.api(tab.translate_text, api_name="translate", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="translate", build=build)
