"""What somebody asks of a summary: the text, its form and length, a question to keep in mind, the language to write in.

Values are checked here, one by one. Knows no model and no page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from playground.errors import InvalidInput
from playground.text.languages import CODES, detect

Form = Literal["sentence", "bullets", "abstract", "key_points", "simple"]
"""One sentence; a list; a paragraph; a list in which every point has a quote of the text; plain words for anybody."""

FORMS: tuple[Form, ...] = get_args(Form)
LISTS: frozenset[Form] = frozenset({"bullets", "key_points"})
USUAL_LENGTH: Mapping[Form, int] = {"sentence": 1, "bullets": 5, "abstract": 4, "key_points": 4, "simple": 4}
MOST_LENGTH = 12
MAX_TEXT_CHARACTERS = 2_000_000
MAX_FOCUS_CHARACTERS = 300
_LOOKED_AT_CHARACTERS = 4_000
_LEAST_PROBABILITY = 0.3
"""Below, a few Latin letters are of any language."""


@dataclass(frozen=True)
class SummaryRequest:
    """One summary. `length` counts sentences, or points of a list; None: what is usual for the form."""

    text: str
    form: Form = "bullets"
    length: int | None = None
    focus: str = ""
    """A question that the summary should keep in mind, "" for none."""
    language: str = ""
    """ISO 639-1 code of the summary; "" for that of the text."""

    @classmethod
    def from_untrusted(cls, text: object, values: object = None) -> SummaryRequest:
        """A request out of what a browser or a program sends: unknown settings are left out, numbers put into range.

        Raises InvalidInput for a text that is empty or too long.
        """
        given = values if isinstance(values, Mapping) else {}
        form, focus, language = given.get("form"), given.get("focus"), given.get("language")
        return check_request(
            cls(
                text=text if isinstance(text, str) else "",
                form=form if form in FORMS else cls.form,
                length=_length(given),
                focus=focus if isinstance(focus, str) else "",
                language=language if isinstance(language, str) and language in CODES else "",
            )
        )

    @property
    def count(self) -> int:
        """Sentences, or points of a list, that the summary has at the most."""
        return 1 if self.form == "sentence" else self.length or USUAL_LENGTH[self.form]

    @property
    def is_list(self) -> bool:
        """Whether the summary is a list of points."""
        return self.form in LISTS


def check_request(request: SummaryRequest) -> SummaryRequest:
    """`request` within its limits. Raises InvalidInput."""
    if not any(character.isalnum() for character in request.text):
        raise InvalidInput("There is no text to summarize. Paste one, or choose a file.")
    if len(request.text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(
            f"This text has {len(request.text):,} characters; {MAX_TEXT_CHARACTERS:,} are the most that can be "
            "summarized at once. Give it in parts."
        )
    length = None if request.length is None else min(max(1, request.length), MOST_LENGTH)
    return replace(request, length=length, focus=" ".join(request.focus.split())[:MAX_FOCUS_CHARACTERS])


def language_of(text: str) -> str:
    """ISO 639-1 code of what `text` is written in; "en" where nothing can be said, or hardly anything ("ok 12")."""
    guess = detect(text[:_LOOKED_AT_CHARACTERS])
    return guess.code if guess.probability >= _LEAST_PROBABILITY else "en"


def _length(given: Mapping[str, Any]) -> int | None:
    try:
        number = float(given.get("length", math.nan))
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if math.isfinite(number) and number >= 1 else None
