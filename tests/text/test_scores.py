"""Scores against a reference: ROUGE by hand, chrF++ by sacrebleu, differences that join to both texts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.scores import chrf, longest_common, mean_rouge, rouge, word_difference


def test_rouge_counts_shared_words_pairs_and_the_longest_run_in_order() -> None:
    found = rouge("The cat sat on the mat", "the cat lay on a mat")
    assert found.one.precision == pytest.approx(4 / 6) and found.one.recall == pytest.approx(4 / 6)
    assert found.two.f1 == pytest.approx(1 / 5)
    assert found.longest.f1 == pytest.approx(4 / 6)


def test_a_word_counts_only_as_often_as_in_both() -> None:
    assert rouge("the the the", "the cat").one.precision == pytest.approx(1 / 3)


@pytest.mark.parametrize("text", ["今天天气很好", "Погода хорошая", "l'été à Orléans", "今日はいい天気"])
def test_a_text_equals_itself_in_any_script(text: str) -> None:
    found = rouge(text, text)
    assert found.one.f1 == found.two.f1 == found.longest.f1 == 1


def test_chinese_is_compared_by_letters() -> None:
    assert rouge("天气很好", "天气不好").one.f1 == pytest.approx(3 / 4)


def test_empty_texts_score_nothing() -> None:
    assert rouge("", "x").one.f1 == rouge("x", "").longest.f1 == rouge("", "").two.f1 == 0
    assert mean_rouge([], []).one.f1 == 0 and chrf([], []) == 0


def test_the_mean_is_over_pairs_and_lengths_have_to_match() -> None:
    assert mean_rouge(["a", "b"], ["a", "x"]).one.f1 == pytest.approx(0.5)
    for measure in (mean_rouge, chrf):
        with pytest.raises(ValueError):
            measure(["a"], [])


def test_chrf_is_a_hundred_for_the_reference_and_falls_with_distance() -> None:
    reference = ["The weather is nice today."]
    near, far = chrf(["The weather is fine today."], reference), chrf(["Nothing of the kind."], reference)
    assert chrf(reference, reference) == pytest.approx(100)
    assert 100 > near > far > 0


@settings(deadline=None)
@given(st.text("ab 中文,\n", max_size=60), st.text("ab 中文,\n", max_size=60))
def test_the_pieces_of_a_difference_join_to_both_texts(first: str, second: str) -> None:
    changes = word_difference(first, second)
    assert "".join(change.text for change in changes if change.kind != "added") == first
    assert "".join(change.text for change in changes if change.kind != "removed") == second


def test_a_difference_is_by_words_and_by_letters_in_chinese() -> None:
    assert [(one.kind, one.text) for one in word_difference("a big cat", "a small cat")] == [
        ("same", "a "), ("removed", "big"), ("added", "small"), ("same", " cat"),
    ]  # fmt: skip
    assert [one.kind for one in word_difference("天气很好", "天气不好")] == ["same", "removed", "added", "same"]


@settings(deadline=None)
@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_longest_common_run_is_bounded_and_symmetric(first: str, second: str) -> None:
    length = longest_common(first, second)
    assert length == longest_common(second, first) <= min(len(first), len(second))
    assert longest_common(first, first) == len(first)
