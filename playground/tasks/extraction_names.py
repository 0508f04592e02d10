"""Names of people and places: what looks like one in a text, and what the model takes it for.

A small model that lists names leaves some out and takes others in; asked about one name in its sentence it is right far
more often (docs/quality.md). So whatever looks like a name is a candidate beside what the model has listed, and
`engine.score` says of each what it is. Owns candidates and the question; knows no schema.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from playground.engine.scoring import Opening, Scored
from playground.messages import Message
from playground.tasks.extraction_prompts import FILE
from playground.tasks.extraction_roles import is_role
from playground.text.usual_formats import spot

MOST_CANDIDATES = 80
LEAST_SURE = 0.5
"""What the share of one kind must be among all kinds."""
_WEIGHTS = {"people": 1.25, "places": 0.7}
"""Small models see places everywhere and people too seldom: F1 .78 to .88 and .89 to .94 for the smallest."""
_LINKS = "of|de|der|den|von|van|zu|zur|zum|am|an der|du|la|le|del|da|di|bin|al|y|the"
_OF = " of "
_CAPITAL = "[A-ZÀ-ÖØ-ÞĀĆČĎĐĒĞĢĪİĶŁĻŃŅŇŌŐŘŚŞŠŢŤŪŮŰŹŻŽΑ-ΩА-ЯЁЄІЇҐ]"
_WORD = rf"(?:{_CAPITAL}\.|{_CAPITAL}[^\W\d_]*(?:['’-][^\W\d_]+)*)"
_NAME = re.compile(
    rf"(?<![\w’'])(?:\d{{1,5}}[a-z]? )?{_WORD}(?:(?: (?:{_LINKS}))? {_WORD})*(?: \d{{1,4}}[a-z]?(?![.,:/-]?\d))?(?!\w)"
)


class Scores(Protocol):
    """What is needed of an engine; see `engine.Engine.score`."""

    def score(
        self,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        cancel: threading.Event | None = None,
    ) -> Iterable[Scored]:
        """log P(option | opening), as they come."""
        ...


@dataclass(frozen=True)
class Judged:
    """What a candidate is taken for: the likeliest kind ("people", "places" or "") and its share among all kinds."""

    text: str
    kind: str
    sure: float


def candidates(text: str) -> tuple[str, ...]:
    """Runs of capitalised words that are no date, no amount and no ordinary beginning of a sentence, each once; at most
    MOST_CANDIDATES. None in scripts without capitals."""
    taken = [(one.start, one.end) for kind in ("email", "link", "phone", "date", "amount") for one in spot(text, kind)]
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        name = trimmed(match[0])
        # "Ruth Ellison of Halton" is a person and a place, "Isle of Man" one place: which, is judged.
        for one in dict.fromkeys((name, *name.split(_OF))):
            if len(one) > 1 and one.casefold() not in _ordinary() and not one.isdigit():
                found.setdefault(one)
    return tuple(found)[:MOST_CANDIDATES]


def without_parts(kind: str, names: Sequence[Judged]) -> tuple[Judged, ...]:
    """Those of one kind: of "Ruth Ellison of Halton" and "Ruth Ellison" the person is the second, of "Isle of Man" and
    "Man" the place is the first."""
    kept = [one for one in names if one.kind == kind and one.sure >= LEAST_SURE]
    texts = {one.text for one in kept}
    if kind == "people":
        return tuple(one for one in kept if not texts & set(one.text.split(_OF)[:-1]))
    parts = {part for text in texts if _OF in text for part in text.split(_OF)}
    return tuple(one for one in kept if one.text not in parts)


def is_of_other_form(name: str) -> bool:
    """Whether a date, an address or a phone number is in what a model took for a name."""
    return any(spot(name, kind) for kind in ("email", "link", "phone", "date"))


def trimmed(name: str) -> str:
    """A name without titles, offices and small words before it, and without a full stop behind."""
    words = name.strip(" .,;:").split()
    while len(words) > 1 and (words[0].strip(".").casefold() in _ordinary() or is_role(words[0])):
        words = words[1:]
    return " ".join(words)


def openings(code: str, names: Sequence[tuple[str, str]]) -> tuple[Opening, ...]:
    """The question what each name is; `names` are (name, the sentence around it), `code` the text's language."""
    words = _words(code)
    shown: list[Message] = []
    for one in words["examples"]:
        shown += [Message("user", _ask(words, one["sentence"], one["name"])), Message("assistant", one["answer"])]
    return tuple(
        Opening(messages=(*shown, Message("user", _ask(words, sentence, name))), app_messages=len(shown))
        for name, sentence in names
    )


def judge(
    engine: Scores, code: str, names: Sequence[tuple[str, str]], *, cancel: threading.Event, owner: str = ""
) -> tuple[Judged, ...]:
    """What the model takes each name for; one whose question could not be read is left out.

    Raises what `engine.score` raises.
    """
    words = _words(code)
    kinds = list(words["kinds"])
    found: list[Judged] = []
    options = [words["kinds"][kind] for kind in kinds]
    for scored in engine.score(openings(code, names), options, owner=owner, cancel=cancel) if names else ():
        if scored.error is not None:
            continue
        shares = [math.exp(one) * _WEIGHTS.get(kind, 1.0) for one, kind in zip(scored.logprobs, kinds, strict=True)]
        best = max(range(len(kinds)), key=lambda index: shares[index])
        kind = kinds[best] if kinds[best] in ("people", "places") else ""
        found.append(Judged(names[scored.index][0], kind, shares[best] / (sum(shares) or 1.0)))
    return tuple(found)


def _ask(words: dict[str, Any], sentence: str, name: str) -> str:
    return words["ask"].format(sentence=sentence, name=name)


@cache
def _names() -> dict[str, Any]:
    return json.loads(FILE.with_name("extraction_names.json").read_text("utf-8"))


def _words(code: str) -> dict[str, Any]:
    known = _names()
    return known.get(code, known["en"])


@cache
def _ordinary() -> frozenset[str]:
    return frozenset(_names()["ordinary"].split())
