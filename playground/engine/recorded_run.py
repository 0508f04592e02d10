"""One run over a text that is recorded: read a piece at a time, between the steps of everybody's answers.

Owns the pieces, what may be asked of a model before it is run, and the memory that a recording may take. Lives on two
threads in turns: pieces on the model's, the rest where it was asked for. Knows no queue and no text.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from playground.engine.batch import pack
from playground.engine.kv_cache import KVCache
from playground.engine.memory_budget import is_out_of_memory
from playground.engine.recorder import Recorder
from playground.engine.recording import Edit, Recording
from playground.engine.session import Session
from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError, PromptTooLong
from playground.hardware import free_memory_bytes
from playground.models.machine import give_back_memory

MOST_BYTES = 1 << 30


class RecordedRun:
    """Reads `token_ids` into a recording, in pieces of about `chunk_tokens`.

    Raises InvalidInput for a text without tokens, for tokens that the model does not have, and for an edit of heads or
    tokens that are not there; PromptTooLong for more tokens than the model's context, or than a recording of
    `most_bytes` (or of half the memory that is free) has room for.
    """

    def __init__(
        self, session: Session, token_ids: Sequence[int], edit: Edit, *, chunk_tokens: int, most_bytes: int = MOST_BYTES
    ) -> None:
        self._token_ids = tuple(token_ids)
        _require_sense(session, self._token_ids, edit)
        _require_room(session, len(self._token_ids), min(most_bytes, free_memory_bytes() // 2))
        # Weak: a run that waits for the model's thread must not keep a model in memory that has been switched away.
        self._session = weakref.ref(session)
        self._chunk_tokens = chunk_tokens
        self._recorder = Recorder(len(self._token_ids), edit)
        self._cache = KVCache()
        self._logits = torch.empty(0)

    @property
    def done_tokens(self) -> int:
        """Tokens that have been read."""
        return self._cache.length

    @property
    def total_tokens(self) -> int:
        """Tokens of the text."""
        return len(self._token_ids)

    def read_piece(self, session: Session) -> None:
        """Read the next piece; on the model's thread. Raises ModelUnavailable if that thread has another model now."""
        if self._session() is not session:
            raise ModelUnavailable("The model was changed while your text was being read. Try again.")
        left = self.total_tokens - self.done_tokens
        size = left if left <= self._chunk_tokens * 3 // 2 else self._chunk_tokens
        piece = self._token_ids[self.done_tokens : self.done_tokens + size]
        batch = pack([(self._cache, piece, int(size == left))], watches={0: self._recorder})
        try:
            logits = session.forward.step(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            session.prefixes.clear()
            raise PlaygroundError("The memory is full. Shorten your text, or choose a smaller model.") from error
        if size == left:
            self._logits = logits[0].float().cpu().clone()

    def recording(self) -> Recording:
        """What was noted, once all tokens are read. Raises ModelUnavailable if the model showed nothing.

        Can be had once: the run's own memory is given back.
        """
        recording = self._recorder.finish(self._token_ids, self._cache, self._logits)
        self._cache.clear()
        give_back_memory()
        return replace(recording, made_with=self._session)


def bytes_per_token(session: Session) -> int:
    """What one token takes in a recording: a query for every head, a key and a value for every key head, each layer."""
    config: Any = session.loaded.model.config.get_text_config()
    heads = config.num_attention_heads
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    dtype = torch.bfloat16 if session.has_fast_path else session.model.dtype
    return config.num_hidden_layers * (heads + 2 * key_heads) * size * dtype.itemsize


def _require_sense(session: Session, token_ids: tuple[int, ...], edit: Edit) -> None:
    config: Any = session.loaded.model.config.get_text_config()
    if not token_ids:
        raise InvalidInput("There is no text to look at yet. Write a few words first.")
    if not 0 <= min(token_ids) <= max(token_ids) < config.vocab_size:
        raise InvalidInput("These tokens are not of the model that is open now. Start from the text itself.")
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    known_heads = all(0 <= layer < layers and 0 <= head < heads for layer, head in edit.silent_heads)
    if not known_heads or not all(0 <= token < len(token_ids) for token in edit.hidden_tokens):
        raise InvalidInput(
            f"This model has {layers} layers of {heads} heads, and your text {len(token_ids):,} tokens. "
            "Choose among those what to switch off."
        )


def _require_room(session: Session, tokens: int, most_bytes: int) -> None:
    limit = session.loaded.context_length
    if tokens > limit:
        raise PromptTooLong(f"Your text is {tokens:,} tokens; this model reads {limit:,}. Choose a part of it.")
    fit = most_bytes // bytes_per_token(session)
    if tokens > fit:
        raise PromptTooLong(
            f"Your text is {tokens:,} tokens; there is memory to look inside {fit:,} of them. Choose a part of it."
        )
