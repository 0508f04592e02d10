"""What a tab may see of the program, and what a tab is. Knows no tab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playground.engine.companions import Companions
from playground.engine.engine import Engine
from playground.history.store import HistoryStore
from playground.models.shelf import ModelShelf
from playground.settings import Settings
from playground.ui.turns import Turns


@dataclass(frozen=True)
class Services:
    """The parts that the composition root has put together; handed to every tab."""

    settings: Settings
    shelf: ModelShelf
    engine: Engine
    history: HistoryStore
    turns: Turns
    companions: Companions
    """The small models beside the chat's."""
    notice: str = ""
    """A sentence for everybody who opens the page, "" for none."""


@dataclass(frozen=True)
class Tab:
    """A tab: `name` is the key of its title in the texts, `build` lays it out and wires its events."""

    name: str
    build: Callable[[Services], None]
