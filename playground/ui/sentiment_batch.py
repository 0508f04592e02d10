"""Many texts at once: a table of a visitor's, its texts judged, counted and compared with labels that are known.

Owns what a page may call for it. How a table is judged stands in `ui/sentiment_batch_jobs.py`, what the page gets of it
in `ui/sentiment_batch_view.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.tasks.sentiment_labels import LabelSet
from playground.tasks.sentiment_table import compare, learn, learn_and_compare
from playground.text.tables import MOST_BYTES, TextTable, read_table
from playground.ui.contract import Services
from playground.ui.edge import language_in
from playground.ui.sentiment_asked import asked_of
from playground.ui.sentiment_batch_jobs import TableJobs
from playground.ui.sentiment_batch_tables import Task, VisitorTable, VisitorTables, column_in
from playground.ui.sentiment_batch_view import (
    agreement_view,
    calibration_view,
    csv_of,
    figures_view,
    progress_view,
    rows_view,
    table_view,
    text_of,
)
from playground.ui.sentiment_fit import SessionFits
from playground.ui.sentiment_judges import SentimentJudges

MOST_ROWS, MOST_ROWS_SHARED = 20_000, 2_000
MOST_READ_AT_ONCE = 4
LONGEST_NAME = 200

_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|]')

LabelsOf = Callable[[Mapping[str, Any]], LabelSet]
"""What a page chose to sort texts into, from the values of its request. Raises InvalidInput."""
OwnerOf = Callable[[gr.Request], str]


class SentimentBatch:
    """The page's functions for tables. Thread-safe.

    `labels_of` reads the labels that a request names (its value "labels" is what the page's `labels()` gave). `fits`
    holds what visitors have fitted.
    """

    def __init__(self, services: Services, owner_of: OwnerOf, labels_of: LabelsOf) -> None:
        self._owner_of, self._labels_of = owner_of, labels_of
        self._most_rows = MOST_ROWS_SHARED if services.settings.shared else MOST_ROWS
        self.fits = SessionFits()
        self._tables = VisitorTables()
        self._jobs = TableJobs(services.engine, SentimentJudges(services, self.fits), self.fits)
        self._reading = threading.BoundedSemaphore(MOST_READ_AT_ONCE)

    @property
    def functions(self) -> tuple[Callable[..., dict[str, Any]], ...]:
        """For `scripted_view`; each still to be wrapped by `answered`."""
        return (
            self.read_table, self.read_table_again, self.open_table, self.judge_table, self.table_progress,
            self.stop_table, self.table_figures, self.set_table_columns, self.table_rows, self.table_text,
            self.save_table, self.try_table_fit, self.keep_table_fit, self.undo_table_fit,
        )  # fmt: skip

    def read_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Read a file {"name", "data" in base64} or what was pasted {"text"}; nothing is judged yet."""
        owner, labels = self._owner_of(request), self._labels_of(data)
        content = _content_of(data)
        with self._reading:
            table = self._read(content, None)
        name = str(data.get("name") or "")[:LONGEST_NAME]
        page = f"table {str(data.get('tab') or '')[:64]}"
        kept = self._tables.add(VisitorTable(owner, page, name, content, table, language_in(data)))
        return table_view(kept, labels)

    def read_table_again(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The same table with its first line as names, or as a row ("header")."""
        table = self._resting(data, request)
        with self._reading:
            table.table = self._read(table.data, bool(data.get("header")))
        table.task = None
        table.forget()
        return table_view(table, self._labels_of(data))

    def open_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A table that is still here, as it was left, and how far it is ("progress")."""
        table = self._table(data, request)
        task = table.task
        chosen = {} if task is None else {"text": task.text, "gold": task.gold, "group": task.group}
        return {**table_view(table, table.labels), **chosen, "progress": progress_view(table)}

    def judge_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Begin to judge a table's texts, or go on where it was stopped."""
        table = self._resting(data, request)
        own = table.table
        text = column_in(data.get("text"), own)
        if text is None:
            raise InvalidInput("Choose the column with the texts first.")
        gold, group = column_in(data.get("gold"), own), column_in(data.get("group"), own)
        table.language = language_in(data)
        asked = asked_of(data)
        table.begin(Task(text, gold, group, self._labels_of(data), asked.model, tuple(asked.names.items())))
        self._jobs.begin(table)
        return progress_view(table)

    def table_progress(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """How far it is."""
        return progress_view(self._table(data, request))

    def stop_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End it; what is judged is kept."""
        table = self._table(data, request)
        return {"stopped": self._jobs.stop(table), **progress_view(table)}

    def table_figures(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Shares, groups, agreement with known labels."""
        return figures_view(self._table(data, request))

    def set_table_columns(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Compare with another column, or group by another one: no model is asked again."""
        table = self._resting(data, request)
        if table.task is None:
            raise InvalidInput("Judge the texts of this table first.")
        gold, group = column_in(data.get("gold"), table.table), column_in(data.get("group"), table.table)
        table.task = replace(table.task, gold=gold, group=group)
        return figures_view(table)

    def table_rows(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Some of the rows."""
        return rows_view(self._table(data, request), data)

    def table_text(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The whole text of one row."""
        return {"text": text_of(self._table(data, request), data.get("row"))}

    def save_table(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The table as a CSV file: what was in it, labels, probabilities, errors."""
        table = self._table(data, request)
        name = _NOT_IN_NAMES.sub("_", table.name)
        stem = name.rpartition(".")[0] or name or "texts"
        return {"name": f"{stem}-labels.csv", "content": csv_of(table)}

    def try_table_fit(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What fitting on the known labels would change, told by texts that nothing was learned from."""
        table, judged, known = self._comparable(data, request)
        before = compare([one for one in table.under(table.base) if one is not None], known)
        after = learn_and_compare(judged, known)
        return {"before": agreement_view(before), "after": agreement_view(after), "names": list(table.labels.names)}

    def keep_table_fit(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Fit, and use it from now on for this visitor, this model and these labels."""
        table, judged, known = self._comparable(data, request)
        table.fit = learn(judged, known, name=table.name, date=time.strftime("%Y-%m-%d"))
        self.fits.keep(table.owner, table.model_id, table.labels, table.fit)
        return {**figures_view(table), "learned": calibration_view(table.fit)}

    def undo_table_fit(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Probabilities as they were before."""
        table = self._table(data, request)
        table.fit = None
        self.fits.drop(table.owner, table.model_id, table.labels)
        return figures_view(table)

    def _read(self, content: bytes | str, has_header: bool | None) -> TextTable:
        return read_table(content, most_rows=self._most_rows, has_header=has_header)

    def _comparable(self, data: dict[str, Any], request: gr.Request) -> tuple[VisitorTable, list[Any], Any]:
        table = self._resting(data, request)
        known = table.known()
        if known is None or table.independent:
            raise InvalidInput("Choose the column with the labels that are right first.")
        return table, [one for one in table.judged if one is not None], known

    def _table(self, data: dict[str, Any], request: gr.Request) -> VisitorTable:
        return self._tables.find(self._owner_of(request), str(data.get("table") or ""))

    def _resting(self, data: dict[str, Any], request: gr.Request) -> VisitorTable:
        table = self._table(data, request)
        if table.running:
            raise InvalidInput("This table is being judged. Wait for it, or stop it first.")
        return table


def _content_of(data: Mapping[str, Any]) -> bytes | str:
    pasted = data.get("pasted")
    if isinstance(pasted, str):
        return pasted
    content = data.get("data")
    if not isinstance(content, str) or len(content) > MOST_BYTES * 4 // 3 + 4:
        raise InvalidInput(f"This table is too large. Tables up to {MOST_BYTES // 1024**2} MB can be read here.")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The file did not arrive whole. Choose it again.") from error
