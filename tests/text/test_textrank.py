"""The extractive summary: the source's own sentences, in its order, without repetitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text import textrank as module
from playground.text.textrank import summarize, textrank

TEXT = (
    "The old bridge over the river is going to be repaired next year. The town will pay for the bridge and the road "
    "to the river. Apples were cheap this week. The repaired bridge will carry buses over the river again. "
    "Nobody was hurt in the storm on Monday. The old bridge over the river is going to be repaired next year!"
)


def test_the_sentence_that_most_others_speak_of_is_chosen() -> None:
    (best,) = summarize(TEXT, 1)
    assert best.text == "The old bridge over the river is going to be repaired next year."
    assert TEXT[best.start : best.end] == best.text


def test_sentences_come_in_order_and_are_not_repeated() -> None:
    chosen = summarize(TEXT, 4)
    assert [one.start for one in chosen] == sorted(one.start for one in chosen)
    assert sum("going to be repaired" in one.text for one in chosen) == 1


def test_a_focus_draws_the_walk() -> None:
    assert summarize(TEXT, 1, focus="How much do apples cost?")[0].text == "Apples were cheap this week."


def test_chinese_is_summarised_too() -> None:
    text = "这座老桥明年要修。市里会出钱修老桥和路。今天苹果很便宜。修好的老桥可以走公共汽车。"
    assert "桥" in summarize(text, 1, language="zh")[0].text


def test_a_text_shorter_than_its_summary_is_given_whole_and_an_empty_one_empty() -> None:
    assert [one.text for one in summarize("One sentence only.", 3)] == ["One sentence only."]
    assert summarize("", 3) == () and textrank([]).shape == (0,)


def test_a_text_in_blocks_is_ranked_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_SENTENCES", 4)
    sentences = ["The bridge is repaired.", "The bridge is old.", "Rain fell.", "A bridge over water."] * 5
    assert textrank(sentences).sum() == pytest.approx(1)


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=8), st.text(max_size=20))
def test_ranks_are_shares_for_any_sentences(sentences: list[str], focus: str) -> None:
    ranks = textrank(sentences, focus)
    assert ranks.shape == (len(sentences),)
    assert not sentences or (np.all(ranks >= 0) and ranks.sum() == pytest.approx(1))
