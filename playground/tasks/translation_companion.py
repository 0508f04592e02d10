"""Translation by a model that does nothing else (Marian, NLLB, mBART), beside the language model.

Owns how our languages are called by such a model, and which pair a model of one pair is for. Knows no guard.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from playground.engine.companion import Companion
from playground.engine.recording import RecordingStopped
from playground.errors import InvalidInput
from playground.tasks.translation_prompts import Sentence, most_new_tokens
from playground.tasks.translation_writer import Draft, OnText
from playground.text.languages import language

BEAMS = 4
_PAIR_IN_NAME = re.compile(r"opus-mt(?:-tc-big|-tc-base|_tiny)?-([a-z]{2,3})-([a-z]{2,3})$", re.IGNORECASE)
_TAG = re.compile(r"\W*([A-Za-z]{2,3})(?:_\w+)?\W*")

Using = Callable[[], AbstractContextManager[Companion]]
"""Gives the opened model for as long as it is used: `lambda: companions.using(spec)`."""


class CompanionWriter:
    """A SentenceWriter, one sentence a call."""

    def __init__(self, using: Using) -> None:
        self._using = using

    @property
    def earlier(self) -> int:
        """None: these models drop sentences where they are given several."""
        return 0

    def ways(self, target: str) -> tuple[str, ...]:
        """Greedily, then with several beams: a model that went wrong one way seldom does so the other."""
        return ("greedy", "beams")

    def candidates(self, source: str, target: str) -> tuple[str, ...]:
        """None: such a model is sure of what it writes, and has one place."""
        return ()

    def write(self, sentence: Sentence, way: str, cancel: threading.Event, on_text: OnText, seed: int = 0) -> Draft:
        """See SentenceWriter. Raises InvalidInput for a direction that is not the model's."""
        with self._using() as companion:
            codes = language_codes(companion, sentence.source, sentence.target)
            try:
                written = companion.generate(
                    sentence.text,
                    max_new_tokens=min(512, most_new_tokens(sentence.text)),
                    source_language=codes[0],
                    target_language=codes[1],
                    beams=BEAMS if way == "beams" else 1,
                    cancel=cancel,
                    on_text=on_text,
                )
            except RecordingStopped:
                return Draft("", cancelled=True)
        return Draft(
            written.text.strip(), math.exp(written.logprob), cut=not written.complete, new_tokens=len(written.token_ids)
        )


def language_codes(companion: Companion, source: str, target: str) -> tuple[str, str]:
    """What the model calls both languages, "" where it need not be told. Raises InvalidInput."""
    pair = _PAIR_IN_NAME.search(companion.spec.hub_repo or companion.spec.id)
    known = companion.languages
    if pair is not None and not known and (pair[1].lower(), pair[2].lower()) != (source, target):
        raise InvalidInput(
            f"{companion.spec.name} translates from {_name(pair[1])} to {_name(pair[2])} alone. Choose these "
            "languages, or another model."
        )
    if not known:
        return "", ""
    return _code(known, source), _code(known, target, needed=companion.spec.name)


def _code(known: tuple[str, ...], code: str, needed: str = "") -> str:
    """The one of a model's codes for a language: "fra_Latn", ">>fra<<", "fr_XX", "fr"."""
    one = language(code)
    if one.flores in known:
        return one.flores
    for tag in known:
        if (found := _TAG.fullmatch(tag)) and found[1].lower() in (one.code, one.flores[:3]):
            return tag
    if needed:
        raise InvalidInput(f"{needed} does not know {one.english}. Choose another language or another model.")
    return ""


def _name(code: str) -> str:
    try:
        return language(code).english
    except InvalidInput:
        return code
