"""Texts that are being judged: each on a thread of its own, watched and stopped by the page that asked for it.

Owns what a page may see of one, and the order in which things are found: verdict, sentences, aspects, words. Must not
know how a run is kept beyond asking for it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.sentiment_analysis import (
    Analysis,
    Judge,
    Occlusion,
    analyse,
    judge_one,
    without_words,
    words_of,
)
from playground.tasks.sentiment_aspects import aspects_in, judge_aspects
from playground.tasks.sentiment_lexicon import read_by_words
from playground.text.languages import detect
from playground.ui.page_jobs import TaskJobs
from playground.ui.sentiment_asked import Asked
from playground.ui.sentiment_judges import SentimentJudges
from playground.ui.sentiment_runs import SentimentRun, SentimentRuns
from playground.ui.sentiment_view import (
    VERSION,
    analysis_view,
    aspect_view,
    calibration_view,
    heat_view,
    judged_view,
    known_view,
    labels_view,
    lexicon_view,
)
from playground.ui.source_texts import Places
from playground.ui.strings import sentence

MOST_PARTS = 60
"""Sentences of a run whose words were weighed."""
MOST_WORDS_AT_ONCE = 90
"""Up to so many the words of a whole text are weighed unasked; of a longer one those of a chosen sentence."""


@dataclass(eq=False)
class SentimentJob:
    """A text being judged. Written by its own thread, read by anybody.

    `kind`: "text" judges a text anew, "words" weighs the words of a part (`span` in code points) of a run, "compare"
    has a run's text judged by another model.
    """

    owner: str
    page: str
    sequence: int
    language: str
    kind: str
    asked: Asked
    run: SentimentRun | None = None
    span: tuple[int, int] = (0, 0)
    phase: str = "starting"
    """"starting", "opening" a model, "verdict", "sentences", "aspects", "words"."""
    detail: str = ""
    done: int = 0
    total: int = 0
    found: dict[str, Any] = field(default_factory=dict)
    """What there is to show so far, as in a run's view; always another dict when there is more."""
    told: dict[str, Any] = field(default_factory=dict)
    """What the page was told last."""
    run_id: str | None = None
    """Once there is a verdict."""
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def places(self) -> Places:
        """Of the text."""
        return Places(self.asked.text)

    def opening(self, detail: str, fraction: float | None = None) -> None:
        """A model is being opened."""
        share = "" if fraction is None else f" {fraction:.0%}"
        self.phase, self.detail = "opening", f"{sentence(self.language, detail)}{share}"

    def hear_analysis(self, analysis: Analysis) -> None:
        """The verdict, then sentence by sentence."""
        self.found = {**self.found, **analysis_view(analysis, self.places)}
        self.phase, self.done, self.total = "sentences", len(analysis.sentences), analysis.total

    def hear_words(self, occlusion: Occlusion) -> None:
        """Word by word."""
        part = self.heat(occlusion)
        self.found = {**self.found, "heats": [part]}
        self.phase, self.done, self.total = "words", len(occlusion.words), occlusion.total

    def heat(self, occlusion: Occlusion) -> dict[str, Any]:
        """Words of the part that is looked at."""
        return {"span": self.places.span(*self.span), **heat_view(occlusion, self.places, self.span[0])}

    def progress(self) -> dict[str, Any]:
        """How far it is, and what there is to show, if that is more than it was."""
        found = self.found
        news = {} if found is self.told else {"found": found}
        self.told = found
        return {
            **news,
            "phase": self.phase,
            "kind": self.kind,
            "detail": self.detail,
            "done": self.done,
            "total": self.total,
            "run": self.run_id,
            "stopping": self.cancel.is_set(),
        }


