"""The words that all layers share: what goes into a model and what streams out of it.

Knows nothing of torch, Gradio or SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "cancelled", "context"]
"""Why a reply ended: the model ended it or a stop string came; `max_new_tokens`; the user; the context is full."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True)
class Grammar:
    """The form that an answer must have: one of the two, the other empty."""

    lark: str = ""
    """A grammar in llguidance's dialect of Lark, with a rule `start`."""
    json_schema: str = ""
    """A JSON schema, as JSON. The answer is JSON without any blanks between its parts."""


@dataclass(frozen=True)
class SamplingParams:
    """How the next token is chosen. `temperature=0` is greedy; a value that changes nothing switches a filter off."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.1
    max_new_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int | None = None
    alternatives: int = 0
    """How many likeliest tokens to report with every token (0: no probabilities are computed)."""
    prompt_lookup: bool = True
    """Guess tokens from the conversation and check several in one step: quicker, never another answer."""
    grammar: Grammar | None = None
    """What is written has this form, unless it is cut short (any finish reason but "stop"). Probabilities are then
    those among the tokens that the form allows. The beginning of an answer that is continued has no part in it."""


@dataclass(frozen=True)
class Alternative:
    """A token that could have come: its id, its text, its log-probability (natural, before any sampling filter)."""

    id: int
    text: str
    logprob: float


@dataclass(frozen=True)
class Token:
    """A token that came. `text` is what it added to the reply ("" while a character is incomplete)."""

    id: int
    text: str
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True)
class Prefix:
    """The beginning of an answer that is to be continued.

    `ids` are its tokens and hold for the model `model_id` ("": whichever is open); another model reads `text` instead.
    """

    ids: tuple[int, ...] = ()
    text: str = ""
    model_id: str = ""


@dataclass(frozen=True)
class Stats:
    """Figures of one reply so far. Seconds and tokens."""

    model_id: str = ""
    model_name: str = ""
    """The model that writes: a request may have waited for another one than was open when it was made."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    new_tokens: int = 0
    dropped_messages: int = 0
    """Oldest messages left out because the conversation no longer fits."""
    context_length: int = 0
    waited_s: float = 0.0
    """Time in the queue before the prompt was first looked at."""
    first_token_s: float | None = None
    """From the request to the first new token, waiting included."""
    decode_s: float = 0.0
    """Time from the first new token to the latest."""
    seed: int | None = None
    """The seed that was used, also when none was asked for."""
    drafted_tokens: int = 0
    """Tokens that were guessed and checked in a step with others."""
    accepted_tokens: int = 0
    """Guesses that were right, so that the tokens after them came in the same step."""

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed: new tokens after the first, divided by the time they took."""
        return (self.new_tokens - 1) / self.decode_s if self.new_tokens > 1 and self.decode_s > 0 else None


@dataclass(frozen=True)
class Progress:
    """What a reply waits for before its first token: the model, other visitors, or its own prompt being read."""

    phase: Literal["opening", "waiting", "reading"]
    ahead: int = 0
    """Requests before this one (phase "waiting")."""
    done_tokens: int = 0
    total_tokens: int = 0


@dataclass(frozen=True)
class Chunk:
    """The only thing that streams out of an engine: new text, its tokens, figures; last one has a finish reason."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    stats: Stats = Stats()
    progress: Progress | None = None
    finish_reason: FinishReason | None = None
