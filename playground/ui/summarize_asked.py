"""What a visitor or a program asks to have summarized: a text, a file or an address, and how the summary shall be.

Owns how untrusted values become a request, and the limits of a machine that is shared. Knows no model.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.summary_request import FORMS, USUAL_LENGTH, Form, SummaryRequest
from playground.text.documents import MAX_BYTES
from playground.text.languages import LANGUAGES
from playground.text.pages import read_page
from playground.text.readings import Reading, read_file
from playground.ui.strings import sentence
from playground.ui.summarize_view import Places

LONGEST_SHARED_CHARACTERS = 100_000
"""On a shared machine, where others wait."""
LONGEST_NAME = 200
SPOKEN_FORMS: Mapping[str, Form] = {
    "one sentence": "sentence", "bullet points": "bullets", "list": "bullets", "paragraph": "abstract",
    "quotes": "key_points", "key points": "key_points", "simply": "simple",
}  # fmt: skip
"""What else programs may call a form."""

ReadPage = Callable[[str], Reading]


@dataclass(frozen=True)
class Asked:
    """A summary that is wanted; `name` is that of the file or the address where the text comes from, "" for none."""

    request: SummaryRequest
    name: str = ""


def asked_of(values: Mapping[str, Any], *, shared: bool) -> Asked:
    """What a page asks for. The language of the summary is called `into`: `language` is the visitor's. Raises
    InvalidInput."""
    given = {**values, "language": str(values.get("into") or "")}
    request = SummaryRequest.from_untrusted(values.get("text"), given)
    check_length(request.text, shared=shared)
    return Asked(request, str(values.get("name") or "")[:LONGEST_NAME])


def request_of_program(text: str, form: str, length: int | None, focus: str, language: str) -> SummaryRequest:
    """What a program asks for: here what is not known is refused. Raises InvalidInput."""
    called = form.strip().casefold().replace("_", " ")
    known = {one.replace("_", " "): one for one in FORMS} | dict(SPOKEN_FORMS)
    if called not in known:
        raise InvalidInput(f"There is no format “{form[:40]}”. Choose one of {', '.join(FORMS)}.")
    request = SummaryRequest.from_untrusted(
        text, {"form": known[called], "length": length, "focus": focus, "language": ""}
    )
    return replace(request, language=_code_of(language) if language else "")


def check_length(text: str, *, shared: bool) -> None:
    """Raises InvalidInput for a text that is too long for a machine that others wait for."""
    if shared and len(text) > LONGEST_SHARED_CHARACTERS:
        raise InvalidInput(
            f"This text has {len(text):,} characters; on a shared machine {LONGEST_SHARED_CHARACTERS:,} are the most. "
            "Give it in parts."
        )


def file_view(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The text of a file {"name", "data" in base64}. Nothing of it is kept here. Raises InvalidInput."""
    name, data = str(values.get("name") or "")[:LONGEST_NAME], values.get("data")
    if not isinstance(data, str) or len(data) > MAX_BYTES * 4 // 3 + 4:
        raise InvalidInput(f"This file is too large. Files up to {MAX_BYTES // 1024**2} MB can be summarized here.")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The file did not arrive whole. Choose it again.") from error
    return _reading_view(read_file(content, name), name, language)


def address_view(values: Mapping[str, Any], language: str, read: ReadPage = read_page) -> dict[str, Any]:
    """The main text of a page of the web. Raises InvalidInput and PageUnavailable."""
    address = str(values.get("address") or "").strip()[:2000]
    reading = read(address)
    return _reading_view(reading, reading.title or address, language)


def choices_view() -> dict[str, Any]:
    """What a page offers: the forms with their usual lengths, the languages."""
    return {
        "forms": [[form, USUAL_LENGTH[form]] for form in FORMS],
        "languages": [[one.code, one.right_to_left] for one in LANGUAGES],
    }


def _reading_view(reading: Reading, name: str, language: str) -> dict[str, Any]:
    # A text box knows one kind of line break, and places are counted in what it holds.
    text = reading.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    places = Places(text)
    begins = len(reading.text) - len(reading.text.lstrip("\n"))
    starts = () if "\r" in reading.text else reading.page_starts
    return {
        "text": text,
        "name": name[:LONGEST_NAME],
        "pages": [places.at(min(max(0, start - begins), len(text))) for start in starts],
        "notes": [sentence(language, note) for note in reading.notes],
    }


def _code_of(name: str) -> str:
    given = name.strip().casefold()
    for one in LANGUAGES:
        if given in (one.code, one.english.casefold(), one.native.casefold()):
            return one.code
    raise InvalidInput(f"“{name[:40]}” is not among the languages here. Leave it out for that of the text.")
