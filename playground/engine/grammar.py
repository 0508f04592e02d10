"""Which tokens may come next where an answer must have a form.

Owns the open model's vocabulary as llguidance reads it, and how far into its grammar each answer is. Knows no logits
and no text beside the tokens' bytes: a grammar is plain data of the request, a matcher belongs to one answer alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError
from playground.messages import Grammar

if TYPE_CHECKING:  # it is in llguidance's stub alone
    from llguidance._lib import JsonCompileOptions

_COMPACT: JsonCompileOptions = {"whitespace_flexible": False}
"""Small models write blanks without end wherever a grammar lets them."""
_LONGEST_REASON = 200


class GrammarMatcher:
    """One answer's place in its grammar. `end_ids` are the tokens that end an answer which is complete."""

    def __init__(self, matcher: LLMatcher, end_ids: Sequence[int]) -> None:
        self._matcher = matcher
        self.end_ids = frozenset(end_ids)

    def allowed(self, size: int) -> Tensor:
        """bool [size]: which of the first `size` ids may come next. Raises PlaygroundError where nobody can tell."""
        bits = self._matcher.compute_bitmask()
        self._refuse_broken()
        known = torch.from_numpy(np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")).bool()[:size]
        # A model may have more rows of logits than its tokenizer has tokens.
        return known if len(known) == size else torch.cat([known, torch.zeros(size - len(known), dtype=torch.bool)])

    def take(self, token_id: int) -> None:
        """The token that came. Raises PlaygroundError for one that was not allowed."""
        self._matcher.consume_token(token_id)
        self._refuse_broken()

    @property
    def finished(self) -> bool:
        """The answer is complete and nothing can follow."""
        return self._matcher.is_stopped()

    def forced(self) -> tuple[int, ...]:
        """The next tokens where there is no choice."""
        return tuple(self._matcher.compute_ff_tokens())

    def valid(self, token_ids: Sequence[int]) -> int:
        """How many of `token_ids`, in this order, may come next."""
        return self._matcher.validate_tokens(list(token_ids))

    def _refuse_broken(self) -> None:
        if self._matcher.is_error():
            raise PlaygroundError(
                "The form that this answer must have has become too complicated. Ask for less at once."
            )


class GrammarVocabulary:
    """The tokens of one model as bytes. May be used from several threads. Building it takes a second or two, in which
    no other thread of this process runs: llguidance keeps the interpreter to itself.

    Raises ModelUnavailable for a tokenizer whose tokens are not known.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, size: int, end_ids: Sequence[int]) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        ends = list(end_ids) or [id_ for id_ in (tokenizer.eos_token_id,) if isinstance(id_, int)]
        try:
            if backend is None or not ends:
                raise ValueError("no fast tokenizer, or no token that ends an answer")
            described = backend.to_str()
            if backend.padding or backend.truncation:  # for batches; they would cut and pad what is looked up
                described = json.dumps({**json.loads(described), "padding": None, "truncation": None})
            self._tokens = LLTokenizer(described, n_vocab=max(size, len(tokenizer)), eos_token=ends)
        except Exception as error:  # what llguidance raises is not documented
            raise ModelUnavailable(
                "This model cannot be held to a form, because its tokens are not known here. Choose another model."
            ) from error
        self._ends = tuple(ends)

    def matcher(self, grammar: Grammar) -> GrammarMatcher:
        """A matcher at the start of `grammar`. Raises InvalidInput for one that cannot be used."""
        try:
            matcher = LLMatcher(self._tokens, _compiled(grammar), log_level=0)
        except ValueError as error:
            raise _unusable(str(error)) from error
        if matcher.is_error():
            raise _unusable(matcher.get_error())
        return GrammarMatcher(matcher, self._ends)


def _compiled(grammar: Grammar) -> str:
    if bool(grammar.lark) == bool(grammar.json_schema):
        raise ValueError("either a grammar or a schema is needed")
    if grammar.lark:
        return LLMatcher.grammar_from_lark(grammar.lark)
    return LLMatcher.grammar_from_json_schema(grammar.json_schema, overrides=_COMPACT)


def _unusable(reason: str) -> InvalidInput:
    first = " ".join(reason.split())[:_LONGEST_REASON].rstrip(".")
    return InvalidInput(f"The form that the answer must have cannot be used ({first}).")
