"""What a visitor or a program asks to have summarized, and how the summary shall be.

Owns how untrusted values become a request. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.summary_request import FORMS, USUAL_LENGTH, Form, SummaryRequest
from playground.text.languages import LANGUAGES
from playground.ui.source_texts import check_length, name_in

SPOKEN_FORMS: Mapping[str, Form] = {
    "one sentence": "sentence", "bullet points": "bullets", "list": "bullets", "paragraph": "abstract",
    "quotes": "key_points", "key points": "key_points", "simply": "simple",
}  # fmt: skip
"""What else programs may call a form."""


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
    return Asked(request, name_in(values))


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


def choices_view() -> dict[str, Any]:
    """What a page offers: the forms with their usual lengths, the languages."""
    return {
        "forms": [[form, USUAL_LENGTH[form]] for form in FORMS],
        "languages": [[one.code, one.right_to_left] for one in LANGUAGES],
    }


def _code_of(name: str) -> str:
    given = name.strip().casefold()
    for one in LANGUAGES:
        if given in (one.code, one.english.casefold(), one.native.casefold()):
            return one.code
    raise InvalidInput(f"“{name[:40]}” is not among the languages here. Leave it out for that of the text.")
