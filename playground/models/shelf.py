"""The models of this machine as a person sees them: which are here, which are being fetched, how fast each ran.

Owns downloads in progress and the measured speeds. Knows no engine: whoever asks to use a model says how it is opened.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playground.errors import PlaygroundError
from playground.models import loader, weights
from playground.models.catalog import MODELS, ModelSpec
from playground.models.scheme import known_quantization
from playground.models.transfer import size_text

if TYPE_CHECKING:
    from playground.models.companion_models import LoadedCompanion
    from playground.models.loader import LoadedModel

log = logging.getLogger(__name__)

SPEED_MEMORY = 0.7
"""Share of the former figure in a new measured speed: one slow answer on a busy machine should not rename a model."""


@dataclass(frozen=True)
class Download:
    """A download in progress, in bytes."""

    done_bytes: int = 0
    total_bytes: int = 0
    phase: str = "waiting"


@dataclass(frozen=True)
class ShelfEntry:
    """One model and its state on this machine."""

    spec: ModelSpec
    here: bool
    download: Download | None
    problem: str | None
    """Why the last attempt to fetch it failed."""
    tokens_per_second: float | None
    reason: str | None
    """Why it was chosen when the program started."""


class ModelShelf:
    """Thread-safe. `quantization` is how weights shall be held ("auto": the best that this machine has)."""

    def __init__(
        self, cache_dir: Path, sources: weights.Sources, *, device: str = "cpu", quantization: str = "auto"
    ) -> None:
        self._cache_dir = cache_dir
        self._sources = sources
        self._device = device
        self._quantization = quantization
        self._lock = threading.Lock()
        self._typed: dict[str, ModelSpec] = {}
        self._downloads: dict[str, Download] = {}
        self._cancelled: dict[str, threading.Event] = {}
        self._problems: dict[str, str] = {}
        self._wanted: str | None = None
        self._reasons: dict[str, str] = {}
        self._speeds = self._read_speeds()

    def load(self, spec: ModelSpec, report: Callable[..., None]) -> LoadedModel:
        """Fetch what is missing, then open; `report(detail, fraction)` meanwhile. Raises ModelUnavailable."""
        files = weights.fetch(
            spec, cache_dir=self._cache_dir, sources=self._sources, progress=lambda p: report(*_fetching(p))
        )
        return loader.load(
            spec,
            files,
            device=self._device,
            quantization=self._quantization,
            cache_dir=self._cache_dir,
            progress=lambda detail, fraction=None: report(detail, fraction),
        )

    def load_companion(
        self, spec: ModelSpec, report: Callable[..., None], cancelled: Callable[[], bool] = lambda: False
    ) -> LoadedCompanion:
        """As `load`, for a model beside the chat's; while it is being fetched, `cancelled` is asked, which makes it
        raise Cancelled."""
        files = weights.fetch(
            spec,
            cache_dir=self._cache_dir,
            sources=self._sources,
            progress=lambda p: report(*_fetching(p)),
            cancelled=cancelled,
        )
        return loader.load_companion(
            spec, files, device=self._device, progress=lambda detail, fraction=None: report(detail, fraction)
        )

    def use(self, spec: ModelSpec, open_model: Callable[[ModelSpec], None]) -> None:
        """Open a model that is here at once, any other as soon as it has been fetched in the background."""
        with self._lock:
            self._wanted = spec.id
            self._problems.pop(spec.id, None)
            if spec not in MODELS:
                self._typed[spec.id] = spec
            if spec.id in self._downloads:
                return
            if not self.is_here(spec):
                self._downloads[spec.id] = Download(total_bytes=spec.download_bytes or 0)
                self._cancelled[spec.id] = threading.Event()
                arguments = (spec, open_model, self._cancelled[spec.id])
                threading.Thread(target=self._fetch, args=arguments, name=f"fetch-{spec.id}", daemon=True).start()
                return
        open_model(spec)

    def is_here(self, spec: ModelSpec) -> bool:
        """Whether it can be opened without a download."""
        return weights.find_on_disk(spec, cache_dir=self._cache_dir) is not None

    def cancel(self, model_id: str) -> None:
        """Stop a download; what has arrived stays for the next attempt."""
        with self._lock:
            if event := self._cancelled.get(model_id):
                event.set()

    def entries(self) -> list[ShelfEntry]:
        """The catalogue, then what was typed."""
        with self._lock:
            specs = [*MODELS, *self._typed.values()]
            return [
                ShelfEntry(
                    spec, self.is_here(spec), self._downloads.get(spec.id), self._problems.get(spec.id),
                    self._speeds.get(spec.id),
                    self._reasons.get(spec.id),
                )
                for spec in specs
            ]  # fmt: skip

    @property
    def quantization(self) -> str:
        """How weights shall be held."""
        return self._quantization

    def hold_weights(self, quantization: str) -> None:
        """Choose how the weights of models that are opened from now on are held. Raises InvalidInput."""
        self._quantization = known_quantization(quantization)

    def note_choice(self, model_id: str, reason: str) -> None:
        """Remember why a model was chosen at the start."""
        with self._lock:
            self._reasons[model_id] = reason

    def note_speed(self, model_id: str, tokens_per_second: float) -> None:
        """Remember how fast a model wrote on this machine, as a running mean over answers."""
        with self._lock:
            before = self._speeds.get(model_id, tokens_per_second)
            self._speeds[model_id] = SPEED_MEMORY * before + (1 - SPEED_MEMORY) * tokens_per_second
            path = self._cache_dir / "speeds.json"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part")
                part.write_text(json.dumps(self._speeds, indent=1), "utf-8")
                os.replace(part, path)
            except OSError as error:
                log.info("measured speeds are not kept: %s", error)

    def _fetch(self, spec: ModelSpec, open_model: Callable[[ModelSpec], None], cancelled: threading.Event) -> None:
        def progress(report: weights.Progress) -> None:
            self._downloads[spec.id] = Download(report.done_bytes, report.total_bytes, report.phase)

        problem = None
        try:
            weights.fetch(
                spec, cache_dir=self._cache_dir, sources=self._sources, progress=progress, cancelled=cancelled.is_set
            )
        except weights.Cancelled:
            problem = ""
        except PlaygroundError as error:
            problem = str(error)
        except Exception:  # a thread that dies silently would leave a bar standing for ever
            log.exception("fetching %s", spec.id)
            problem = "The download stopped unexpectedly. Try again; the log has the details."
        with self._lock:
            self._downloads.pop(spec.id, None)
            self._cancelled.pop(spec.id, None)
            if problem:
                self._problems[spec.id] = problem
            opens = problem is None and self._wanted == spec.id
        if opens:
            open_model(spec)

    def _read_speeds(self) -> dict[str, float]:
        try:
            kept = json.loads((self._cache_dir / "speeds.json").read_text("utf-8"))
            return {str(name): float(speed) for name, speed in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _fetching(progress: weights.Progress) -> tuple[str, float | None]:
    """A download as a few words and a fraction."""
    if progress.phase == "downloading" and progress.total_bytes:
        words = f"downloading {size_text(progress.done_bytes)} of {size_text(progress.total_bytes)}"
        return words, progress.fraction
    return {"checking": "checking the file", "joining": "joining the parts"}.get(progress.phase, "downloading"), None
