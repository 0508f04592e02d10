"""Services with an engine that answers from a list and a history in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from playground.engine.companions import Companions
from playground.history.database import open_database
from playground.history.store import HistoryStore
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from playground.ui.chat_actions import ChatActions, Outcome, Request
from playground.ui.contract import Services
from playground.ui.turns import Turns
from tests.ui.fakes import FakeEngine


@dataclass
class Desk:
    """A visitor's view of the services: acts, waits, looks."""

    services: Services
    actions: ChatActions
    owner: str = "local"

    @property
    def engine(self) -> FakeEngine:
        return self.services.engine  # type: ignore[return-value]

    def act(self, kind: str, **values: Any) -> Outcome:
        return self.actions.perform(Request(self.owner, kind, "en", values))

    def send(self, text: str, conversation_id: str | None = None, **values: Any) -> str:
        """Send and wait for the whole answer; the conversation's id."""
        parent = self.thread(conversation_id)[-1].message.id if conversation_id else None
        outcome = self.act("send", text=text, conversation_id=conversation_id, parent_id=parent, **values)
        self.wait(outcome.conversation_id)
        return outcome.conversation_id

    def wait(self, conversation_id: str) -> None:
        until(lambda: self.services.turns.running_in(self.owner, conversation_id) is None)

    def thread(self, conversation_id: str) -> list[Any]:
        return self.services.history.thread(self.owner, conversation_id)

    def texts(self, conversation_id: str) -> list[str]:
        return [entry.message.content for entry in self.thread(conversation_id)]


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    """Wait for something that another thread does."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.005)


def make_services(engine: FakeEngine, folder: Path, **environ: str) -> Services:
    settings = Settings.from_env({"HOME": str(folder), "PLAYGROUND_HUB": "off", "PLAYGROUND_MIRROR": "off", **environ})
    history = HistoryStore(open_database(None))
    shelf = ModelShelf(settings.cache_dir, Sources(use_hub=False, use_mirror=False))
    turns = Turns(engine, history, on_speed=shelf.note_speed)  # type: ignore[arg-type]
    return Services(settings, shelf, engine, history, turns, Companions(shelf.load_companion))  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    services = make_services(FakeEngine(), tmp_path)
    yield Desk(services, ChatActions(services.history, services.engine, services.turns))
    services.turns.close()
