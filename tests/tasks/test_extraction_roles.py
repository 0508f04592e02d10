"""What somebody is stands beside the name, or is not said by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.extraction_roles import is_role, role_beside


@pytest.mark.parametrize(
    ("text", "name", "role"),
    [
        ("The treasurer, Sam Okoro, spoke.", "Sam Okoro", "treasurer"),
        ("Our mechanic Tom Haugen will keep it.", "Tom Haugen", "mechanic"),
        ("Head librarian Margaret Osei came.", "Margaret Osei", "Head librarian"),
        ("It was Daniel Reyes, the author, who", "Daniel Reyes", "author"),
        ("Helena Brandt\nComplaints manager, Fastmove", "Helena Brandt", "Complaints manager"),
        ("Judge Dr. Ada Bell", "Ada Bell", "Judge"),
        ("Kassenwartin Sabine Ott", "Sabine Ott", "Kassenwartin"),
        ("Thomas Engel, Verwalter", "Thomas Engel", "Verwalter"),
        ("馆长王丽华主持会议，副馆长陈志强", "王丽华", "馆长"),
        ("馆长王丽华主持会议，副馆长陈志强", "陈志强", "副馆长"),
        ("Ruth Ellison took the chair.", "Ruth Ellison", ""),
        ("The bus driver saw it. Ruth Ellison came.", "Ruth Ellison", ""),
        ("After the pope, nobody. Ruth", "Ruth", ""),
        ("the overseer Ruth", "Ruth", ""),
    ],
)
def test_a_known_word_beside_a_name_is_the_role(text: str, name: str, role: str) -> None:
    start = text.index(name)
    found = role_beside(text, (start, start + len(name)))
    assert ("" if found is None else text[slice(*found)]) == role


def test_words_for_what_people_are_may_have_a_capital() -> None:
    assert is_role("Captain") and is_role("Bürgermeisterin") and not is_role("Halton")


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_a_role_never_overlaps_the_name(text: str, one: int, two: int) -> None:
    start, end = sorted((min(one, len(text)), min(two, len(text))))
    found = role_beside(text, (start, end))
    assert found is None or found[1] <= start or found[0] >= end
