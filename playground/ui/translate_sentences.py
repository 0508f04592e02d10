"""What a visitor does with one sentence of a translation: other wordings, the way back, a wording of their own; and the
comparison of the whole with a reference.

Owns that a page has one such question open at a time. Knows no storage but through what it is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.text.languages import language
from playground.text.scores import chrf, word_difference
from playground.ui.translate_entries import TranslationEntries
from playground.ui.translate_models import TranslationModels
from playground.ui.translate_runs import TranslationRun, TranslationRuns
from playground.ui.translate_view import sentence_view

SAME, CLOSE = 60.0, 40.0
"""chrF++ of a translation put back from which on it says the same, or about the same."""
SAME_UNSPACED, CLOSE_UNSPACED = 40.0, 14.0
"""The same in a language without blanks: there a sentence is one word to chrF++, and every score is lower."""
UNTRANSLATED = {"empty", "echo", "language"}
"""Problems of a sentence that has no translation to be put back."""
MOST_ASKING = 8
LONGEST_REFERENCE = 200_000


class SentenceQuestions:
    """The handlers; plain methods of a dict and a request. `owner_of` tells whose request it is."""

    def __init__(
        self,
        models: TranslationModels,
        entries: TranslationEntries,
        runs: TranslationRuns,
        owner_of: Callable[[gr.Request], str],
    ) -> None:
        self._models, self._entries, self._runs, self._owner_of = models, entries, runs, owner_of
        self._asking: dict[tuple[str, str], threading.Event] = {}
        self._lock = threading.Lock()
        self._changing = threading.Lock()

    def other_wordings(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Up to three other translations of a sentence, the best first."""
        run = self._run(data, request)
        index = run.index(data.get("index"))
        present = run.sentences[index]
        besides = [one.text for one in (present, run.replaced.get(index)) if one is not None]

        def ask(cancel: threading.Event) -> dict[str, Any]:
            chosen = self._models.choose(run.companion, run.owner, cancel=cancel)
            found = chosen.translator.alternatives(run.sources[index], run.direction, besides=besides, cancel=cancel)
            return {"wordings": [sentence_view(one) for one in found], "stopped": cancel.is_set()}

        return self._alone(run.owner, data, ask)

    def translate_back(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A translation put back into its source's language, and how near it comes: same, close or far."""
        run = self._run(data, request)
        index = run.index(data.get("index"))
        present = run.sentences[index]
        # That an echo reads like the text when it is put back says nothing.
        if present is None or UNTRANSLATED & set(present.problems) or not present.text:
            raise InvalidInput("This sentence is not translated yet.")

        def ask(cancel: threading.Event) -> dict[str, Any]:
            chosen = self._models.choose(run.companion, run.owner, cancel=cancel)
            found = chosen.translator.back(present, run.direction, cancel=cancel)
            return {
                "text": found.text,
                "nearness": round(found.nearness, 1),
                "close": closeness(found.nearness, run.direction.source),
            }

        return self._alone(run.owner, data, ask)

    def stop_asking(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The page does not want the answer to its question any more."""
        with self._lock:
            cancel = self._asking.get((self._owner_of(request), _page(data)))
        if cancel is not None:
            cancel.set()
        return {"stopped": cancel is not None}

    def replace_sentence(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a sentence in other words; the text as it was first brings back what the model had written."""
        with self._changing:
            run = self._run(data, request).with_wording(data.get("index"), data.get("text"))
            self._entries.update(run)
            self._runs.keep(run)
        index = run.index(data.get("index"))
        return {"sentence": sentence_view(run.sentences[index]), "replaced": sorted(run.replaced)}

    def compare(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """How near the translation is to a reference: chrF++ from 0 to 100, and what differs, word by word."""
        run = self._run(data, request)
        reference = data.get("reference")
        if not isinstance(reference, str) or not reference.strip():
            raise InvalidInput("There is no reference yet. Paste a translation that you trust.")
        if len(reference) > LONGEST_REFERENCE:
            raise InvalidInput(f"The reference is too long. The most is {LONGEST_REFERENCE:,} characters.")
        ours, theirs = run.text().strip(), reference.strip()
        changes = word_difference(ours, theirs)
        return {"score": round(chrf([ours], [theirs]), 1), "changes": [[one.kind, one.text] for one in changes]}

    def _run(self, data: dict[str, Any], request: gr.Request) -> TranslationRun:
        return self._entries.open(self._owner_of(request), str(data.get("run", "")))

    def _alone(
        self, owner: str, data: dict[str, Any], ask: Callable[[threading.Event], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer to a question; the one that the page asked before is given up."""
        key, cancel = (owner, _page(data)), threading.Event()
        with self._lock:
            before = self._asking.get(key)
            if before is None and len(self._asking) >= MOST_ASKING:
                raise InvalidInput("Many texts are being translated on this machine. Try again in a minute.")
            self._asking[key] = cancel
        if before is not None:
            before.set()
        try:
            return ask(cancel)
        finally:
            with self._lock:
                if self._asking.get(key) is cancel:
                    del self._asking[key]


def closeness(nearness: float, code: str) -> str:
    """A chrF++ of a way back into the language of `code` in one word: "same", "close" or "far"."""
    same, close = (SAME, CLOSE) if language(code).spaced else (SAME_UNSPACED, CLOSE_UNSPACED)
    return "same" if nearness >= same else "close" if nearness >= close else "far"


def _page(data: dict[str, Any]) -> str:
    return str(data.get("tab", ""))[:64]
