"""The tokens of a reply as they are kept and as the page shows them: text, id, probability, alternatives."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from playground.messages import Alternative, Token

NOT_KEPT = -1
"""Id of a piece of text whose tokens were not kept."""
MAX_BYTES = 64_000_000
"""Of unpacked tokens: an imported file may hold a small text that unpacks into a huge one."""


def pack(model_id: str, tokens: Sequence[Token]) -> bytes:
    """Tokens of one reply for storage; ids mean something only together with the model."""
    rows = [as_row(token) for token in tokens]
    return zlib.compress(json.dumps({"model": model_id, "tokens": rows}, ensure_ascii=True).encode(), 6)


def unpack(data: bytes | None) -> tuple[str, list[Token]]:
    """(model id, tokens) of what `pack` made; ("", []) for nothing or for what cannot be read."""
    if not data:
        return "", []
    try:
        kept = json.loads(zlib.decompressobj().decompress(data, MAX_BYTES))
        return kept["model"], [_from_row(row) for row in kept["tokens"]]
    except (zlib.error, ValueError, KeyError, TypeError, IndexError):
        return "", []  # an imported file may hold anything


def as_row(token: Token) -> list[Any]:
    """[text, id, log-probability or None, [[text, id, log-probability], ...]], as JSON takes it."""
    alternatives = [[other.text, other.id, round(other.logprob, 5)] for other in token.alternatives]
    return [token.text, token.id, None if token.logprob is None else round(token.logprob, 5), alternatives]


def _from_row(row: Sequence[Any]) -> Token:
    text, token_id, logprob, alternatives = row
    others = tuple(Alternative(int(other_id), str(other), float(value)) for other, other_id, value in alternatives)
    return Token(int(token_id), str(text), None if logprob is None else float(logprob), others)
