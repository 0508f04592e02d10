"""What somebody who waits for a summary is told meanwhile, and what a finished summary holds. Plain values alone."""

from __future__ import annotations

from dataclasses import dataclass

from playground.messages import Progress
from playground.tasks.grounding import Evidence, Grounding
from playground.tasks.summary_checks import Fault
from playground.tasks.summary_plan import Plan
from playground.tasks.summary_request import Form
from playground.tasks.summary_tree import Coverage, Node, Origin
from playground.text.textrank import Extract


@dataclass(frozen=True)
class Extracted:
    """The text's own most central sentences: there at once, and faithful by construction."""

    sentences: tuple[Extract, ...]


@dataclass(frozen=True)
class Planned:
    """What will be done."""

    plan: Plan


@dataclass(frozen=True)
class Waiting:
    """What the next piece of writing waits for: the model, other visitors, the text being read."""

    progress: Progress


@dataclass(frozen=True)
class NoteWritten:
    """One part is done (`round` 0), or notes were put together (1 and up): `done` of all `total` such requests."""

    node: Node
    done: int
    total: int
    round: int
    remaining_s: float
    """About how long the rest takes, the summary itself included."""


@dataclass(frozen=True)
class NotesGrowing:
    """Several notes are being written at once: `done` of `total` in this `round`, as in `NoteWritten`."""

    done: int
    total: int
    round: int
    remaining_s: float


@dataclass(frozen=True)
class Drafted:
    """The summary as far as it is written."""

    text: str


@dataclass(frozen=True)
class SecondTry:
    """The draft has something wrong with it and is written again: its faults, and what it says beyond the text."""

    faults: tuple[Fault, ...]
    invented: tuple[str, ...]


@dataclass(frozen=True)
class Point:
    """One point of a list (or one sentence), and the words of the source that go with it."""

    text: str
    quote: Evidence | None = None
    """`source[start:end]`, letter by letter; None where no sentence of the source is near."""


@dataclass(frozen=True)
class Summary:
    """A summary with everything that lets a reader check it. All offsets in characters of the text, or of `text`."""

    text: str
    form: Form
    language: str
    points: tuple[Point, ...]
    grounding: Grounding
    root: Node
    coverage: Coverage
    extract: tuple[Extract, ...]
    plan: Plan
    origin: Origin = "model"
    faults: tuple[Fault, ...] = ()
    """What is still wrong; where the model's words were not used at all (`origin`), why."""
    dropped: tuple[str, ...] = ()
    """Sentences that the model wrote and that were left out, because they say something the text does not."""
    tries: int = 1
    cancelled: bool = False
    """It was stopped: made of what was done by then."""
    seconds: float = 0.0
    model_id: str = ""
    model_name: str = ""


@dataclass(frozen=True)
class Finished:
    """The last event."""

    summary: Summary


Event = Extracted | Planned | Waiting | NotesGrowing | NoteWritten | Drafted | SecondTry | Finished
