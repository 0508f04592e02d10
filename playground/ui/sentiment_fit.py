"""What visitors have fitted on labels of their own: for their session alone, in memory, never for anybody else.

Owns whose fit holds for which model and labels. Knows no model and no arithmetic.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from playground.tasks.calibration import Calibration
from playground.tasks.sentiment_labels import LabelSet

MOST_FITS = 500
_Key = tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...]]


class SessionFits:
    """Calibrations by owner, model and labels. Thread-safe; the oldest go where there are very many."""

    def __init__(self) -> None:
        self._fits: OrderedDict[_Key, Calibration] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, owner: str, model_id: str, labels: LabelSet) -> Calibration | None:
        """What this visitor has fitted, if anything."""
        with self._lock:
            return self._fits.get(_key(owner, model_id, labels))

    def keep(self, owner: str, model_id: str, labels: LabelSet, found: Calibration) -> None:
        """From now on `found` holds for this visitor."""
        with self._lock:
            self._fits.pop(_key(owner, model_id, labels), None)
            self._fits[_key(owner, model_id, labels)] = found
            while len(self._fits) > MOST_FITS:
                self._fits.popitem(last=False)

    def drop(self, owner: str, model_id: str, labels: LabelSet) -> None:
        """Undo `keep`."""
        with self._lock:
            self._fits.pop(_key(owner, model_id, labels), None)


def _key(owner: str, model_id: str, labels: LabelSet) -> _Key:
    return owner, model_id, tuple((label.name, label.spoken) for label in labels.labels)
