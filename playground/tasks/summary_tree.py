"""What a summary is made of: parts of the text, what was written about each, and what was written about that.

Owns the tree, how neighbours are put together so that every round leaves fewer of them, and which characters of the
text were read. Knows no model.

Why the rounds end: what is written about a group never takes more than half of what one request may hold (`fit` sees to
it), so any two neighbours fit into one request and n nodes become at most n / 2, rounded up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from playground.text.sentences import cut

Span = tuple[int, int]
Origin = Literal["model", "extract"]
"""Who wrote: the model, or nobody: sentences taken out of the text."""
Measure = Callable[[str], int]
"""Tokens of a text; more text never has fewer."""
_MARK = "…"


@dataclass(frozen=True)
class Node:
    """What was written about `spans` of the text (characters `start` to `end`), or about its `children`."""

    text: str
    spans: tuple[Span, ...]
    children: tuple[Node, ...] = ()
    origin: Origin = "model"
    reason: str = ""
    """Why it was not left to the model ("" if it was): a fault's name, or "cancelled"."""
    read: tuple[Span, ...] = ()
    """Which of the characters the model has read."""
    shortened: bool = False
    """The end of what was written is missing, because it was too long to be read further up."""

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Coverage:
    """How much of a text was read. All offsets in characters."""

    characters: int
    read: tuple[Span, ...]

    @property
    def share(self) -> float:
        """0 to 1."""
        return sum(end - start for start, end in self.read) / self.characters if self.characters else 1.0

    @property
    def unread(self) -> tuple[Span, ...]:
        """What nobody has read."""
        edges = [0, *(edge for span in self.read for edge in span), self.characters]
        return tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end)


def coverage(characters: int, nodes: Sequence[Node]) -> Coverage:
    """What of a text of `characters` the model has read for `nodes` and all below them."""
    return Coverage(characters, join_spans(span for root in nodes for node in root.walk() for span in node.read))


def join_spans(spans: Iterator[Span] | Sequence[Span]) -> tuple[Span, ...]:
    """The same characters in order, as few spans as it takes."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def group(nodes: Sequence[Node], measure: Measure, budget: int) -> list[tuple[Node, ...]]:
    """Neighbours put together while they fit into `budget` tokens, two at least: at most half remain, rounded up."""
    groups: list[list[Node]] = []
    used = 0
    for node in nodes:
        tokens = measure(node.text) + 1
        if groups and (used + tokens <= budget or len(groups[-1]) < 2):
            groups[-1].append(node)
            used += tokens
        else:
            groups.append([node])
            used = tokens
    return [tuple(members) for members in groups]


def join_texts(nodes: Sequence[Node]) -> str:
    """What was written about neighbours, one under the other, for the next to read."""
    return "\n".join(node.text for node in nodes)


def fit(text: str, measure: Measure, most: int, language: str = "en") -> tuple[str, bool]:
    """`text` in at most `most` tokens, and whether something is missing: whole sentences first, then letters."""
    if measure(text) <= most:
        return text, False
    ends = [segment.end for segment in cut(text, language).segments]
    kept = _longest(ends, lambda end: measure(text[:end]) <= most)
    if kept:
        return text[:kept], True
    marked = _longest(range(1, len(text) + 1), lambda end: measure(text[:end] + _MARK) <= most)
    return (text[:marked] + _MARK if marked else ""), True


def _longest(ends: Sequence[int], fits: Callable[[int], bool]) -> int:
    """The last of `ends` (growing) that fits, 0 for none, found by halving."""
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(ends[middle - 1]):
            low = middle
        else:
            high = middle - 1
    return ends[low - 1] if low else 0
