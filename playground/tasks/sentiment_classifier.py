"""Texts judged by a classifier from the Hub: one pass, labels of its own, long texts in windows.

Pure. Owns how the labels of such a model are named, where a long text is cut and how its windows become one answer.
Knows how a model is opened as little as what is done with the answer.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import torch

from playground.engine.recording import RecordingStopped
from playground.engine.scoring import ScoringStopped
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.sentiment_labels import NEGATIVE, NEUTRAL, POSITIVE, SENTIMENT, TWO_SIDES, Label, LabelSet
from playground.tasks.sentiment_results import Judged, problem_of
from playground.text.sentences import cut

if TYPE_CHECKING:
    from torch import Tensor

    from playground.models.catalog import ModelSpec

TEXTS_AT_ONCE = 32
SPARE_TOKENS = 8
"""A part that is cut out of a text may become a few tokens more than it was inside."""
NAMELESS = re.compile(r"(?:LABEL_?)?\d+", re.IGNORECASE)
"""What a model calls labels that nobody has named."""
_SPOKEN = {
    "neg": NEGATIVE, "negative": NEGATIVE, "neu": NEUTRAL, "neutral": NEUTRAL, "pos": POSITIVE, "positive": POSITIVE,
}  # fmt: skip


class Classifier(Protocol):
    """What is needed of a companion model of the kind "classifier"."""

    @property
    def most_tokens(self) -> int:
        """Longest text, special tokens included."""
        ...

    def split(self, text: str) -> list[SplitToken]:
        """The tokens of a text, special ones included."""
        ...

    def class_logits(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Tensor:
        """float32 [n, labels]."""
        ...


class ClassifierJudge:
    """Judges texts with a classifier, which `using()` opens for the time of a call.

    `own_labels` are the model's, `names` what a visitor calls them. The labels of sentiment are put into their usual
    order, whatever the model's. With `independent` labels several may fit: each has a probability of its own. Raises
    InvalidInput for a model that gives less than two labels.
    """

    def __init__(
        self,
        using: Callable[[], AbstractContextManager[Classifier]],
        spec: ModelSpec,
        own_labels: Sequence[str],
        independent: bool = False,
        names: Mapping[str, str] | None = None,
    ) -> None:
        if len(own_labels) < 2:
            raise InvalidInput(f"{spec.name} gives a number and no labels. Choose a classifier with labels.")
        self._using = using
        self.model_id, self.model_name = spec.id, spec.name
        self.independent = independent
        self.own_labels = tuple(own_labels)
        """In the model's order."""
        self.labels, self._columns = named(own_labels, names or {})
        self.nameless = tuple(label for label in own_labels if NAMELESS.fullmatch(label))
        """The model's labels that say nothing, such as LABEL_0: a person has to be asked."""

    def calibration_for(self, language: str) -> None:
        """Such a model was trained to give probabilities: they are shown as they are."""

    def judge(
        self, texts: Sequence[str], *, language: str = "", cancel: threading.Event | None = None
    ) -> Iterator[Judged]:
        """Every text as it is done; one that cannot be judged brings its error, the others go on.

        Setting `cancel` raises ScoringStopped within a batch. Raises ModelUnavailable.
        """
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            some = list(enumerate(texts))[start : start + TEXTS_AT_ONCE]
            if cancel is not None and cancel.is_set():
                raise ScoringStopped("Stopped before the whole text was read.")
            try:
                with self._using() as model:
                    yield from self._judge(model, some, cancel)
            except RecordingStopped as stopped:
                raise ScoringStopped(str(stopped)) from stopped

    def _judge(
        self, model: Classifier, texts: Sequence[tuple[int, str]], cancel: threading.Event | None
    ) -> Iterator[Judged]:
        parts: list[tuple[int, str, int]] = []
        for index, text in texts:
            error: PlaygroundError | None = problem_of(text)
            try:
                own = [] if error is not None else windows(model, text)
            except PlaygroundError as refused:
                own, error = [], refused
            if error is not None:
                yield Judged(index, text, error=error)
            parts += [(index, part, tokens) for part, tokens in own]
        if not parts:
            return
        logits = model.class_logits([part for _, part, _ in parts], cancel=cancel)[:, self._columns].double()
        chances = torch.sigmoid(logits) if self.independent else torch.softmax(logits, dim=-1)
        for index, text in texts:
            rows = [row for row, (owner, _, _) in enumerate(parts) if owner == index]
            if rows:
                weights = torch.tensor([float(parts[row][2]) for row in rows], dtype=torch.float64)
                mean = (chances[rows] * (weights / weights.sum())[:, None]).sum(0).tolist()
                yield Judged(index, text, tuple(math.log(max(one, 1e-30)) for one in mean), tuple(mean), 1.0)


def named(own: Sequence[str], names: Mapping[str, str]) -> tuple[LabelSet, list[int]]:
    """The labels in the order in which they are shown, and the model's column of each."""
    called = [names.get(label, label) for label in own]
    labels = [_SPOKEN.get(one.casefold(), Label(one)) for one in called]
    if len({label.name for label in labels}) < len(labels):
        labels = [Label(one) for one in own]  # two of one name would be one bar
    found = {label.name for label in labels}
    for known in (SENTIMENT, TWO_SIDES):
        if found == set(known.names):
            return known, [labels.index(label) for label in known.labels]
    return LabelSet(tuple(labels)), list(range(len(labels)))


def windows(model: Classifier, text: str) -> list[tuple[str, int]]:
    """The text in parts that the model reads at once, each with its tokens; cut between sentences where that is
    possible."""
    tokens = model.split(text)
    body = [token for token in tokens if not token.special]
    if len(tokens) <= model.most_tokens:
        return [(text, max(1, len(body)))]
    room = max(1, model.most_tokens - (len(tokens) - len(body)) - SPARE_TOKENS)
    ends = {one.end for one in cut(text).segments}
    parts, start = [], 0
    while start < len(body):
        end = min(start + room, len(body))
        if end < len(body):
            # Rather a shorter part than half a sentence, if it is not much shorter.
            between = (place for place in range(end, start + room // 2, -1) if _ends(body, place, ends))
            end = next(between, end)
        last = len(text) if end == len(body) else body[end].start
        part = text[body[start].start if start else 0 : last].strip()
        if part:
            parts.append((part, end - start))
        start = end
    return parts


def _ends(body: Sequence[SplitToken], place: int, ends: set[int]) -> bool:
    return any(body[place - 1].end <= end <= body[place].start for end in ends)
