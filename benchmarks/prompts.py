"""Prompts of a wished length, cut from a text in the public domain.

Pure but for reading that text. Knows no tokenizer: whoever wants a length in tokens brings a way to count.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from pathlib import Path

TEXT = Path(__file__).resolve().parent / "texts" / "jargon_file.txt"
SHORT = "Explain in detail how a bicycle works."
QUESTIONS = (
    SHORT,
    "Write a story about a lighthouse keeper and a whale.",
    "How is bread made? Describe every step.",
    "Describe the history of the printing press.",
    "Explain how a computer adds two numbers.",
    "Write a long letter from a sailor to his sister.",
    "What should one know before climbing a mountain?",
    "Describe a day in a small town by the sea.",
)
FOLLOW_UP = "Which of these points matters most, and why?"

Turns = list[dict[str, str]]
"""Messages as they travel between processes: `role` and `content`."""


@cache
def text() -> str:
    """The whole text, one line a paragraph."""
    return TEXT.read_text("utf-8")


@cache
def _words() -> list[tuple[int, int]]:
    """Where each word of the text begins and ends."""
    return [match.span() for match in re.finditer(r"\S+", text())]


def word_count() -> int:
    """Words of the whole text."""
    return len(_words())


def passage(words: int, *, start: int = 0) -> str:
    """`words` words of the text from word `start` on, paragraphs kept."""
    spans = _words()[start : start + words]
    return text()[spans[0][0] : spans[-1][1]] if spans else ""


def question_alone(question: str) -> Turns:
    """A conversation that begins with a short question."""
    return [{"role": "user", "content": question}]


def reading(task: str, words: int, *, opening: str, start: int = 0) -> Turns:
    """`task` over a passage. `opening` are the first words of the conversation, so that two of them share no prefix."""
    return [
        {"role": "system", "content": f"{opening} You are a helpful assistant."},
        {"role": "user", "content": f"{task}\n\n{passage(words, start=start)}"},
    ]


def longest(limit: int, count: Callable[[int], int], most_words: int) -> int:
    """The most words, up to `most_words`, for which `count(words)` tokens are at most `limit`."""
    return bisect_right(range(most_words + 1), limit, key=count) - 1
