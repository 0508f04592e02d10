"""What the page and programs get of an answer: its words, its places in the text, and how sure the model is.

Plain values only. For the page places are counted as a browser counts letters (UTF-16 units), for programs as Python
does (code points). Decides nothing about the answer.
"""

from __future__ import annotations

from typing import Any

from playground.tasks.asking import Answer
from playground.ui.source_texts import Places

VERSION = 1
"""Of the shape of `answer_view`, which is what the history keeps."""


def answer_view(answer: Answer, places: Places) -> dict[str, Any]:
    """An answer; `places` are those of the text."""
    evidence = answer.evidence
    return {
        "version": VERSION,
        "question": answer.question,
        "text": answer.text,
        "places": [places.span(*span) for span in answer.places],
        "evidence": None if evidence is None else places.span(*evidence),
        "sure": round(answer.sure, 4),
        "parts": len(answer.parts),
        "read": [places.span(*answer.parts[index]) for index in answer.read],
        "matched": answer.matched,
        "narrowed": answer.narrowed,
        "cancelled": answer.cancelled,
        "model": answer.model_name,
        "seconds": round(answer.seconds, 2),
        "known": answer.cached_tokens,
        "tokens": answer.prompt_tokens,
    }


def endpoint_view(answer: Answer, text: str) -> dict[str, Any]:
    """An answer for a program: `answer` is None where the text does not say it; offsets in code points."""
    start, end = answer.evidence or (0, 0)
    return {
        "question": answer.question,
        "answer": answer.text or None,
        "offsets": [list(span) for span in answer.places],
        "evidence": text[start:end] or None,
        "evidence_offsets": [start, end] if answer.evidence else None,
        "sureness": round(answer.sure, 4),
        "parts": len(answer.parts),
        "parts_read": len(answer.read),
        "model": answer.model_name,
        "seconds": round(answer.seconds, 2),
    }
