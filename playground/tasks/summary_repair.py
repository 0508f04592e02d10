"""Putting a summary right without asking the model again: inventions left out, quotation marks only round quotations.

Knows no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from playground.tasks.grounding import GroundedSentence, Grounding, Source
from playground.tasks.summary_events import Point
from playground.tasks.summary_request import SummaryRequest
from playground.text.textrank import Extract

_QUOTED = re.compile(r"“([^“”]{12,})”|\"([^\"\n]{12,})\"|「([^「」]{6,})」")
_UNSPACED = ("zh", "ja", "th")
_LIST_MARK = "- "


@dataclass(frozen=True)
class Kept:
    """What is left of a summary, and the sentences that were left out."""

    text: str
    dropped: tuple[str, ...] = ()


def without_inventions(summary: str, grounding: Grounding, code: str) -> Kept:
    """`summary` without the sentences that name or count what the source does not, or have nothing to do with it; ""
    where that is all of them."""
    flagged = [sentence for sentence in grounding.sentences if _is_invented(sentence, grounding)]
    if not flagged:
        return Kept(summary)
    lines = []
    for line in _lines(summary, grounding):
        kept = [text for text, bad in line if not bad]
        if kept:
            lines.append(joined(kept, code))
    is_list = summary.startswith(_LIST_MARK)
    text = "\n".join(f"{_LIST_MARK}{line}" for line in lines) if is_list else joined(lines, code)
    return Kept(text, tuple(sentence.text for sentence in flagged))


def joined(sentences: Sequence[str], code: str) -> str:
    """Sentences as one paragraph in the language `code`."""
    return ("" if code in _UNSPACED else " ").join(sentence.strip() for sentence in sentences)


def list_of(points: Sequence[str], request: SummaryRequest, code: str) -> str:
    """Sentences in the form that was asked for."""
    if request.is_list:
        return "\n".join(f"{_LIST_MARK}{' '.join(point.split())}" for point in points)
    return joined(points, code)


def extract_text(extract: Sequence[Extract], request: SummaryRequest, code: str) -> str:
    """The text's own sentences in the form that was asked for."""
    return list_of([one.text for one in extract], request, code)


def quotes_checked(summary: str, source: Source) -> str:
    """Quotation marks stay round words that stand in the source, and are taken away from all others."""

    def check(match: re.Match[str]) -> str:
        inner = next(group for group in match.groups() if group is not None)
        return match[0] if source.verbatim(inner) else inner

    return _QUOTED.sub(check, summary)


def with_quotes(points: Sequence[str], source: Source, *, quotes: bool) -> tuple[Point, ...]:
    """Every point, with `quotes` the words of the source that carry it, letter by letter, where some are near."""
    return tuple(Point(point, source.quote(point) if quotes else None) for point in points)


def _lines(summary: str, grounding: Grounding) -> list[list[tuple[str, bool]]]:
    """The sentences of each line with whether they are flagged."""
    lines: list[list[tuple[str, bool]]] = []
    end = 0
    for sentence in grounding.sentences:
        if not lines or "\n" in summary[end : sentence.start]:
            lines.append([])
        lines[-1].append((sentence.text, _is_invented(sentence, grounding)))
        end = sentence.end
    return lines


def _is_invented(sentence: GroundedSentence, grounding: Grounding) -> bool:
    # Where no sentence has any support the summary is in another language than the text.
    return bool(sentence.flags) or (sentence.support == 0 and grounding.support > 0)
