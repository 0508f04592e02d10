"""A text as a rule for answers that copy from it: any stretch of its whole words, and nothing else.

Owns where such a stretch may begin and end, and how the rule is written in llguidance's dialect of Lark. Knows no
model.
"""

from __future__ import annotations

import json
import re
import unicodedata

from playground.text.scripts import is_unspaced

NUMBER_OR_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+|.", re.DOTALL)
JOINER = "\u200d"
SKIN_TONES = range(0x1F3FB, 0x1F400)


def chunks(text: str) -> list[str]:
    """`text` in pieces that are copied whole or not at all: words, numbers, single signs with what changes them.

    Letters stand one by one where no blanks are written between words. Joined they are the text.
    """
    found: list[str] = []
    for match in NUMBER_OR_WORD.finditer(text):
        pieces = list(match[0]) if any(map(is_unspaced, match[0])) else [match[0]]
        for piece in pieces:
            if found and (_belongs_to_former(piece[0]) or found[-1].endswith(JOINER)):
                found[-1] += piece
            else:
                found.append(piece)
    return found


def copy_rule(text: str, *, quoted: bool = False) -> str:
    """The right side of a Lark terminal that matches every stretch of `text`, also the empty one.

    `quoted`: as it stands between the quotation marks of JSON; no escape is cut in two.
    """
    pieces = chunks(text)
    if quoted:
        pieces = [json.dumps(piece, ensure_ascii=False)[1:-1] for piece in pieces]
    return "%regex " + json.dumps({"substring_chunks": pieces or [""]}, ensure_ascii=False)


def _belongs_to_former(letter: str) -> bool:
    """An accent, a vowel sign, what makes a picture out of a sign: never copied without what it stands on."""
    return letter == JOINER or ord(letter) in SKIN_TONES or unicodedata.category(letter).startswith("M")
