"""Where attention rests, for models that put marks around every text; and blanks that are tokens of their own."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.attention.sink import RESTING_SHARE, resting_places
from playground.attention.words import Word, with_blanks, words


def average(*weights: float) -> torch.Tensor:
    return torch.tensor(weights)


def test_marks_that_gather_much_more_than_their_share_are_resting_places() -> None:
    assert resting_places(average(0.4, 0.1, 0.05, 0.05, 0.05, 0.35), (0, 5)) == (0, 5)
    assert resting_places(average(0.55, 0.1, 0.1, 0.1, 0.1, 0.05), (0, 5)) == (0,)


def test_words_are_no_resting_places_and_even_attention_rests_nowhere() -> None:
    assert resting_places(average(0.05, 0.8, 0.05, 0.05, 0.05), (0, 4)) == ()
    assert resting_places(torch.full((3,), 1 / 3), (0, 2)) == ()
    assert resting_places(average(0.12, *[0.88 / 19] * 19), (0,)) == (), "more than its share, but little"
    assert resting_places(average(1.0), ()) == ()


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30), st.sets(st.integers(0, 29)))
def test_what_rests_is_always_among_the_marks_and_has_enough(weights: list[float], marks: set[int]) -> None:
    row = torch.tensor(weights) / sum(weights)
    marks = {mark for mark in marks if mark < len(row)}
    found = resting_places(row, marks)
    assert set(found) <= marks and list(found) == sorted(found)
    assert not found or float(row[list(found)].sum()) >= RESTING_SHARE - 1e-5


def test_a_blank_that_is_a_token_belongs_to_the_word_behind_it() -> None:
    texts = ["Le", " ", "pe", "tit", " chat", "</s>"]
    found = with_blanks(words(texts, alone=frozenset({5})), alone=frozenset({5}))
    assert [word.text for word in found] == ["Le", " petit", " chat", "</s>"]
    assert [(word.start, word.stop) for word in found] == [(0, 1), (1, 4), (4, 5), (5, 6)]


def test_a_blank_before_a_mark_or_at_the_end_stays_alone() -> None:
    assert [word.text for word in with_blanks((Word(0, 1, " "), Word(1, 2, "</s>")), alone=frozenset({1}))] == [
        " ", "</s>",
    ]  # fmt: skip
    assert with_blanks((Word(0, 1, "a"), Word(1, 2, " "))) == (Word(0, 1, "a"), Word(1, 2, " "))
    assert with_blanks(()) == ()
