"""What a translation is asked for, what happens while it is made, and what comes of it. Words only, no work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playground.tasks.glossary import Term, TermUse
from playground.tasks.translation_guards import Problem
from playground.text.languages import Guess
from playground.text.sentences import Skeleton

Kept = Literal["", "no words", "already"]
"""Why a sentence was left as it is: it has no words, or it is in the wanted language already."""
Sureness = Literal["sure", "fairly sure", "unsure"]

SURE, FAIRLY_SURE = 0.67, 0.5
"""Mean probability of a token from which on a model seems sure. A hint: over 336 sentences of a small model chrF++ was
46 on average where it seemed sure, 41 and 35 in the classes below; the correlation is 0.3."""


@dataclass(frozen=True)
class TranslationJob:
    """Texts (of one document) to be translated into `target`; `source` None: whatever it turns out to be.

    `join_lines`: the text was wrapped at a fixed width, a sentence goes on in the next line. `careful`: every sentence
    is written in several ways and the one taken that agrees most with the others, which takes several times as long;
    a text that is short enough for one batch gets that anyway.
    """

    texts: tuple[str, ...]
    target: str
    source: str | None = None
    glossary: tuple[Term, ...] = ()
    join_lines: bool = False
    careful: bool = False


@dataclass(frozen=True)
class TranslatedSentence:
    """One sentence and its translation."""

    source: str
    text: str
    problems: tuple[Problem, ...] = ()
    """What the guards still find, the worst first: the badges of this sentence."""
    lost: tuple[str, ...] = ()
    """Placeholders, addresses and tags that are not in the translation, or too often."""
    numbers: tuple[str, ...] = ()
    """Numbers of the source that the translation does not say."""
    terms: tuple[TermUse, ...] = ()
    probability: float | None = None
    """Mean probability of a token, geometric; None where the model does not say."""
    tries: int = 1
    kept: Kept = ""
    cancelled: bool = False

    @property
    def sureness(self) -> Sureness | None:
        """`probability` in plain words."""
        if self.probability is None:
            return None
        return "sure" if self.probability >= SURE else "fairly sure" if self.probability >= FAIRLY_SURE else "unsure"


@dataclass(frozen=True)
class Started:
    """The text is cut. `guess`: what the source language was detected as, None where it was given."""

    source: str
    target: str
    guess: Guess | None
    skeletons: tuple[Skeleton, ...]
    sentences: int


@dataclass(frozen=True)
class Writing:
    """The first sentence that is not done yet grows. `shown`: all of the first text up to there."""

    index: int
    text: str
    shown: str


@dataclass(frozen=True)
class SentenceDone:
    """Sentence `index`, counted through all texts, is done; `done` of `total` are. `shown` as in Writing."""

    index: int
    sentence: TranslatedSentence
    done: int
    total: int
    shown: str


@dataclass(frozen=True)
class Translation:
    """What came of a job. A sentence that was not reached is None, and stands untranslated in its text."""

    texts: tuple[str, ...]
    source: str
    target: str
    sentences: tuple[TranslatedSentence | None, ...]
    cancelled: bool = False
    error: str = ""
    """The sentence of the error that ended it early; what was done is kept."""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The first text, for jobs of one."""
        return self.texts[0] if self.texts else ""

    @property
    def changed(self) -> int:
        """Sentences that read differently now."""
        return sum(1 for one in self.sentences if one is not None and one.text != one.source)


@dataclass(frozen=True)
class Finished:
    """The last event of every job."""

    translation: Translation


Event = Started | Writing | SentenceDone | Finished
