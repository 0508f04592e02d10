"""What the cards of models say about tasks: measured figures alone, and in words that do not promise more."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.models import measured
from playground.models.catalog import find
from playground.models.measured import FROM, keep, skills


@pytest.fixture
def nothing_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "MEASURED_FILE", tmp_path / "quality" / "models.json")
    measured._measured.cache_clear()
    yield
    measured._measured.cache_clear()


@pytest.mark.usefixtures("nothing_known")
def test_nothing_is_said_about_what_was_not_measured() -> None:
    assert skills("some-model") == ()
    keep({"some-model": {"ask": 0.5}})
    assert [skill.task for skill in skills("some-model")] == ["ask"]
    assert skills("another-model") == ()


@pytest.mark.usefixtures("nothing_known")
def test_a_later_measurement_replaces_the_same_task_and_leaves_the_others() -> None:
    keep({"some-model": {"ask": 0.5, "sentiment": 0.95}})
    keep({"some-model": {"ask": 0.7}})
    assert {skill.task: (skill.figure, skill.level) for skill in skills("some-model")} == {
        "sentiment": (0.95, 3),
        "ask": (0.7, 3),
    }


@pytest.mark.usefixtures("nothing_known")
@pytest.mark.parametrize("task", list(FROM))
def test_levels_rise_with_the_figure(task: str) -> None:
    fair, well = FROM[task]  # type: ignore[index]
    for figure, level in ((fair - 0.01, 1), (fair, 2), (well - 0.01, 2), (well, 3)):
        keep({"some-model": {task: figure}})
        assert skills("some-model")[0].level == level


def test_what_is_shipped_is_about_models_of_the_catalogue() -> None:
    for model_id, found in measured._measured().items():
        assert find(model_id).id == model_id
        assert set(found) <= set(FROM)
