"""What a model is given to read so that it translates one sentence: messages, the start of the answer, the sampling.

Owns the wording and the examples. Knows no engine and no guard. Which way suits which model and direction was measured;
docs/quality.md has the figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from playground.messages import Message, Prefix, SamplingParams
from playground.tasks.glossary import Term
from playground.text.languages import language

Way = Literal["plain", "examples", "list", "entry", "entries"]
"""One line that asks for a translation; examples as turns of a conversation; pairs of lines, which a base model goes on
with; an entry of a JSON file of translations, alone or behind others: models have read many such files."""

Pairs = Sequence[tuple[str, str]]
"""Sentences and their translations."""
EXAMPLES_FILE = Path(__file__).resolve().parents[2] / "assets" / "examples" / "translation_examples.json"
_SYSTEM = (
    "You are a professional translator",
    "Translate every message from {source} to {target}",
    "Answer with the translation only",
)
_OPENING = "Write the sentences in {source} and in {target}"
_FILE = "Write the file translations.json with sentences in {source} and {target}."
_STOPS: dict[Way, tuple[str, ...]] = {
    "plain": (), "examples": ("\n",), "list": ("\n",), "entry": ('"}', "\n"), "entries": ('"}', "\n"),
}  # fmt: skip
"""A plain answer may begin with a line about itself; whoever reads it sees when the translation has ended."""
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
EXAMPLES = 3
LIST_EXAMPLES = 5
TURN_EXAMPLES = 4
"""Of every further set of examples."""
MOST_EARLIER_BYTES = 2000
"""Of earlier sentences and their translations in one question: no token is shorter than a byte."""


@dataclass(frozen=True)
class Earlier:
    """A sentence that stands before the one to be translated, and its translation."""

    source: str
    translation: str


@dataclass(frozen=True)
class Sentence:
    """One sentence to be translated."""

    text: str
    source: str
    target: str
    terms: tuple[Term, ...] = ()
    """Of the glossary, those that occur in it."""
    earlier: tuple[Earlier, ...] = ()
    """What stands before it in the same paragraph, in the order of the text: it tells who "it" is, and keeps terms."""


@dataclass(frozen=True)
class Ask:
    """What the engine is asked. The first `app_messages` are the app's own text; the answer starts with `prefix`."""

    messages: tuple[Message, ...]
    app_messages: int
    params: SamplingParams
    prefix: Prefix = Prefix()


def ask(sentence: Sentence, way: Way, params: SamplingParams, turn: int = 0) -> Ask:
    """The question for one sentence. `params` gets the stop strings of the way; `turn` as in `example_pairs`."""
    params = replace(params, stop=_STOPS[way])
    if way == "plain":
        task = f"{_task(sentence)}: "
        question = Message("user", f"{task}{sentence.text}{_wishes(sentence)}")
        return Ask((*_turns(nearest(sentence.earlier), task), question), 0, params)
    if way in ("entry", "entries"):
        pairs = example_pairs(sentence, EXAMPLES, turn) if way == "entries" else []
        return _as_entry(sentence, pairs, params)
    if way == "list":
        return _as_list(sentence, example_pairs(sentence, LIST_EXAMPLES, turn), params)
    return _as_turns(sentence, example_pairs(sentence, EXAMPLES, turn), params)


def read_answer(answer: str, way: Way) -> str:
    """The translation as text, out of what a model has written so far in answer to the question of a way."""
    if way not in ("entry", "entries"):
        return answer
    # The end of the entry, or half an escaped character.
    answer = re.sub(r'(?<!\\)"[\s},]*$|\\$', "", answer)
    return _ESCAPED.sub(_unescaped, answer)


def _unescaped(found: re.Match[str]) -> str:
    if len(found[1]) > 1:
        return chr(int(found[1][1:], 16))
    return " " if found[1] in "nrt" else found[1]


def most_new_tokens(text: str) -> int:
    """A bound for the answer's length: no token is shorter than a byte, no translation three times as long."""
    return min(1024, 48 + 2 * len(text.encode("utf-8", "replace")))


def nearest(earlier: Sequence[Earlier]) -> tuple[Earlier, ...]:
    """Of what stands before a sentence the nearest that are not too long together, in the order of the text."""
    kept: list[Earlier] = []
    left = MOST_EARLIER_BYTES
    for one in reversed(earlier):
        left -= len(f"{one.source}{one.translation}".encode("utf-8", "replace"))
        if left < 0:
            break
        kept.append(one)
    return tuple(reversed(kept))


