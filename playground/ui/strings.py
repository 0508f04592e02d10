"""The texts of the interface in the visitor's language. The only place that knows which languages there are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from playground.ui.theme import ASSETS

LANGUAGES = ("en", "zh")
LANGUAGE_COOKIE = "playground_language"


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of one language, by key."""
    return json.loads((ASSETS / "strings" / f"{language}.json").read_text("utf-8"))


def text(language: str, key: str, **values: object) -> str:
    """One text with its `{names}` filled in."""
    return texts(language)[key].format(**values) if values else texts(language)[key]


def language_of(cookies: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """What the visitor chose, else the first language of the browser that we speak, else English."""
    chosen = cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    wishes = []
    for position, part in enumerate(headers.get("accept-language", "").split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), position, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, _, tag in sorted(wishes) if tag in LANGUAGES), LANGUAGES[0])


def sentence(language: str, english: str) -> str:
    """A sentence of the program (an error, a reason) in the visitor's language, English where no translation is known.

    The lower layers write English sentences with figures in them and know nothing of languages; the translations are
    kept as pairs of templates with numbered holes, so "{0} could not be opened." finds its match and fills the hole.
    """
    if language == "en":
        return english
    for pattern, translated in _templates(language):
        if match := pattern.fullmatch(english):
            return translated.format(*(sentence(language, part) for part in match.groups()))
    return english


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    path = ASSETS / "strings" / f"sentences.{language}.json"
    pairs: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    compiled = []
    for english, translated in pairs.items():
        parts = re.split(r"\{\d+\}", english)
        compiled.append((re.compile("(.+?)".join(re.escape(part) for part in parts), re.DOTALL), translated))
    return compiled
