"""Words, terms and passages: the sentence that speaks of the same is found in any language."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.overlap import Passages, ngrams, terms, words

ENGLISH = [
    "The river floods the valley every spring.",
    "Its bridge was built in 1890 by two engineers.",
    "Farmers grow apples and pears near the village.",
]
CHINESE = ["这条河每年春天都会淹没山谷。", "这座桥建于1890年。", "村子附近种苹果和梨。"]


def test_words_are_lower_case_with_accents_and_letters_of_chinese_alone() -> None:
    assert words("Élan vital: don’t, 東京タワー 3,5!") == ["élan", "vital", "don", "t", *"東京タワー", "3", "5"]


def test_terms_are_beginnings_of_words_and_pairs_of_letters() -> None:
    assert terms("Walking walked 天气好 x 雨") == ["walki", "walke", "天气", "气好", "x", "雨"]
    assert ngrams([1, 2, 3], 2) == [(1, 2), (2, 3)] and ngrams(["a"], 2) == []


@pytest.mark.parametrize(
    ("passages", "query", "index"),
    [
        (ENGLISH, "When was the bridge built?", 1),
        (ENGLISH, "the farmer's apple", 2),
        (CHINESE, "桥是什么时候建的？1890年", 1),
        (CHINESE, "春天的河", 0),
    ],
)
def test_the_passage_that_carries_the_query_comes_first(passages: list[str], query: str, index: int) -> None:
    assert Passages(passages).best(query)[0].index == index


def test_a_passage_that_says_all_scores_one_and_one_that_says_nothing_zero() -> None:
    passages = Passages(ENGLISH)
    assert passages.scores(ENGLISH[0])[0] == pytest.approx(1)
    assert not passages.scores("quite unrelated")[:].any()
    assert passages.best("quite unrelated") == ()


def test_several_passages_together_cover_more_than_each() -> None:
    passages = Passages(ENGLISH)
    query = "apples near the bridge"
    assert passages.covered(query, [1, 2]) > max(passages.covered(query, [1]), passages.covered(query, [2]))
    assert passages.covered(query, []) == 0


def test_of_two_that_say_the_same_the_shorter_comes_first() -> None:
    passages = Passages(
        ["The bridge and many other things in a long sentence about the region.", "The bridge.", "Rain."]
    )
    assert [match.index for match in passages.best("bridge")] == [1, 0]


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=30))
def test_scores_are_shares_for_any_text(texts: list[str], query: str) -> None:
    scores = Passages(texts).scores(query)
    assert scores.shape == (len(texts),) and np.all(scores >= 0) and np.all(scores <= 1 + 1e-9)
    assert all(0 < match.score <= 1 + 1e-9 for match in Passages(texts).best(query))
