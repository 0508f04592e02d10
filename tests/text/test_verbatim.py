"""Stretches of whole words: nothing is lost, nothing is cut in two, and the rule matches them alone."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.verbatim import chunks, copy_rule


@given(text=st.text())
def test_joined_the_chunks_are_the_text(text: str) -> None:
    assert "".join(chunks(text)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Ms. O'Hara paid €3,400.50.", ["Ms", ".", " ", "O", "'", "Hara", " ", "paid", " ", "€", "3,400.50", "."]),
        ("北京2008年", ["北", "京", "2008", "年"]),
        ("東京タワー is 高い", ["東", "京", "タ", "ワ", "ー", " ", "is", " ", "高", "い"]),
        ("e\u0301te\u0301 👩🏽‍🚀!", ["e\u0301", "te\u0301", " ", "👩🏽‍🚀", "!"]),
        ("at 10:45", ["at", " ", "10:45"]),
        ("", []),
    ],
)
def test_words_numbers_and_signs_stay_whole(text: str, pieces: list[str]) -> None:
    assert chunks(text) == pieces


@given(text=st.text(alphabet='ab "\\\n\t\x00é京/'))
def test_between_quotation_marks_any_stretch_is_json(text: str) -> None:
    body = json.loads(copy_rule(text, quoted=True).removeprefix("%regex "))
    pieces = body["substring_chunks"]
    for start in range(len(pieces)):
        assert json.loads('"' + "".join(pieces[start:]) + '"') in text


def test_a_rule_is_one_line_of_lark() -> None:
    assert re.fullmatch(r"%regex \{.*\}", copy_rule("a\nb"))
