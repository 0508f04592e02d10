"""A value is found in a text in whatever letters it is written there, and never where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.places import TextPlaces


@pytest.mark.parametrize(
    ("text", "value", "how", "found"),
    [
        ("Sam Okoro, and again Sam Okoro.", "Sam Okoro", "exact", ["Sam Okoro", "Sam Okoro"]),
        ("Ruth\n Ellison took the chair", "Ruth Ellison", "normalised", ["Ruth\n Ellison"]),
        ("RUTH ELLISON", "Ruth Ellison", "normalised", ["RUTH ELLISON"]),
        ("“Old Oak” café", '"old oak" CAFÉ', "normalised", ["“Old Oak” café"]),
        ("共有１２．５万元", "12.5万元", "normalised", ["１２．５万元"]),
        ("馆长 王 丽华说", "王丽华", "normalised", ["王 丽华"]),
        ("a balance of 1,840 pounds", "1840", "number", ["1,840"]),
        ("ein Saldo von 1.840,00 Euro", "1840 Euro", "number", ["1.840,00"]),
        ("on 4 March 2025", "2025-03-04", "date", ["4 March 2025"]),
        ("2025年3月4日开会", "4 March 2025", "date", ["2025年3月4日"]),
        ("Then Samuel Okoro-Smith spoke", "Samuel Okoro Smith", "fuzzy", ["Samuel Okoro-Smith"]),
        ("the committe's recomendation was", "committee's recommendation", "fuzzy", ["committe's recomendation"]),
        ("Nothing of it is here", "Ruth Ellison", "none", []),
        ("1,840 pounds", "840", "none", []),
        ("planet", "plan", "none", []),
        ("anything", "  ", "none", []),
    ],
)  # fmt: skip
def test_a_value_is_found_by_the_strictest_comparison(text: str, value: str, how: str, found: list[str]) -> None:
    result = TextPlaces(text).find(value)
    assert (result.how, [text[start:end] for start, end in result.spans]) == (how, found)


def test_places_count_code_points_also_behind_emoji_and_in_chinese() -> None:
    text = "🦋🦋 王丽华 👩‍👧 liest, 王丽华"
    spans = TextPlaces(text).find("王丽华").spans
    assert [text[start:end] for start, end in spans] == ["王丽华", "王丽华"]
    assert spans[0] == (3, 6)


def test_a_unit_that_differs_is_another_amount() -> None:
    assert TextPlaces("It weighs 45 kilograms.").find("45 pounds").how == "none"


def test_an_accent_stays_with_its_letter() -> None:
    assert TextPlaces("cafe\u0301").find("cafe").how == "none"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120), st.data())
def test_any_line_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    words = text.split()
    if not words:
        assert TextPlaces(text).find(text).spans == ()
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    value = " ".join(words[first : last + 1])
    result = TextPlaces(text).find(value)
    assert result.spans
    for start, end in result.spans:
        assert 0 <= start < end <= len(text)
