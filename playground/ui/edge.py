"""The edge where errors become sentences: the only place that turns an exception into something a visitor reads."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from playground.errors import PlaygroundError
from playground.ui.strings import sentence, text

log = logging.getLogger(__name__)


def shown(error: BaseException, language: str) -> str:
    """The sentence for a visitor. An error that nobody foresaw is logged under a reference that the sentence names."""
    if isinstance(error, PlaygroundError):
        return sentence(language, str(error))
    reference = secrets.token_hex(2).upper()
    log.error("reference %s", reference, exc_info=error)
    return text(language, "unexpected_reference", reference=reference)


def answered(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A function that the page calls: gets a dict and the request, gives a dict; an error becomes {"error": sentence}.

    The names of its parameters and their types stay visible to Gradio, which fills in the request by its type.
    """

    @wraps(function)
    def call(data: Any, *rest: Any) -> dict[str, Any]:
        given = data if isinstance(data, dict) else {}
        try:
            return function(given, *rest)
        except Exception as error:  # the page must always get an answer
            return {"error": shown(error, language_in(given))}

    return call


def language_in(data: dict[str, Any]) -> str:
    """The language that a request of the page names."""
    return "zh" if data.get("language") == "zh" else "en"