@cache
def _examples() -> tuple[dict[str, str], ...]:
    return tuple(json.loads(EXAMPLES_FILE.read_text("utf-8")))


def example_pairs(sentence: Sentence, count: int, turn: int = 0) -> list[tuple[str, str]]:
    """Sentences with their translations, where both languages are among the app's. `turn`: another set of them, the
    same for every sentence; languages that have no further ones get the first ones from another one on."""
    codes = sentence.source, sentence.target
    rows = [row for row in _examples() if all(code in row for code in codes)]
    first = LIST_EXAMPLES + (turn - 1) * TURN_EXAMPLES
    if turn == 0 or not rows:
        found = rows[:count]
    elif len(rows) >= first + TURN_EXAMPLES:
        found = rows[first : first + TURN_EXAMPLES]
    else:
        begin = turn % len(rows[:LIST_EXAMPLES])
        found = (rows[begin:LIST_EXAMPLES] + rows[:begin])[:TURN_EXAMPLES]
    return [(row[sentence.source], row[sentence.target]) for row in found]


def _task(sentence: Sentence) -> str:
    return f"Translate from {language(sentence.source).english} to {language(sentence.target).english}"


def _wishes(sentence: Sentence) -> str:
    """The glossary's terms, behind the text: what comes last is followed best by small models."""
    if not sentence.terms:
        return ""
    return "\n\n(" + "; ".join(f"{term.source} = {term.target}" for term in sentence.terms) + ")"


def _as_turns(sentence: Sentence, examples: Pairs, params: SamplingParams) -> Ask:
    names = language(sentence.source).english, language(sentence.target).english
    system = ". ".join(part.format(source=names[0], target=names[1]) for part in _SYSTEM) + "."
    messages = [Message("system", system)]
    for source, target in examples:
        messages += [Message("user", source), Message("assistant", target)]
    own = len(messages)
    messages += [*_turns(nearest(sentence.earlier)), Message("user", sentence.text + _wishes(sentence))]
    return Ask(tuple(messages), own, params)


def _turns(earlier: Sequence[Earlier], task: str = "") -> list[Message]:
    """Earlier sentences as questions that have been answered."""
    return [
        message
        for one in earlier
        for message in (Message("user", task + one.source), Message("assistant", one.translation))
    ]


def _as_list(sentence: Sentence, examples: Pairs, params: SamplingParams) -> Ask:
    """Pairs of lines in the very answer that is to be continued: a base model does not know the turns of a chat."""
    names = language(sentence.source).english, _label(sentence)
    pairs = [*examples, *((term.source, term.target) for term in sentence.terms)]
    pairs += [(one.source, one.translation) for one in nearest(sentence.earlier)]
    lines = [f"{names[0]}: {source}\n{names[1]}: {target}" for source, target in pairs]
    lines.append(f"{names[0]}: {sentence.text}\n{names[1]}:")
    opening = _OPENING.format(source=names[0], target=language(sentence.target).english) + "."
    return Ask((Message("user", opening),), 1, params, Prefix(text="\n" + "\n\n".join(lines)))


def _as_entry(sentence: Sentence, examples: Pairs, params: SamplingParams) -> Ask:
    """An entry of a file that lacks its translation."""
    pairs = [*examples, *((term.source, term.target) for term in sentence.terms)]
    pairs += [(one.source, one.translation) for one in nearest(sentence.earlier)]
    entries = [_entry(sentence, source) + f"{_quoted(target)}}},\n" for source, target in pairs]
    text = "".join(("```json\n[\n", *entries, _entry(sentence, sentence.text), '"'))
    names = {"source": language(sentence.source).english, "target": language(sentence.target).english}
    return Ask((Message("user", _FILE.format(**names)),), 1, params, Prefix(text=text))


def _entry(sentence: Sentence, text: str) -> str:
    return f'  {{"{sentence.source}": {_quoted(text)}, "{sentence.target}": '


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _label(sentence: Sentence) -> str:
    """What the target is called in front of its lines: in its own language where that keeps a model in it."""
    target = language(sentence.target)
    return target.native if target.native[:1].isascii() else target.english
