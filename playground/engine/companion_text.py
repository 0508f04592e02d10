"""Texts as the tokens that a companion model reads, with the place of each, and back.

Owns what differs between WordPiece, byte-level and sentencepiece tokenizers, and the special tokens and language codes
around a text. Some tokenizers keep the language as a state: whoever uses this holds the companion's lock. Knows no
model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

from playground.engine.detokenizer import TokenTexts
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput

_HALF_PAIRS = re.compile("[\ud800-\udfff]")
_LANGUAGE_TOKENS = (
    re.compile(r"(>>\w+<<)"),  # Marian models of several target languages
    re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"),  # NLLB
    re.compile(r"([a-z]{2}_[A-Z]{2})"),  # mBART
    re.compile(r"__([a-z]{2,3})__"),  # M2M100
)
_SAMPLE = "a"


class _Piece(NamedTuple):
    """A token with the characters of the text that it stands for."""

    id: int
    start: int
    end: int


class CompanionText:
    """Splits and reads texts for one tokenizer. `literal`: what looks like a special token in a text is text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, literal: bool) -> None:
        # Typed for what some tokenizers have and others do not.
        self._tokenizer: Any = tokenizer
        self._texts = TokenTexts(tokenizer)
        added = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
        self._special = (added | set(tokenizer.all_special_ids)) - {tokenizer.unk_token_id}
        self._languages = _languages(tokenizer)
        self._is_marian = hasattr(tokenizer, "spm_target")
        names = [name for name in (str(tokenizer.convert_ids_to_tokens(id_)) for id_ in sorted(self._special)) if name]
        names = sorted(names, key=len, reverse=True) if literal else []
        self._control = re.compile("|".join(map(re.escape, names))) if names else None

    @property
    def languages(self) -> tuple[str, ...]:
        """The language codes that the model knows, as it spells them."""
        return tuple(self._languages)

    def language_id(self, language: str) -> int | None:
        """The token of a language; None for "". Raises InvalidInput for one that the model does not know."""
        if not language:
            return None
        if language not in self._languages:
            known = ", ".join(list(self._languages)[:8]) or "none"
            raise InvalidInput(f"This model does not know the language “{language}”. It knows {known}.")
        return self._languages[language]

    def first_id(self, language: str) -> int | None:
        """The token that a translation into a language has to begin with, where it stands there and not, as in Marian
        models, in front of the source. Raises InvalidInput for a language that the model does not know."""
        found = self.language_id(language)
        return None if self._is_marian else found

    def source(self, text: str, source_language: str = "", target_language: str = "") -> list[SplitToken]:
        """What a model reads for `text`, special tokens included. Raises InvalidInput for an unknown language."""
        text = _HALF_PAIRS.sub("\ufffd", text)
        before, behind = self._frame(source_language, target_language)
        pieces = self._pieces(text)
        ends = [self.special_token(id_, 0) for id_ in before], [self.special_token(id_, len(text)) for id_ in behind]
        return [*ends[0], *self._tokens(text, pieces), *ends[1]]

    def target(self, text: str) -> list[SplitToken]:
        """The tokens of a translation, without special tokens."""
        text = _HALF_PAIRS.sub("\ufffd", text)
        return self._tokens(text, self._pieces(text, target=True))

    def written(self, ids: Sequence[int]) -> list[SplitToken]:
        """The tokens of a translation that the model wrote itself; special ones among `ids` are left out."""
        ids = [id_ for id_ in ids if id_ not in self._special]
        text = self.read(ids)
        pieces = self._pieces(text, target=True)
        if [piece.id for piece in pieces] != ids:  # there are other ways to spell it
            pieces = self._places(ids)
        return self._tokens(text, pieces)

    def read(self, ids: Sequence[int]) -> str:
        """The text of a translation's tokens, without special ones."""
        return str(
            self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        ).strip()

    def special_token(self, id_: int, place: int = 0) -> SplitToken:
        """A token that stands for no character."""
        return SplitToken(id_, self.shown(id_), self.shown(id_), place, place, True)

    def shown(self, token_id: int) -> str:
        """How a token reads on its own; a leading space begins a word."""
        return self._texts[token_id] or str(self._tokenizer.convert_ids_to_tokens(token_id)).replace("▁", " ")

    def is_special(self, token_id: int) -> bool:
        """Whether it is a control token, such as [CLS]."""
        return token_id in self._special

    def padded(self, rows: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Rows of one length with their attention mask, as tensors."""
        inputs = [{"input_ids": list(row)} for row in rows]
        return dict(self._tokenizer.pad(inputs, padding=True, return_tensors="pt"))

    def _frame(self, source_language: str, target_language: str) -> tuple[list[int], list[int]]:
        """The special tokens in front of a text and behind it."""
        if self._is_marian:
            code = self.language_id(target_language)
            return [] if code is None else [code], [self._tokenizer.eos_token_id]
        if source_language and self.language_id(source_language) is not None:
            self._tokenizer.src_lang = source_language
        whole = self._ids(_SAMPLE, add_special_tokens=True)
        body = self._ids(_SAMPLE, add_special_tokens=False)
        for start in range(len(whole) - len(body) + 1):
            if whole[start : start + len(body)] == body:
                return whole[:start], whole[start + len(body) :]
        return [], []

    def _ids(self, text: str, **given: bool) -> list[int]:
        return list(self._tokenizer(text, verbose=False, **given)["input_ids"])

    def _pieces(self, text: str, *, target: bool = False) -> list[_Piece]:
        tokenizer = self._tokenizer
        if self._is_marian:
            processor = tokenizer.spm_target if target else tokenizer.spm_source
            table = tokenizer.target_encoder if target and tokenizer.separate_vocabs else tokenizer.encoder
            unknown = table[str(tokenizer.unk_token)]
            found = processor.encode(text, out_type="offset_mapping")
            return [
                _Piece(table.get(piece, unknown), *span)
                for piece, span in zip(found["pieces"], found["offsets"], strict=True)
            ]
        pieces: list[_Piece] = []
        for part, offset in self._parts(text):
            if tokenizer.is_fast:
                found = tokenizer(part, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
                own = zip(found["input_ids"], found["offset_mapping"], strict=True)
            else:
                ids = self._ids(part, add_special_tokens=False)
                own = zip(ids, self._sought(part, ids), strict=True)
            pieces += [_Piece(id_, start + offset, end + offset) for id_, (start, end) in own]
        return pieces

    def _parts(self, text: str) -> list[tuple[str, int]]:
        """The text in parts, with the place of each: the name of a special token that is only text is cut in halves,
        which no longer match it."""
        cuts = [0, len(text)]
        if self._control is not None:
            cuts += [(match.start() + match.end()) // 2 for match in self._control.finditer(text)]
        return [(text[start:end], start) for start, end in pairwise(sorted(set(cuts)))]

    def _sought(self, text: str, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Each token where its own text is found next; in the place before it where it is not found."""
        places, given = [], 0
        for id_ in ids:
            own = self._texts[id_].strip()
            start = text.find(own, given) if own else -1
            end = start + len(own) if start >= 0 else given
            places.append((start if start >= 0 else given, end))
            given = end
        return places

    def _places(self, ids: Sequence[int]) -> list[_Piece]:
        """Each token where it makes the text grow."""
        pieces, given = [], 0
        for count in range(1, len(ids) + 1):
            text = self.read(ids[:count])
            end = given if text.endswith("\ufffd") and count < len(ids) else max(given, len(text))
            pieces.append(_Piece(ids[count - 1], given, end))
            given = end
        return pieces

    def _tokens(self, text: str, pieces: Sequence[_Piece]) -> list[SplitToken]:
        """Every character of the text is in the share of one token: blanks in that of the token behind them."""
        tokens, given = [], 0
        for index, piece in enumerate(pieces):
            last = index + 1 == len(pieces)
            completes = last or pieces[index + 1].start >= piece.end
            end = len(text) if last else piece.end
            share = text[given:end] if completes else ""
            given = max(given, end) if completes else given
            special = piece.id in self._special
            tokens.append(SplitToken(piece.id, share, self.shown(piece.id), piece.start, piece.end, special))
        return tokens


def _languages(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Language codes and their tokens; a code is one only where there are several of its shape."""
    names: set[str] = {token for token, _ in tokenizer.get_added_vocab().items()} | set(tokenizer.all_special_tokens)
    names |= set(getattr(tokenizer, "supported_language_codes", ()))
    identify: Any = tokenizer.convert_tokens_to_ids
    for pattern in _LANGUAGE_TOKENS:
        found = {str(match[1]): int(identify(name)) for name in sorted(names) if (match := pattern.fullmatch(name))}
        if len(found) > 1:
            return found
    return {}
