"""An extract tab over an engine that answers from a table, and a visitor's page before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from playground.ui.tabs.extract import ExtractTab
from tests.tasks.extraction_fakes import ExtractEngine
from tests.ui.conftest import make_services

REQUEST: Any = SimpleNamespace(cookies={}, headers={})
MINUTES = (
    "🦋 The treasurer, Sam Okoro, reported 1,840 pounds on 4 March 2025. Ruth Ellison took the chair in Halton. "
    "Write to post@plots.example by 30 April."
)


def what_is_said(prompt: str) -> list[str]:
    """What Sam Okoro is."""
    return ["treasurer"] if "Sam Okoro”" in prompt else []


def engine(**values: Any) -> ExtractEngine:
    """Knows the people and places of MINUTES, and what Sam Okoro is."""
    known: dict[str, Any] = {"says": what_is_said, "people": ("Sam Okoro", "Ruth Ellison"), "places": ("Halton",)}
    return ExtractEngine(**{**known, **values})


def visitor(name: str) -> Any:
    """Somebody's request on a shared machine."""
    return SimpleNamespace(cookies={"playground_visitor": name * 40}, headers={})


@dataclass
class Page:
    """One page of one visitor."""

    tab: ExtractTab
    request: Any = field(default_factory=lambda: REQUEST)
    name: str = "page"
    sequence: int = 0

    def ask(self, text: str = MINUTES, **values: Any) -> list[dict[str, Any]]:
        """Everything that the page is told until the end."""
        return self.begin(text, **values).result(30)

    def begin(self, text: str = MINUTES, **values: Any) -> Future[list[dict[str, Any]]]:
        """Ask, and do not wait."""
        self.sequence += 1
        event: Any = SimpleNamespace(_data={"tab": self.name, "sequence": self.sequence, "text": text, **values})

        async def gather(stream: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
            return [view async for view in stream]

        stream = self.tab.extract(event, self.request)
        return ThreadPoolExecutor(1).submit(lambda: asyncio.run(gather(stream)))

    def table(self, text: str = MINUTES, **values: Any) -> dict[str, Any]:
        """A finished table as the page shows it."""
        end = self.ask(text, **values)[-1]
        assert end["phase"] == "ended" and end["run"] and not end["refused"], end
        return self.open(end["run"])

    def open(self, run: str) -> dict[str, Any]:
        return self.tab.runs.open_table({"run": run, "whole": True}, self.request)

    def change(self, run: str, rows: Any) -> dict[str, Any]:
        return self.tab.runs.change_table({"run": run, "rows": rows}, self.request)

    def save(self, run: str, form: str, **values: Any) -> dict[str, Any]:
        return self.tab.runs.save_table({"run": run, "form": form, **values}, self.request)

    def stop(self) -> dict[str, Any]:
        return self.tab.stop_extract({"tab": self.name, "sequence": self.sequence}, self.request)

    def news(self) -> dict[str, Any]:
        return self.tab.extract_news({"tab": self.name, "sequence": self.sequence}, self.request)


def texts(table: dict[str, Any]) -> list[list[list[str]]]:
    """The values of every cell."""
    return [[[value["text"] for value in cell] for cell in row] for row in table["rows"]]


def make_tab(folder: Path, of: Any, **environ: str) -> ExtractTab:
    return ExtractTab(make_services(of, folder, **environ))
