"""Texts with labels that somebody gave: which they are, what can be learned from them, and how far they are met.

Owns the reading of a column of known labels. Knows no model and no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.errors import InvalidInput
from playground.tasks.calibration import Agreement, Calibration, agreement, fit
from playground.tasks.sentiment_labels import LabelSet
from playground.tasks.sentiment_results import Judged

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
_SCALES = (
    ({"0", "2"}, {"0": "negative", "1": "neutral", "2": "positive"}),
    ({"0", "4"}, {"0": "negative", "2": "neutral", "4": "positive"}),
    ({"5"}, {"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}),
)
"""Numbers that files write for the labels of sentiment, and those without which it cannot be told that they do: the
usual numbers of public data sets, and stars."""
_MOST_SHOWN = 5
_PARTS = 5


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
    cells = [cell.strip().casefold().removesuffix(".0") for cell in column]
    if "negative" in places:
        places |= _scale(set(filter(None, cells)), places)
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


def guess_known(columns: Sequence[Sequence[str]], labels: LabelSet) -> int | None:
    """The place of the first column whose every cell names a label, several of them; None where there is none."""
    for place, column in enumerate(columns):
        try:
            known = known_labels(column, labels)
        except InvalidInput:
            continue
        different = len(set(column) - {""})
        # Numbers that count the rows could be stars, were it not that none comes twice.
        if len(set(known.labels) - {None}) > 1 and known.count > 0.5 * len(column) and 2 * different <= known.count:
            return place
    return None


def recalibrated(judged: Sequence[Judged], calibration: Calibration) -> list[Judged]:
    """The same texts under another calibration: no model is asked."""
    good = [one for one in judged if one.error is None]
    table = calibration.table([one.logprobs for one in good]).tolist() if good else []
    found = iter(table)
    return [one if one.error is not None else replace(one, probabilities=tuple(next(found))) for one in judged]


def learn(judged: Sequence[Judged], known: KnownLabels, *, name: str = "", date: str = "") -> Calibration:
    """A calibration fitted on those texts whose label is known. Raises InvalidInput for too few of a label."""
    rows = _both(judged, known)
    return fit([one.logprobs for one, _ in rows], [label for _, label in rows], fitted_on=name, date=date)


def compare(judged: Sequence[Judged], known: KnownLabels) -> Agreement:
    """How the probabilities meet the known labels. Raises InvalidInput where none is known."""
    rows = _both(judged, known)
    return agreement([one.probabilities for one, _ in rows], [label for _, label in rows])


def learn_and_compare(judged: Sequence[Judged], known: KnownLabels) -> Agreement:
    """What a calibration learned on some of the texts is worth on the others, in turns until all have had theirs
    (cross-validation): nothing is judged by what it taught. Every part has as much of each label as it can.

    Raises InvalidInput for too few texts of a label.
    """
    rows = sorted(_both(judged, known), key=lambda row: row[1])
    counts = [sum(label == place for _, label in rows) for place in {label for _, label in rows}]
    parts = max(2, min(_PARTS, min(counts, default=0)))
    probabilities, labels = [], []
    for part in range(parts):
        taught = [row for place, row in enumerate(rows) if place % parts != part]
        asked = rows[part::parts]
        learned = fit([one.logprobs for one, _ in taught], [label for _, label in taught])
        probabilities += [learned.probabilities(one.logprobs) for one, _ in asked]
        labels += [label for _, label in asked]
    return agreement(probabilities, labels)


def _scale(cells: set[str], places: dict[str, int]) -> dict[str, int]:
    """The places of numbers, where all `cells` are on a scale of sentiment; none without a neutral for its middle."""
    for needed, names in _SCALES:
        if needed <= cells <= names.keys():
            found = {number: places[name] for number, name in names.items() if name in places}
            return found if cells <= found.keys() else {}
    return {}


def _both(judged: Sequence[Judged], known: KnownLabels) -> list[tuple[Judged, int]]:
    found = [(one, known.labels[one.index]) for one in judged if one.error is None]
    return [(one, label) for one, label in found if label is not None]
