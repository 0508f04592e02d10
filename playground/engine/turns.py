"""Whose turn it is: places among the running answers, and pieces of prompts, go round those who ask.

Owns the order and what it follows from. Knows no steps, no cache and no number of places.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

from playground.engine.sequence import RunningSequence


class Turns:
    """Who had what, for the answers of one scheduler. Owners that are not known count as one owner."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_s: dict[str, float] = {}
        """When an answer of each owner last gave up a place, on the clock of the requests."""
        self._pieces = 0
        self._latest_piece: dict[str | RunningSequence, int] = {}
        """The number of the latest piece of a prompt that was read for each owner, and for each of his answers."""

    def of_places(
        self, answers: Sequence[RunningSequence], running: Collection[RunningSequence]
    ) -> list[RunningSequence]:
        """`answers`, which are in the order in which they came, in the order in which they get places.

        First the first of every owner, then the second of every owner, and so on; among equals those that are running
        stay, and then comes the owner who has been without for longest. Taking a place changes nobody's rank.
        """
        counts: Counter[str] = Counter()
        keys: dict[RunningSequence, tuple[int, bool, float]] = {}
        for sequence in answers:
            request = sequence.reply.request
            without_since_s = max(request.created_s, self._left_s.get(request.owner, request.created_s))
            keys[sequence] = counts[request.owner], sequence not in running, without_since_s
            counts[request.owner] += 1
        return sorted(answers, key=lambda sequence: keys[sequence])

    def of_piece(self, reading: Sequence[RunningSequence]) -> RunningSequence:
        """The one of `reading` whose prompt is read next: newcomers first, then in turn; it counts as read."""
        reader = min(reading, key=self._latest_pieces)
        self._pieces += 1
        self._latest_piece[reader.reply.request.owner] = self._latest_piece[reader] = self._pieces
        return reader

    def leave(self, sequence: RunningSequence) -> None:
        """An answer has given up its place."""
        self._left_s[sequence.reply.request.owner] = self._clock()

    def forget_all_but(self, answers: Sequence[RunningSequence]) -> None:
        """Drop what no longer matters when only `answers` are left."""
        oldest_s = min((sequence.reply.request.created_s for sequence in answers), default=float("inf"))
        self._left_s = {owner: left_s for owner, left_s in self._left_s.items() if left_s > oldest_s}
        present = {*answers, *(sequence.reply.request.owner for sequence in answers)}
        self._latest_piece = {key: piece for key, piece in self._latest_piece.items() if key in present}

    def _latest_pieces(self, sequence: RunningSequence) -> tuple[int, int]:
        return self._latest_piece.get(sequence.reply.request.owner, 0), self._latest_piece.get(sequence, 0)
