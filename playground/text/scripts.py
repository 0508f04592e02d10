"""Which script a letter belongs to, by its Unicode name. Knows no language."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

# First word(s) of a letter's Unicode name -> ISO 15924.
SCRIPT_OF_NAME = {
    "LATIN": "Latn", "CYRILLIC": "Cyrl", "GREEK": "Grek", "HEBREW": "Hebr", "ARABIC": "Arab", "THAI": "Thai",
    "DEVANAGARI": "Deva", "HANGUL": "Hang", "HIRAGANA": "Kana", "KATAKANA": "Kana", "CJK": "Hani", "LAO": "Laoo",
    "KHMER": "Khmr", "MYANMAR": "Mymr", "FULLWIDTH": "Latn", "MODIFIER": "Latn", "ARMENIAN": "Armn", "GEORGIAN": "Geor",
}  # fmt: skip
# Written without blanks between words: a letter, not a word, is the unit to count and to compare.
UNSPACED = frozenset({"Hani", "Kana", "Thai", "Laoo", "Khmr", "Mymr"})


@lru_cache(maxsize=32768)
def script(letter: str) -> str:
    """The ISO 15924 code of a letter's script ("Kana" for both kana); "" for what is no letter; "Zyyy" for others."""
    if letter == "々":
        return "Hani"
    if letter == "ー":  # The long sound mark counts as a mark, but stands only among kana.
        return "Kana"
    if not letter.isalpha():
        return ""
    name = unicodedata.name(letter, "")
    if name.startswith("HALFWIDTH KATAKANA"):
        return "Kana"
    return SCRIPT_OF_NAME.get(name.split(" ")[0].split("-")[0], "Zyyy")


def scripts(text: str) -> Counter[str]:
    """How many letters of each script a text has."""
    counts = Counter(map(script, text))
    del counts[""]
    return counts


def is_unspaced(letter: str) -> bool:
    """Whether a letter is of a script that puts no blanks between words."""
    return script(letter) in UNSPACED
