"""The companion models that are open: opened when wanted, the longest unused closed when room is needed.

Owns how many are open and who is using one. Knows no task and no tab.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from playground.engine.companion import CANCEL_CHECK_S, Companion
from playground.errors import ModelUnavailable
from playground.hardware import free_memory_bytes
from playground.models.catalog import ModelSpec
from playground.models.companion_models import LoadedCompanion
from playground.models.transfer import Cancelled

LoadCompanion = Callable[[ModelSpec, Callable[..., None], Callable[[], bool]], LoadedCompanion]
"""`load(spec, report, cancelled)` fetches and opens; `report(detail, fraction)` meanwhile."""
OnProgress = Callable[[str, float | None], None]


@dataclass(eq=False)
class _Place:
    """An open model and how many are using it now."""

    companion: Companion
    users: int = 0


class Companions:
    """Thread-safe. At most `most` models are open, fewer where memory is short."""

    def __init__(
        self, load: LoadCompanion, most: int = 2, *, free_memory: Callable[[], int] = free_memory_bytes
    ) -> None:
        self._load, self._most, self._free_memory = load, most, free_memory
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._lock = threading.Lock()
        self._opening = threading.Lock()

    def open(
        self, spec: ModelSpec, *, on_progress: OnProgress | None = None, cancel: threading.Event | None = None
    ) -> Companion:
        """The opened model: at once where it is open, else fetched and opened on this thread.

        `on_progress(detail, fraction)`: a few plain words, and how much is done (0 to 1) if known. Several callers open
        a model once. Setting `cancel` raises Cancelled (a PlaygroundError); what was fetched stays. Raises
        ModelUnavailable. For a call of the model `using` is safer: nobody closes it meanwhile.
        """
        with self.using(spec, on_progress=on_progress, cancel=cancel) as companion:
            return companion

    @contextmanager
    def using(
        self, spec: ModelSpec, *, on_progress: OnProgress | None = None, cancel: threading.Event | None = None
    ) -> Generator[Companion]:
        """As `open`; within this context nobody closes the model. Not for another model within it: with all places in
        use both would wait for each other."""
        place = self._take(spec, on_progress or (lambda detail, fraction: None), cancel)
        try:
            yield place.companion
        finally:
            with self._lock:
                place.users -= 1

    def is_open(self, spec: ModelSpec) -> bool:
        """Whether `open` would return at once."""
        with self._lock:
            return spec.id in self._places

    def close(self) -> None:
        """Close all, each after the call that is running."""
        with self._lock:
            places, self._places = list(self._places.values()), OrderedDict()
        for place in places:
            place.companion.close()

    def _take(self, spec: ModelSpec, report: OnProgress, cancel: threading.Event | None) -> _Place:
        while (place := self._found(spec)) is None:
            # One model is opened at a time: two at once might both find room for one.
            if not self._opening.acquire(timeout=CANCEL_CHECK_S):
                _stop_if(cancel)
                report("waiting for another model", None)
                continue
            try:
                if (place := self._found(spec)) is None:
                    place = self._open(spec, report, cancel)
                break
            finally:
                self._opening.release()
        return place

    def _found(self, spec: ModelSpec) -> _Place | None:
        with self._lock:
            place = self._places.get(spec.id)
            if place is not None:
                place.users += 1
                self._places.move_to_end(spec.id)
            return place

    def _open(self, spec: ModelSpec, report: OnProgress, cancel: threading.Event | None) -> _Place:
        self._make_room(spec, report, cancel)
        _stop_if(cancel)

        def progress(detail: str, fraction: float | None = None) -> None:
            report(detail, fraction)

        loaded = self._load(spec, progress, lambda: cancel is not None and cancel.is_set())
        place = _Place(Companion(loaded), users=1)
        with self._lock:
            self._places[spec.id] = place
        return place

    def _make_room(self, spec: ModelSpec, report: OnProgress, cancel: threading.Event | None) -> None:
        """Close what nobody is using, the longest unused first, until there is a place and memory. Raises
        ModelUnavailable where that is not enough."""
        while self._is_full() or self._free_memory() < (spec.memory_bytes or 0):
            if self._close_longest_unused():
                continue
            if not self._is_open_at_all():
                raise ModelUnavailable(
                    f"There is not enough free memory for {spec.name}. Close other programs or choose a smaller model."
                )
            _stop_if(cancel)
            report("waiting until another model is free", None)
            (cancel or threading.Event()).wait(CANCEL_CHECK_S)

    def _is_full(self) -> bool:
        with self._lock:
            return len(self._places) >= self._most

    def _is_open_at_all(self) -> bool:
        with self._lock:
            return bool(self._places)

    def _close_longest_unused(self) -> bool:
        with self._lock:
            name = next((name for name, place in self._places.items() if not place.users), None)
            place = self._places.pop(name) if name is not None else None
        if place is not None:
            place.companion.close()
        return place is not None


def _stop_if(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("Stopped before the model was open.")
