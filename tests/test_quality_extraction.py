"""The arithmetic of the extraction figures; no model runs here."""

from __future__ import annotations

from benchmarks.quality_extraction import Count, Measured, read_texts, result_of
from playground.text.places import TextPlaces

TEXT = "Captain Erik Dahl of Bergen met Liv Hansen."


def test_a_title_before_a_name_is_no_mistake_and_a_name_made_up_is_counted() -> None:
    count = Count()
    count.add(TEXT, ["Captain Erik Dahl", "Napoleon"], ["Erik Dahl", "Liv Hansen"])
    assert (count.precision, count.recall, count.absent) == (0.5, 0.5, 1)


def test_finding_nothing_where_there_is_nothing_is_perfect() -> None:
    count = Count()
    count.add(TEXT, [], [])
    assert (count.precision, count.recall, count.f1) == (1.0, 1.0, 1.0)


def test_inventing_anything_misses_the_figure() -> None:
    good, bad = Measured("smollm2-135m-instruct"), Measured("qwen2.5-coder-0.5b-instruct")
    good.kinds["en", "people"] = Count(1, 1, 1, 1, 0)
    bad.kinds["en", "people"] = Count(1, 2, 1, 1, 1)
    assert [figure.verdict for figure in result_of([good, bad], 1).figures] == ["reached", "missed"]


def test_every_label_stands_in_its_text() -> None:
    for one in read_texts():
        places = TextPlaces(one["text"])
        for kind in ("people", "places", "dates", "amounts", "emails", "phones"):
            for label in one[kind]:
                assert places.find(label).how == "exact", (kind, label)
