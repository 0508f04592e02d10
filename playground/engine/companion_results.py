"""What companion models answer, in words that tabs and tasks share. Owns no computing."""

from __future__ import annotations

from dataclasses import dataclass

from playground.engine.recording import Recording
from playground.engine.split_tokens import SplitToken


@dataclass(frozen=True)
class Filled:
    """What a model that fills gaps would put in the place of one token."""

    guesses: tuple[tuple[str, float], ...]
    """(text, probability), likeliest first. A leading space begins a word, none continues the one before."""
    original: tuple[str, float]
    """The token that stands there."""
    rank: int
    """Place of `original` among all tokens, 1 for the likeliest."""


@dataclass(frozen=True)
class Generation:
    """What a translator wrote."""

    text: str
    token_ids: tuple[int, ...]
    """Without special tokens."""
    logprob: float
    """Mean natural logarithm of the probability of its tokens, the end token included."""
    complete: bool
    """False: `max_new_tokens` were not enough."""


@dataclass(frozen=True, eq=False)
class PairRecording:
    """A source text and its translation, with what each looked at. Indices are those of the token lists.

    `target` is what the decoder reads: its start token (and language code) as special tokens, then the translation
    without an end token. The row of a target token in `decoder` and `cross` is the one that reads it; what the model
    looked at when it WROTE target token t is row t - 1.
    """

    source: tuple[SplitToken, ...]
    target: tuple[SplitToken, ...]
    source_text: str
    target_text: str
    generated: bool
    """The model wrote the translation itself."""
    encoder: Recording
    """Inside the source; looks both ways (causal=False)."""
    decoder: Recording
    """Inside the translation; causal. Its `logits` are what would come behind the last target token."""
    cross: Recording
    """The translation looks at the source: queries are target tokens, keys source tokens (causal=False); its token_ids
    are those of the target."""
