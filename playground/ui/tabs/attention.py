"""The attention tab: events, what its page may call, and the public endpoint /attention.

What a run is stands in `ui/attention_runs.py`, what the page gets of it in `ui/attention_view.py`.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.ui.attention_answers import answer_material, find_answer
from playground.ui.attention_beside import BesideHandlers
from playground.ui.attention_companions import CompanionLooks
from playground.ui.attention_jobs import Job, Jobs
from playground.ui.attention_looks import Looks, origin_view
from playground.ui.attention_pairs import view_of
from playground.ui.attention_runs import AttentionRuns, Run, make_run, read_material
from playground.ui.attention_saving import Saving
from playground.ui.attention_steps import heads_view, steps_view, strongest_key
from playground.ui.attention_tour import clearest_head_view
from playground.ui.attention_view import (
    Choice,
    endpoint_view,
    exact_row_view,
    overview_view,
    rows_view,
    strongest_pairs_view,
    tile_view,
)
from playground.ui.attention_whatif import WhatIfs, edit_from_untrusted, lens_view, what_if, what_if_view
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import language_in, shown
from playground.ui.model_cards import opening_detail
from playground.ui.page_streams import Asking, PageStreams
from playground.ui.visitors import owner_of, owner_of_program

MOST_AT_ONCE = 2
"""Views that are computed at the same time; the page's calls do not wait in Gradio's queue."""
MOST_EXPERIMENTS = 4
"""Of all visitors at the same time, one of each: every one reads a whole text again."""
ENDPOINT_TOKENS = 512


class AttentionTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.runs = AttentionRuns()
        self.looks = Looks(services.history, self.runs, self._owner)
        self.saving = Saving(self._computed)
        self._jobs = Jobs(services.engine, self.runs, self.looks.store)
        self._companions = CompanionLooks(services)
        self.beside = BesideHandlers(self._companions, self._computed)
        self._streams = PageStreams[Job](self._jobs, self._owner, self._progress)
        self._computing = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._experiments = WhatIfs()
        self._experimenting: set[str] = set()
        self._lock = threading.Lock()

    async def look(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """Look into a text: how far the model has read, then the run's id or the reason why there is none."""
        async for view in self._streams.follow(event, request, self._prepared):
            yield view

    def _prepared(self, asking: Asking) -> Callable[[], Job]:
        """What starts to look into what a page asks for: a text, an answer of a chat, or an entry of the history.

        Reads the history and begins nothing: a page may have gone on meanwhile.
        """
        self.looks.forget_left_chats()
        owner, values = asking.owner, asking.values
        engine, guided, entry = self._services.engine, bool(values.get("guided")), values.get("entry")
        if entry is not None:
            entry = str(entry)
            values = self.looks.asked(owner, entry)
        if values.get("answer") is None:
            make = self._companions.maker(values)
            job = self._job(asking, guided=guided, entry=entry, beside=make is not None)
            return partial(self._jobs.start, job, values.get("text"), make)
        answer = find_answer(self._services.history, owner, values["answer"], asking.language)

        def make_answer(job: Job) -> Run:
            prepare = partial(answer_material, engine, answer)
            return read_material(engine, owner, prepare, cancel=job.cancel, on_progress=job.progress)

        return partial(self._jobs.begin, self._job(asking, entry=entry), make_answer)

    def _job(self, asking: Asking, **about: Any) -> Job:
        return Job(asking.owner, asking.page, asking.sequence, asking.language, **about)

    def _progress(self, job: Job) -> dict[str, Any]:
        if job.beside:
            return {"phase": job.phase, "detail": job.detail, "done": job.done, "total": job.total}
        state = self._services.engine.state
        if state.phase == "opening":
            return {"phase": "opening", "detail": opening_detail(state, job.language)}
        return {"phase": "reading", "done": job.done, "total": job.total}

    def stop_look(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End the run that a page is making."""
        return self._streams.stop(data, request)

    def open_run(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Tokens, shape and odds of a run, and the view of it that a link names. {"again": id} for an entry of the
        history whose numbers are not in memory any more: its text has to be looked into again."""
        owner, run_id, link = self._owner(request), str(data.get("run", "")), data.get("link")
        self.looks.forget_left_chats()
        if not self.runs.has(owner, run_id):
            self.looks.asked(owner, run_id)
            return {"again": run_id}
        language = language_in(data)
        return self._computed(data, request, lambda run, choice: {**view_of(run), **origin_view(run, link, language)})

    def rows(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A block of rows."""
        return self._computed(data, request, lambda run, choice: rows_view(run, choice, data.get("first")))

    def exact_row(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """One row with all its digits."""
        return self._computed(data, request, lambda run, choice: exact_row_view(run, choice, data.get("query")))

    def tile(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A piece of a map."""
        return self._computed(data, request, lambda run, choice: tile_view(run, choice, data))

    def strongest_pairs(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The largest weights of a map."""
        return self._computed(data, request, lambda run, choice: strongest_pairs_view(run, choice))

    def overview(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """All heads at a glance."""
        return self._computed(data, request, overview_view)

    def clearest_head(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Which head looks most from one place at another."""
        query, key = data.get("query"), data.get("key")
        return self._computed(data, request, lambda run, choice: clearest_head_view(run, choice, query, key))

    def steps(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """How one weight is computed; without a key that of the strongest, without a temperature at the model's own."""

        def view(run: Run, choice: Choice) -> dict[str, Any]:
            query, key = data.get("query"), data.get("key")
            if key is None:
                key = strongest_key(run, choice, query)
            return steps_view(run, choice.layer, choice.head, query, key, data.get("temperature", 1.0))

        return self._computed(data, request, view)

    def layer_heads(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """How the heads of a layer come together."""
        model_of = self._companions.model_of
        return self._computed(
            data, request, lambda run, choice: heads_view(model_of(run), run, choice.layer, data.get("query"))
        )

    def layer_guesses(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What each layer would say."""
        return self._computed(data, request, lambda run, choice: lens_view(self._services.engine, run))

    def experiment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What would come next without a head, a layer or a word; the model reads the text again for it."""
        owner = self._owner(request)
        run = self.runs.find(owner, str(data.get("run", "")))
        edit = edit_from_untrusted(data, run)
        with self._lock:
            if owner in self._experimenting:
                raise InvalidInput("Your last experiment is still being made. Wait for it.")
            if len(self._experimenting) >= MOST_EXPERIMENTS:
                raise InvalidInput("Many texts are being looked into on this machine. Try again in a minute.")
            self._experimenting.add(owner)
        try:
            result = what_if(self._services.engine, run, edit)
        finally:
            with self._lock:
                self._experimenting.discard(owner)
        self._experiments.keep(result)
        return what_if_view(result)

    def experiments(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The experiments with a run that are still kept, oldest first."""
        owner = self._owner(request)
        run = self.runs.find(owner, str(data.get("run", "")))
        return {"experiments": [what_if_view(result) for result in self._experiments.of_run(owner, run.id)]}

    def attention(
        self, text: str, layer: int | None = None, head: int | None = None, request: gr.Request | None = None
    ) -> dict[str, Any]:
        """What every token of a text looks at, in the loaded model: tokens, weights [T][T] and what was averaged.

        Parameters:
            text: The text to look into, at most 512 tokens.
            layer: A layer, counted from 0; without one the mean of all layers is given.
            head: A head of that layer, counted from 0; without one the mean of its heads is given.
        """
        try:
            run = make_run(
                self._services.engine,
                owner_of_program(request, shared=self._services.settings.shared),
                text,
                most_tokens=ENDPOINT_TOKENS,
            )
            with self._computing:
                return endpoint_view(run, Choice.from_untrusted({"layer": layer, "head": head}, run))
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error

    def _computed(
        self, data: dict[str, Any], request: gr.Request, view: Callable[[Any, Choice], dict[str, Any]]
    ) -> dict[str, Any]:
        """A view of the visitor's own run; only so many are computed at once."""
        run = self.runs.find(self._owner(request), str(data.get("run", "")))
        choice = Choice.from_untrusted(data, run)
        with self._computing:
            return view(run, choice)

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._services.settings.shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = AttentionTab(services)
    functions = (
        tab.stop_look, tab.open_run, tab.rows, tab.exact_row, tab.tile, tab.strongest_pairs, tab.overview,
        tab.steps, tab.layer_heads, tab.layer_guesses, tab.experiment, tab.experiments,
        tab.clearest_head, tab.beside.look_models, tab.beside.guess, tab.beside.alignment,
        tab.saving.save_view, tab.looks.list_entries, tab.looks.delete_entry, tab.looks.restore_entry, tab.looks.link,
    )  # fmt: skip
    tab_view("attention", {"phase": "empty"}, stream=tab.look, functions=functions, event="look")
    gr.api(tab.attention, api_name="attention", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="attention", build=build)
