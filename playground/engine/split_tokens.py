"""A text cut into the tokens that a model reads, with the place of each in the text.

Owns where a token starts and ends. Knows no model, only its tokenizer, how its tokens read on their own, and that
text which looks like a control token is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from playground.engine.detokenizer import TokenTexts
from playground.engine.prompt import PromptBuilder

_INCOMPLETE = "\ufffd"
_MOST_FRAGMENTS = 12
_HALF_PAIRS = re.compile("[\ud800-\udfff]")
Span = tuple[int, int]


@dataclass(frozen=True)
class SplitToken:
    """One token of a text."""

    id: int
    text: str
    """Its share of the text: "" for the beginning of a character, which the token that completes it carries."""
    shown: str
    """How it reads on its own: ⟨E4⟩ for a byte that is no whole character."""
    start: int
    end: int
    """The characters `start` to `end` of the text belong to it; fragments of one character have the same place."""
    special: bool = False
    """A control token of the model; its `text` is its name."""


class TokenSplitter:
    """Cuts texts for one model. May be used from several threads."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompts: PromptBuilder, texts: TokenTexts) -> None:
        self._tokenizer, self._prompts, self._texts = tokenizer, prompts, texts
        # Not every control token has a role that `all_special_ids` knows.
        added = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
        self._special = added | set(tokenizer.all_special_ids)

    def split_text(self, text: str) -> list[SplitToken]:
        """The tokens of `text` and, in front, what the model's tokenizer puts before every text.

        Half a surrogate pair, which no tokenizer takes, counts as U+FFFD.
        """
        text = _HALF_PAIRS.sub(_INCOMPLETE, text)
        ids = self._prompts.reply_ids(text)
        spans = self._spans_of_tokenizer(text, ids)
        if not spans and ids:
            text, spans = self._read(ids)
        leading = [SplitToken(id_, self._texts[id_], self._texts[id_], 0, 0, True) for id_ in self._prompts.leading_ids]
        return leading + self._tokens(text, ids, spans)

    def split_ids(self, ids: Sequence[int]) -> list[SplitToken]:
        """Tokens that are known as ids; their places are those in the text that they read as, control tokens'
        names included."""
        text, spans = self._read(ids)
        return self._tokens(text, ids, spans)

    def _tokens(self, text: str, ids: Sequence[int], spans: Sequence[Span]) -> list[SplitToken]:
        tokens, given = [], 0
        for index, (id_, (start, end)) in enumerate(zip(ids, spans, strict=True)):
            completes = index + 1 == len(ids) or spans[index + 1][0] >= end
            share = text[given:end] if completes else ""
            given = max(given, end) if completes else given
            tokens.append(SplitToken(id_, share, self._texts[id_], start, end, id_ in self._special))
        return tokens

    def _spans_of_tokenizer(self, text: str, ids: Sequence[int]) -> list[Span]:
        """What the tokenizer says itself; nothing where it cannot, or would cut the text in another way than `ids`."""
        if not self._tokenizer.is_fast:
            return []
        found = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        if list(found["input_ids"]) != list(ids):  # it takes the name of a control token for one
            return []
        return [(start, end) for start, end in found["offset_mapping"]]

    def _read(self, ids: Sequence[int]) -> tuple[str, list[Span]]:
        """The text that `ids` read as, token by token, and the place of each in it."""
        text, spans = "", []
        for group, read in self._groups(ids):
            spans += [(len(text), len(text) + len(read))] * len(group)
            text += read
        return text, spans

    def _groups(self, ids: Sequence[int]) -> Iterator[tuple[list[int], str]]:
        """Single tokens, or the fragments of a character together, with their text."""
        fragments: list[int] = []
        for id_ in ids:
            alone = self._decode([id_])
            if id_ in self._special or _INCOMPLETE not in alone:
                if fragments:
                    yield fragments, self._decode(fragments)
                    fragments = []
                # Not `alone`: decoders drop the leading space of a text.
                yield [id_], self._texts[id_]
                continue
            fragments.append(id_)
            joined = self._decode(fragments)
            if _INCOMPLETE not in joined or len(fragments) == _MOST_FRAGMENTS:
                yield fragments, joined
                fragments = []
        if fragments:
            yield fragments, self._decode(fragments)

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False))
