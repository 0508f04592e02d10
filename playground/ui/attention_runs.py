"""Texts that visitors have had looked into: what a run is, having one made, keeping runs by owner.

Owns who may see which run, how much memory runs may hold, and that a run is of one model from its first token to its
last. Must not know what is drawn from them.
"""

from __future__ import annotations

import secrets
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from torch import Tensor

from playground.attention.rollout import rollout
from playground.attention.sink import FIRST_TOKEN
from playground.attention.words import Word, words
from playground.engine.engine import Engine
from playground.engine.recording import Recording
from playground.errors import InvalidInput, ModelUnavailable, NotFound, PlaygroundError
from playground.hardware import memory_bytes
from playground.models.catalog import ModelSpec
from playground.ui.attention_answers import Material, WrittenAnswer
from playground.ui.attention_values import ValueNorms

MOST_BYTES = 768 << 20
PART_OF_MEMORY = 8
MOST_RUNS_OF_OWNER = 6
LONGEST_CHARACTERS = 100_000
NEXT_TOKENS = 40
ATTEMPTS = 3
"""At reading a text, where the model is changed meanwhile."""
RunKind = Literal["chat", "encoder", "masked", "classifier", "cross", "read", "source", "translation"]
"""Of the chat's model; of an encoder; or a part of what a translation model did: the translation looking at the source
when a word is written, and when it has been read; inside the source, inside the translation."""


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
    """(text, logit) of the likeliest tokens behind the text, likeliest first; empty where the model writes none."""
    recording: Recording
    kind: RunKind = "chat"
    special: frozenset[int] = frozenset()
    """Tokens that the model puts around a text ([CLS], </s>)."""
    resting: tuple[int, ...] = FIRST_TOKEN
    """Tokens that gather attention whatever the text is."""
    spec: ModelSpec | None = None
    """The model beside the chat's that made it; None: the chat's."""
    source: Run | None = None
    """Whose tokens are looked at; None: its own."""
    parts: Mapping[str, Run] = field(default_factory=dict)
    """Runs that belong to this one and are found by its id, a dot and their name."""
    answer: WrittenAnswer | None = None
    """Where the text is an answer of a chat."""
    notes: tuple[str, ...] = ()
    """Sentences on what is not as it was when the text was written, or looked into first."""
    stored: bool = False
    """The history has an entry of the same id."""
    guided: bool = False
    """A text of the tour: it takes no place of the visitor's own and is not stored."""
    norms: Sequence[Tensor] | None = None
    """float32 [heads, T] of each layer: how much each token hands over; None where that is not known."""

    @cached_property
    def rolled_out(self) -> Tensor:
        """float32 [T, T]: the rollout of an encoder's layers, made once. Raises ValueError for other runs."""
        return rollout(self.recording.layers)

    @property
    def looked_at(self) -> Run:
        """The run whose tokens the columns of a map are."""
        return self.source or self

    @property
    def both_ways(self) -> bool:
        """Whether a token also sees what comes behind it."""
        return not self.recording.layers[0].causal

    @property
    def nbytes(self) -> int:
        """Bytes of all that was recorded, in the parts too."""
        return self.recording.nbytes + sum(part.recording.nbytes for part in self.parts.values())


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
            own = [kept for kept in self._runs.values() if (kept.owner, kept.guided) == (run.owner, run.guided)]
            for old in own[: -self._most_of_owner]:
                del self._runs[old.id]
            while len(self._runs) > 1 and self._bytes() > self._most_bytes:
                self._runs.popitem(last=False)

    def find(self, owner: str, run_id: str) -> Run:
        """A visitor's own run, or a part of it. Raises NotFound, for somebody else's as for one that does not exist."""
        name, _, part = run_id.partition(".")
        with self._lock:
            run = self._runs.get(name)
            if run is None or run.owner != owner or (part and part not in run.parts):
                raise NotFound("This look inside is not kept any more. Look inside the text again.")
            self._runs.move_to_end(name)
            return run.parts[part] if part else run

    def has(self, owner: str, run_id: str) -> bool:
        """Whether `find` would find it."""
        try:
            self.find(owner, run_id)
        except NotFound:
            return False
        return True

    def drop(self, unwanted: Callable[[Run], bool]) -> None:
        """Forget the runs that `unwanted` names."""
        with self._lock:
            kept = list(self._runs.values())
        names = [run.id for run in kept if unwanted(run)]
        with self._lock:
            for name in names:
                self._runs.pop(name, None)

    def _bytes(self) -> int:
        return sum(run.nbytes for run in self._runs.values())


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
    return read_material(
        engine, owner, lambda: Material(checked, engine.split(checked)),
        cancel=cancel, on_progress=on_progress, most_tokens=most_tokens,
    )  # fmt: skip


def read_material(
    engine: Engine,
    owner: str,
    prepare: Callable[[], Material],
    *,
    cancel: threading.Event | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    most_tokens: int | None = None,
) -> Run:
    """Have the model read what `prepare` cuts for it. Where another model is opened meanwhile, it is cut and read again
    for that one. Raises PlaygroundError children."""
    for _ in range(ATTEMPTS):
        _wait_for_model(engine, cancel)
        still_open = _model_watch(engine)
        try:
            run = _read_once(engine, owner, prepare(), cancel, on_progress, most_tokens)
        except PlaygroundError:
            if still_open() or (cancel is not None and cancel.is_set()):
                raise
            continue
        if still_open():
            return run
    raise ModelUnavailable("The model was changed while your text was being read. Try again.")


def _read_once(
    engine: Engine,
    owner: str,
    material: Material,
    cancel: threading.Event | None,
    on_progress: Callable[[int, int], None] | None,
    most_tokens: int | None,
) -> Run:
    split = material.tokens
    if most_tokens is not None and len(split) > most_tokens:
        raise InvalidInput(
            f"Your text is {len(split):,} tokens; at most {most_tokens:,} can be looked into here. Shorten it."
        )
    if on_progress is not None:
        on_progress(0, len(split))
    recording = engine.record([token.id for token in split], cancel=cancel, on_progress=on_progress)
    logits, ids = recording.logits.topk(min(NEXT_TOKENS, len(recording.logits)))
    likely = engine.token_texts(ids.tolist(), of=recording)
    special = frozenset(index for index, token in enumerate(split) if token.special)
    alone = special
    if material.answer is not None and material.answer.index is not None and split[-1].text:
        # What is asked is the look of the last token, not the mean of a word that it ends.
        alone = special | {len(split) - 1}
    spans = [(token.start, token.end) for token in split]
    spec = engine.state.spec
    return Run(
        owner, secrets.token_urlsafe(12), spec.name if spec else "", material.text,
        tuple(token.shown for token in split), words([token.text for token in split], offsets=spans, alone=alone),
        tuple(zip(likely, logits.tolist(), strict=True)), recording, special=special, answer=material.answer,
        notes=material.notes,
        norms=ValueNorms(recording.layers, lambda layer: engine.output_projection(layer, of=recording)),
    )  # fmt: skip


def _model_watch(engine: Engine) -> Callable[[], bool]:
    """Tells later whether the model that is open now still is. It is not kept in memory for that."""
    loaded = engine.state.loaded
    seen = None if loaded is None else weakref.ref(loaded)
    return lambda: (None if seen is None else seen()) is engine.state.loaded


def _wait_for_model(engine: Engine, cancel: threading.Event | None) -> None:
    while engine.state.phase == "opening" and not (cancel and cancel.is_set()):
        time.sleep(0.1)
