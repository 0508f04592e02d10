"""Texts that visitors have asked, each with its answers: the last in memory, all as entries of the history.

Owns what an entry holds, and that an answer joins the entry of its text. Knows no model; decides nothing about answers.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, NotFound, PlaygroundError
from playground.history.rows import RunRow
from playground.ui.ask_view import VERSION
from playground.ui.kept_runs import KeptRuns

log = logging.getLogger(__name__)

MOST_ANSWERS = 200
"""In one entry; the oldest go."""
EXCERPT_CHARACTERS = 160


@dataclass(frozen=True)
class AskRun:
    """A text with its answers as the page shows them (`ui/ask_view.py`), oldest first; `name` is that of its file or
    address. An answer that was taken out is `hidden`, so that it can come back."""

    owner: str
    id: str
    text: str
    name: str = ""
    answers: tuple[dict[str, Any], ...] = ()
    stored: bool = False

    @property
    def shown(self) -> list[dict[str, Any]]:
        """The answers that were not taken out."""
        return [answer for answer in self.answers if not answer.get("hidden")]


class AskRuns(KeptRuns[AskRun]):
    """Keeps texts with their answers."""

    task = "ask"
    not_yours = "This text is not in your list: it was deleted, or it belongs to somebody else."

    def add(self, owner: str, run_id: str, text: str, name: str, answer: dict[str, Any]) -> AskRun:
        """Put an answer to those that its text has in the run `run_id`, or into a run of its own. A history that
        cannot be written to costs no answer."""
        with self._lock:
            try:
                run = self.open(owner, run_id)
            except (NotFound, InvalidInput):
                run = None
            if run is None or run.text != text:
                run = AskRun(owner, "", text, name)
            numbered = {**answer, "number": 1 + max((one["number"] for one in run.answers), default=0)}
            return self.keep(self._stored(replace(run, answers=(*run.answers, numbered)[-MOST_ANSWERS:])))

    def open_asked(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A text's answers, also of the history; with `whole` the text too."""
        run = self._named(data, request)
        own = {"source": run.text, "name": run.name} if data.get("whole") else {}
        return {"id": run.id, "stored": run.stored, "answers": run.shown, **own}

    def hide_answer(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Take an answer out of its list (`hidden`), or bring it back."""
        with self._lock:
            run = self._named(data, request)
            changed = tuple(
                {**one, "hidden": data.get("hidden") is True} if one["number"] == data.get("number") else one
                for one in run.answers
            )
            return {"answers": self.keep(self._stored(replace(run, answers=changed))).shown}

    def _stored(self, run: AskRun) -> AskRun:
        """`run` written to the history where that is possible."""
        spoken = "\n".join(f"{one['question']} {one['text']}".strip() for one in run.shown)
        settings = {"name": run.name, "answers": list(run.answers)}
        try:
            if run.stored:
                self._history.change_run(run.owner, run.id, output=spoken, settings=settings)
                return run
            row = self._history.add_run(run.owner, self.task, input=run.text, output=spoken, settings=settings)
        except PlaygroundError as error:
            log.warning("an answer could not be stored: %s", error)
            return run if run.id else replace(run, id=secrets.token_urlsafe(12))
        return replace(run, id=row.id, stored=True)

    def _read(self, owner: str, row: RunRow) -> AskRun:
        settings = row.settings or {}
        answers = settings.get("answers")
        if not isinstance(answers, list) or any(answer.get("version") != VERSION for answer in answers):
            raise InvalidInput("These answers were made by another version of the app. Ask again.")
        return AskRun(owner, row.id, row.input, str(settings.get("name") or ""), tuple(answers), stored=True)

    @staticmethod
    def _listed(row: RunRow) -> dict[str, Any]:
        settings = row.settings or {}
        answers = [one for one in settings.get("answers") or [] if isinstance(one, dict) and not one.get("hidden")]
        last = answers[-1] if answers else {}
        return {
            "id": row.id,
            "text": row.input[: 2 * EXCERPT_CHARACTERS],
            "name": str(settings.get("name") or ""),
            "question": str(last.get("question") or "")[:EXCERPT_CHARACTERS],
            "count": len(answers),
            "model": str(last.get("model") or ""),
            "created_at": row.created_at,
        }
