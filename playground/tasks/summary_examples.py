"""How a model is told what is wanted, in words and by examples, per language: read from assets/examples/.

The texts there are made up; nothing is measured with them. Knows no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playground.tasks.summary_request import Form, SummaryRequest

FILE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "summary_prompts.json"


@dataclass(frozen=True)
class Example:
    """A text, its summary in one sentence, and its statements in order of importance, each a sentence of its own."""

    text: str
    sentence: str
    points: tuple[str, ...]
    simple: tuple[str, ...]
    """The same in words that a child knows."""
    spaced: bool
    headline: str = ""

    def answer(self, request: SummaryRequest) -> str:
        """What `request` should give for the text."""
        if request.form == "sentence":
            return self.sentence
        points = (self.simple if request.form == "simple" else self.points)[: request.count]
        if request.is_list:
            return "\n".join(f"- {point}" for point in points)
        return (" " if self.spaced else "").join(points)


@dataclass(frozen=True)
class Headline:
    """How a headline is asked for before the sentence: the instruction, and what stands in front of each."""

    instruction: str
    first: str
    then: str

    def answer(self, example: Example) -> str:
        """What should be given for an example."""
        return f"{self.first} {example.headline}\n{self.then} {example.sentence}"

    def sentence_of(self, written: str) -> str:
        """What stands behind the headline, "" while it has not begun."""
        return written.partition(self.then)[2].strip()

    def headline_of(self, written: str) -> str:
        """The headline alone."""
        return written.partition(self.then)[0].removeprefix(self.first).strip()


@dataclass(frozen=True)
class Wording:
    """What is said in one language. `title` stands above a text; the others are templates for `str.format`."""

    title: str
    instructions: dict[Form, str]
    """By form; {count} is how many sentences or points are wanted."""
    questions: tuple[str, ...]
    """What is asked behind a text for one sentence, each another way."""
    focus: str
    avoid: str
    language: str
    headline: Headline
    news: tuple[Example, ...]
    """For one sentence as a newspaper prints it above an article."""
    examples: tuple[Example, ...]
    """For all other forms."""


@cache
def wording(code: str) -> Wording:
    """How to speak of a text in the language `code`: in Chinese of a Chinese one, else in English."""
    known: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))
    given = known.get(code, known["en"])
    spaced = code != "zh"
    return Wording(
        title=given["title"],
        instructions=given["instructions"],
        questions=tuple(given["questions"]),
        focus=given["focus"],
        avoid=given["avoid"],
        language=given["language"],
        headline=Headline(**given["headline"]),
        news=tuple(_example(one, spaced) for one in given["news"]),
        examples=tuple(_example(one, spaced) for one in given["examples"]),
    )


def _example(given: dict[str, Any], spaced: bool) -> Example:
    points, simple = tuple(given.get("points", ())), tuple(given.get("simple", ()))
    return Example(given["text"], given["sentence"], points, simple, spaced, given.get("headline", ""))
