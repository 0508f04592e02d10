"""How often a model was right is kept beside what was known, and told only where enough texts say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.models.catalog import MODELS
from playground.tasks import sentiment_reliability
from playground.tasks.calibration import agreement
from playground.tasks.sentiment_labels import PRESETS
from playground.tasks.sentiment_reliability import FEWEST_TEXTS, keep, reliability


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "calibration" / "reliability.json"
    monkeypatch.setattr(sentiment_reliability, "RELIABILITY_FILE", path)
    sentiment_reliability._measured.cache_clear()
    yield path
    sentiment_reliability._measured.cache_clear()


def test_what_was_measured_is_found_again_by_how_sure_the_model_was(file: Path) -> None:
    sure, unsure = [(0.9, 0.1)] * 40, [(0.55, 0.45)] * (FEWEST_TEXTS - 1)
    measured = agreement([*sure, *unsure], [0] * 36 + [1] * 4 + [0] * len(unsure))
    keep("m", "two_sides", "en", "reviews", measured)
    keep("m", "two_sides", "fr", "reviews", measured)
    found = reliability("m", "two_sides", "en")
    assert found is not None and (found.name, found.rows) == ("reviews", 40 + len(unsure))
    near = found.around(0.93)
    assert near is not None and (near.texts, near.accuracy) == (40, 0.9)
    assert found.around(0.55) is None, "too few texts to speak of"
    assert (
        found.around(0.2) is None and reliability("m", "sentiment", "en") is None and reliability("x", "", "") is None
    )


def test_measuring_again_takes_the_place_of_the_same_and_leaves_the_rest(file: Path) -> None:
    first, second = agreement([(0.9, 0.1)] * 20, [0] * 20), agreement([(0.9, 0.1)] * 30, [1] * 30)
    keep("m", "two_sides", "en", "reviews", first)
    keep("m", "sentiment", "en", "messages", first)
    keep("m", "two_sides", "en", "reviews", second)
    again, other = reliability("m", "two_sides", "en"), reliability("m", "sentiment", "en")
    assert again is not None and again.rows == 30 and other is not None and other.rows == 20


def test_what_ships_speaks_of_models_and_labels_that_there_are() -> None:
    for model, sets in sentiment_reliability._measured().items():
        assert model in {one.id for one in MODELS}
        for name, languages in sets.items():
            assert name in PRESETS
            for language in languages:
                assert reliability(model, name, language) is not None
