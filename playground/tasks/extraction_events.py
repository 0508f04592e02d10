"""What the extractor tells while it works, and the table that it makes. Plain data; offsets in code points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playground.messages import Progress
from playground.tasks.extraction_schema import Schema
from playground.text.places import How

Origin = Literal["model", "rule", "hand"]


@dataclass(frozen=True)
class Value:
    """One value of a cell: where it stands in the text (best place first), how it was found there, and by whom.

    `how` is "none" for what the text does not have, and "chosen" for one of several things to choose from.
    """

    text: str
    spans: tuple[tuple[int, int], ...] = ()
    how: How | Literal["chosen"] = "none"
    origin: Origin = "model"
    sure: float | None = None
    """Probability, 0 to 1, among all that the model could have written in its place; None where no model was asked."""

    @property
    def grounded(self) -> bool:
        """It stands in the text, or was one of the things to choose from."""
        return self.how != "none"


Cell = tuple[Value, ...]
Row = tuple[Cell, ...]
"""A cell for every field of the schema; an empty one is what the text does not say."""


@dataclass(frozen=True)
class Table:
    """What was found. `read`: the parts of the text that were read to the end, of `parts`."""

    schema: Schema
    rows: tuple[Row, ...]
    parts: tuple[tuple[int, int], ...] = ()
    read: tuple[tuple[int, int], ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    model_name: str = ""
    """"" where rules alone were enough."""
    more: bool = False
    """There were more rows than are kept."""


@dataclass(frozen=True)
class Waiting:
    """What is waited for before anything is read."""

    progress: Progress


@dataclass(frozen=True)
class Filled:
    """The table so far; `done` of `total` questions are answered (`total` grows when rows are found)."""

    table: Table
    done: int
    total: int


@dataclass(frozen=True)
class Finished:
    """The whole table; the last event."""

    table: Table


Event = Waiting | Filled | Finished
