"""What a visitor or a program asks to have translated: languages by any of their names, the text or a file, the terms.

Owns how untrusted values become a job of the translation. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.glossary import Term, read_glossary
from playground.tasks.translation_events import TranslationJob
from playground.text.documents import Document
from playground.text.languages import LANGUAGES, Guess, detect, language
from playground.text.sentences import is_wrapped

LONGEST_SHARED_CHARACTERS = 60_000
"""On a shared machine, where others wait."""
MOST_GLOSSARY_ROWS = 2_000


@dataclass(frozen=True)
class Asked:
    """A translation that is wanted. `companion` is a model beside the chat's, "" for the chat's."""

    job: TranslationJob
    companion: str = ""
    document: Document | None = None
    document_key: str = ""


@dataclass(frozen=True)
class Unsure:
    """The language of the source cannot be told: the codes it may be, likeliest first."""

    among: tuple[str, ...]


def asked_of(values: Mapping[str, Any], document: Document | None, *, shared: bool) -> Asked | Unsure:
    """What a page asks for. Raises InvalidInput."""
    target = code_of(values.get("target"))
    source = code_of(values["source"]) if values.get("source") else None
    text = values.get("text")
    if document is None:
        text = checked_text(text, shared=shared)
        guess = detect(text)
        texts, join = (text,), is_wrapped(text)
    else:
        guess = document.guess
        texts, join = tuple(segment.text for segment in document.segments), False
        checked_text("\n".join(texts), shared=shared)
    if source is None and is_doubtful(guess):
        return Unsure(tuple(code for code, _ in guess.ranked))
    if source is None and document is not None:
        # Cut sentence by sentence, a file is told apart as a whole.
        source = guess.code or None
    terms, careful = glossary_of(values.get("glossary")), values.get("careful") is True
    job = TranslationJob(texts, target, source, terms, join_lines=join, careful=careful)
    return Asked(job, str(values.get("model") or "")[:500].strip(), document, str(values.get("document") or ""))


def checked_text(text: object, *, shared: bool) -> str:
    """A text that may be translated here. Raises InvalidInput."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput("There is no text to translate yet. Write or paste some first.")
    if shared and len(text) > LONGEST_SHARED_CHARACTERS:
        raise InvalidInput(
            f"The text has {len(text):,} characters; on a shared machine {LONGEST_SHARED_CHARACTERS:,} are the most. "
            "Translate it in parts."
        )
    return text


def is_doubtful(guess: Guess) -> bool:
    """Whether one has to ask: there are words, but of which language is not clear."""
    return bool(guess.code) and not guess.sure


def glossary_of(given: object) -> tuple[Term, ...]:
    """The terms of rows [term, translation], or of lines. Raises InvalidInput."""
    if isinstance(given, str):
        return read_glossary(given)
    if not isinstance(given, list):
        return ()
    return read_glossary(row for row in given[:MOST_GLOSSARY_ROWS] if isinstance(row, list))


def code_of(name: object) -> str:
    """The code of a language by its code or a name: "fr", "French", "Français". Raises InvalidInput."""
    given = str(name or "").strip()
    for one in LANGUAGES:
        if given.casefold() in (one.english.casefold(), one.native.casefold()):
            return one.code
    if not given:
        raise InvalidInput("Choose a language to translate into.")
    return language(given[:40]).code


def usual_target(source: str, spoken: str = "en") -> str:
    """Into which language somebody who speaks `spoken` wants a text: theirs, unless it is theirs already."""
    if source != spoken:
        return spoken
    return "fr" if spoken == "en" else "en"


def languages_view() -> list[list[Any]]:
    """The languages offered: code, name in itself, whether it is written from right to left."""
    return [[one.code, one.native, one.right_to_left] for one in LANGUAGES]
