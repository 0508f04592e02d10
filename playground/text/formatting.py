"""A changed text laid over the runs of format that the old one had: bold words, links, code inside a sentence.

Nobody knows which word of a translation was the bold one. Runs whose text stands in the new one (names, figures,
code) go there; the others go where they stood in proportion, from one end of a word to another, within their sentence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from playground.text.scripts import is_unspaced
from playground.text.sentences import Piece

# Shorter texts of a run stand by chance somewhere in another text.
ANCHOR_LETTERS = 2


@dataclass(frozen=True)
class Run:
    """A stretch of text in one format. Runs of equal `style` are alike; a `fixed` one (code) never changes."""

    text: str
    style: str = ""
    fixed: bool = False


@dataclass
class Stretch:
    """Neighbouring runs of one style within a sentence: the first run's index, the text they have there."""

    run: int
    style: str
    fixed: bool
    text: str


def lay_over(runs: Sequence[Run], pieces: Iterable[Piece]) -> list[str]:
    """[runs] the new text of each run. Pieces cover the runs' joined text in order; equal ones change nothing.

    The results joined are the pieces joined, except where a fixed run's text is missing in a piece: it is kept.
    """
    edges = [0, *itertools.accumulate(len(run.text) for run in runs)]
    texts: list[list[str]] = [[] for _ in runs]
    last = 0
    for piece in pieces:
        inside = [index for index in range(len(runs)) if edges[index] < piece.end and edges[index + 1] > piece.start]
        own = [runs[index].text[max(piece.start - edges[index], 0) : piece.end - edges[index]] for index in inside]
        if piece.text == "".join(own):
            parts = list(zip(inside, own, strict=True))
        elif not inside:
            parts = [(last, piece.text)]
        else:
            parts = spread(stretches(runs, inside, own), piece.text)
        for index, text in parts:
            texts[index].append(text)
        last = inside[-1] if inside else last
    return ["".join(text) for text in texts]


def stretches(runs: Sequence[Run], inside: Sequence[int], own: Sequence[str]) -> list[Stretch]:
    """The runs inside a piece, neighbours of one style joined."""
    joined: list[Stretch] = []
    for index, text in zip(inside, own, strict=True):
        run = runs[index]
        if joined and joined[-1].style == run.style and not run.fixed and not joined[-1].fixed:
            joined[-1].text += text
        else:
            joined.append(Stretch(index, run.style, run.fixed, text))
    return joined


def spread(found: Sequence[Stretch], text: str) -> list[tuple[int, str]]:
    """(run, its text) for a changed sentence."""
    if len(found) == 1 and not found[0].fixed:
        return [(found[0].run, text)]
    starts = [0, *itertools.accumulate(len(stretch.text) for stretch in found)]
    anchors = anchored(found, text)
    known = {0: 0, starts[-1]: len(text)}
    for index, (left, right) in anchors.items():
        known[starts[index]], known[starts[index + 1]] = left, right
    places = sorted(known)
    targets = np.maximum.accumulate([known[place] for place in places])
    cuts = [known.get(start, snapped(text, float(np.interp(start, places, targets)))) for start in starts]
    parts = []
    # A blank between two runs stays on the side where it was.
    for index, stretch in enumerate(found[1:], start=1):
        if stretch.text[:1].isspace():
            cuts[index] = len(text[: cuts[index]].rstrip())
        elif found[index - 1].text[-1:].isspace():
            cuts[index] += len(text[cuts[index] :]) - len(text[cuts[index] :].lstrip())
    end = 0
    for index, stretch in enumerate(found):
        if stretch.fixed:
            # Its content is never translated: without an anchor it stands alone where it stood in proportion.
            next_end = max(end, cuts[index + 1]) if index in anchors else end
            parts.append((stretch.run, stretch.text))
        else:
            next_end = max(end, cuts[index + 1]) if index + 1 < len(found) else len(text)
            next_end = next_end if next_end > end or not stretch.text.strip() else word_end(text, end)
            parts.append((stretch.run, text[end:next_end]))
        end = next_end
    return [*parts, (found[-1].run, text[end:])] if not found[-1].fixed else with_rest(found, parts, text[end:])


def with_rest(found: Sequence[Stretch], parts: list[tuple[int, str]], rest: str) -> list[tuple[int, str]]:
    """What is left after a fixed run at the end goes to the last run that may change."""
    free = [index for index, stretch in enumerate(found) if not stretch.fixed]
    if not rest or not free:
        return parts
    run, text = parts[free[-1]]
    return [*parts[: free[-1]], (run, text + rest), *parts[free[-1] + 1 :]]


def anchored(found: Sequence[Stretch], text: str) -> dict[int, tuple[int, int]]:
    """Stretch -> (start, end) in the new text, for those whose own text stands there, in order."""
    anchors: dict[int, tuple[int, int]] = {}
    end = 0
    for index, stretch in enumerate(found):
        content = stretch.text.strip()
        if len(content) < (1 if stretch.fixed else ANCHOR_LETTERS):
            continue
        # A fixed run was shown in backticks, which go with it.
        pattern = f"`?{re.escape(content)}`?" if stretch.fixed else re.escape(content)
        place = re.compile(pattern, re.IGNORECASE).search(text, end)
        if place:
            end = place.end()
            anchors[index] = place.span()
    return anchors


def is_border(text: str, place: int) -> bool:
    """Whether a run may begin here: not inside a word."""
    if place in (0, len(text)):
        return True
    left, right = text[place - 1], text[place]
    if "'" in (left, right) or "’" in (left, right):
        return not (left.isalnum() or right.isalnum())
    return not (left.isalnum() and right.isalnum()) or is_unspaced(left) or is_unspaced(right)


def snapped(text: str, place: float) -> int:
    """The border of a word that is nearest to a place, before a word rather than before its blank."""
    borders = [index for index in range(len(text) + 1) if is_border(text, index)]
    begins = [index for index in borders if index in (0, len(text)) or not text[index].isspace()]
    return min(begins, key=lambda index: (abs(index - place), index))


def word_end(text: str, start: int) -> int:
    """The end of the first word at or after a place."""
    place = start
    while place < len(text) and not text[place].isalnum():
        place += 1
    place += place < len(text)
    while not is_border(text, place):
        place += 1
    return place
