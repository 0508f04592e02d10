"""Words of the wrong script in a translation that is being written, and the token to write in their place.

A small model that translates from Chinese drops Chinese words into its English, and leaves English words in its
Chinese. The first token of such a word is taken back and the likeliest of its alternatives that fits is put there; the
model goes on from it. Pure: knows tokens, no engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from playground.messages import Alternative, Token
from playground.tasks.translation_guards import FOREIGN_LETTERS, OWN_LETTERS

ALTERNATIVES = 10
"""How many likeliest tokens have to be reported for every token."""
LEAST_LOGPROB = -4.0
"""A word that is merely left as it was is replaced by nothing less likely than this; natural logarithm."""
_WORD = re.compile(r"\s*([a-z]{2,})")
# Names are left: a model that does not know how one is written would invent something.
_BROKEN = "\ufffd"


def stray(
    written: Sequence[Token], fresh: Sequence[Token], source: str, target_language: str
) -> tuple[int, Alternative] | None:
    """The first token in `fresh`, which came after `written`, that begins a word of the wrong script, as its index and
    the token to take instead; None where all is well or nothing better is known."""
    first: int | None = None
    before = "".join(token.text for token in written[-4:])
    for index, token in enumerate(fresh):
        first = index if first is None else first  # tokens without text are the first bytes of a character
        if not token.text:
            continue
        begin, first = first, None
        if better := _better(fresh[begin], token.text, before, source, target_language):
            return begin, better
        before += token.text
    return None


def _better(token: Token, text: str, before: str, source: str, target_language: str) -> Alternative | None:
    others = [one for one in token.alternatives if one.id != token.id and _BROKEN not in one.text and one.text.strip()]
    own = OWN_LETTERS.get(target_language)
    if own is None:
        if FOREIGN_LETTERS.search(text) is None:
            return None
        return next((one for one in others if FOREIGN_LETTERS.search(one.text) is None), None)
    word = _WORD.match(text)
    inside = before[-1:].isascii() and before[-1:].isalpha()
    if word is None or inside or word[1] not in source:
        return None
    return next((one for one in others if one.logprob > LEAST_LOGPROB and re.search(own, one.text)), None)
