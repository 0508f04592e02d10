"""What the page gets of a summary: its sentences with what carries them, the plan, the parts, what was read.

Plain values only. Places in the source are counted as a browser counts letters (UTF-16 units). Decides nothing about
the summary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.tasks.grounding import GroundedSentence
from playground.tasks.summary_events import Summary
from playground.tasks.summary_flags import Flag
from playground.tasks.summary_plan import Plan
from playground.tasks.summary_tree import Coverage, Node, join_spans
from playground.text.textrank import Extract
from playground.ui.source_texts import Places

VERSION = 1
"""Of the shape of `summary_view`, which is what the history keeps."""


def summary_view(summary: Summary, text: str, *, focus: str = "", name: str = "") -> dict[str, Any]:
    """A whole summary of `text`. In no language but its own: reasons are names that the page has words for."""
    places = Places(text)
    covered = covered_of(summary)
    return {
        "version": VERSION,
        "form": summary.form,
        "language": summary.language,
        "focus": focus,
        "name": name,
        "text": summary.text,
        "lines": lines_view(summary, places),
        "origin": summary.origin,
        "faults": list(summary.faults),
        "dropped": list(summary.dropped),
        "tries": summary.tries,
        "cancelled": summary.cancelled,
        "seconds": round(summary.seconds, 2),
        "model": summary.model_name,
        "extract": extract_view(summary.extract, places),
        "plan": plan_view(summary.plan, places),
        "tree": [node_view(child, places) for child in summary.root.children],
        "read": [places.span(*span) for span in covered.read],
        "unread": [places.span(*span) for span in covered.unread],
        "share": round(covered.share, 4),
        "support": round(summary.grounding.support, 4),
    }


def covered_of(summary: Summary) -> Coverage:
    """What the summary can speak of: what the model has read, without the parts that it was stopped at before it wrote
    a word about them."""
    nodes = [node for node in summary.root.walk() if node.reason != "cancelled"]
    return Coverage(summary.coverage.characters, join_spans([span for node in nodes for span in node.read]))


def lines_view(summary: Summary, places: Places) -> list[dict[str, Any]]:
    """The lines of a summary, each with its sentences and, in key points, the words of the source that go with it."""
    lines: list[dict[str, Any]] = []
    end = 0
    for one in summary.grounding.sentences:
        between = summary.text[end : one.start]
        if not lines or "\n" in between:
            lines.append({"sentences": [], "quote": None})
            between = ""
        lines[-1]["sentences"].append({"before": between, **sentence_view(one, places)})
        end = one.end
    for line, point in zip(lines, summary.points, strict=False):
        if point.quote is not None and len(summary.points) == len(lines):
            line["quote"] = places.span(point.quote.start, point.quote.end)
    return lines


def sentence_view(one: GroundedSentence, places: Places) -> dict[str, Any]:
    """One sentence of a summary; flags are told by their places in it."""
    own = Places(one.text)
    return {
        "text": one.text,
        "evidence": [places.span(item.start, item.end) for item in one.evidence],
        "support": round(one.support, 4),
        "flags": [[flag.kind, flag.text, *own.span(*_within(flag, one))] for flag in one.flags],
    }


def plan_view(plan: Plan, places: Places) -> dict[str, Any]:
    """What will be done, or was."""
    return {
        "parts": [places.span(part.start, part.end) for part in plan.parts],
        "tokens": plan.tokens,
        "rounds": plan.rounds,
        "requests": plan.requests,
        "seconds": round(plan.seconds, 1),
    }


def node_view(node: Node, places: Places) -> dict[str, Any]:
    """What was written about a part, or about several."""
    return {
        "text": node.text,
        "spans": [places.span(*span) for span in node.spans],
        "origin": node.origin,
        "reason": node.reason,
        "shortened": node.shortened,
        "children": [node_view(child, places) for child in node.children],
    }


def extract_view(extract: Sequence[Extract], places: Places) -> list[list[int]]:
    """Where the most central sentences of the source are."""
    return [places.span(one.start, one.end) for one in extract]


def endpoint_view(summary: Summary) -> dict[str, Any]:
    """A summary for a program. Offsets are in code points of the text; `complete`: the model has read all of it."""
    return {
        "summary": summary.text,
        "format": summary.form,
        "language": summary.language,
        "model": summary.model_name,
        "written_by_model": summary.origin == "model",
        "faults": list(summary.faults),
        "complete": summary.coverage.share == 1 and not summary.cancelled,
        "parts": len(summary.plan.parts),
        "seconds": round(summary.seconds, 2),
        "points": [
            {"text": point.text, "quote": point.quote.text if point.quote is not None else None}
            for point in summary.points
        ],
        "sentences": [
            {
                "text": one.text,
                "support": round(one.support, 4),
                "evidence": [{"start": item.start, "end": item.end, "text": item.text} for item in one.evidence],
                "flags": [{"kind": flag.kind, "text": flag.text} for flag in one.flags],
            }
            for one in summary.grounding.sentences
        ],
        "left_out": list(summary.dropped),
        "central_sentences": [one.text for one in summary.extract],
    }


def _within(flag: Flag, one: GroundedSentence) -> tuple[int, int]:
    length = len(one.text)
    return min(max(0, flag.start - one.start), length), min(max(0, flag.end - one.start), length)
