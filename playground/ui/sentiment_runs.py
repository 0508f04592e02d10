"""Texts that visitors have had judged: the last ones in memory, all of them as entries of the history.

Owns what an entry holds: the text, the verdict and what the page shows of it, also what is found later (tries, other
models). Knows no model; decides nothing about how a text is judged.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, PlaygroundError
from playground.history.rows import RunRow
from playground.ui.kept_runs import KeptRuns
from playground.ui.sentiment_view import VERSION

log = logging.getLogger(__name__)

EXCERPT_CHARACTERS = 320


@dataclass(eq=False)
class SentimentRun:
    """A judged text as the page shows it; `settings` are what was asked for. `view` grows under the runs' lock."""

    owner: str
    id: str
    text: str
    view: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    stored: bool = False


class SentimentRuns(KeptRuns[SentimentRun]):
    """Keeps judged texts."""

    task = "sentiment"
    not_yours = "This text is not in your list: it was deleted, or it belongs to somebody else."

    def add(self, owner: str, text: str, view: dict[str, Any], settings: dict[str, Any]) -> SentimentRun:
        """Keep a judged text, also in the history; where that cannot be written to, in memory alone."""
        verdict, stats = str(view.get("verdict") or ""), {"seconds": view.get("seconds")}
        entry = self._entry(owner, text, verdict, {**settings, "view": view}, stats=stats)
        run_id = entry or secrets.token_urlsafe(12)
        return self.keep(SentimentRun(owner, run_id, text, view, settings, stored=bool(entry)))

    def grow(self, run: SentimentRun, found: Mapping[str, Any]) -> None:
        """Put what was found later into a run and its entry."""
        with self._lock:
            run.view = {**run.view, **found}
            view = run.view
        if not run.stored:
            return
        try:
            self._history.change_run(
                run.owner, run.id, output=str(view.get("verdict") or ""), settings={**run.settings, "view": view}
            )
        except PlaygroundError as error:  # deleted meanwhile, or a full disk: the page has it all the same
            log.info("a judged text could not be changed: %s", error)

    def open_sentiment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole judged text, also one of the history."""
        run = self._named(data, request)
        return {**run.view, "text": run.text, "settings": run.settings, "id": run.id, "stored": run.stored}

    def _read(self, owner: str, row: RunRow) -> SentimentRun:
        settings = dict(row.settings or {})
        view = settings.pop("view", None)
        if not isinstance(view, dict) or view.get("version") != VERSION:
            raise InvalidInput("This text was judged by another version of the app. Judge it again.")
        return SentimentRun(owner, row.id, row.input, view, settings, stored=True)

    @staticmethod
    def _listed(row: RunRow) -> dict[str, Any]:
        settings = row.settings or {}
        view = settings.get("view") or {}
        shares = (view.get("overall") or {}).get("probabilities") or []
        best = max(range(len(shares)), key=shares.__getitem__, default=None)
        return {
            "id": row.id,
            "text": row.input[:EXCERPT_CHARACTERS],
            "label": "" if best is None else view["labels"][best][0],
            "share": 0.0 if best is None else shares[best],
            "model": str(view.get("model") or ""),
            "created_at": row.created_at,
        }
