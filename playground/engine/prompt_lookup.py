"""Guesses at the next tokens, out of what the conversation already says (prompt lookup).

Answers that summarise, quote or edit repeat stretches of their prompt. A guess costs nothing, and one step that reads
the newest token and k guesses tells for all of them whether the model would have written them.

Owns the search for the stretch that is being repeated, the chance that it goes on, what a step with more rows costs,
and who gets how many guesses. Knows no model, no sampling and no clock: a wrong guess costs time, never another answer.

Sources: prompt lookup decoding (A. Saxena, 2023); LLMA (Yang et al., "Inference with Reference: Lossless Acceleration
of Large Language Models", 2023). Both draft a fixed number of tokens; here the number follows from chances and costs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_NOWHERE = -1
_CANDIDATES = 8
"""Earlier places of a pair of tokens that are compared, the latest first."""
_LONGEST_MATCH = 16
_FIRST_CHANCES = (0.3, 0.3, 0.4, 0.7, 0.85, 0.9)
"""Chance that one more token is the same after a match of 0, 1, 2-3, 4-7, 8-15 and 16 or more tokens."""
_CHANCE_RATE = 0.1
_ESTABLISHED = 4
"""Tokens of a match that is worth resuming behind a token that differs."""

_COST_OF_A_ROW = 0.15
"""What a further row adds to a step, in steps of one row, until steps have been measured."""
_COST_RATE = 0.1
_LARGEST_SURPRISE = math.log(2.0)
"""A step that takes even longer than expected has been interrupted; it counts as this."""
_COST_MEMORY = 0.998
"""What remains of a measurement after each step: a bad one must not forbid guesses for ever."""

_KEPT_SPEED = 0.8
"""Part of its speed that every answer keeps when others guess."""


class PromptLookup:
    """The tokens of one answer with its prompt `ids`, and where in them the newest ones have come before.

    It goes on learning from every token while nothing is drafted, so it notices for nothing when guesses begin to be
    right. Work per token is bounded, whatever the length.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = list(ids)
        self._latest: dict[tuple[int, int], int] = {}
        """The index behind the latest place of each pair of tokens, the pair at the very end left out."""
        self._earlier: list[int] = []
        """For each index, that behind the previous place of the pair in front of it."""
        self._chances = list(_FIRST_CHANCES)
        self._source = _NOWHERE
        """The index of the next guess, behind a stretch of `_matched` tokens like the newest ones."""
        self._matched = 0
        for end in range(len(self._ids)):
            self._remember(end)
        self._find()

    def push(self, token_id: int) -> None:
        """Take the token that was really written."""
        behind, established, right = self._source + 1, self._matched >= _ESTABLISHED, False
        if self._source != _NOWHERE:
            right = self._ids[self._source] == token_id
            size = _size(self._matched)
            self._chances[size] += _CHANCE_RATE * (right - self._chances[size])
        self._ids.append(token_id)
        self._remember(len(self._ids) - 1)
        if right:
            # A stretch is followed to its end, though shorter matches may begin elsewhere meanwhile.
            self._source, self._matched = behind, self._matched + 1
            return
        self._find()
        if self._source == _NOWHERE and established:
            # An edit has replaced a word; behind it the stretch often goes on.
            self._source = behind

    def chances(self, most: int) -> list[float]:
        """For each of the next guesses, `most` or none, the chance that it and all before it are right."""
        if self._source == _NOWHERE:
            return []
        chance, chances = 1.0, []
        for matched in range(self._matched, self._matched + most):
            chance *= self._chances[_size(matched)]
            chances.append(chance)
        return chances

    def guesses(self, count: int) -> tuple[int, ...]:
        """The next `count` tokens if the stretch goes on; none where nothing is being repeated."""
        if self._source == _NOWHERE:
            return ()
        period = len(self._ids) - self._source
        return tuple(self._ids[self._source + index % period] for index in range(count))

    def _remember(self, end: int) -> None:
        """Index the pair in front of `end`, whose continuation is known now."""
        if end < 2:
            self._earlier.append(_NOWHERE)
            return
        pair = self._ids[end - 2], self._ids[end - 1]
        self._earlier.append(self._latest.get(pair, _NOWHERE))
        self._latest[pair] = end

    def _find(self) -> None:
        """Look for the longest of the latest stretches that are like the newest tokens."""
        self._source, self._matched = _NOWHERE, 0
        if len(self._ids) < 3:
            return
        end = self._latest.get((self._ids[-2], self._ids[-1]), _NOWHERE)
        for _ in range(_CANDIDATES):
            if end == _NOWHERE or self._matched >= _LONGEST_MATCH:
                return
            matched = self._match(end)
            if matched > self._matched:
                self._source, self._matched = end, matched
            end = self._earlier[end]

    def _match(self, end: int) -> int:
        """How many tokens before `end` are like the newest ones; at least the pair that led here."""
        size, newest = 2, len(self._ids)
        longest = min(_LONGEST_MATCH, end)
        while size < longest and self._ids[end - size - 1] == self._ids[newest - size - 1]:
            size += 1
        return size


