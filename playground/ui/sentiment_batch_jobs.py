"""Tables that are being judged: each on a thread of its own, a page has one at a time.

Owns the pace and the time that is left. Must not know what a page shows.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from playground.engine.engine import Engine
from playground.engine.scoring import ScoringStopped
from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.calibration import Calibration, fitted
from playground.tasks.sentiment_analysis import Judge
from playground.text.languages import detect
from playground.ui.edge import shown
from playground.ui.page_jobs import PageJobs
from playground.ui.sentiment_batch_tables import VisitorTable
from playground.ui.sentiment_fit import SessionFits
from playground.ui.sentiment_judges import SentimentJudges

_FOR_LANGUAGE = 50
"""Texts that are looked at to find their language."""
_TEXTS_AT_ONCE = 500
"""Given to a judge: all of them are cut into tokens before the first is judged."""
_SURE_S = 2.0
"""So long it takes until the pace says something."""


class TableJobs:
    """Judges tables. Thread-safe."""

    def __init__(self, engine: Engine, judges: SentimentJudges, fits: SessionFits) -> None:
        self._engine, self._judges, self._fits = engine, judges, fits
        self._jobs = PageJobs[VisitorTable](
            "table",
            many="Many texts are being judged on this machine. Try again in a minute.",
            several="Several of your tables are being judged already. Wait for one of them.",
        )

    def begin(self, table: VisitorTable) -> None:
        """Have the rest of a table's texts judged. Raises InvalidInput."""
        try:
            self._jobs.begin(table, partial(self._judge, table))
        except InvalidInput:
            table.running, table.phase = False, "ready"
            raise

    def stop(self, table: VisitorTable) -> bool:
        """End it; what is judged is kept."""
        if not table.running:
            return False
        table.cancel.set()
        return True

    def _judge(self, table: VisitorTable) -> None:
        begin_s, before_s = time.monotonic(), table.seconds
        try:
            self._open_and_judge(table)
            table.phase = "stopped" if table.cancel.is_set() else "done"
        except ScoringStopped:
            table.phase = "stopped"
        except Exception as error:  # the page must always get an answer
            stopped = table.cancel.is_set() and isinstance(error, PlaygroundError)
            table.phase, table.error = ("stopped", "") if stopped else ("failed", shown(error, table.language))
        finally:
            table.seconds = before_s + time.monotonic() - begin_s
            table.remaining_s = None

    def _open_and_judge(self, table: VisitorTable) -> None:
        task = table.task
        if task is None:
            raise InvalidInput("Choose the column with the texts first.")
        table.phase = "opening"

        def tell(detail: str, share: float | None) -> None:
            table.detail = detail

        judge = self._judges.open(
            task.labels,
            model=task.model,
            names=dict(task.names),
            owner=table.owner,
            cancel=table.cancel,
            on_detail=tell,
        )
        if table.cancel.is_set():
            return
        spec = self._engine.state.spec
        model_id = task.model or (spec.id if spec is not None else "")
        if table.model_id != model_id:
            table.forget()  # another model is open now: its figures and the former one's do not go together
        table.labels, table.independent, table.model_name = judge.labels, judge.independent, judge.model_name
        table.model_id, table.code = model_id, _language_of(table)
        table.base = None if task.model else fitted(model_id, judge.labels.id, table.code) or Calibration()
        table.fit = self._fits.find(table.owner, model_id, judge.labels)
        table.phase, table.detail = "reading", ""
        todo = [row for row, known in enumerate(table.judged) if known is None]
        self._read(table, judge, todo)

    def _read(self, table: VisitorTable, judge: Judge, todo: list[int]) -> None:
        task = table.task
        texts = table.table.column(task.text) if task is not None else []
        begin_s, count = time.monotonic(), 0
        for start in range(0, len(todo), _TEXTS_AT_ONCE):
            some = todo[start : start + _TEXTS_AT_ONCE]
            for judged in judge.judge([texts[row] for row in some], language=table.code, cancel=table.cancel):
                table.take(replace(judged, index=some[judged.index]))
                count += 1
                passed_s = time.monotonic() - begin_s
                table.remaining_s = (len(todo) - count) * passed_s / count if passed_s > _SURE_S else None


def _language_of(table: VisitorTable) -> str:
    texts = table.table.column(table.task.text) if table.task is not None else []
    return detect("\n".join(texts[:_FOR_LANGUAGE])).code
