"""Next-token probabilities: of a run, of two runs side by side, and of what each layer would say.

Owns the lists that people read. The look into layers is the logit lens (nostalgebraist 2020, "interpreting GPT: the
logit lens"): the residual stream of the last token behind each layer, put through the model's own last norm and
output layer. Knows ids, no text, no model; norm and output layer are handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine import top_tokens

ToLogits = Callable[[Tensor], Tensor]
"""Residual stream [hidden] -> logits [vocabulary], the last norm included."""


@dataclass(frozen=True)
class Guess:
    """A token that could come, and how likely it is (0 to 1)."""

    id: int
    probability: float


@dataclass(frozen=True)
class LayerGuesses:
    """What the model would say behind `layer` layers (0: before the first)."""

    layer: int
    guesses: tuple[Guess, ...]
    """Likeliest first."""
    answer_probability: float
    """Of the token that is likeliest behind the last layer."""
    answer_rank: int
    """Its place in the list of the whole vocabulary, 1 is first."""


@dataclass(frozen=True)
class Change:
    """A token that could come, before and after something was changed."""

    id: int
    before: float
    after: float

    @property
    def difference(self) -> float:
        """-1 to 1."""
        return self.after - self.before


@dataclass(frozen=True)
class Comparison:
    """Two lists of next tokens side by side."""

    changes: tuple[Change, ...]
    """The likeliest of either side, the likelier of both first."""
    moved: float
    """0 to 1: the part of all probability that went to other tokens (total variation)."""

    @property
    def same_answer(self) -> bool:
        """Whether the likeliest token stayed the same."""
        before = max(self.changes, key=lambda one: one.before)
        return before.id == max(self.changes, key=lambda one: one.after).id


def probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """float32 [vocabulary] that sums to 1. Temperature 0 leaves only the likeliest. Logits that are no numbers never
    come.

    Raises ValueError for a temperature below 0 or not finite.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"a temperature is not negative: {temperature}")
    # Finite everywhere, so that no difference of two of them is NaN.
    finite = torch.nan_to_num(logits.detach().float(), nan=-1e30, posinf=1e30, neginf=-1e30).double()
    if temperature < 1e-6:
        result = torch.zeros_like(finite)
        result[top_tokens.argmax(finite)] = 1.0
        return result.float()
    return torch.softmax((finite - finite.amax()) / temperature, 0).float()


def next_tokens(logits: Tensor, *, temperature: float = 1.0, top: int = 10) -> tuple[Guess, ...]:
    """The `top` likeliest tokens, likeliest first."""
    return _guesses(probabilities(logits, temperature), top)


def logit_lens(hidden: Tensor, to_logits: ToLogits, *, top: int = 5) -> tuple[LayerGuesses, ...]:
    """What each row of `hidden` [layers + 1, hidden] would say, in order of the layers; one row of logits at a time."""
    answer = top_tokens.argmax(probabilities(to_logits(hidden[-1])))
    found = []
    for layer, stream in enumerate(hidden):
        chances = probabilities(to_logits(stream))
        own = float(chances[answer])
        rank = 1 + int((chances > own).sum())
        found.append(LayerGuesses(layer, _guesses(chances, top), own, rank))
    return tuple(found)


def compare(before: Tensor, after: Tensor, *, temperature: float = 1.0, top: int = 10) -> Comparison:
    """Logits [vocabulary] of two runs side by side: the `top` likeliest of each. Raises ValueError for two
    vocabularies."""
    if before.shape != after.shape:
        raise ValueError("two runs of one model are compared")
    first, second = probabilities(before, temperature), probabilities(after, temperature)
    ids = {guess.id for side in (first, second) for guess in _guesses(side, top)}
    changes = [Change(token_id, float(first[token_id]), float(second[token_id])) for token_id in ids]
    changes.sort(key=lambda one: (-max(one.before, one.after), one.id))
    return Comparison(tuple(changes), min(1.0, float((first - second).abs().double().sum()) / 2))


def _guesses(chances: Tensor, top: int) -> tuple[Guess, ...]:
    values, ids = top_tokens.topk(chances, max(1, min(top, len(chances))))
    return tuple(Guess(token_id, value) for token_id, value in zip(ids.tolist(), values.tolist(), strict=True))
