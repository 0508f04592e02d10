"""A sentiment tab over an engine that counts words, and a visitor's page before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from playground.engine.engine import EngineState
from playground.engine.scoring import Opening, Scored, ScoringStopped
from playground.models.catalog import SMALLEST, ModelSpec
from playground.ui.tabs.sentiment import SentimentTab
from tests.tasks.sentiment_fakes import WordScorer
from tests.ui.conftest import make_services, until

REQUEST: Any = SimpleNamespace(cookies={}, headers={})
UNFITTED = replace(SMALLEST, id="unfitted", name="Unfitted")
MIXED = "It was a good day. The food was awful! We sat at a table."


def visitor(name: str) -> Any:
    """Somebody's request on a shared machine."""
    return SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={})


@dataclass
class ScoringEngine:
    """Scores as WordScorer; with `gate` set, one opening for each `gate.release()`. `open` has the model at once."""

    scorer: WordScorer = field(default_factory=WordScorer)
    gate: threading.Semaphore | None = None
    phase: Any = "ready"
    spec: ModelSpec = UNFITTED
    opened: list[str] = field(default_factory=list)

    def score(
        self, openings: Sequence[Opening], options: Sequence[str], *, owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterator[Scored]:  # fmt: skip
        for scored in self.scorer.score(openings, options, owner=owner, cancel=cancel):
            while self.gate is not None and not self.gate.acquire(timeout=0.01):
                if cancel is not None and cancel.is_set():
                    raise ScoringStopped("Stopped before the whole text was read.")
            yield scored

    @property
    def state(self) -> EngineState:
        return EngineState(self.phase, self.spec if self.phase == "ready" else None)

    def open(self, spec: ModelSpec, *others: ModelSpec) -> None:
        self.spec = spec
        self.opened.append(spec.id)


@dataclass
class Page:
    """One page of one visitor."""

    tab: SentimentTab
    request: Any = field(default_factory=lambda: REQUEST)
    name: str = "page"
    sequence: int = 0

    def ask(self, text: str = "", **values: Any) -> list[dict[str, Any]]:
        """Everything that the page is told until the end."""
        return self.begin(text, **values).result(30)

    def begin(self, text: str = "", **values: Any) -> Future[list[dict[str, Any]]]:
        """Ask, and do not wait."""
        self.sequence += 1
        data = {"tab": self.name, "sequence": self.sequence, "text": text, **values}

        async def gather(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
            return [view async for view in stream]

        event: Any = SimpleNamespace(_data=data)
        stream = self.tab.judge(event, self.request)
        return ThreadPoolExecutor(1).submit(lambda: asyncio.run(gather(stream)))

    def judged(self, text: str, **values: Any) -> dict[str, Any]:
        """A run as the page shows it."""
        end = self.ask(text, **values)[-1]
        assert end["phase"] == "ended" and end["run"] and not end["refused"], end
        return self.open(end["run"])

    def open(self, run: str) -> dict[str, Any]:
        return self.tab.runs.open_sentiment({"run": run}, self.request)

    def call(self, function: Any, **values: Any) -> dict[str, Any]:
        return function(values, self.request)

    def job(self) -> Any:
        """What the page is having done, None for nothing."""
        return self.tab._jobs.find("local", self.name)

    def stop(self) -> dict[str, Any]:
        return self.tab.stop_judging({"tab": self.name, "sequence": self.sequence}, self.request)


def make_tab(folder: Path, engine: ScoringEngine | None = None, **environ: str) -> SentimentTab:
    any_engine: Any = engine or ScoringEngine()
    return SentimentTab(make_services(any_engine, folder, **environ))


__all__ = ["MIXED", "REQUEST", "Page", "ScoringEngine", "make_tab", "until", "visitor"]
