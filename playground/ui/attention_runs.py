"""Texts that visitors have had looked into: making a run on a thread of its own, keeping runs by owner.

Owns who may see which run, and how much memory runs may hold. Must not know what is drawn from them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.attention.words import Word, words
from playground.engine.engine import Engine
from playground.engine.recording import Recording
from playground.errors import InvalidInput, NotFound
from playground.hardware import memory_bytes
from playground.ui.edge import shown

MOST_BYTES = 768 << 20
PART_OF_MEMORY = 8
MOST_RUNS_OF_OWNER = 6
MOST_JOBS = 16
MOST_JOBS_OF_OWNER = 3
LONGEST_CHARACTERS = 100_000
NEXT_TOKENS = 40


@dataclass(frozen=True, eq=False)
class Run:
    """One text with what the model did on it."""

    owner: str
    id: str
    model: str
    text: str
    tokens: tuple[str, ...]
    """How each reads on its own."""
    words: tuple[Word, ...]
    next_texts: tuple[tuple[str, float], ...]
    """(text, logit) of the likeliest tokens behind the text, likeliest first."""
    recording: Recording


class AttentionRuns:
    """The runs of all visitors, the longest unused given up first. Thread-safe.

    `most_bytes`: 768 MB, or an eighth of the machine's memory if that is less.
    """

    def __init__(self, most_bytes: int | None = None, most_of_owner: int = MOST_RUNS_OF_OWNER) -> None:
        self._most_bytes = min(MOST_BYTES, memory_bytes() // PART_OF_MEMORY) if most_bytes is None else most_bytes
        self._most_of_owner = most_of_owner
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, run: Run) -> None:
        """Add a run; it is here until newer or more used ones need its place."""
        with self._lock:
            self._runs.pop(run.id, None)
            self._runs[run.id] = run
            own = [kept for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[: -self._most_of_owner]:
                del self._runs[old.id]
            while len(self._runs) > 1 and self._bytes() > self._most_bytes:
                self._runs.popitem(last=False)

    def find(self, owner: str, run_id: str) -> Run:
        """A visitor's own run. Raises NotFound, for somebody else's as for one that does not exist."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None or run.owner != owner:
                raise NotFound("This look inside is not kept any more. Look inside the text again.")
            self._runs.move_to_end(run_id)
            return run

    def _bytes(self) -> int:
        return sum(run.recording.nbytes for run in self._runs.values())


@dataclass(eq=False)
class Job:
    """A run that is being made. Written by its own thread, read by anybody."""

    owner: str
    page: str
    language: str
    done: int = 0
    total: int = 0
    run_id: str | None = None
    error: str | None = None
    running: bool = True
    cancel: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """Tokens that have been read, and all of them."""
        self.done, self.total = done, total


class Jobs:
    """Starts and stops the making of runs; a page makes one at a time. Thread-safe."""

    def __init__(self, engine: Engine, runs: AttentionRuns) -> None:
        self._engine = engine
        self._runs = runs
        self._jobs: dict[tuple[str, str], Job] = {}
        self._lock = threading.Lock()

    def start(self, owner: str, page: str, text: object, language: str) -> Job:
        """Begin to look into a text; what this page was making is stopped. Raises InvalidInput."""
        checked = check_text(text)
        job = Job(owner, page, language)
        self.stop(owner, page)
        with self._lock:
            if len(self._jobs) >= MOST_JOBS:
                raise InvalidInput("Many texts are being looked into on this machine. Try again in a minute.")
            if sum(other == owner for other, _ in self._jobs) >= MOST_JOBS_OF_OWNER:
                raise InvalidInput("Several of your texts are being looked into already. Wait for one of them.")
            self._jobs[owner, page] = job
        threading.Thread(target=self._make, args=(job, checked), name="attention-run", daemon=True).start()
        return job

    def stop(self, owner: str, page: str) -> bool:
        """End what a page is making. False when it makes nothing."""
        with self._lock:
            job = self._jobs.pop((owner, page), None)
        if job is None:
            return False
        job.cancel.set()
        return True

    def _make(self, job: Job, text: str) -> None:
        try:
            run = make_run(self._engine, job.owner, text, cancel=job.cancel, on_progress=job.progress)
            if not job.cancel.is_set():
                self._runs.keep(run)
                job.run_id = run.id
        except Exception as error:  # the page must always get an answer
            if not job.cancel.is_set():
                job.error = shown(error, job.language)
        finally:
            with self._lock:
                if self._jobs.get((job.owner, job.page)) is job:
                    del self._jobs[job.owner, job.page]
            job.running = False


def check_text(text: object) -> str:
    """A text that can be looked into. Raises InvalidInput."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput("There is nothing to look into yet. Write or paste a text first.")
    if len(text) > LONGEST_CHARACTERS:
        raise InvalidInput(f"This text is too long to look into. The most is {LONGEST_CHARACTERS:,} characters.")
    return text.rstrip()


def make_run(
    engine: Engine,
    owner: str,
    text: object,
    *,
    cancel: threading.Event | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    most_tokens: int | None = None,
) -> Run:
    """Have the model read `text` and remember how. Raises PlaygroundError children, above `most_tokens` too."""
    checked = check_text(text)
    _wait_for_model(engine, cancel)
    split = engine.split(checked)
    if most_tokens is not None and len(split) > most_tokens:
        raise InvalidInput(
            f"Your text is {len(split):,} tokens; at most {most_tokens:,} can be looked into here. Shorten it."
        )
    if on_progress is not None:
        on_progress(0, len(split))
    recording = engine.record([token.id for token in split], cancel=cancel, on_progress=on_progress)
    texts = [token.text for token in split]
    alone = frozenset(index for index, token in enumerate(split) if token.special)
    spans = [(token.start, token.end) for token in split]
    logits, ids = recording.logits.topk(min(NEXT_TOKENS, len(recording.logits)))
    likely: Sequence[str] = engine.run(_decoded, ids.tolist())
    spec = engine.state.spec
    return Run(
        owner, secrets.token_urlsafe(12), spec.name if spec else "", checked,
        tuple(token.shown for token in split), words(texts, offsets=spans, alone=alone),
        tuple(zip(likely, logits.tolist(), strict=True)), recording,
    )  # fmt: skip


def _wait_for_model(engine: Engine, cancel: threading.Event | None) -> None:
    while engine.state.phase == "opening" and not (cancel and cancel.is_set()):
        time.sleep(0.1)


def _decoded(loaded: Any, ids: Sequence[int]) -> list[str]:
    return [loaded.tokenizer.decode([token_id]) for token_id in ids]
