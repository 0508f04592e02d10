"""What a model is given to read so that the next words are a label: the examples, the text, where the label follows.

Owns the wording and the examples, all of them our own. Knows no engine and no calibration. A list of examples did best
with models that chat and with those that do not; docs/quality.md has the figures. The list comes first, so that it is
read once for any number of texts.
"""

from __future__ import annotations

from playground.engine.scoring import Opening
from playground.tasks.sentiment_labels import LabelSet

_EXAMPLES = (
    ("The rooms were spotless and the staff could not have been kinder.", "positive"),
    ("The meeting has been moved to Tuesday at three o'clock.", "neutral"),
    ("I waited two hours and nobody even said sorry.", "negative"),
    ("a clumsy story with jokes that never land", "negative"),
    ("New bridge over the river opens to traffic on Monday http", "neutral"),
    ("@user thank you so much, you made my whole week :)", "positive"),
    ("beautifully acted and moving from the first minute to the last", "positive"),
    ("so my phone died again, third time this month. great job #fail", "negative"),
    ("Anyone know which bus goes to the stadium from here?", "neutral"),
    ("not perfect , but warm , funny and well worth your evening", "positive"),
    ("it looks expensive and says nothing at all", "negative"),
    ("Watching the game tonight with my brother.", "neutral"),
)


def opening(text: str, labels: LabelSet) -> Opening:
    """What stands before the label of `text`; line ends become spaces, because a line ends an example."""
    line = " ".join(text.split())
    if labels.id:
        return Opening("".join(f"Text: {one}\nSentiment: {label}\n\n" for one, label in _EXAMPLES) + _asked(line))
    choices = ", ".join(labels.names)
    return Opening(f"Every text has one of these labels: {choices}.\n\nText: {line}\nLabel:")


def options(labels: LabelSet) -> tuple[str, ...]:
    """The words of all labels in order, as they follow an opening."""
    return tuple(f" {word}" for label in labels.labels for word in label.spoken)


def _asked(line: str) -> str:
    return f"Text: {line}\nSentiment:"
