"""A question about a text, as it comes from a page or a program. Owns its limits; knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.errors import InvalidInput

MAX_TEXT_CHARACTERS = 1_000_000
MAX_QUESTION_CHARACTERS = 500
USUAL_QUESTION = "What is this text about?"
"""For a program that gives a text alone."""


@dataclass(frozen=True)
class AskRequest:
    """`read_all`: a long text is read to its end, part by part, instead of the parts that fit the question best."""

    text: str
    question: str
    read_all: bool = False

    @classmethod
    def from_untrusted(cls, text: object, given: Mapping[str, Any]) -> AskRequest:
        """What a page sends. Raises InvalidInput."""
        question = given.get("question")
        return check_request(
            cls(
                text if isinstance(text, str) else "",
                question if isinstance(question, str) else "",
                given.get("read_all") is True,
            )
        )


def check_request(request: AskRequest) -> AskRequest:
    """`request` within its limits. Raises InvalidInput."""
    if not any(map(str.isalnum, request.text)):
        raise InvalidInput("There is no text to ask. Paste one, or choose a file.")
    if not any(map(str.isalnum, request.question)):
        raise InvalidInput("There is no question yet. Write one beside the text.")
    if len(request.text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(
            f"This text has {len(request.text):,} characters; {MAX_TEXT_CHARACTERS:,} are the most that can be asked "
            "at once. Give it in parts."
        )
    question = " ".join(request.question.split())
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise InvalidInput(
            f"This question has {len(question):,} characters; {MAX_QUESTION_CHARACTERS:,} are the most. Shorten it."
        )
    return replace(request, question=question)
