"""What a text can be sorted into: labels, each with the words that a model may say for it.

Owns the labels of the sentiment page and the reading of labels that a visitor writes. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.errors import InvalidInput

MOST_LABELS = 20
MOST_WORDS = 8
MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Label:
    """One label: its name, and the words that count for it (with none of their own, the name alone)."""

    name: str
    words: tuple[str, ...] = ()

    @property
    def spoken(self) -> tuple[str, ...]:
        """What a model may say for it."""
        return self.words or (self.name,)


@dataclass(frozen=True)
class LabelSet:
    """Labels to choose from. `id` names them in PRESETS, and what was fitted for them; "" for a visitor's own."""

    labels: tuple[Label, ...]
    id: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The labels' names in order."""
        return tuple(label.name for label in self.labels)


NEGATIVE, NEUTRAL, POSITIVE = Label("negative"), Label("neutral"), Label("positive")
SENTIMENT = LabelSet((NEGATIVE, NEUTRAL, POSITIVE), "sentiment")
"""Neutral is always offered: most texts of the world are."""
TWO_SIDES = LabelSet((NEGATIVE, POSITIVE), "two_sides")
"""For texts that are known to take a side, such as reviews."""
NO_LABEL = "none of these"
EMOTIONS = LabelSet(
    (Label("joy"), Label("sadness"), Label("anger"), Label("fear"), Label("surprise"), Label("no emotion")), "emotions"
)
URGENCY = LabelSet((Label("urgent"), Label("soon"), Label("can wait")), "urgency")
TOPICS = LabelSet(
    (
        Label("politics"), Label("business"), Label("technology"), Label("science"), Label("health"), Label("sport"),
        Label("culture"), Label("everyday life"),
    ),
    "topics",
)  # fmt: skip
PRESETS = {one.id: one for one in (SENTIMENT, TWO_SIDES, EMOTIONS, URGENCY, TOPICS)}
"""Labels that are offered by name."""


def own_labels(text: str) -> LabelSet:
    """Labels that a visitor writes, one a line (or with commas between): "anger" or "anger: angry, furious".

    "none of these" is added, as neutral is for sentiment. Raises InvalidInput for fewer than two labels, for too many
    or too long ones, and for a name or a word that is there twice.
    """
    lines = text.splitlines() if "\n" in text.strip() or ":" in text else text.replace("，", ",").split(",")
    labels = [_label(line) for line in lines if line.strip()]
    if not any(label.name.casefold() in (NO_LABEL, NEUTRAL.name) for label in labels):
        labels.append(Label(NO_LABEL))
    if not 3 <= len(labels) <= MOST_LABELS + 1:
        raise InvalidInput(f"Write between two and {MOST_LABELS} labels, one a line.")
    spoken = [word.casefold() for label in labels for word in label.spoken]
    names = [label.name.casefold() for label in labels]
    twice = _twice(names) or _twice(spoken)
    if twice:
        raise InvalidInput(f"“{twice}” is there twice. Every label and every word may stand for one thing only.")
    return LabelSet(tuple(labels))


def _label(line: str) -> Label:
    name, _, rest = line.replace("：", ":").replace("，", ",").partition(":")
    words = tuple(dict.fromkeys(word.strip() for word in rest.split(",") if word.strip()))
    name = name.strip() or (words[0] if words else "")
    if not name or len(words) > MOST_WORDS or max(map(len, (name, *words))) > MOST_CHARACTERS:
        raise InvalidInput(
            f"A label has a name and at most {MOST_WORDS} words, none longer than {MOST_CHARACTERS} characters."
        )
    return Label(name, words)


def _twice(words: Sequence[str]) -> str:
    return next((word for index, word in enumerate(words) if word in words[:index]), "")
