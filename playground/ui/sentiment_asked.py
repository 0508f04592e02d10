"""What a visitor or a program wants to have judged: a text, the labels, and by which model.

Owns how untrusted values become labels and a text. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.sentiment_labels import PRESETS, SENTIMENT, LabelSet, own_labels

LONGEST_OWN = 3_000
LONGEST_MODEL = 500
LONGEST_NAME = 60
MOST_NAMES = 100
OWN = "own"
"""Name of the labels that a visitor has written."""


@dataclass(frozen=True)
class LabelChoice:
    """The labels as a page names them: `set` is a key of PRESETS or OWN, `own` the visitor's lines for the latter."""

    set: str = SENTIMENT.id
    own: str = ""

    @property
    def labels(self) -> LabelSet:
        """The labels themselves. Raises InvalidInput."""
        if self.set == OWN:
            return own_labels(self.own)
        if self.set not in PRESETS:
            raise InvalidInput("These labels are not known here. Choose others.")
        return PRESETS[self.set]

    def as_dict(self) -> dict[str, str]:
        """For the page and the history."""
        return {"set": self.set, "own": self.own}


@dataclass(frozen=True)
class Asked:
    """A text to judge. `model` is a classifier, "" for the chat's; `names` are what a visitor calls its labels.

    `other` is one of the chat's models that shall be opened instead of the one in use, "" for none.
    """

    text: str
    choice: LabelChoice = LabelChoice()
    model: str = ""
    other: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


def label_choice(value: Any) -> LabelChoice:
    """What a page says of the labels, {"set", "own"}; sentiment where it says nothing. Raises InvalidInput."""
    if not isinstance(value, Mapping):
        return LabelChoice()
    own = str(value.get("own") or "")
    if len(own) > LONGEST_OWN:
        raise InvalidInput(f"The list of labels has more than {LONGEST_OWN:,} characters. Shorten it.")
    name = str(value.get("set") or SENTIMENT.id)
    return LabelChoice(name, own if name == OWN else "")


def asked_of(values: Mapping[str, Any]) -> Asked:
    """What a page asks for. Raises InvalidInput."""
    names = values.get("names")
    named = list(names.items())[:MOST_NAMES] if isinstance(names, Mapping) else []
    return Asked(
        str(values.get("text") or ""),
        label_choice(values.get("labels")),
        str(values.get("model") or "").strip()[:LONGEST_MODEL],
        str(values.get("other") or "").strip()[:LONGEST_MODEL],
        {str(key)[:LONGEST_NAME]: str(name).strip()[:LONGEST_NAME] for key, name in named if str(name).strip()},
    )


def choice_of_program(labels: str) -> LabelChoice:
    """What a program calls labels: "" for sentiment, the name of a preset, or its own list. Raises InvalidInput."""
    called = labels.strip()
    if called.casefold().replace(" ", "_") in PRESETS or not called:
        return LabelChoice(called.casefold().replace(" ", "_") or SENTIMENT.id)
    choice = label_choice({"set": OWN, "own": called})
    _ = choice.labels  # refused now, not later
    return choice
