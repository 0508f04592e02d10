"""The sentiment tab: events, what its page may call, and the public endpoint /sentiment.

One text is judged here; tables of many texts belong to `ui/sentiment_batch.py`. How a judged text is kept stands in
`ui/sentiment_runs.py`, what the page gets of it in `ui/sentiment_view.py`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.tasks.sentiment_analysis import Judge, analyse, judge_one
from playground.tasks.sentiment_aspects import LONGEST_ASPECT, aspect_named, judge_aspects
from playground.tasks.sentiment_labels import PRESETS, LabelSet
from playground.tasks.sentiment_results import problem_of
from playground.text.languages import detect
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import language_in, shown
from playground.ui.model_cards import opening_detail
from playground.ui.page_streams import Asking, PageStreams
from playground.ui.sentiment_asked import Asked, asked_of, choice_of_program, label_choice
from playground.ui.sentiment_batch import SentimentBatch
from playground.ui.sentiment_jobs import SentimentJob, SentimentJobs, require_same_model
from playground.ui.sentiment_judges import SentimentJudges
from playground.ui.sentiment_runs import SentimentRun, SentimentRuns
from playground.ui.sentiment_view import aspect_view, endpoint_view, judged_view, labels_view, span_in
from playground.ui.source_texts import Places
from playground.ui.visitors import owner_of, owner_of_program

MOST_TRIES = 50
KINDS = ("text", "words", "compare")
MOST_AT_ONCE = 4
"""Tries and aspects of all visitors; the page's calls do not wait in Gradio's queue."""


class SentimentTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.batch = SentimentBatch(services, self._owner, labels_of)
        self.judges = SentimentJudges(services, self.batch.fits)
        self.runs = SentimentRuns(services.history, self._owner)
        self._jobs = SentimentJobs(self.judges, self.runs)
        self._streams = PageStreams[SentimentJob](self._jobs, self._owner, self._progress)
        self._trying = threading.BoundedSemaphore(MOST_AT_ONCE)

    async def judge(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Judge what a page asks for: how far it is and what is known, then the run's id or why there is none."""
        async for view in self._streams.follow(event, request, self._prepared):
            yield view

    def _prepared(self, asking: Asking) -> Callable[[], SentimentJob]:
        values = asking.values
        kind = str(values.get("kind") or "text")
        if kind not in KINDS:
            raise InvalidInput("This page is out of date. Reload it.")
        run, span = None, (0, 0)
        if kind == "text":
            asked = asked_of(values)
            if (problem := problem_of(asked.text)) is not None:
                raise problem
            _ = asked.choice.labels  # refused now, not later
        else:
            run = self.runs.open(asking.owner, str(values.get("run", "")))
            asked = _asked_again(run, values, kind)
            span = span_in(run.text, values.get("span"))
        job = SentimentJob(asking.owner, asking.page, asking.sequence, asking.language, kind, asked, run, span)
        return partial(self._jobs.begin, job)

    def _progress(self, job: SentimentJob) -> dict[str, Any]:
        state = self._services.engine.state
        if state.phase == "opening" and job.phase in ("starting", "opening"):
            return {**job.progress(), "phase": "opening", "detail": opening_detail(state, job.language)}
        return job.progress()

    def stop_judging(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End what a page is having judged; what is done is kept, and its stream says so."""
        return self._streams.stop(data, request)

    def sentiment_news(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Whether a page's work still goes on: for a page that has not heard of it for a while."""
        job = self._streams.current(data, request)
        return {"gone": True} if job is None else {"gone": False, "run": job.run_id}

    def try_text(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A run's text with a change: judged as the run was, and kept with it.

        {"run", "span" of the part that was changed, "to" what stands there now}.
        """
        owner = self._owner(request)
        run = self.runs.open(owner, str(data.get("run", "")))
        start, end = span_in(run.text, data.get("span"))
        to = str(data.get("to") or "")
        changed = run.text[:start] + to + run.text[end:]
        if (problem := problem_of(changed)) is not None:
            raise problem
        with self._trying:
            judged = judge_one(self._judge_of(run, owner), changed)
        found = {"span": Places(run.text).span(start, end), "from": run.text[start:end], "to": to}
        tried = {**found, **judged_view(judged)}
        kept = [one for one in run.view.get("tries", []) if (one["span"], one["to"]) != (tried["span"], to)]
        tries = [*kept, tried][-MOST_TRIES:]
        self.runs.grow(run, {"tries": tries})
        return {"tries": tries}

    def forget_tries(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put all tries of a run away; with `undo` those that were put away last come back."""
        run = self.runs.open(self._owner(request), str(data.get("run", "")))
        if data.get("undo"):
            found = {"tries": run.view.get("tries_before", []), "tries_before": []}
        else:
            found = {"tries": [], "tries_before": run.view.get("tries", [])}
        self.runs.grow(run, found)
        return {"tries": found["tries"]}

    def judge_aspect(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What a run's text says about something that the visitor names."""
        owner = self._owner(request)
        run = self.runs.open(owner, str(data.get("run", "")))
        code = detect(run.text).code
        aspect = aspect_named(run.text, str(data.get("name") or "")[: LONGEST_ASPECT + 1], code)
        with self._trying:
            (judged,) = judge_aspects(self._judge_of(run, owner), run.text, [aspect])
        found = aspect_view(judged, Places(run.text))
        kept = [one for one in run.view.get("aspects", []) if one["name"].casefold() != found["name"].casefold()]
        self.runs.grow(run, {"aspects": [*kept, found]})
        return {"aspects": run.view["aspects"]}

    def check_labels(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The labels that a visitor has written, as they are understood."""
        return {"labels": labels_view(label_choice(data.get("labels")).labels)}

    def sentiment_models(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Which models can judge, or be compared with."""
        return self.judges.offered(language_in(data))

    def sentiment_of(self, text: str, labels: str = "", request: gr.Request | None = None) -> dict[str, Any]:
        """Judge a text with the loaded model: the label, a probability for each, the sentences, and what every word
        does.

        Parameters:
            text: The text.
            labels: "" for negative, neutral and positive; "two_sides", "emotions", "urgency" or "topics"; or your own,
                "refund, delivery, praise", one a line with words for each if you like: "refund: refund, money back".
        """
        cancel = threading.Event()
        try:
            choice = choice_of_program(labels)
            owner = owner_of_program(request, shared=self._services.settings.shared)
            judge = self.judges.open(choice.labels, owner=owner, cancel=cancel)
            return endpoint_view(judge, text, analyse(judge, text, cancel=cancel))
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _judge_of(self, run: SentimentRun, owner: str) -> Judge:
        asked = _asked_again(run, {}, "words")
        judge = self.judges.open(asked.choice.labels, model=asked.model, names=asked.names, owner=owner)
        require_same_model(run, judge)
        return judge

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._services.settings.shared)


def labels_of(values: Any) -> LabelSet:
    """The labels that a request names. Raises InvalidInput."""
    return label_choice(values.get("labels")).labels


def _asked_again(run: SentimentRun, values: dict[str, Any], kind: str) -> Asked:
    """What a run was asked with; for a comparison the other model of `values`."""
    before = asked_of({**run.settings, "text": run.text})
    if kind != "compare":
        return before
    wanted = asked_of({**values, "text": run.text})
    return Asked(run.text, before.choice, wanted.model, wanted.other, wanted.names)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = SentimentTab(services)
    functions = (
        tab.stop_judging, tab.sentiment_news, tab.try_text, tab.forget_tries, tab.judge_aspect, tab.check_labels,
        tab.sentiment_models, tab.runs.open_sentiment, tab.runs.list_entries, tab.runs.delete_entry,
        tab.runs.restore_entry, *tab.batch.functions,
    )  # fmt: skip
    sets = {one.id: labels_view(one) for one in PRESETS.values()}
    tab_view("sentiment", {"phase": "empty", "sets": sets}, stream=tab.judge, functions=functions)
    gr.api(tab.sentiment_of, api_name="sentiment", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="sentiment", build=build)
