"""Texts with labels that somebody gave: which they are, what can be learned from them, and how far they are met.

Owns the reading of a column of known labels. Knows no model and no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.errors import InvalidInput
from playground.tasks.calibration import Agreement, Calibration, agreement, fit
from playground.tasks.sentiment import Judged
from playground.tasks.sentiment_labels import LabelSet

_ALSO = {
    "negative": (
        "neg",
        "-1",
        "−1",
        "bad",
        "0 stars",
        "1 star",
        "negativ",
        "négatif",
        "negativo",
        "消极",
        "负面",
        "差评",
    ),
    "neutral": ("neu", "0", "mixed", "neutre", "neutro", "中性", "中立"),
    "positive": ("pos", "1", "+1", "good", "5 stars", "positiv", "positif", "positivo", "积极", "正面", "好评"),
}
"""How else files write the labels of sentiment."""
_MOST_SHOWN = 5


@dataclass(frozen=True)
class KnownLabels:
    """For every text the place of its label, None where the column is empty."""

    labels: tuple[int | None, ...]

    @property
    def count(self) -> int:
        """Texts whose label is known."""
        return sum(label is not None for label in self.labels)


def known_labels(column: Sequence[str], labels: LabelSet) -> KnownLabels:
    """The labels that a column names, by name, by one of their words or by a usual abbreviation.

    Raises InvalidInput, which names what it does not know, and for a column without a label.
    """
    places = {word.casefold(): place for place, label in enumerate(labels.labels) for word in label.spoken}
    places |= {label.name.casefold(): place for place, label in enumerate(labels.labels)}
    for name, others in _ALSO.items():
        if name in places:
            places = dict.fromkeys(others, places[name]) | places
    if "neutral" not in places and "negative" in places:
        places = {"0": places["negative"]} | places  # of two sides
    cells = [cell.strip().casefold() for cell in column]
    strange = list(dict.fromkeys(cell for cell in cells if cell and cell not in places))
    if strange:
        shown = ", ".join(f"“{cell[:30]}”" for cell in strange[:_MOST_SHOWN]) + (" …" if strange[_MOST_SHOWN:] else "")
        raise InvalidInput(
            f"This column says {shown}, which is none of the labels ({', '.join(labels.names)}). Choose another "
            "column, or write labels of your own."
        )
    if not any(cells):
        raise InvalidInput("This column is empty. Choose another one.")
    return KnownLabels(tuple(places.get(cell) for cell in cells))


def learn(judged: Sequence[Judged], known: KnownLabels, *, name: str = "", date: str = "") -> Calibration:
    """A calibration fitted on those texts whose label is known. Raises InvalidInput for too few of a label."""
    rows = _both(judged, known)
    return fit([one.logprobs for one, _ in rows], [label for _, label in rows], fitted_on=name, date=date)


def compare(judged: Sequence[Judged], known: KnownLabels) -> Agreement:
    """How the probabilities meet the known labels. Raises InvalidInput where none is known."""
    rows = _both(judged, known)
    return agreement([one.probabilities for one, _ in rows], [label for _, label in rows])


def learn_and_compare(judged: Sequence[Judged], known: KnownLabels) -> Agreement:
    """What a calibration learned on one half of the texts is worth on the other: nothing is judged by what it taught.

    Raises InvalidInput for too few texts.
    """
    rows = _both(judged, known)
    halves = rows[::2], rows[1::2]
    probabilities, labels = [], []
    for own, other in (halves, halves[::-1]):
        learned = fit([one.logprobs for one, _ in other], [label for _, label in other])
        probabilities += [learned.probabilities(one.logprobs) for one, _ in own]
        labels += [label for _, label in own]
    return agreement(probabilities, labels)


def _both(judged: Sequence[Judged], known: KnownLabels) -> list[tuple[Judged, int]]:
    found = [(one, known.labels[one.index]) for one in judged if one.error is None]
    return [(one, label) for one, label in found if label is not None]
