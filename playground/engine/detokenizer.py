"""Ids to text, piece by piece.

Owns incomplete characters, leading spaces and stop strings. Joined, the pieces are what decoding all ids at once gives.
Every token carries its share of the text; a token that ends inside a character carries "", and the one that completes
the character carries it. Knows no model.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from transformers import PreTrainedTokenizerBase

from playground.messages import Token

_INCOMPLETE = "\ufffd"
_PREFIX_TOKENS = 8
_MOST_INCOMPLETE_TOKENS = 12
_CHARACTER_TOKENS = 4
"""A character has at most four bytes, so at most four tokens."""


class Detokenizer:
    """The text of one reply. `prefix_ids` are tokens of the same text that came before (continuing an answer)."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        prefix_ids: Sequence[int] = (),
        stop: Sequence[str] = (),
        strip_start: bool = False,
    ) -> None:
        self._tokenizer = tokenizer
        self._window, self._known = self._split_prefix(list(prefix_ids))
        """`_known` tokens at the start of the window have given their text; the rest is not a whole character yet."""
        self._known_text = self._decode(self._window[: self._known])
        self._stop = tuple(string for string in stop if string)
        self._strip_start = strip_start and not prefix_ids
        self._held: deque[Token] = deque()
        self.stopped = False
        """A stop string has come; it and everything behind it is not part of the reply."""

    def push(self, token: Token) -> tuple[Token, ...]:
        """Take the next token; return the tokens that may be shown now."""
        if self.stopped:
            return ()
        self._window.append(token.id)
        self._held.append(replace(token, text=self._visible(self._next_text())))
        return self._release(at_end=False)

    def flush(self, *, show_incomplete: bool = True) -> tuple[Token, ...]:
        """The tokens still held at the end of the reply. An incomplete character shows as U+FFFD, or not at all when
        the reply may be continued: then the next tokens complete it."""
        if self.stopped:
            return ()
        if show_incomplete and self._known < len(self._window) and self._held:
            rest = self._visible(self._behind_known(self._decode(self._window)))
            last = self._held.pop()
            self._held.append(replace(last, text=last.text + rest))
            self._known = len(self._window)
        return self._release(at_end=True)

    def _split_prefix(self, ids: list[int]) -> tuple[list[int], int]:
        """The last tokens of `ids`, and how many of them come before a character that is not complete yet.

        Both ends of that part lie between characters where possible: decoders with byte tokens give U+FFFD for every
        byte of a run that is cut wrongly.
        """
        for size in range(_PREFIX_TOKENS, _PREFIX_TOKENS + _CHARACTER_TOKENS):
            window = ids[-size:]
            for known in range(len(window), max(-1, len(window) - _CHARACTER_TOKENS), -1):
                text = self._decode(window[:known])
                if not text.startswith(_INCOMPLETE) and not text.endswith(_INCOMPLETE):
                    return window, known
        return ids[-_PREFIX_TOKENS:], min(len(ids), _PREFIX_TOKENS)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _next_text(self) -> str:
        """What the newest token makes certain. Decodes a few tokens only, whatever the length of the reply."""
        text = self._decode(self._window)
        count = len(self._window)
        if text.endswith(_INCOMPLETE):
            if count - self._known <= _MOST_INCOMPLETE_TOKENS:
                return ""
            # Not one character but broken bytes: give out the part that later tokens cannot complete.
            settled = self._decode(self._window[:-_CHARACTER_TOKENS])
            if text.startswith(settled):
                text, count = settled, count - _CHARACTER_TOKENS
        fresh = self._behind_known(text)
        if not fresh and self._is_special(self._window[-1]):
            # Decoding skips it, and a row of them must not push the words before it out of the window.
            self._window.pop()
            return ""
        # The next window starts with the tokens of this piece: decoders treat the first word of a text differently.
        start = self._known if fresh else max(0, self._known - _PREFIX_TOKENS)
        del self._window[:start]
        self._known = count - start
        self._known_text = self._decode(self._window[: self._known])
        return fresh

    def _is_special(self, token_id: int) -> bool:
        return self._decode([token_id]) == "" and bool(self._tokenizer.decode([token_id], skip_special_tokens=False))

    def _behind_known(self, text: str) -> str:
        """`text` without what is out already."""
        return text[len(self._known_text) :]

    def _visible(self, text: str) -> str:
        if self._strip_start:
            text = text.lstrip()
            self._strip_start = not text
        return text

    def _release(self, *, at_end: bool) -> tuple[Token, ...]:
        """Hand out whole tokens up to the first character that may belong to a stop string."""
        text = "".join(token.text for token in self._held)
        found = [position for position in (text.find(string) for string in self._stop) if position >= 0]
        if found:
            self.stopped = True
            return self._release_before(min(found))
        safe_end = len(text) if at_end else len(text) - self._possible_stop_start(text)
        ready = len(self._held) - (0 if at_end else len(self._window) - self._known)
        released, end = [], 0
        while self._held and len(released) < ready:
            end += len(self._held[0].text)
            if end > safe_end:
                break
            released.append(self._held.popleft())
        return tuple(released)

    def _release_before(self, end: int) -> tuple[Token, ...]:
        """The tokens whose text starts before `end`, the last one cut there; the rest is thrown away."""
        released = []
        for token in self._held:
            if end <= 0:
                break
            released.append(replace(token, text=token.text[:end]))
            end -= len(token.text)
        self._held.clear()
        return tuple(released)

    def _possible_stop_start(self, text: str) -> int:
        """Length of the longest end of `text` that a stop string starts with."""
        longest = 0
        for string in self._stop:
            for length in range(min(len(string) - 1, len(text)), longest, -1):
                if text.endswith(string[:length]):
                    longest = length
                    break
        return longest


class TokenTexts:
    """How single tokens read when shown on their own, as alternatives are.

    A byte that is no whole character shows as ⟨E4⟩, a special token as its name, a leading space stays.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special = set(tokenizer.all_special_ids)
        self._texts: dict[int, str] = {}

    def __getitem__(self, token_id: int) -> str:
        text = self._texts.get(token_id)
        if text is None:
            text = self._texts[token_id] = self._read(token_id)
        return text

    def _read(self, token_id: int) -> str:
        name = self._tokenizer.convert_ids_to_tokens(token_id)
        if name is None:
            return ""
        if token_id in self._special:
            return str(name)
        # The second of two: decoders drop the leading space of the first.
        once = str(self._tokenizer.decode([token_id], clean_up_tokenization_spaces=False))
        twice = str(self._tokenizer.decode([token_id, token_id], clean_up_tokenization_spaces=False))
        text = twice[len(once) :]
        if _INCOMPLETE in once + text or not text:
            return _show_bytes(str(name)) or text
        return text


def _show_bytes(name: str) -> str:
    """The name of a byte-level or byte-fallback token as text, with ⟨E4⟩ for bytes that are no whole character."""
    fallback = re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", name)
    if fallback:
        return f"⟨{fallback[1].upper()}⟩"
    if not all(character in _BYTE_OF_LETTER for character in name):
        return ""
    shown = bytes(_BYTE_OF_LETTER[character] for character in name).decode("utf-8", errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", lambda match: f"⟨{ord(match[0]) - 0xDC00:02X}⟩", shown)


def _byte_letters() -> dict[str, int]:
    """The letters that byte-level vocabularies write bytes with: printable ones as themselves, others from U+0100."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    letters.update({chr(0x100 + index): byte for index, byte in enumerate(others)})
    return letters


_BYTE_OF_LETTER = _byte_letters()
