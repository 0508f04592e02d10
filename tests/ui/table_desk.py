"""A visitor's page at tables of texts, over an engine that counts words."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from playground.engine.scoring import Opening, Scored
from playground.engine.session import EngineState
from playground.models.catalog import SMALLEST
from playground.tasks.sentiment_labels import SENTIMENT, LabelSet
from playground.ui.sentiment_batch import SentimentBatch
from tests.tasks.sentiment_fakes import WordScorer
from tests.ui.conftest import make_services, until

REVIEWS = (
    "date,place,review,stars\n"
    + "2026-03-01,north,good soup,5\n2026-03-01,south,bad soup,1\n2026-03-02,north,a table,3\n" * 4
    + "2026-03-03,south,,\n"
)
ME: Any = SimpleNamespace(owner="me")
MODEL = replace(SMALLEST, id="unknown")
"""Nothing has been fitted for it."""


class ScoringEngine(WordScorer):
    """Scores like WordScorer; with `gate` set, one text for each `gate.release()`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: threading.Semaphore | None = None
        self.phase: Any = "ready"

    @property
    def state(self) -> EngineState:
        return EngineState(self.phase, MODEL)

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:
        for one in super().score(openings, options, owner=owner, cancel=cancel):
            while self.gate is not None and not (cancel is not None and cancel.is_set()):
                if self.gate.acquire(timeout=0.01):
                    break
            yield one


class Desk:
    """A visitor's page at the tables."""

    def __init__(self, folder: Path, labels: LabelSet = SENTIMENT, **environ: str) -> None:
        self.engine = ScoringEngine()
        self.labels = labels
        services = make_services(self.engine, folder, **environ)  # type: ignore[arg-type]
        self.batch = SentimentBatch(services, lambda request: request.owner, lambda values: self.labels)  # type: ignore[attr-defined]

    def read(self, text: str = REVIEWS, request: Any = ME, **values: Any) -> dict[str, Any]:
        data = base64.b64encode(text.encode()).decode()
        return self.batch.read_table({"name": "reviews.csv", "data": data, "tab": "page", **values}, request)

    def begin(self, view: dict[str, Any], **values: Any) -> str:
        columns = {name: view[name] for name in ("text", "gold", "group")}
        self.batch.judge_table({"table": view["table"], **columns, **values}, ME)
        return view["table"]

    def rest(self, table: str) -> dict[str, Any]:
        until(lambda: not self.batch.table_progress({"table": table}, ME)["running"], 20)
        return self.batch.table_figures({"table": table}, ME)

    def judge(self, text: str = REVIEWS, **values: Any) -> dict[str, Any]:
        return {**self.rest(self.begin(view := self.read(text), **values)), "table": view["table"]}

    def rows(self, table: str, **values: Any) -> dict[str, Any]:
        return self.batch.table_rows({"table": table, **values}, ME)
