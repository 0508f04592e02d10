"""Translations that are being made: each on a thread of its own, watched and stopped by the page that asked for it.

Owns what a page may see of one. Must not know how a run is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from playground.tasks.translation_events import Event, Finished, SentenceDone, Started, Translation, Writing
from playground.ui.page_jobs import TaskJobs
from playground.ui.strings import sentence as in_language
from playground.ui.translate_asked import Asked
from playground.ui.translate_models import Chosen, TranslationModels
from playground.ui.translate_runs import TranslationRun
from playground.ui.translate_view import layout_view, sentence_view

MOST_ENDED = 50
"""That are remembered, for a page that was reloaded meanwhile."""
MOST_NEWS = 400
"""Sentences in one answer to a page."""

Finish = Callable[["TranslationJobOfPage", TranslationRun], TranslationRun]
"""Keeps a finished run and gives it as it is kept."""


@dataclass(eq=False)
class TranslationJobOfPage:
    """A translation in the making. Written by its own thread, read by anybody."""

    owner: str
    page: str
    sequence: int
    language: str
    asked: Asked
    phase: Literal["opening", "translating"] = "translating"
    detail: str = ""
    started: Started | None = None
    news: list[tuple[int, dict[str, Any] | None]] = field(default_factory=list)
    """Finished sentences (index, view) in the order in which they came."""
    growing: tuple[int, str] | None = None
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)
    _kinds: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Take in what the translation tells."""
        if isinstance(event, Started):
            self.started = event
            self._kinds = [segment.kind for skeleton in event.skeletons for segment in skeleton.segments]
        elif isinstance(event, Writing):
            self.growing = event.index, event.text
        elif isinstance(event, SentenceDone):
            self.news.append((event.index, sentence_view(event.sentence, self._kinds[event.index])))

    def progress(self) -> dict[str, Any]:
        """How far it is; small, whatever the length of the text."""
        growing = self.growing
        return {
            "phase": self.phase,
            "detail": self.detail,
            "done": len(self.news),
            "total": self.started.sentences if self.started else 0,
            "growing": list(growing) if growing else None,
            "stopping": self.cancel.is_set(),
        }

    def tell(self, after: int, *, layout: bool) -> dict[str, Any]:
        """Finished sentences from number `after` on, and with `layout` both panes as they are cut."""
        found = self.news[after : after + MOST_NEWS]
        view: dict[str, Any] = {"news": [list(one) for one in found], "next": after + len(found)}
        if layout and self.started is not None:
            view["layout"] = layout_view(self.started)
        return view


class TranslationJobs(TaskJobs[TranslationJobOfPage]):
    """Starts and stops translations; a page makes one at a time. Thread-safe."""

    name = "translation"
    many = "Many texts are being translated on this machine. Try again in a minute."
    several = "Several of your texts are being translated already. Wait for one of them."
    kept = MOST_ENDED

    def __init__(self, models: TranslationModels, finish: Finish) -> None:
        self._models, self._finish = models, finish
        super().__init__()

    def _make(self, job: TranslationJobOfPage) -> None:
        chosen = self._chosen(job)
        found = self._translated(job, chosen)
        if found is not None and any(one is not None for one in found.sentences):
            job.run_id = self._finish(job, run_of(job, chosen, found)).id
        elif found is not None and found.error:
            job.error = in_language(job.language, found.error)

    def _chosen(self, job: TranslationJobOfPage) -> Chosen:
        def note(detail: str, fraction: float | None) -> None:
            share = "" if fraction is None else f" {fraction:.0%}"
            job.detail = in_language(job.language, detail) + share

        if job.asked.companion:
            job.phase = "opening"
        chosen = self._models.choose(job.asked.companion, job.owner, cancel=job.cancel, on_detail=note)
        job.phase, job.detail = "translating", ""
        return chosen

    @staticmethod
    def _translated(job: TranslationJobOfPage, chosen: Chosen) -> Translation | None:
        for event in chosen.translator.translate(job.asked.job, cancel=job.cancel):
            if isinstance(event, Finished):
                return event.translation
            job.hear(event)
        return None


def run_of(job: TranslationJobOfPage, chosen: Chosen, found: Translation) -> TranslationRun:
    """What came of a job, not kept yet."""
    if job.started is None:
        raise ValueError("a translation without a beginning")
    document = job.asked.document
    return TranslationRun(
        job.owner,
        "",
        chosen.name,
        job.asked.companion,
        job.started,
        found.sentences,
        job.asked.job.glossary,
        document.name if document else "",
        job.asked.document_key,
        cancelled=found.cancelled,
        error=found.error,
        seconds=found.seconds,
    )