class SentimentJobs(TaskJobs[SentimentJob]):
    """Starts and stops jobs; a page has one at a time. Thread-safe."""

    name = "sentiment"
    many = "Many texts are being judged on this machine. Try again in a minute."
    several = "Several of your texts are being judged already. Wait for one of them."

    def __init__(self, judges: SentimentJudges, runs: SentimentRuns) -> None:
        self._judges, self._runs = judges, runs
        super().__init__()

    def _make(self, job: SentimentJob) -> None:
        {"text": self._judge_text, "words": self._weigh_words, "compare": self._compare}[job.kind](job)

    def _open(self, job: SentimentJob, model: str) -> Judge:
        asked = job.asked
        return self._judges.open(
            asked.choice.labels, model=model, names=asked.names, owner=job.owner, cancel=job.cancel,
            on_detail=job.opening,
        )  # fmt: skip

    def _judge_text(self, job: SentimentJob) -> None:
        text = job.asked.text
        judge = self._open(job, job.asked.model)
        job.phase = "verdict"
        start_s = time.perf_counter()
        analysis, complete = self._analysis(job, judge)
        job.found = {
            **self._facts(job, judge),
            **analysis_view(analysis, job.places),
            **known_view(judge, detect(text).code, analysis.overall),
            "verdict": _verdict(judge, analysis),
            "seconds": round(time.perf_counter() - start_s, 2),
            "complete": complete,
        }
        job.run = self._runs.add(job.owner, text, job.found, _settings(job.asked))
        job.run_id = job.run.id
        try:
            if complete:
                self._aspects(job, judge)
                if len(words_of(text)) <= MOST_WORDS_AT_ONCE:
                    job.span = (0, len(text))
                    self._words(job, judge)
        finally:
            self._runs.grow(job.run, job.found)

    def _analysis(self, job: SentimentJob, judge: Judge) -> tuple[Analysis, bool]:
        """What was found, and whether it is all of it: a stop keeps what is there."""
        known: list[Analysis] = []

        def hear(analysis: Analysis) -> None:
            known.append(analysis)
            job.hear_analysis(analysis)

        job.found = self._facts(job, judge)
        try:
            return analyse(judge, job.asked.text, cancel=job.cancel, progress=hear), True
        except PlaygroundError:
            if not job.cancel.is_set() or not known or known[-1].overall is None:
                raise
            return known[-1], False

    def _facts(self, job: SentimentJob, judge: Judge) -> dict[str, Any]:
        """What is known of the text without judging it, and of the model that judges."""
        text, choice = job.asked.text, job.asked.choice
        guess = detect(text)
        reading = read_by_words(text, judge.labels) if guess.code in ("en", "") else None
        return {
            "version": VERSION,
            "model": judge.model_name,
            "model_id": judge.model_id,
            "classifier": job.asked.model,
            "labels": labels_view(judge.labels),
            "set": judge.labels.id if job.asked.model else choice.set,
            "independent": judge.independent,
            "nameless": list(judge.nameless),
            "text_language": guess.code,
            "calibration": calibration_view(judge.calibration_for(guess.code)),
            "lexicon": lexicon_view(reading),
        }

    def _aspects(self, job: SentimentJob, judge: Judge) -> None:
        text = job.asked.text
        aspects = aspects_in(text, detect(text).code)
        job.phase, job.done, job.total = "aspects", 0, len(aspects)
        views: list[dict[str, Any]] = []
        for judged in judge_aspects(judge, text, aspects, cancel=job.cancel):
            views.append(aspect_view(judged, job.places))
            job.done = len(views)
        job.found = {**job.found, "aspects": views}

    def _words(self, job: SentimentJob, judge: Judge) -> None:
        start, end = job.span
        job.phase, job.done, job.total = "words", 0, 0
        text = job.asked.text
        without_words(
            judge, text[start:end], language=detect(text).code, cancel=job.cancel, progress=job.hear_words
        )  # fmt: skip

    def _weigh_words(self, job: SentimentJob) -> None:
        run = _required(job)
        judge = self._open(job, job.asked.model)
        require_same_model(run, judge)
        self._words(job, judge)
        near = [one for one in run.view.get("heats", []) if one["span"] != job.found["heats"][0]["span"]]
        job.found = {"heats": [*near, *job.found["heats"]][-MOST_PARTS:]}
        self._runs.grow(run, job.found)

    def _compare(self, job: SentimentJob) -> None:
        """`asked.model` is a classifier's name; else `asked.other` is another of the chat's models."""
        run, asked = _required(job), job.asked
        if asked.other:
            job.phase = "opening"
            if not self._judges.switch(asked.other, cancel=job.cancel):
                return
        judge = self._open(job, asked.model)
        job.phase = "verdict"
        start_s = time.perf_counter()
        overall = judge_one(judge, asked.text, cancel=job.cancel)
        found = {
            "model": judge.model_name,
            "labels": labels_view(judge.labels),
            "independent": judge.independent,
            "seconds": round(time.perf_counter() - start_s, 2),
            **judged_view(overall),
        }
        others = [one for one in run.view.get("others", []) if one["model"] != found["model"]]
        job.found = {"others": [*others, found]}
        self._runs.grow(run, job.found)


def require_same_model(run: SentimentRun, judge: Judge) -> None:
    """Raises InvalidInput where another model is open now than the one that judged a run: their figures do not mix."""
    if run.view.get("model_id") != judge.model_id:
        before, now = run.view.get("model", ""), judge.model_name
        raise InvalidInput(f"This text was judged by {before}; {now} is open now. Judge it again first.")


def _required(job: SentimentJob) -> SentimentRun:
    if job.run is None:
        raise InvalidInput("Judge the text first.")
    job.run_id = job.run.id
    return job.run


def _settings(asked: Asked) -> dict[str, Any]:
    return {"labels": asked.choice.as_dict(), "model": asked.model, "names": dict(asked.names)}


def _verdict(judge: Judge, analysis: Analysis) -> str:
    """For the list of earlier texts, and its search."""
    overall = analysis.overall
    if overall is None or overall.label is None:
        return ""
    return f"{judge.labels.names[overall.label]} {overall.probabilities[overall.label]:.0%}"
