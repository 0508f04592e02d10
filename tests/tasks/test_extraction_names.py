"""What looks like a name is a candidate; of several readings of one the right one is kept."""

from __future__ import annotations

import threading

import pytest

from playground.tasks.extraction_names import Judged, candidates, is_of_other_form, judge, openings, without_parts
from tests.tasks.extraction_fakes import ExtractEngine


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The treasurer, Sam Okoro, spoke. Our secretary wrote.", ["Sam Okoro"]),
        ("Dr. Anke Wulff, Hafenstraße 7, 24103 Kiel", ["Anke Wulff", "Hafenstraße 7", "24103 Kiel"]),
        ("Ludwig van Beethoven lived at 14 Quay Street.", ["Ludwig van Beethoven", "14 Quay Street"]),
        ("J. R. R. Tolkien and Paula Modersohn-Becker", ["J. R. R. Tolkien", "Paula Modersohn-Becker"]),
        ("On Monday 3 June it cost €12, write to Ann@Bell.example", []),
        ("Мария Ивановна уехала в Париж", ["Мария Ивановна", "Париж"]),
        ("Ruth Ellison of Halton", ["Ruth Ellison of Halton", "Ruth Ellison", "Halton"]),
        ("馆长王丽华主持会议", []),
        ("nothing here", []),
    ],
)
def test_runs_of_capitals_are_candidates(text: str, found: list[str]) -> None:
    assert list(candidates(text)) == found


def test_a_person_has_the_short_name_and_a_place_the_long_one() -> None:
    of_halton = Judged("Ruth Ellison of Halton", "people", 0.9)
    assert without_parts("people", [of_halton, Judged("Ruth Ellison", "people", 0.8)]) == (
        Judged("Ruth Ellison", "people", 0.8),
    )
    island = Judged("Isle of Man", "places", 0.9)
    assert without_parts("places", [island, Judged("Man", "places", 0.8), Judged("Isle", "", 0.8)]) == (island,)


def test_what_is_not_likelier_than_not_is_left_out() -> None:
    assert without_parts("people", [Judged("Labour", "people", 0.4), Judged("Ruth", "places", 0.9)]) == ()


def test_a_date_within_a_name_makes_it_none() -> None:
    assert is_of_other_form("6月12日晚10点") and is_of_other_form("Tel. 08161 555 0187")
    assert not is_of_other_form("磨坊路9号")


@pytest.mark.parametrize("code", ["en", "zh", "de", "ru"])
def test_each_name_is_asked_about_in_its_sentence_behind_the_same_examples(code: str) -> None:
    first, second = openings(code, [("Anna", "Anna sang."), ("Otto", "Otto left.")])
    assert first.messages[:-1] == second.messages[:-1] and first.app_messages == len(first.messages) - 1
    assert "“Anna”" in first.messages[-1].content and "Anna sang." in first.messages[-1].content


def test_kinds_are_told_apart() -> None:
    engine = ExtractEngine(people=["Anna"], places=["Kiel"])
    found = judge(engine, "en", [(name, "x") for name in ("Anna", "Kiel", "Labour")], cancel=threading.Event())
    assert [(one.text, one.kind) for one in found] == [("Anna", "people"), ("Kiel", "places"), ("Labour", "")]
    assert judge(engine, "en", [], cancel=threading.Event()) == ()
