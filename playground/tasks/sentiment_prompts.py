"""What a model is given to read so that the next words are a label: the examples, the text, where the label follows.

Owns the wording, and which list of examples a model gets. Knows no engine. A list of examples did
best with models that chat and with those that do not; docs/quality.md has the figures. The list comes first, so that it
is read once for any number of texts.
"""

from __future__ import annotations

from playground.engine.scoring import Opening
from playground.messages import Message
from playground.tasks.calibration import LEARNED_FIRST
from playground.tasks.sentiment_examples import OTHER_LABELS, REVIEW_LIST, REVIEW_TURNS, SHOWN, Shown
from playground.tasks.sentiment_labels import LabelSet

_CHOSEN = {
    ("two_sides", "qwen2.5-coder-0.5b-instruct", "en"): REVIEW_TURNS,
    ("two_sides", "qwen2.5-coder-1.5b-instruct", "en"): REVIEW_LIST,
}
"""By labels, model and language, what did better than the usual list on texts that nothing is reported of; what is
there for English holds for languages without an entry. What was fitted for a model was fitted with its list: one who
changes it fits anew."""


def opening(text: str, labels: LabelSet, model_id: str = "", language: str = LEARNED_FIRST) -> Opening:
    """What stands before the label of `text`; line ends become spaces, because a line ends an example."""
    line = " ".join(text.split())
    shown = _shown(labels, model_id, language)
    if shown is None:
        choices = ", ".join(labels.names)
        return Opening(f"{OTHER_LABELS}Labels: {choices}\nText: {line}\nLabel:")
    if shown.question:
        turns = [
            message
            for one, label in shown.examples
            for message in (Message("user", shown.question.format(one)), Message("assistant", label))
        ]
        return Opening("", (*turns, Message("user", shown.question.format(line))), len(turns))
    examples = "".join(f"{shown.asked}: {one}\n{shown.noun}: {label}\n\n" for one, label in shown.examples)
    return Opening(f"{examples}{shown.asked}: {line}\n{shown.noun}:")


def options(labels: LabelSet, model_id: str = "", language: str = LEARNED_FIRST) -> tuple[str, ...]:
    """The words of all labels in order, as they follow an opening."""
    shown = _shown(labels, model_id, language)
    before = "" if shown is not None and shown.question else " "
    return tuple(f"{before}{word}" for label in labels.labels for word in label.spoken)


def _shown(labels: LabelSet, model_id: str, language: str) -> Shown | None:
    chosen = _CHOSEN.get((labels.id, model_id, language)) or _CHOSEN.get((labels.id, model_id, LEARNED_FIRST))
    return chosen or SHOWN.get(labels.id)
