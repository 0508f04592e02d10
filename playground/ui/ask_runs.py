"""Texts that visitors have asked, each with its answers: the last in memory, all as entries of the history.

Owns what an entry holds, and that an answer joins the entry of its text. Knows no model; decides nothing about answers.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, NotFound, PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.ui.ask_view import VERSION
from playground.ui.history_entries import HistoryEntries, OwnerOf

log = logging.getLogger(__name__)

TASK = "ask"
MOST_RUNS, MOST_RUNS_OF_OWNER = 100, 10
MOST_CHARACTERS = 20_000_000
"""Of all texts together that are held in memory."""
MOST_ANSWERS = 200
"""In one entry; the oldest go."""
EXCERPT_CHARACTERS = 160
NOT_YOURS = "This text is not in your list: it was deleted, or it belongs to somebody else."


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


class AskRuns:
    """Keeps texts with their answers, and what the page may ask about them. Thread-safe. `owner_of` tells whose request
    it is."""

    def __init__(self, history: HistoryStore, owner_of: OwnerOf) -> None:
        self._history, self._owner_of = history, owner_of
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)
        self._runs: OrderedDict[str, AskRun] = OrderedDict()
        self._lock = threading.RLock()

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
            return self._keep(self._stored(replace(run, answers=(*run.answers, numbered)[-MOST_ANSWERS:])))

    def open(self, owner: str, run_id: str) -> AskRun:
        """A visitor's own run, from memory or from its entry. Raises NotFound, and InvalidInput for an entry that
        cannot be shown any more."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and run.owner == owner:
                self._runs.move_to_end(run_id)
                return run
            row = self._entries.row(owner, run_id)
            settings = row.settings or {}
            answers = settings.get("answers")
            if not isinstance(answers, list) or any(answer.get("version") != VERSION for answer in answers):
                raise InvalidInput("These answers were made by another version of the app. Ask again.")
            name = str(settings.get("name") or "")
            return self._keep(AskRun(owner, row.id, row.input, name, tuple(answers), stored=True))

    def open_asked(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A text's answers, also of the history; with `whole` the text too."""
        run = self.open(self._owner_of(request), str(data.get("run", "")))
        own = {"source": run.text, "name": run.name} if data.get("whole") else {}
        return {"id": run.id, "stored": run.stored, "answers": run.shown, **own}

    def hide_answer(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Take an answer out of its list (`hidden`), or bring it back."""
        with self._lock:
            run = self.open(self._owner_of(request), str(data.get("run", "")))
            changed = tuple(
                {**one, "hidden": data.get("hidden") is True} if one["number"] == data.get("number") else one
                for one in run.answers
            )
            return {"answers": self._keep(self._stored(replace(run, answers=changed))).shown}

    def list_asked(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's texts, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_asked(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a text and its answers away; `restore_asked` brings them back."""
        _, run_id = self._entries.put_away(data, request)
        with self._lock:
            self._runs.pop(run_id, None)
        return {}

    def restore_asked(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def _stored(self, run: AskRun) -> AskRun:
        """`run` written to the history where that is possible."""
        spoken = "\n".join(f"{one['question']} {one['text']}".strip() for one in run.shown)
        settings = {"name": run.name, "answers": list(run.answers)}
        try:
            if run.stored:
                self._history.change_run(run.owner, run.id, output=spoken, settings=settings)
                return run
            row = self._history.add_run(run.owner, TASK, input=run.text, output=spoken, settings=settings)
        except PlaygroundError as error:
            log.warning("an answer could not be stored: %s", error)
            return run if run.id else replace(run, id=secrets.token_urlsafe(12))
        return replace(run, id=row.id, stored=True)

    def _keep(self, run: AskRun) -> AskRun:
        """Hold a run in memory; it is here until newer ones need its place."""
        self._runs.pop(run.id, None)
        self._runs[run.id] = run
        own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
        for old in own[:-MOST_RUNS_OF_OWNER]:
            del self._runs[old]
        while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self._characters() > MOST_CHARACTERS):
            self._runs.popitem(last=False)
        return run

    def _characters(self) -> int:
        return sum(len(run.text) for run in self._runs.values())


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
