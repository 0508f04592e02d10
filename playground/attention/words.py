"""Words instead of sub-tokens: which tokens make a word, and weights between words.

Owns the grouping of tokens and the two sums over it: what is read from a word is the sum over its tokens, what a word
reads is the mean over its tokens. Knows texts and numbers, no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Scripts that write no spaces between words, each character for itself: Thai, Lao, Burmese, Khmer, Chinese, Japanese.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Vowel signs and accents, which Python's \w leaves out: Latin, Hebrew, Arabic, the scripts of India, joiners.
_MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u200c\u200d"
_LETTER = rf"(?:[^\W{_SPACELESS}]|[{_MARKS}])"
_WORD = re.compile(
    rf"[{_SPACELESS}]|\ufffd+"
    # "don't" and "3.14" are one word each.
    rf"|{_LETTER}(?:{_LETTER}|['’](?={_LETTER})|(?<=\d)[.,](?=\d))*"
    r"|(?:(?!\ufffd)[^\w\s])+"
    r"|[^\S\n]+|\n+"
)


@dataclass(frozen=True)
class Word:
    """Tokens `start` to `stop` (not included) that make one word, and their text."""

    start: int
    stop: int
    text: str


def words(
    texts: Sequence[str],
    *,
    offsets: Sequence[tuple[int, int]] | None = None,
    alone: frozenset[int] = frozenset(),
) -> tuple[Word, ...]:
    """The words that the tokens `texts` make, in order; together they hold every token once.

    A token with the text "" is the beginning of a character that a later one completes. `offsets` are the characters
    [start, stop) that each token covers in the text: tokens that cover the same character belong together. The tokens
    `alone` (a chat template's marks) never join others.
    """
    starts = _starts(texts)
    inside = {place for match in _WORD.finditer("".join(texts)) for place in range(match.start() + 1, match.end())}
    groups: list[list[int]] = []
    for index in range(len(texts)):
        joined = index > 0 and (
            texts[index - 1] == ""
            or (texts[index] != "" and starts[index] in inside)
            or (offsets is not None and _share_a_character(offsets[index - 1], offsets[index]))
        )
        # Beginnings of a character at the very end have nothing to wait for.
        joined = joined or (index > 0 and not any(texts[index:]))
        if joined and not alone & {index - 1, index}:
            groups[-1].append(index)
        else:
            groups.append([index])
    return tuple(Word(group[0], group[-1] + 1, "".join(texts[group[0] : group[-1] + 1])) for group in groups)


def with_blanks(of: Sequence[Word], *, alone: frozenset[int] = frozenset()) -> tuple[Word, ...]:
    """The same words, where blanks that are tokens of their own belong to the word behind them: sentencepiece cuts the
    blank off a word that it does not know. The tokens `alone` never join others."""
    joined: list[Word] = []
    for word in of:
        before = joined[-1] if joined else None
        joins = word.start not in alone and not word.text[:1].isspace()
        if before is not None and before.text == " " and joins:
            joined[-1] = Word(before.start, word.stop, before.text + word.text)
        else:
            joined.append(word)
    return tuple(joined)


def read_from_words(weights: Tensor, of: Sequence[Word]) -> Tensor:
    """[..., K] -> [..., words]: what is read from a word is the sum over its tokens. Sums of rows stay."""
    return torch.zeros(*weights.shape[:-1], len(of)).index_add_(-1, _numbers(of, weights.shape[-1]), weights)


def read_by_words(weights: Tensor, of: Sequence[Word]) -> Tensor:
    """[..., T, K] -> [..., words, K]: what a word reads is the mean over its tokens."""
    shape = (*weights.shape[:-2], len(of), weights.shape[-1])
    sums = torch.zeros(shape).index_add_(-2, _numbers(of, weights.shape[-2]), weights)
    return sums / torch.tensor([float(word.stop - word.start) for word in of]).unsqueeze(1)


def same_word_ids(texts: Sequence[str]) -> list[int]:
    """A number for each token, equal where the tokens are the same word: spaces around it and capitals do not count.
    Pieces of a character are like nothing else."""
    numbers: dict[str | int, int] = {}
    keys = (text.strip().casefold() or text for text in texts)
    return [numbers.setdefault(key if key.strip("\ufffd") else index, index) for index, key in enumerate(keys)]


def _starts(texts: Sequence[str]) -> list[int]:
    starts, place = [], 0
    for text in texts:
        starts.append(place)
        place += len(text)
    return starts


def _share_a_character(before: tuple[int, int], after: tuple[int, int]) -> bool:
    return before[0] < before[1] and after[0] < after[1] and after[0] < before[1]


def _numbers(of: Sequence[Word], tokens: int) -> Tensor:
    """int64 [tokens]: the word that each token belongs to. Raises ValueError if the words do not hold every token
    once."""
    numbers = [number for number, word in enumerate(of) for _ in range(word.start, word.stop)]
    if len(numbers) != tokens:
        raise ValueError(f"the words have {len(numbers)} tokens, the weights {tokens}")
    return torch.tensor(numbers, dtype=torch.long)