class RowCosts:
    """How long steps take by their number of rows, relative to one row.

    Only steps that follow each other are compared: a shared machine is twice as fast at one minute as at the next.
    """

    def __init__(self) -> None:
        self._corrections = {1: 0.0}
        """Logarithm of measured / assumed, for every number of rows that was measured, in order."""
        self._seen: dict[int, int] = {}
        self._previous: tuple[int, int, float] | None = None

    def of(self, rows: int) -> float:
        """Duration of a step with `rows` rows, in steps with one row."""
        return max(1.0, math.exp(self._logarithm(rows)))

    def record(self, rows: int, seconds: float, *, threads: int = 1) -> None:
        """A step of `rows` rows took `seconds` on `threads` threads. Times are compared for equal threads only."""
        previous, self._previous = self._previous, (rows, threads, seconds)
        for known in self._corrections:
            self._corrections[known] *= _COST_MEMORY
        if previous is None or previous[0] == rows or previous[1] != threads or min(seconds, previous[2]) <= 0:
            return
        expected = self._logarithm(rows) - self._logarithm(previous[0])
        surprise = math.log(seconds) - math.log(previous[2]) - expected
        surprise = max(-_LARGEST_SURPRISE, min(_LARGEST_SURPRISE, surprise))
        # Where neither step has one row, half of the surprise belongs to either.
        share = surprise if 1 in (rows, previous[0]) else surprise / 2
        self._correct(rows, share)
        self._correct(previous[0], -share)

    def _correct(self, rows: int, surprise: float) -> None:
        if rows == 1:
            return
        seen = self._seen.get(rows, 0)
        correction = self._correction(rows)
        self._corrections[rows] = correction + max(_COST_RATE, 1 / (seen + 2)) * surprise
        if not seen:
            self._corrections = dict(sorted(self._corrections.items()))
        self._seen[rows] = seen + 1

    def _logarithm(self, rows: int) -> float:
        return math.log1p(_COST_OF_A_ROW * (rows - 1)) + self._correction(rows)

    def _correction(self, rows: int) -> float:
        """Measured, or between those of the next smaller and the next larger number of rows."""
        if rows in self._corrections:
            return self._corrections[rows]
        below, above = 1, 0
        for known in self._corrections:
            if known > rows:
                above = known
                break
            below = known
        if not above:
            return self._corrections[below]
        part = (rows - below) / (above - below)
        return (1 - part) * self._corrections[below] + part * self._corrections[above]


def share_rows(chances: Sequence[Sequence[float]], most_rows: int, costs: RowCosts) -> list[int]:
    """How many guesses each writing answer gets in the next step, so that all together write the most per second.

    `chances[i]` are those of answer i, whose newest token takes a row anyway; the step has at most `most_rows` rows.
    Nobody gets more than an equal share of the rows, and nobody is slowed down much by guesses of others.
    """
    writers = len(chances)
    counts, expected = [0] * writers, [1.0] * writers
    limits = [min(len(chance), most_rows // writers - 1) for chance in chances]
    if max(limits, default=0) <= 0:
        return counts
    best, speed = list(counts), writers / costs.of(writers)
    slowest = _KEPT_SPEED / costs.of(writers)
    for rows in range(writers + 1, writers + sum(limit for limit in limits if limit > 0) + 1):
        taker = max((i for i in range(writers) if counts[i] < limits[i]), key=lambda i: chances[i][counts[i]])
        expected[taker] += chances[taker][counts[taker]]
        counts[taker] += 1
        cost = costs.of(rows)
        if sum(expected) / cost > speed and min(expected) / cost >= slowest:
            best, speed = list(counts), sum(expected) / cost
    return best


def _size(matched: int) -> int:
    """The class of a match by its length: a further token is the surer, the more have been the same."""
    return min(matched, _LONGEST_MATCH).bit_length()
