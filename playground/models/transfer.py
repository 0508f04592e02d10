"""What every source of weights shares: how it reports progress, how it is stopped, how it says that it failed.

Knows no network and no disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playground.errors import PlaygroundError

Source = Literal["hub", "mirror", "disk"]
Phase = Literal["waiting", "downloading", "joining", "checking"]

REPORT_EVERY_S = 0.1
CONNECT = "Connect this machine to the internet and try again."
"""The remedy of a source that could not be reached."""


class Cancelled(PlaygroundError):
    """The person stopped the download. What has arrived stays on the disk, so the next attempt goes on from there."""


class SourceFailed(Exception):
    """One source cannot give the model. Never reaches a user: `weights.fetch` makes one sentence of all of them."""

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        """`reason` completes "<source> …" ("could not be reached"); `remedy` is a whole sentence, or ""."""
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class Progress:
    """How far a phase is. Within one phase of one source `done_bytes` only grows and ends at `total_bytes`."""

    source: Source
    phase: Phase
    done_bytes: int = 0
    total_bytes: int = 0
    """0: not known yet."""

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None while the total is not known."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None


class Transfer:
    """The line to whoever waits: takes byte counts, hands on at most ten reports a second, asks whether to stop."""

    def __init__(self, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self._last = Progress("disk", "waiting")
        self._reached: dict[tuple[Source, Phase], int] = {}
        self._reported_s = float("-inf")

    def check(self) -> None:
        """Raise Cancelled if the person asked to stop."""
        if self._cancelled():
            raise Cancelled("The download was stopped. Start it again to go on from where it was.")

    def report(self, source: Source, phase: Phase, done_bytes: int = 0, total_bytes: int = 0) -> None:
        """Report, unless the last report is fresher than 0.1 s (the first and the last of a phase always pass)."""
        self.check()
        same_phase = (source, phase) == (self._last.source, self._last.phase)
        # A server that starts a file again, or a part that turned out damaged, must not let a bar run backwards.
        done_bytes = max(done_bytes, self._reached.get((source, phase), 0))
        if total_bytes:
            done_bytes = min(done_bytes, total_bytes)
        self._reached[source, phase] = done_bytes
        report = Progress(source, phase, done_bytes, total_bytes)
        due = time.monotonic() - self._reported_s >= REPORT_EVERY_S
        if not same_phase or due or (done_bytes == total_bytes and report != self._last):
            self._last, self._reported_s = report, time.monotonic()
            self._progress(report)

    def wait(self, seconds: float) -> None:
        """Sleep, but notice within 0.1 s when the person asks to stop."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self.check()
            time.sleep(min(0.1, left_s))
        self.check()


def size_text(size_bytes: int) -> str:
    """A size as people read it, in decimal units: "491 MB", "1.1 GB"."""
    if size_bytes >= 999_500_000:
        return f"{size_bytes / 1e9:.1f} GB"
    if size_bytes >= 999_500:
        return f"{size_bytes / 1e6:.0f} MB"
    return f"{max(1, round(size_bytes / 1e3))} kB"
