"""Translations as entries of the history: what is kept of them, the list of earlier ones, opening one again.

Owns what an entry holds: the texts, the model, the sentences with what the guards said, never the file itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, NotFound, PlaygroundError
from playground.history.rows import RunRow
from playground.history.store import HistoryStore
from playground.tasks.glossary import Term, TermUse
from playground.tasks.translation import prepare
from playground.tasks.translation_events import TranslatedSentence, TranslationJob
from playground.text.sentences import is_wrapped
from playground.ui.history_entries import HistoryEntries, OwnerOf
from playground.ui.translate_runs import TranslationRun, TranslationRuns

log = logging.getLogger(__name__)

TASK = "translate"
EXCERPT_CHARACTERS = 160
NOT_YOURS = "This translation is not in your list: it was deleted, or it belongs to somebody else."


class TranslationEntries:
    """Stores translations, and what the page may ask about the stored ones. `owner_of` tells whose request it is."""

    def __init__(self, history: HistoryStore, runs: TranslationRuns, owner_of: OwnerOf) -> None:
        self._history, self._runs = history, runs
        self._entries = HistoryEntries(history, owner_of, task=TASK, not_yours=NOT_YOURS, listed=_listed)

    def store(self, run: TranslationRun) -> TranslationRun:
        """The run under the id of its entry. A history that cannot be written to costs the entry, not the run: `id` is
        "" then."""
        try:
            row = self._history.add_run(
                run.owner, TASK, input=run.source_text(), output=run.text(), settings=_settings_of(run),
                stats={"sentences": len(run.sentences), "done": run.done, "seconds": round(run.seconds, 2)},
            )  # fmt: skip
        except PlaygroundError as error:
            log.warning("a translation could not be stored: %s", error)
            return run
        return replace(run, id=row.id, stored=True)

    def update(self, run: TranslationRun) -> None:
        """Write what the visitor has changed into the entry. Raises PlaygroundError children."""
        if run.stored:
            self._history.change_run(run.owner, run.id, output=run.text(), settings=_settings_of(run))

    def open(self, owner: str, run_id: str) -> TranslationRun:
        """A run from memory, else from its entry. Raises NotFound, and InvalidInput for an entry that cannot be read
        any more."""
        try:
            return self._runs.find(owner, run_id)
        except NotFound:
            run = _run_of(owner, self._entries.row(owner, run_id))
            self._runs.keep(run)
            return run

    def list_entries(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's translations, newest first."""
        entries, more = self._entries.newest(data, request)
        return {"more": more, "entries": entries}

    def delete_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a translation away; `restore_entry` brings it back."""
        self._runs.forget(*self._entries.put_away(data, request))
        return {}

    def restore_entry(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._entries.bring_back(data, request)
        return {}


def _settings_of(run: TranslationRun) -> dict[str, Any]:
    return {
        "model": run.model,
        "companion": run.companion,
        "source": run.started.source,
        "target": run.started.target,
        "document": run.document_name,
        "glossary": [[term.source, term.target] for term in run.glossary],
        "sentences": [_packed(one) for one in run.sentences],
        "replaced": {str(index): _packed(one) for index, one in run.replaced.items()},
        "cancelled": run.cancelled,
        "error": run.error,
    }


def _packed(one: TranslatedSentence | None) -> dict[str, Any] | None:
    if one is None:
        return None
    packed: dict[str, Any] = {
        "text": one.text,
        "problems": list(one.problems),
        "lost": list(one.lost),
        "numbers": list(one.numbers),
        "terms": [[use.term.source, use.term.target, use.used] for use in one.terms],
        "probability": one.probability,
        "kept": one.kept,
    }
    return {name: value for name, value in packed.items() if value or name == "text"}


def _unpacked(source: str, packed: Mapping[str, Any] | None) -> TranslatedSentence | None:
    if packed is None:
        return None
    return TranslatedSentence(
        source,
        packed["text"],
        tuple(packed.get("problems", ())),
        lost=tuple(packed.get("lost", ())),
        numbers=tuple(packed.get("numbers", ())),
        terms=tuple(TermUse(Term(term, target), used) for term, target, used in packed.get("terms", ())),
        probability=packed.get("probability"),
        kept=packed.get("kept", ""),
    )


def _run_of(owner: str, row: RunRow) -> TranslationRun:
    kept = row.settings or {}
    document = str(kept.get("document") or "")
    texts = tuple(row.input.split("\n")) if document else (row.input,)
    glossary = tuple(Term(*pair) for pair in kept.get("glossary", ()))
    job = TranslationJob(
        texts, kept["target"], kept["source"], glossary, join_lines=not document and is_wrapped(row.input)
    )
    started = prepare(job)
    packed = kept.get("sentences", ())
    if len(packed) != started.sentences:
        raise InvalidInput("This translation was made by another version of the app. Translate its text again.")
    sources = [segment.text for skeleton in started.skeletons for segment in skeleton.segments]
    return TranslationRun(
        owner,
        row.id,
        str(kept.get("model", "")),
        str(kept.get("companion", "")),
        started,
        tuple(_unpacked(source, one) for source, one in zip(sources, packed, strict=True)),
        glossary,
        document_name=document,
        cancelled=bool(kept.get("cancelled")),
        error=str(kept.get("error") or ""),
        seconds=float((row.stats or {}).get("seconds") or 0.0),
        stored=True,
        replaced={
            int(index): found
            for index, one in kept.get("replaced", {}).items()
            if (found := _unpacked(sources[int(index)], one)) is not None
        },
    )


def _listed(row: RunRow) -> dict[str, Any]:
    settings, stats = row.settings or {}, row.stats or {}
    return {
        "id": row.id,
        "text": row.input[: 2 * EXCERPT_CHARACTERS],
        "translation": row.output[:EXCERPT_CHARACTERS],
        "model": str(settings.get("model", "")),
        "source": str(settings.get("source", "")),
        "target": str(settings.get("target", "")),
        "document": str(settings.get("document") or ""),
        "sentences": stats.get("sentences"),
        "created_at": row.created_at,
    }
