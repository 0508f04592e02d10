"""The requests with which a model is asked what a text says: instruction, examples, text, question.

Owns how they are put together; the words are in assets/examples/extraction_prompts.json. Examples are turns of the
conversation, since small models follow a pattern better than a rule; nothing can be copied from them, because an
answer's grammar allows words of the text at hand alone. The text stands before the question, so that what was read of
it serves for every question about it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playground.messages import Message

FILE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "extraction_prompts.json"

Kind = Literal["people", "places", "value", "cell"]
"""Which examples go with a question: names of people, of places, else of the whole text, or about one thing in it."""


@dataclass(frozen=True)
class Wording:
    """The words of one language, templates with holes."""

    ask: str
    choose: str
    about: str
    also: Mapping[str, str]
    """Descriptions of the presets in this language, by the English ones."""
    examples: Mapping[str, Sequence[Mapping[str, Any]]]
    """Kind -> text, what is wanted of it, and the right answer."""

    def wanted(self, name: str, description: str = "", key: str = "") -> str:
        """What is asked for: a column, and of which thing (`key`, "" for the whole text)."""
        what = f"{name}: {self.also.get(description, description)}" if description else name
        return self.about.format(column=what, key=key) if key else what

    def question(self, kind: Kind, text: str, wanted: str, *, examples: bool = True) -> tuple[Message, ...]:
        """Ask for `wanted` in `text`; all messages but the last one are the app's own."""
        messages: list[Message] = []
        for one in self.examples[kind] if examples else ():
            messages.append(Message("user", self.ask.format(text=one["text"], wanted=one["wanted"])))
            messages.append(Message("assistant", json.dumps(one["answer"], ensure_ascii=False)))
        messages.append(Message("user", self.ask.format(text=text, wanted=wanted)))
        return tuple(messages)

    def choice(self, text: str, wanted: str, options: Sequence[str]) -> tuple[Message, ...]:
        """Ask which of `options` the text says."""
        listed = json.dumps(list(options), ensure_ascii=False)
        return (Message("user", self.choose.format(text=text, wanted=wanted, options=listed)),)


def wording(code: str) -> Wording:
    """The words for a text in the language `code` (ISO 639-1)."""
    known = _wordings()
    return known.get(code, known["en"])


@cache
def _wordings() -> dict[str, Wording]:
    given = json.loads(FILE.read_text("utf-8"))
    return {code: Wording(**words) for code, words in given.items()}
