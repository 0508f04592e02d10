"""Large numbers, as the other language counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.translation_numerals import adapt
from playground.text.numbers import missing_numbers


@pytest.mark.parametrize(
    ("text", "source", "target", "adapted"),
    [
        ("超过 400 万人前往罗马。", "zh", "en", "超过 4 million 人前往罗马。"),
        ("约1.5亿美元", "zh", "en", "约150 million 美元"),
        ("三百万人", "zh", "fr", "3,000,000 人"),
        ("2万5千人", "zh", "en", "25,000 人"),
        ("Over four million people", "en", "zh", "Over 400万 people"),
        ("2.5 billion dollars", "en", "zh", "25亿 dollars"),
        ("4 million people", "en", "fr", "4 million people"),
        ("一千五百人", "zh", "en", "一千五百人"),
        ("万一下雨", "zh", "en", "万一下雨"),
        ("In 1962", "en", "zh", "In 1962"),
        ("有 400 多万人前往罗马。", "zh", "en", "有超过 4 million 人前往罗马。"),
        ("Plus de 4 000 000 personnes", "fr", "en", "Plus de 4,000,000 personnes"),
        ("Il y a 1\u202f250 livres", "fr", "en", "Il y a 1,250 livres"),
        ("Il y a 1 250 livres", "fr", "de", "Il y a 1 250 livres"),
        ("1 250,50 €", "fr", "en", "1 250,50 €"),
        ("en 2005 600 personnes", "fr", "en", "en 2005 600 personnes"),
        ("les nos 7 12 345 678", "fr", "en", "les nos 7 12 345 678"),
    ],
)
def test_large_numbers_are_written_as_the_target_counts(text: str, source: str, target: str, adapted: str) -> None:
    assert adapt(text, source, target) == adapted


@given(st.integers(1, 9999), st.sampled_from(["万", "亿"]))
def test_no_number_changes_its_value(count: int, sign: str) -> None:
    text = f"共有{count}{sign}人。"
    assert not missing_numbers(text, adapt(text, "zh", "en"))


@given(st.text(max_size=60), st.sampled_from(["zh", "en", "fr", "ja"]), st.sampled_from(["zh", "en", "fr", "ja"]))
def test_any_text_will_do(text: str, source: str, target: str) -> None:
    adapt(text, source, target)
