"""Numbers are the same in any format and script; what a text does not say is found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.numbers import missing_numbers, numbers


def values(text: str) -> list[set[Decimal]]:
    return [set(number.values) for number in numbers(text)]


@pytest.mark.parametrize("text", ["1,000.5", "1.000,5", "1 000,5", "1000.5", "1’000.5", "1\u202f000,5", "１０００.５"])
def test_a_number_is_the_same_in_every_format(text: str) -> None:
    assert values(text) == [{Decimal("1000.5")}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5 million", 1_500_000), ("150万", 1_500_000), ("1亿2000万", 120_000_000), ("3.5bn", 3_500_000_000),
        ("2 Millionen", 2_000_000), ("3 milliards", 3_000_000_000), ("5 thousand", 5000), ("1,00,000", 100_000),
        ("三百五十万", 3_500_000), ("二〇二六年", 2026), ("一万二千", 12_000), ("第三", 3),
        ("two hundred and fifty thousand", 250_000), ("twenty-five", 25), ("fünfundzwanzig", 25),
        ("quatre-vingt-dix-sept", 97), ("treinta y cinco", 35), ("veintidós", 22), ("soixante-douze", 72),
        ("three million", 3_000_000), ("nineteen", 19), ("٣٤", 34),
    ],
)  # fmt: skip
def test_scales_and_words_have_their_value(text: str, value: int) -> None:
    assert [Decimal(value) in found for found in values(text)] == [True]


def test_a_point_before_three_digits_may_mean_two_things() -> None:
    assert values("1.000") == [{Decimal(1), Decimal(1000)}]


def test_dates_times_and_addresses_are_several_numbers() -> None:
    assert [number.text for number in numbers("12.11.2026 10:30 192.168.1.1 1,2,3")] == (
        ["12", "11", "2026", "10", "30", "192", "168", "1", "1", "1", "2", "3"]
    )
    assert [number.text for number in numbers("three million; two")] == ["three million", "two"]


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("In 2019, 1.5 million people paid $3.50.", "2019年，150万人付了3,50美元。"),
        ("On 12 May at 5 pm", "5月12日17点"),
        ("11月12日", "November 12"),
        ("in the 1960s", "20世纪60年代"),
        ("3 men", "three men"),
        ("A4 paper and CO2", "paper"),
        ("1,000 men", "1.000 Männer"),
        ("20 people", "二十人"),
    ],
)
def test_a_translation_in_another_format_misses_nothing(source: str, other: str) -> None:
    assert missing_numbers(source, other) == ()


def test_what_is_not_said_is_missing_once_and_as_written() -> None:
    assert missing_numbers("7 of 1,200 and 7", "five of 1200") == ("7",)
    assert missing_numbers("Seven died.", "Five people died.", words=True) == ("Seven",)
    assert missing_numbers("Seven died.", "Five people died.") == ()
    assert missing_numbers("3 million", "3") == ("3 million",)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_numbers_at_their_places(text: str) -> None:
    for number in numbers(text):
        assert text[number.start : number.end] == number.text and number.values
    assert missing_numbers(text, text, words=True) == ()


@settings(deadline=None)
@given(st.integers(0, 10**12), st.sampled_from([",", ".", " ", "\u202f", "’"]))
def test_whole_numbers_are_read_with_any_separator(value: int, separator: str) -> None:
    grouped = f"{value:,}".replace(",", separator)
    assert any(Decimal(value) in found for found in values(grouped))


@pytest.mark.parametrize("text", ["9" * 5000 + "s", "一" * 5000, "9" * 60 + " pm", "三" * 30 + "9" * 30 + " million"])
def test_endless_digits_are_read_without_an_error(text: str) -> None:
    assert numbers(text) and missing_numbers(text, "") is not None
