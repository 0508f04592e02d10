"""What a model is given to read so that it translates one sentence: messages, the start of the answer, the sampling.

Owns the wording and the examples. Knows no engine and no guard. Which way suits which model and direction was measured;
docs/quality.md has the figures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from playground.messages import Message, Prefix, SamplingParams
from playground.tasks.glossary import Term
from playground.text.languages import language

Way = Literal["plain", "examples", "list"]
"""One line that asks for a translation; examples as turns of a conversation; pairs of lines, which a base model goes on
with."""

EXAMPLES_FILE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "translation_examples.json"
_SYSTEM = (
    "You are a professional translator",
    "Translate every message from {source} to {target}",
    "Answer with the translation only",
)
_OPENING = "Write the sentences in {source} and in {target}"
EXAMPLES = 3
LIST_EXAMPLES = 5


@dataclass(frozen=True)
class Sentence:
    """One sentence to be translated."""

    text: str
    source: str
    target: str
    terms: tuple[Term, ...] = ()
    """Of the glossary, those that occur in it."""


@dataclass(frozen=True)
class Ask:
    """What the engine is asked. The first `app_messages` are the app's own text; the answer starts with `prefix`."""

    messages: tuple[Message, ...]
    app_messages: int
    params: SamplingParams
    prefix: Prefix = Prefix()


def ask(sentence: Sentence, way: Way, params: SamplingParams) -> Ask:
    """The question for one sentence. `params` gets the stop string of the way."""
    if way == "plain":
        return Ask((Message("user", f"{_task(sentence)}: {sentence.text}{_wishes(sentence)}"),), 0, params)
    return _as_turns(sentence, params) if way == "examples" else _as_list(sentence, params)


def most_new_tokens(text: str) -> int:
    """A bound for the answer's length: no token is shorter than a byte, no translation three times as long."""
    return min(1024, 48 + 2 * len(text.encode("utf-8", "replace")))


@cache
def _examples() -> tuple[dict[str, str], ...]:
    return tuple(json.loads(EXAMPLES_FILE.read_text("utf-8")))


def example_pairs(sentence: Sentence, count: int) -> list[tuple[str, str]]:
    """Sentences with their translations, where both languages are among the app's."""
    codes = sentence.source, sentence.target
    rows = [row for row in _examples()[:count] if all(code in row for code in codes)]
    return [(row[sentence.source], row[sentence.target]) for row in rows]


def _task(sentence: Sentence) -> str:
    return f"Translate from {language(sentence.source).english} to {language(sentence.target).english}"


def _wishes(sentence: Sentence) -> str:
    """The glossary's terms, behind the text: what comes last is followed best by small models."""
    if not sentence.terms:
        return ""
    return "\n\n(" + "; ".join(f"{term.source} = {term.target}" for term in sentence.terms) + ")"


def _as_turns(sentence: Sentence, params: SamplingParams) -> Ask:
    names = language(sentence.source).english, language(sentence.target).english
    system = ". ".join(part.format(source=names[0], target=names[1]) for part in _SYSTEM) + "."
    messages = [Message("system", system)]
    for source, target in example_pairs(sentence, EXAMPLES):
        messages += [Message("user", source), Message("assistant", target)]
    own = len(messages)
    return Ask((*messages, Message("user", sentence.text + _wishes(sentence))), own, params)


def _as_list(sentence: Sentence, params: SamplingParams) -> Ask:
    """Pairs of lines in the very answer that is to be continued: a base model does not know the turns of a chat."""
    names = language(sentence.source).english, _label(sentence)
    pairs = [*example_pairs(sentence, LIST_EXAMPLES), *((term.source, term.target) for term in sentence.terms)]
    lines = [f"{names[0]}: {source}\n{names[1]}: {target}" for source, target in pairs]
    lines.append(f"{names[0]}: {sentence.text}\n{names[1]}:")
    opening = _OPENING.format(source=names[0], target=language(sentence.target).english) + "."
    return Ask((Message("user", opening),), 1, params, Prefix(text="\n" + "\n\n".join(lines)))


def _label(sentence: Sentence) -> str:
    """What the target is called in front of its lines: in its own language where that keeps a model in it."""
    target = language(sentence.target)
    return target.native if target.native[:1].isascii() else target.english
