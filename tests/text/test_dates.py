"""Dates are found in the usual formats, and two ways of writing one day are the same day."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.dates import dates


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sent on 2024-11-03, due 17/11/2024.", ["2024-11-03", "17/11/2024"]),
        ("Minutes, 4 March 2025; reply by 30 April.", ["4 March 2025", "30 April"]),
        ("March 4, 2025 and the 3rd of June", ["March 4, 2025", "3rd of June"]),
        ("Monday 3 June, and on Tuesday", ["Monday 3 June", "Tuesday"]),
        ("Am 14. Mai 2025, ab 1.1.2026 und bis 3.4.", ["14. Mai 2025", "1.1.2026", "3.4."]),
        ("le 1er mai 2024 et le 3 février", ["1er mai 2024", "3 février"]),
        ("el 5 de mayo de 2023", ["5 de mayo de 2023"]),
        ("2025年3月18日上午，4月23日开幕，周三休息", ["2025年3月18日", "4月23日", "周三"]),
        ("二〇二五年三月十八日", ["二〇二五年三月十八日"]),
        ("born in Frankfurt in 1647, since November", ["1647", "November"]),
        ("🦋 on 12 April 🦋", ["12 April"]),
    ],
)
def test_dates_are_found_as_they_are_written(text: str, found: list[str]) -> None:
    assert [date.text for date in dates(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        "You may march on.", "Version 1.2.3 of the app", "Call 555-0142", "It cost 1999 pounds, not 2,000.", "12:30",
        "2024-117", "99/99/2024", "10.5.2.1", "a mars bar", "in 1,500 places",
    ],
)  # fmt: skip
def test_what_is_no_date_is_not_taken_for_one(text: str) -> None:
    assert dates(text) == ()


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("2025-03-04", "4 March 2025", True), ("March 4, 2025", "4. März 2025", True),
        ("4 March", "4 March 2025", True),
        ("3/4/2025", "4 March 2025", True), ("3/4/2025", "3 April 2025", True), ("3.4.2025", "4 March 2025", False),
        ("2025年3月4日", "4 March 2025", True), ("4 March 2024", "4 March 2025", False), ("5 March", "4 March", False),
        ("in 2025", "4 March 2025", True), ("in 2024", "4 March 2025", False),
    ],
)  # fmt: skip
def test_one_day_is_the_same_in_every_format(one: str, two: str, same: bool) -> None:
    (first,), (second,) = dates(one), dates(two)
    assert first.same(second) is same
    assert second.same(first) is same


@given(st.text(max_size=200))
def test_every_date_stands_where_it_says(text: str) -> None:
    found = dates(text)
    for date in found:
        assert text[date.start : date.end] == date.text
    for first, second in itertools.pairwise(found):
        assert first.end <= second.start
