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

Kind = Literal["people", "places", "value", "role", "amount", "date", "cell"]
"""Which examples go with a question. Of a whole text: names of people, of places, anything else. About one thing in it:
what a person is, what an amount is for, what happens at a date, anything else."""


@dataclass(frozen=True)
class Wording:
    """The words of one language, templates with holes."""

    ask: str
    ask_about: str
    choose: str
    choose_about: str
    colon: str
    also: Mapping[str, str]
    """Names and descriptions of the presets in this language, by the English ones."""
    examples: Mapping[str, Sequence[Mapping[str, Any]]]
    """Kind -> text, what is wanted of it (about which key), and the right answer."""

    def wanted(self, name: str, description: str = "") -> str:
        """What is asked for: a column."""
        said = [self.also.get(one, one) for one in (name, description) if one]
        return self.colon.join(said)

    def question(self, kind: Kind, text: str, wanted: str, key: str = "") -> tuple[Message, ...]:
        """Ask for `wanted` in `text`, about `key` where there is one; all messages but the last are the app's own."""
        messages: list[Message] = []
        for one in self.examples[kind]:
            messages.append(Message("user", self._asked(one["text"], one["wanted"], one.get("key", ""))))
            messages.append(Message("assistant", json.dumps(one["answer"], ensure_ascii=False)))
        messages.append(Message("user", self._asked(text, wanted, key)))
        return tuple(messages)

    def choice(self, text: str, wanted: str, options: Sequence[str], key: str = "") -> tuple[Message, ...]:
        """Ask which of `options` the text says."""
        listed = json.dumps(list(options), ensure_ascii=False)
        template = self.choose_about if key else self.choose
        return (Message("user", template.format(text=text, wanted=wanted, options=listed, key=key)),)

    def _asked(self, text: str, wanted: str, key: str) -> str:
        return (self.ask_about if key else self.ask).format(text=text, wanted=wanted, key=key)


def wording(code: str) -> Wording:
    """The words for a text in the language `code` (ISO 639-1)."""
    known = _wordings()
    return known.get(code, known["en"])


@cache
def _wordings() -> dict[str, Wording]:
    given = json.loads(FILE.read_text("utf-8"))
    return {code: Wording(**words) for code, words in given.items()}
