"""The arithmetic of belief: fitting finds what was done to probabilities, and figures say what they mean."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.tasks import calibration
from playground.tasks.calibration import Calibration, agreement, fit, fitted
from playground.tasks.sentiment_labels import PRESETS


def drawn(temperature: float, bias: list[float], texts: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Figures of a model that is wrong by `temperature` and `bias`, and labels that follow the right ones."""
    random = np.random.default_rng(1)
    right = random.normal(size=(texts, len(bias))) * 1.5
    powers = np.exp(right)
    powers /= powers.sum(axis=1, keepdims=True)
    labels = (powers.cumsum(axis=1) < random.random((texts, 1))).sum(axis=1)
    return (right - np.array(bias)) * temperature, labels


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, [0.0, 0.0]), (3.0, [0.5, -0.5]), (0.5, [-1.0, 0.4, 0.6])])
def test_fitting_finds_the_temperature_and_the_biases_that_were_put_in(temperature: float, bias: list[float]) -> None:
    found = fit(*drawn(temperature, bias), fitted_on="here", date="2026-01-02")
    assert found.temperature == pytest.approx(temperature, rel=0.12)
    assert found.bias == pytest.approx(bias, abs=0.12)
    assert (found.fitted_on, found.date, found.rows) == ("here", "2026-01-02", 4000)


def test_after_fitting_probabilities_can_be_believed_on_other_texts() -> None:
    values, labels = drawn(4.0, [1.0, -1.0, 0.0])
    found = fit(values[::2], labels[::2])
    before = agreement(Calibration(temperature=1.0).table(values[1::2]), labels[1::2])
    after = agreement(found.table(values[1::2]), labels[1::2])
    assert after.calibration_error < 0.04 < before.calibration_error
    assert after.accuracy > before.accuracy


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_fitting_ends_for_any_figures_and_never_makes_the_known_labels_less_likely(data: st.DataObject) -> None:
    labels = data.draw(st.lists(st.integers(0, 2), max_size=12)) + [0, 1, 2] * 3
    rows = st.lists(st.floats(-80, 0), min_size=3, max_size=3)
    values = np.array([data.draw(rows) for _ in labels])
    found = fit(values, labels)
    assert found.temperature > 0 and sum(found.bias) == pytest.approx(0, abs=1e-6)
    places = np.arange(len(labels)), labels
    before, after = (-np.log(np.maximum(one.table(values)[places], 1e-300)).mean() for one in (Calibration(1.0), found))
    assert after <= before + 1e-6


@pytest.mark.parametrize("labels", [[], [0, 0, 0, 0], [0, 0, 0, 1, 1]])
def test_too_few_texts_of_a_label_teach_nothing(labels: list[int]) -> None:
    with pytest.raises(InvalidInput, match="too few texts"):
        fit([[-1.0, -2.0]] * len(labels), labels)


def test_agreement_counts_what_it_says() -> None:
    found = agreement([[0.9, 0.1], [0.8, 0.2], [0.55, 0.45], [0.05, 0.95]], [0, 1, 0, 1])
    assert found.accuracy == 0.75 and found.confusion == ((2, 0), (1, 1))
    assert found.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    # 0.9 and 0.95 share a bin: right both times, 0.925 sure.
    assert [(one.texts, round(one.confidence, 3), one.accuracy) for one in found.bins] == [
        (1, 0.55, 1.0), (1, 0.8, 0.0), (2, 0.925, 1.0),
    ]  # fmt: skip
    assert found.calibration_error == pytest.approx((0.45 + 0.8 + 2 * 0.075) / 4)


def test_without_known_labels_there_is_nothing_to_compare() -> None:
    with pytest.raises(InvalidInput):
        agreement(np.empty((0, 2)), [])


def test_a_temperature_changes_no_order_and_another_number_of_labels_is_refused() -> None:
    calm = Calibration(temperature=7.0).probabilities([-1.0, -3.0, -2.0])
    assert sorted(calm, reverse=True) == [calm[0], calm[2], calm[1]]
    with pytest.raises(ValueError, match="2 biases for 3"):
        Calibration(1.0, (0.1, -0.1)).probabilities([-1.0, -3.0, -2.0])


def test_what_was_fitted_is_read_by_model_labels_and_language(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"temperature": 2.5, "bias": [0.1, -0.1], "fitted_on": "x", "date": "2026-01-02", "rows": 9}
    file = tmp_path / "fitted.json"
    file.write_text(json.dumps({"m": {"two_sides": {"en": kept}}}), "utf-8")
    monkeypatch.setattr(calibration, "FITTED_FILE", file)
    calibration.read_calibrations_again()
    assert fitted("m", "two_sides") == Calibration(2.5, (0.1, -0.1), "x", "2026-01-02", 9)
    # In another language neither label is favoured, and no text looks surer than it is.
    assert fitted("m", "two_sides", "fr") == Calibration(2.5)
    assert fitted("m", "sentiment") is fitted("other", "two_sides") is None
    calibration.read_calibrations_again()


def test_what_ships_names_its_texts_and_has_a_bias_for_every_label() -> None:
    calibration.read_calibrations_again()
    shipped = json.loads(calibration.FITTED_FILE.read_text("utf-8"))
    assert shipped
    for sets in shipped.values():
        for name, one in ((name, one) for name, languages in sets.items() for one in languages.values()):
            assert len(one["bias"]) == len(PRESETS[name].labels)
            assert one["temperature"] > 0 and one["rows"] > 20 and one["date"] and one["fitted_on"]
