"""From a turn that is being written to the updates of a page.

A page follows at most one stream: each of its requests carries the page's name and a number that counts up, and an
older stream of the same page ends as soon as a newer request is there. Nothing here holds a thread while it waits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Any

from playground.ui.turns import Turn

UPDATE_EVERY_S = 1 / 12
MAX_PAGES = 10_000


class Pages:
    """The newest request of every open page."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, int] = OrderedDict()

    def arrive(self, page: str, sequence: int) -> None:
        """A page has made its request number `sequence`."""
        self._newest[page] = max(sequence, self._newest.pop(page, sequence))
        while len(self._newest) > MAX_PAGES:
            self._newest.popitem(last=False)

    def is_newest(self, page: str, sequence: int) -> bool:
        """Whether the page has asked for nothing else since."""
        return self._newest.get(page, sequence) <= sequence


async def follow(
    turn: Turn, view: Callable[[Turn], dict[str, Any]], *, wanted: Callable[[], bool]
) -> AsyncIterator[dict[str, Any]]:
    """Views of a turn while it changes and somebody wants them; ends with the turn, without a view of its end."""
    seen = -1
    while turn.running and wanted():
        waiting = turn.progress is not None  # a count of seconds goes on although nothing arrives
        if turn.revision != seen or waiting:
            seen = turn.revision
            yield view(turn)
        await asyncio.sleep(UPDATE_EVERY_S * (4 if waiting else 1))
