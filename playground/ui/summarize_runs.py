"""Summaries that visitors have had made: the last ones in memory, all of them as entries of the history.

Owns what an entry holds: the text, the summary and what the page shows of it. Knows no model; decides nothing about how
a summary is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.history.rows import RunRow
from playground.ui.kept_runs import KeptRuns
from playground.ui.summarize_view import VERSION

EXCERPT_CHARACTERS = 160


@dataclass(frozen=True)
class SummaryRun:
    """A summary as the page shows it (`ui/summarize_view.py`); `settings` are what was asked for."""

    owner: str
    id: str
    text: str
    view: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    stored: bool = False


class SummaryRuns(KeptRuns[SummaryRun]):
    """Keeps summaries."""

    task = "summarize"
    not_yours = "This summary is not in your list: it was deleted, or it belongs to somebody else."

    def store(self, owner: str, text: str, view: dict[str, Any], settings: dict[str, Any]) -> str:
        """Add an entry to the history; its id, "" where the history cannot be written to."""
        stats = {"parts": len(view["plan"]["parts"]), "seconds": view["seconds"]}
        return self._entry(owner, text, str(view["text"]), {**settings, "view": view}, stats=stats)

    def open_summary(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A whole summary, also one of the history; with `whole` its text and settings too."""
        run = self._named(data, request)
        own = {"source": run.text, "settings": run.settings} if data.get("whole") else {}
        return {**run.view, **own, "id": run.id, "stored": run.stored}

    def _read(self, owner: str, row: RunRow) -> SummaryRun:
        settings = dict(row.settings or {})
        view = settings.pop("view", None)
        if not isinstance(view, dict) or view.get("version") != VERSION:
            raise InvalidInput("This summary was made by another version of the app. Summarize its text again.")
        return SummaryRun(owner, row.id, row.input, view, settings, stored=True)

    @staticmethod
    def _listed(row: RunRow) -> dict[str, Any]:
        settings = row.settings or {}
        view = settings.get("view") or {}
        return {
            "id": row.id,
            "text": row.input[: 2 * EXCERPT_CHARACTERS],
            "summary": row.output[:EXCERPT_CHARACTERS],
            "name": str(settings.get("name") or ""),
            "form": str(settings.get("form") or ""),
            "model": str(view.get("model") or ""),
            "created_at": row.created_at,
        }
