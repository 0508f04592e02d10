"""Tables that visitors have brought, with what is known of their texts: in memory, for a while, each for its owner.

Owns what a table is judged by and what has been found. Knows no page and no model.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from playground.errors import InvalidInput, NotFound
from playground.tasks.calibration import Calibration
from playground.tasks.sentiment_labels import SENTIMENT, LabelSet
from playground.tasks.sentiment_lexicon import by_words
from playground.tasks.sentiment_results import Judged
from playground.tasks.sentiment_table import KnownLabels, known_labels, recalibrated
from playground.text.tables import TextTable

MOST_TABLES, MOST_TABLES_OF_OWNER = 60, 3
MOST_CHARACTERS = 120_000_000
"""Of all tables together."""
NOT_THERE = "This table is not here any more. Choose the file again."
Phase = Literal["ready", "starting", "opening", "reading", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Task:
    """How a table is judged: places of columns (`gold` and `group` None for none), labels, the model asked for ("": the
    chat's), and what the visitor calls a classifier's own labels."""

    text: int
    gold: int | None = None
    group: int | None = None
    labels: LabelSet = SENTIMENT
    model: str = ""
    names: tuple[tuple[str, str], ...] = ()

    def asks_the_same(self, other: Task) -> bool:
        """Whether the same texts get the same labels from the same model."""
        if self.model:  # a classifier has labels of its own
            return (self.text, self.model, self.names) == (other.text, other.model, other.names)
        return (self.text, self.labels, self.model) == (other.text, other.labels, other.model)


@dataclass(eq=False)
class VisitorTable:
    """One table. Written by the thread that judges it, read by anybody; it satisfies `page_jobs.PageJob`."""

    owner: str
    page: str
    name: str
    data: bytes | str
    table: TextTable
    language: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    task: Task | None = None
    phase: Phase = "ready"
    detail: str = ""
    error: str = ""
    model_name: str = ""
    model_id: str = ""
    labels: LabelSet = SENTIMENT
    """Those of the task, or a classifier's own."""
    independent: bool = False
    judged: list[Judged | None] = field(default_factory=list)
    """By row, as they came; `shown` has the probabilities that count."""
    done: int = 0
    revision: int = 0
    seconds: float = 0.0
    remaining_s: float | None = None
    base: Calibration | None = None
    """What makes probabilities of what the model says; None where it gives them itself."""
    fit: Calibration | None = None
    """What the visitor has fitted, in its place."""
    code: str = ""
    """Of the texts' language."""
    running: bool = False
    cancel: threading.Event = field(default_factory=threading.Event)
    _shown: tuple[tuple[int, Calibration | None], list[Judged | None]] | None = None
    _by_words: tuple[int, list[int] | None] | None = None

    @property
    def characters(self) -> int:
        """About how much memory it takes."""
        return 3 * len(self.data)

    def take(self, judged: Judged) -> None:
        """One more text is known."""
        self.done += self.judged[judged.index] is None
        self.judged[judged.index] = judged
        self.revision += 1

    def shown(self) -> list[Judged | None]:
        """By row, under what the visitor has fitted, if anything."""
        key = (self.revision, self.fit)
        if self._shown is None or self._shown[0] != key:
            self._shown = key, self.under(self.fit or self.base)
        return self._shown[1]

    def under(self, calibration: Calibration | None) -> list[Judged | None]:
        """By row, under a calibration; None: as the model says."""
        known = [one for one in self.judged if one is not None]
        found: list[Judged | None] = [None] * len(self.judged)
        for one in known if calibration is None or self.independent else recalibrated(known, calibration):
            found[one.index] = one
        return found

    def by_words(self) -> list[int] | None:
        """What a list of English words says, by row; None for other languages and other labels than sentiment's."""
        if self.task is None or self.code != "en":
            return None
        if self._by_words is None or self._by_words[0] != self.task.text:
            self._by_words = self.task.text, by_words(self.table.column(self.task.text), self.labels)
        return self._by_words[1]

    def known(self) -> KnownLabels | None:
        """The labels that a column gives. Raises InvalidInput where they are none of the table's."""
        if self.task is None or self.task.gold is None:
            return None
        return known_labels(self.table.column(self.task.gold), self.labels)

    def forget(self) -> None:
        """Nothing is known of the texts any more."""
        self.judged = [None] * len(self.table.rows)
        self.done, self.seconds, self.fit = 0, 0.0, None
        self.revision += 1

    def begin(self, task: Task) -> None:
        """Prepare for `task`: what is known of the same question is kept."""
        again = self.task is not None and self.task.asks_the_same(task) and len(self.judged) == len(self.table.rows)
        if not again:
            self.forget()
        self.task, self.phase, self.error, self.remaining_s = task, "starting", "", None
        self.revision += 1
        self.cancel = threading.Event()
        self.running = True


class VisitorTables:
    """The tables of all visitors. Thread-safe; old ones go where there are too many."""

    def __init__(self) -> None:
        self._tables: OrderedDict[str, VisitorTable] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, table: VisitorTable) -> VisitorTable:
        """Hold a table, in place of the oldest ones of its owner."""
        with self._lock:
            self._tables[table.id] = table
            own = [one for one in self._tables.values() if one.owner == table.owner]
            self._drop(own[:-MOST_TABLES_OF_OWNER])
            resting = [one for one in self._tables.values() if one is not table and not one.running]
            while len(self._tables) > MOST_TABLES and resting:
                self._drop([resting.pop(0)])
            while sum(one.characters for one in self._tables.values()) > MOST_CHARACTERS and resting:
                self._drop([resting.pop(0)])
        return table

    def find(self, owner: str, table_id: str) -> VisitorTable:
        """A visitor's own table. Raises NotFound."""
        with self._lock:
            table = self._tables.get(table_id)
            if table is None or table.owner != owner:
                raise NotFound(NOT_THERE)
            self._tables.move_to_end(table_id)
            return table

    def _drop(self, tables: Sequence[VisitorTable]) -> None:
        for table in tables:
            table.cancel.set()
            self._tables.pop(table.id, None)


def column_in(value: object, table: TextTable) -> int | None:
    """The place of a column that a page names, None for none. Raises InvalidInput."""
    if value is None or value == "":
        return None
    if not isinstance(value, int) or not 0 <= value < len(table.columns):
        raise InvalidInput("This table has no such column. Choose another one.")
    return value
