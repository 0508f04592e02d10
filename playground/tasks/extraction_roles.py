"""What a person is, where a known word for it stands beside the name: "the treasurer, Sam Okoro", "König Otto".

Found by rule from a list of words in English, German and Chinese. Knows no model: other roles are asked for.
"""

from __future__ import annotations

import json
import re
from functools import cache

from playground.tasks.extraction_prompts import FILE

Span = tuple[int, int]
_REACH = 60
_TITLES = r"(?:(?:mr|mrs|ms|miss|dr|prof|herr|herrn|frau)\.?\s+)*"
_ARTICLES = "the|our|a|an|my|his|her|its|their|der|die|das|ein|eine|unser|unsere|ihr|ihre|sein|seine"


def role_beside(text: str, name: Span) -> Span | None:
    """Where the word for what somebody is stands, directly before or behind the name; None where there is none."""
    start, end = name
    before, behind, han_before, han_behind = _patterns()
    for pattern in (before, han_before):
        match = pattern.search(text, max(0, start - _REACH), start)
        if match:
            return match.span(1)
    for pattern in (behind, han_behind):
        match = pattern.match(text, end, min(len(text), end + _REACH))
        if match:
            return match.span(1)
    return None


def is_role(word: str) -> bool:
    """Whether a word is one for what somebody is."""
    return _word().fullmatch(word) is not None


@cache
def _known() -> dict[str, list[str]]:
    given = json.loads(FILE.with_name("extraction_roles.json").read_text("utf-8"))
    return {name: sorted(words.split(), key=len, reverse=True) for name, words in given.items()}


@cache
def _word() -> re.Pattern[str]:
    german = "|".join(map(re.escape, _known()["words_de"]))
    english = "|".join(map(re.escape, _known()["words"]))
    return re.compile(rf"(?:(?:{english})|(?:{german})(?:in)?)", re.IGNORECASE)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A role right before a name, right behind it, and both in Chinese. Applied to the letters on that side alone."""
    role = rf"((?:(?:{'|'.join(_known()['before'])})\s+)?{_word().pattern})"
    han = "|".join(_known()["words_zh"])
    return (
        re.compile(rf"(?<![\w-]){role},?\s+{_TITLES}$", re.IGNORECASE),
        re.compile(rf"(?:,\s+|\n|\s+\()(?:(?:{_ARTICLES})\s+)?{role}(?![\w-])", re.IGNORECASE),
        re.compile(rf"({han})$"),
        re.compile(rf"({han})"),
    )
