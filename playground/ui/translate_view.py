"""What the page gets of a translation: both texts in sentences and what lies between them, and what is said of each.

Plain values only. Owns their shapes; decides nothing about the translation.
"""

from __future__ import annotations

from typing import Any

from playground.tasks.translation_events import Started, TranslatedSentence
from playground.text.sentences import fitted
from playground.ui.strings import sentence as in_language
from playground.ui.translate_runs import TranslationRun

_FILLED = "x"


def layout_view(started: Started) -> dict[str, Any]:
    """Both panes before anything is translated: `gaps` and `sources` in turn are the text; `target_gaps` stand between
    the translations. Several texts (the sentences of a file) stand in a line each."""
    gaps, target_gaps, sources = [""], [""], []
    for number, skeleton in enumerate(started.skeletons):
        # A gap and a sentence in turn, a gap at the end.
        pieces = list(skeleton.pieces([_FILLED] * len(skeleton.segments), started.target))
        here = [skeleton.source[piece.start : piece.end] for piece in pieces]
        between = "\n" if number else ""
        gaps[-1] += between + here[0]
        target_gaps[-1] += between + pieces[0].text
        sources += here[1::2]
        gaps += here[2::2]
        target_gaps += [piece.text for piece in pieces[2::2]]
    kinds = [segment.kind for skeleton in started.skeletons for segment in skeleton.segments]
    return {
        "source": started.source,
        "target": started.target,
        "detected": started.guess is not None,
        "gaps": gaps,
        "target_gaps": target_gaps,
        "sources": sources,
        "headings": [index for index, kind in enumerate(kinds) if kind == "heading"],
    }


def sentence_view(one: TranslatedSentence | None, kind: str = "sentence") -> dict[str, Any] | None:
    """One translated sentence with what is said of it; None for one that was not reached."""
    if one is None:
        return None
    return {
        "text": fitted(one.text, kind) if one.text else "",
        "problems": list(one.problems),
        "lost": list(one.lost),
        "numbers": list(one.numbers),
        "terms": [[use.term.source, use.term.target, use.used] for use in one.terms],
        "probability": None if one.probability is None else round(one.probability, 4),
        "sureness": one.sureness,
        "kept": one.kept,
        "tries": one.tries,
    }


def sentences_view(run: TranslationRun) -> list[dict[str, Any] | None]:
    """All sentences of a run."""
    kinds = [segment.kind for skeleton in run.started.skeletons for segment in skeleton.segments]
    return [sentence_view(one, kind) for one, kind in zip(run.sentences, kinds, strict=True)]


def run_view(run: TranslationRun, language: str) -> dict[str, Any]:
    """A whole translation."""
    return {
        **layout_view(run.started),
        "id": run.id,
        "model": run.model,
        "companion": run.companion,
        "stored": run.stored,
        "document": run.document_name or None,
        "sentences": sentences_view(run),
        "replaced": sorted(run.replaced),
        "glossary": [[term.source, term.target] for term in run.glossary],
        "cancelled": run.cancelled,
        "error_sentence": in_language(language, run.error) if run.error else "",
        "done": run.done,
        "changed": run.changed,
        "seconds": round(run.seconds, 2),
    }


def endpoint_view(run: TranslationRun) -> dict[str, Any]:
    """A translation for a program. `problems` are the guards' names, the worst first."""
    uses = {}
    for one in run.sentences:
        for use in one.terms if one is not None else ():
            before = uses.get(use.term, True)
            uses[use.term] = before and use.used
    return {
        "translation": run.text(),
        "source": run.started.source,
        "target": run.started.target,
        "model": run.model,
        "complete": run.done == len(run.sentences) and not run.error,
        "error": run.error,
        "sentences": [
            {
                "source": source,
                "translation": one.text if one is not None else None,
                "problems": list(one.problems) if one is not None else [],
                "probability": one.probability if one is not None else None,
            }
            for source, one in zip(run.sources, run.sentences, strict=True)
        ],
        "glossary": [{"term": term.source, "translation": term.target, "used": used} for term, used in uses.items()],
    }
