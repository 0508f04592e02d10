"""What a page gets of a table: a preview, how far it is, the figures, some of the rows, the whole as a file.

Owns the shapes of these answers. Texts are cut where a page shows many; nothing here asks a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from playground.errors import InvalidInput
from playground.tasks.calibration import Agreement, Calibration, agreement
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, LabelSet
from playground.tasks.sentiment_results import Judged
from playground.tasks.sentiment_table import KnownLabels, compare, guess_known, known_labels
from playground.text.table_columns import group_columns, grouping, text_column
from playground.text.tables import write_table
from playground.ui.edge import shown as said
from playground.ui.sentiment_batch_tables import VisitorTable
from playground.ui.sentiment_view import is_close
from playground.ui.strings import sentence

PREVIEW_ROWS = 4
PREVIEW_CHARACTERS = 160
ROW_CHARACTERS = 400
PAGE_ROWS = 25


def table_view(table: VisitorTable, labels: LabelSet) -> dict[str, Any]:
    """What was read, and what the columns seem to be."""
    own = table.table
    text = text_column(own)
    others = [place for place in range(len(own.columns)) if place != text]
    gold = guess_known([own.column(place) for place in others], labels)
    gold = others[gold] if gold is not None else None
    groups = [place for place in group_columns(own) if place not in (text, gold)]
    return {
        "table": table.id,
        "name": table.name,
        "columns": list(own.columns),
        "rows": len(own.rows),
        "preview": [[cell[:PREVIEW_CHARACTERS] for cell in row] for row in own.rows[:PREVIEW_ROWS]],
        "has_header": own.has_header,
        "text": text,
        "gold": gold,
        "group": groups[0] if groups else None,
        "groups": groups,
        "two_sides": labels == TWO_SIDES
        or (gold is not None and labels == SENTIMENT and _has_two_sides(own.column(gold))),
        "uneven": own.uneven,
        "notes": [sentence(table.language, note) for note in own.notes],
    }


def progress_view(table: VisitorTable) -> dict[str, Any]:
    """How far it is; small, whatever the size of the table."""
    return {
        "phase": table.phase,
        "running": table.running,
        "stopping": table.running and table.cancel.is_set(),
        "detail": table.detail,
        "done": table.done,
        "total": len(table.table.rows),
        "remaining": None if table.remaining_s is None else round(table.remaining_s, 1),
        "seconds": round(table.seconds, 1),
        "revision": table.revision,
        "model": table.model_name,
        "error": table.error,
        "labels": list(table.labels.names),
        "counts": _counts(table.shown(), table.labels),
    }


def figures_view(table: VisitorTable) -> dict[str, Any]:
    """What the table comes to."""
    found = table.shown()
    known = [one for one in found if one is not None and one.error is None]
    return {
        **progress_view(table),
        "columns": list(table.table.columns),
        "language": table.code,
        "independent": table.independent,
        "unsure": sum(_is_unsure(one, table) for one in known),
        "errors": sum(one is not None and one.error is not None for one in found),
        "groups": _groups_view(table, found),
        "gold": _gold_view(table, found),
        "fit": calibration_view(table.fit) if table.fit is not None else None,
    }


def agreement_view(found: Agreement) -> dict[str, Any]:
    """Figures as fractions; `bins` for the chart of reliability: [confidence, accuracy, texts]."""
    return {
        "texts": found.texts,
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
        "error": found.calibration_error,
        "confusion": [list(row) for row in found.confusion],
        "bins": [[one.confidence, one.accuracy, one.texts] for one in found.bins],
    }


def calibration_view(found: Calibration) -> dict[str, Any]:
    """A temperature and what every label gets or loses."""
    return {"temperature": found.temperature, "bias": list(found.bias), "rows": found.rows, "on": found.fitted_on}


def rows_view(table: VisitorTable, values: Mapping[str, Any]) -> dict[str, Any]:
    """A page of the rows that a visitor wants to see, in the order in which they want to see them."""
    found = table.shown()
    gold = _gold_of(table)
    places = [place for place, one in enumerate(found) if one is not None and _wanted(table, one, gold, values)]
    order = str(values.get("sort") or "row")
    if order in ("sure", "unsure"):
        places.sort(key=lambda place: _confidence(found[place]), reverse=order == "sure")
    pages = max(1, -(-len(places) // PAGE_ROWS))
    number = values.get("number")
    page = min(max(0, number if isinstance(number, int) else 0), pages - 1)
    some = places[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
    return {
        "total": len(places),
        "number": page,
        "pages": pages,
        "rows": [_row_view(table, place, found[place], gold) for place in some],
    }


def text_of(table: VisitorTable, row: Any) -> str:
    """The whole text of a row. Raises InvalidInput."""
    if table.task is None or not isinstance(row, int) or not 0 <= row < len(table.table.rows):
        raise InvalidInput("This table has no such row.")
    return table.table.rows[row][table.task.text]


def csv_of(table: VisitorTable) -> str:
    """The table as it was, with the label, all probabilities and what went wrong behind it."""
    names = table.labels.names
    columns = [*table.table.columns]
    for name in ("label", *(f"p {name}" for name in names), "error"):
        columns.append(name if name not in columns else f"{name} ({table.model_name})")
    rows = []
    for row, one in zip(table.table.rows, table.shown(), strict=True):
        if one is None or one.error is not None or one.label is None:
            why = "" if one is None or one.error is None else said(one.error, table.language)
            rows.append([*row, "", *[""] * len(names), why])
        else:
            rows.append([*row, names[one.label], *(f"{value:.4f}" for value in one.probabilities), ""])
    return write_table(columns, rows)


def _has_two_sides(column: Sequence[str]) -> bool:
    """Whether known labels are negative and positive alone: then a model should not be offered neutral either."""
    try:
        return known_labels(column, TWO_SIDES).count > 0
    except InvalidInput:
        return False


def _counts(found: Sequence[Judged | None], labels: LabelSet) -> list[int]:
    counts = [0] * len(labels.labels)
    for one in found:
        if one is not None and one.label is not None and one.label < len(counts):
            counts[one.label] += 1
    return counts


def _groups_view(table: VisitorTable, found: Sequence[Judged | None]) -> dict[str, Any] | None:
    place = table.task.group if table.task is not None else None
    groups = grouping(table.table, place) if place is not None else None
    if place is None or groups is None:
        return None
    counts = [[0] * len(table.labels.labels) for _ in groups.names]
    for one, group in zip(found, groups.of_row, strict=True):
        if one is not None and one.label is not None and group is not None:
            counts[group][one.label] += 1
    column = table.table.columns[place]
    return {"column": column, "period": groups.period, "names": list(groups.names), "counts": counts}


def _gold_view(table: VisitorTable, found: Sequence[Judged | None]) -> dict[str, Any] | None:
    if table.task is None or table.task.gold is None:
        return None
    try:
        known = table.known()
        good = [one for one in found if one is not None]
        if known is None or not good:
            return None
        ours = compare(good, known)
    except InvalidInput as error:
        return {"refused": said(error, table.language)}
    lexicon = _lexicon_view(table, known, good)
    column = table.table.columns[table.task.gold]
    return {**agreement_view(ours), "column": column, "lexicon": lexicon, "may_fit": not table.independent}


def _lexicon_view(table: VisitorTable, known: KnownLabels, good: Sequence[Judged]) -> dict[str, Any] | None:
    """The list of words on the very same rows."""
    given = table.by_words()
    if given is None:
        return None
    rows = [(given[one.index], known.labels[one.index]) for one in good if one.error is None]
    pairs = [(label, right) for label, right in rows if right is not None]
    certain = [[float(place == label) for place in range(len(table.labels.labels))] for label, _ in pairs]
    found = agreement(certain, [right for _, right in pairs])
    return {"accuracy": found.accuracy, "macro_f1": found.macro_f1}


def _gold_of(table: VisitorTable) -> tuple[int | None, ...] | None:
    try:
        known = table.known()
    except InvalidInput:
        return None
    return None if known is None else known.labels


def _wanted(table: VisitorTable, one: Judged, gold: tuple[int | None, ...] | None, values: Mapping[str, Any]) -> bool:
    show = str(values.get("show") or "all")
    right = gold[one.index] if gold is not None else None
    if show == "errors" and one.error is None:
        return False
    if show == "unsure" and (one.error is not None or not _is_unsure(one, table)):
        return False
    if show == "wrong" and (right is None or one.label is None or right == one.label):
        return False
    for name, value in (("label", one.label), ("gold", right)):
        wanted = values.get(name)
        if isinstance(wanted, int) and wanted != value:
            return False
    query = str(values.get("query") or "").casefold()
    return not query or query in one.text.casefold()


def _row_view(
    table: VisitorTable, place: int, one: Judged | None, gold: tuple[int | None, ...] | None
) -> dict[str, Any]:
    names = table.labels.names
    if one is None:
        return {"row": place}
    right = gold[place] if gold is not None else None
    return {
        "row": place,
        "text": one.text[:ROW_CHARACTERS],
        "cut": len(one.text) > ROW_CHARACTERS,
        "label": None if one.label is None else names[one.label],
        "probabilities": [round(value, 4) for value in one.probabilities],
        "sure": one.error is None and not _is_unsure(one, table),
        "gold": None if right is None else names[right],
        "error": "" if one.error is None else said(one.error, table.language),
    }


def _is_unsure(one: Judged, table: VisitorTable) -> bool:
    return not table.independent and len(one.probabilities) > 1 and is_close(one.probabilities)


def _confidence(one: Judged | None) -> float:
    return max(one.probabilities, default=-1.0) if one is not None else -1.0
