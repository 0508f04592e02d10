"""A summarize tab over an engine that writes what a function says, and a visitor's page before it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from playground.engine.session import EngineState
from playground.messages import Chunk
from playground.ui.tabs.summarize import SummarizeTab
from tests.tasks import summary_fakes
from tests.ui.conftest import make_services, until

REQUEST: Any = SimpleNamespace(cookies={}, headers={})
SHORT = (
    "The old bridge over the river Lune was closed on Monday. Engineers had found cracks in two of its pillars. "
    "About 4,000 cars use it every day. The council wants to repair it within six weeks."
)
GOOD = "The old bridge over the river Lune was closed after engineers had found cracks in two pillars."


def long_text(paragraphs: int = 60) -> str:
    """Longer than the fake model reads at once."""
    return "\n\n".join(
        f"Chapter {number} tells of the village of Place{number} and its people. "
        f"They built a mill beside the water in those days. The miller of Place{number} was known for his bread. "
        f"Nobody there had ever seen the sea or a ship before the flood came."
        for number in range(paragraphs)
    )


def visitor(name: str) -> Any:
    """Somebody's request on a shared machine."""
    return SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={})


@dataclass
class SummaryEngine(summary_fakes.FakeEngine):
    """Also says what it is doing: `phase` "opening" for a model that is not there yet."""

    phase: Literal["opening", "ready"] = "ready"
    cancels: list[threading.Event] = field(default_factory=list)
    """What ends each of the answers that were asked for."""

    def stream(self, *args: Any, cancel: threading.Event | None = None, **values: Any) -> Iterator[Chunk]:
        """The answer, a word a chunk."""
        self.cancels.append(cancel or threading.Event())
        return super().stream(*args, cancel=cancel, **values)

    def was_stopped(self) -> bool:
        """Whether the answers that are being written have heard that nobody wants them."""
        return bool(self.cancels) and self.cancels[-1].is_set()

    @property
    def state(self) -> Any:
        ready = super().state
        if self.phase != "ready":
            return EngineState(self.phase, opening_detail="Reading the weights")
        return SimpleNamespace(loaded=ready.loaded, phase="ready", error=None)


@dataclass
class Page:
    """One page of one visitor."""

    tab: SummarizeTab
    request: Any = field(default_factory=lambda: REQUEST)
    name: str = "page"
    sequence: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    """Everything that it was told so far."""

    def ask(self, text: str, **values: Any) -> list[dict[str, Any]]:
        """Everything that the page is told until the end."""
        return self.begin(text, **values).result(30)

    def begin(self, text: str, **values: Any) -> Future[list[dict[str, Any]]]:
        """Ask, and do not wait."""
        self.sequence += 1
        data = {"tab": self.name, "sequence": self.sequence, "text": text, **values}

        async def gather(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
            found = []
            async for view in stream:
                found.append(view)
                self.told.append(view)
            return found

        event: Any = SimpleNamespace(_data=data)
        stream = self.tab.summarize(event, self.request)
        pool = ThreadPoolExecutor(1)
        return pool.submit(lambda: asyncio.run(gather(stream)))

    def summary(self, text: str, **values: Any) -> dict[str, Any]:
        """A finished summary as the page shows it."""
        end = self.ask(text, **values)[-1]
        assert end["phase"] == "ended" and end["run"] and not end["refused"], end
        return self.tab.runs.open_summary({"run": end["run"], "whole": True}, self.request)

    def stop(self) -> dict[str, Any]:
        return self.tab.stop_summary({"tab": self.name, "sequence": self.sequence}, self.request)

    def news(self, after: int = 0) -> dict[str, Any]:
        return self.tab.summary_news({"tab": self.name, "sequence": self.sequence, "after": after}, self.request)


@dataclass
class Held:
    """Holds an engine up at its n-th chunk until it is let go."""

    at: int
    reached: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)

    def __call__(self, count: int) -> None:
        if count >= self.at:
            self.reached.set()
            assert self.free.wait(30)


def make_tab(folder: Path, engine: SummaryEngine, **environ: str) -> SummarizeTab:
    any_engine: Any = engine
    return SummarizeTab(make_services(any_engine, folder, **environ))


__all__ = ["GOOD", "REQUEST", "SHORT", "Held", "Page", "SummaryEngine", "long_text", "make_tab", "until", "visitor"]
