"""Sub-tokens become words, and nothing of the weights is lost on the way."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention.words import read_by_words, read_from_words, same_word_ids, words


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["The", " un", "believ", "able", " cat", "."], ["The", " unbelievable", " cat", "."]),
        (["don", "'t", " stop"], ["don't", " stop"]),
        (["I", "’", "m"], ["I’m"]),
        (["3", ".", "14", ",", " 2"], ["3.14", ",", " 2"]),
        (["end", ".", "Next"], ["end", ".", "Next"]),
        (["wait", ".", ".", ".", "\n", "\n", "Go"], ["wait", "...", "\n\n", "Go"]),
        (["我", "爱", "你", "。"], ["我", "爱", "你", "。"]),
        (["我们", "爱"], ["我们", "爱"]),
        (["中", "GPU", "卡"], ["中", "GPU", "卡"]),
        (["हि", "न्", "दी", " भाषा"], ["हिन्दी", " भाषा"]),
        (["caf", "e", "\u0301", " x"], ["cafe\u0301", " x"]),
        ([" ", " ", "x"], ["  ", "x"]),
        (["snake", "_", "case", "(", ")", ":"], ["snake_case", "():"]),
        (["", "", "😀", "a"], ["😀", "a"]),
        (["a", "\ufffd", "\ufffd", "b"], ["a", "\ufffd\ufffd", "b"]),
        (["a", "", ""], ["a"]),
        ([], []),
    ],
)
def test_tokens_are_joined_to_words(texts: list[str], expected: list[str]) -> None:
    assert [word.text for word in words(texts)] == expected


def test_marks_of_a_chat_stay_alone() -> None:
    texts = ["<|im", "_start|>", "user", "\n"]
    found = words(["<|start|>", "user", "<", "|end|>"], alone=frozenset({0, 3}))
    assert [word.text for word in found] == ["<|start|>", "user", "<", "|end|>"]
    assert len(words(texts)) < len(texts)


def test_bytes_of_one_character_are_joined_by_their_offsets() -> None:
    texts, offsets = ["\ufffd"] * 8, [(0, 1)] * 4 + [(1, 2)] * 4
    assert [(word.start, word.stop) for word in words(texts, offsets=offsets)] == [(0, 8)]
    shown = ["你", "x", "y", "z"]
    assert [word.stop for word in words(shown, offsets=[(0, 1), (0, 1), (1, 2), (2, 3)])] == [4]
    assert [word.stop for word in words(["我", "你"], offsets=[(0, 1), (1, 2)])] == [1, 2]


PIECES = st.sampled_from(
    ["", " ", "a", " b", "'s", ".", "\n", "你", "\ufffd", "\u202e", "<script>", "1", ",", "é", "🎉"]
)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(PIECES, max_size=12), alone=st.frozensets(st.integers(0, 11)))
def test_every_token_is_in_one_word(texts: list[str], alone: frozenset[int]) -> None:
    found = words(texts, alone=alone)
    assert [index for word in found for index in range(word.start, word.stop)] == list(range(len(texts)))
    assert "".join(word.text for word in found) == "".join(texts)
    for word in found:
        assert word.stop - word.start == 1 or not alone & set(range(word.start, word.stop))


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(PIECES, min_size=1, max_size=12), seed=st.integers(0, 99))
def test_sums_stay_when_words_are_made(texts: list[str], seed: int) -> None:
    found = words(texts)
    weights = torch.rand(2, len(texts), len(texts), generator=torch.Generator().manual_seed(seed))
    from_words = read_from_words(weights, found)
    assert from_words.shape == (2, len(texts), len(found))
    torch.testing.assert_close(from_words.sum(-1), weights.sum(-1))
    by_words = read_by_words(from_words, found)
    for number, word in enumerate(found):
        torch.testing.assert_close(by_words[:, number], from_words[:, word.start : word.stop].mean(1))


def test_words_of_another_text_are_refused() -> None:
    with pytest.raises(ValueError, match="tokens"):
        read_from_words(torch.rand(3, 3), words(["a", " b"]))


def test_the_same_word_has_the_same_number() -> None:
    ids = same_word_ids(["The", " the", " cat", "\n", " ", "", "", "\ufffd", "\ufffd", "THE "])
    assert ids[0] == ids[1] == ids[9]
    assert len(set(ids)) == 8, "pieces of characters are like nothing else"
