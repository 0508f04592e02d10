"""Glossaries: how they are read, which terms a sentence has, which of them a translation uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.tasks.glossary import MOST_TERMS, Term, read_glossary, terms_in, uses_of, write_in


@pytest.mark.parametrize(
    "line", ["heat pump = Wärmepumpe", "heat pump\tWärmepumpe", "heat pump -> Wärmepumpe", "heat pump;Wärmepumpe",
             'heat pump,Wärmepumpe', '"heat pump",Wärmepumpe']
)  # fmt: skip
def test_a_line_may_be_written_in_any_usual_way(line: str) -> None:
    assert read_glossary(line) == (Term("heat pump", "Wärmepumpe"),)


def test_rows_of_a_table_are_read_and_empty_ones_passed_over() -> None:
    rows = [["cat", "Katze"], ["", "x"], [None, None], ["Acme"], [], ["# a comment"], ["CAT", "Kater"]]
    assert read_glossary(rows) == (Term("CAT", "Kater"), Term("Acme", "Acme"))


def test_too_many_terms_and_too_long_ones_are_refused_with_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="most"):
        read_glossary("\n".join(f"word{number} = wort" for number in range(MOST_TERMS + 1)))
    with pytest.raises(InvalidInput, match="Shorten"):
        read_glossary("x" * 300 + " = y")


def test_a_term_is_a_whole_word_and_the_longer_one_wins() -> None:
    glossary = read_glossary("pump = Pumpe\nheat pump = Wärmepumpe\nart = Kunst")
    assert [term.source for term in terms_in("Heat pumps start quietly.", glossary)] == ["heat pump"]
    assert [term.source for term in terms_in("A pump is art.", glossary)] == ["pump", "art"]


def test_a_chinese_term_needs_no_word_border() -> None:
    glossary = read_glossary("热泵 = heat pump")
    assert terms_in("新的热泵很安静。", glossary) == glossary


@pytest.mark.parametrize(
    ("translation", "used"),
    [("Die Wärmepumpe ist neu.", True), ("Zwei Wärmepumpen.", True), ("Die Pumpe ist neu.", False), ("", False)],
)
def test_a_term_is_used_also_where_it_is_inflected(translation: str, used: bool) -> None:
    (use,) = uses_of([Term("heat pump", "Wärmepumpe")], translation)
    assert use.used is used


def test_terms_can_be_written_into_the_sentence_itself() -> None:
    terms = (Term("heat pump", "Wärmepumpe"), Term("热泵", "heat pump"))
    assert write_in("The Heat pump hums.", terms) == "The Wärmepumpe hums."
    assert write_in("热泵很安静", terms) == "heat pump很安静"


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=20), st.text(max_size=80))
def test_any_table_and_any_text_will_do(rows: list[tuple[str, str]], text: str) -> None:
    glossary = read_glossary(rows)
    found = terms_in(text, glossary)
    assert set(found) <= set(glossary)
    assert len(uses_of(found, text)) == len(found)
    write_in(text, found)
