"""Looks into texts as entries of the history: what is kept of them, the list of earlier ones, looking again.

Owns what an entry holds: the text, the model and what was asked, never numbers of the model. Of an answer of a chat
it holds the name and the last words; the rest is read from the chat again. Must not know how anything is drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import gradio as gr

from playground.attention.links import fitted, from_query, to_query
from playground.errors import InvalidInput, NotFound, PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.ui.attention_pairs import PairRun
from playground.ui.attention_runs import AttentionRuns, Run
from playground.ui.attention_view import heads_of
from playground.ui.history_entries import HistoryEntries, OwnerOf
from playground.ui.strings import sentence

log = logging.getLogger(__name__)

TASK = "attention"
EXCERPT_CHARACTERS = 160
NOT_YOURS = (
    "This look is not in your list: it was deleted, or its link was made by somebody else. A link opens a look only "
    "for the person who made it."
)


class Looks:
    """Stores looks, and what the page may ask about the stored ones. `owner_of` tells whose request it is."""

    def __init__(self, history: HistoryStore, runs: AttentionRuns, owner_of: OwnerOf) -> None:
        self._history = history
        self._runs = runs
        self._owner_of = owner_of
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)

    def store(self, run: Run, entry_id: str | None = None) -> Run:
        """The run under the id of its entry in the history, which is `entry_id` for what was looked into again.

        The same text with the same model twice in a row is one entry. What belongs to a temporary chat is not stored.
        A history that cannot be written to costs the entry, not the run.
        """
        if run.answer is not None and run.answer.temporary:
            return run
        try:
            row = self._entry(run) if entry_id is None else self._entries.row(run.owner, entry_id)
        except PlaygroundError as error:
            log.warning("a look could not be stored: %s", error)
            return run
        kept = (row.settings or {}).get("model")
        notes = run.notes
        if kept and kept != run.model:
            notes = (*notes, f"This was looked into with {kept} first; you see how {run.model} reads it.")
        parts = {name: replace(part, id=f"{row.id}.{name}") for name, part in run.parts.items()}
        return replace(run, id=row.id, parts=parts, notes=notes, stored=True)

    def asked(self, owner: str, entry_id: str) -> dict[str, Any]:
        """What a page would send to look into an entry's text again. Raises NotFound."""
        row = self._entries.row(owner, entry_id)
        asked = (row.settings or {}).get("asked")
        return {"text": row.input, **(asked if isinstance(asked, Mapping) else {})}

    def link(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What an address says of a view: `query` goes behind "#look?"."""
        run = self._runs.find(self._owner_of(request), str(data.get("run", "")).partition(".")[0])
        if not run.stored:
            raise InvalidInput("This look is kept nowhere, as its chat, so there is no link to it.")
        values = {name: f"{value:d}" if isinstance(value, bool) else value for name, value in data.items()}
        named = {"hide_sink": values.get("hide_first"), **values, "run": run.id}
        state = from_query({name: value for name, value in named.items() if value is not None})
        return {"query": to_query(state)}

    def list_entries(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's looks, newest first."""
        looks, more = self._entries.newest(data, request)
        return {"more": more, "entries": looks}

    def delete_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a look away; `restore_entry` brings it back."""
        deleted = self._entries.put_away(data, request)
        self._runs.drop(lambda run: (run.owner, run.id) == deleted)
        return {}

    def restore_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}

    def forget_left_chats(self) -> None:
        """Drop the runs of temporary chats that are gone: nothing of those is remembered."""
        self._runs.drop(lambda run: run.answer is not None and run.answer.temporary and self._is_gone(run))

    def _is_gone(self, run: Run) -> bool:
        try:
            self._history.get_conversation(run.owner, run.answer.conversation_id if run.answer else "")
        except NotFound:
            return True
        return False

    def _entry(self, run: Run) -> RunRow:
        text, settings = _input_of(run), _settings_of(run)
        newest = self._history.list_runs(run.owner, task=TASK, limit=1)
        if newest and (newest[0].input, dict(newest[0].settings or {})) == (text, settings):
            return newest[0]
        stats = {"tokens": len(run.tokens), "layers": len(run.recording.layers)}
        return self._history.add_run(run.owner, TASK, input=text, output="", settings=settings, stats=stats)


def origin_view(run: Run, link: object, language: str) -> dict[str, Any]:
    """Where a run comes from, and the view of it that a link names, if any: its parts that the run has."""
    answer = run.answer
    state = fitted(
        from_query(link if isinstance(link, str) else ""), layers=len(run.recording.layers), heads=heads_of(run),
        queries=len(run.tokens), keys=len(run.looked_at.tokens),
    )  # fmt: skip
    return {
        "stored": run.stored,
        "notes": [sentence(language, note) for note in run.notes],
        "answer": None if answer is None else asdict(answer),
        "state": asdict(state) if isinstance(link, str) else None,
    }


def _input_of(run: Run) -> str:
    """The text; of an answer its end, to be recognised and found by."""
    if run.answer is None:
        return run.text
    said = "".join(word.text for word in run.words if word.start >= run.answer.start) + run.answer.word
    return said if len(said) <= EXCERPT_CHARACTERS else f"…{said[-EXCERPT_CHARACTERS:]}"


def _settings_of(run: Run) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if run.answer is not None:
        asked["answer"] = {
            "message_id": run.answer.message_id, "index": run.answer.index, "word": run.answer.word
        }  # fmt: skip
    if run.spec is not None:
        asked["model"] = run.spec.id
    if isinstance(run, PairRun):
        asked["source_language"], asked["target_language"] = run.source_language, run.target_language
        asked["translation"] = None if run.generated else run.parts["translation"].text
    return {"model": run.model, "asked": asked}


def _listed(row: RunRow) -> dict[str, Any]:
    settings = row.settings or {}
    answer = (settings.get("asked") or {}).get("answer")
    return {
        "id": row.id,
        "text": row.input[: 2 * EXCERPT_CHARACTERS],
        "model": str(settings.get("model", "")),
        "answer": answer is not None,
        "word": str((answer or {}).get("word") or ""),
        "tokens": (row.stats or {}).get("tokens"),
        "created_at": row.created_at,
    }
