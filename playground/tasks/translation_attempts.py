"""How one sentence gets its translation: masked, written, checked, once more another way, and as a last way in pieces.

Owns the order of the attempts and which of them is the best. Knows no model and no thread.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from playground.tasks.glossary import Term, mark_in, terms_in, uses_of, write_in
from playground.tasks.translation_consensus import most_agreed
from playground.tasks.translation_events import TranslatedSentence
from playground.tasks.translation_guards import Problem, badness, problems
from playground.tasks.translation_numerals import adapt, without_vagueness
from playground.tasks.translation_prompts import Earlier, Sentence
from playground.tasks.translation_writer import Draft, OnText, SentenceWriter
from playground.text.languages import detect
from playground.text.masking import mask, protected, verify
from playground.text.numbers import missing_numbers
from playground.text.sentences import has_words

MOST_TRIES = 2
UNUSABLE = 6
"""How bad a sentence is that says nothing of its source: not translated, another language, going in circles."""
ALREADY_LETTERS, ALREADY_PROBABILITY = 24, 0.95
"""From here on a sentence counts as being in the wanted language already."""
_MORE_TRIES = 2
TermsAs = Literal["wishes", "words", "marks"]
"""How the terms of the glossary reach the model: said beside the sentence, written into it, or as marks to be kept."""
_TERM_WEIGHT = 2.0
"""How bad an unused term of the glossary is, beside the guards' weights."""


@dataclass(frozen=True)
class Direction:
    """From where to where, and with which glossary."""

    source: str
    target: str
    glossary: tuple[Term, ...] = ()


def translate_sentence(
    writer: SentenceWriter,
    text: str,
    direction: Direction,
    cancel: threading.Event,
    on_text: OnText,
    earlier: Sequence[Earlier] = (),
    *,
    careful: bool = False,
) -> TranslatedSentence:
    """The best translation that the attempts give, with what is wrong with it. `earlier` stands before `text`.

    `careful`: written in several ways, of which the one that agrees most with the others is taken. Raises
    PlaygroundError children.
    """
    if not has_words(text):
        return TranslatedSentence(text, text, kept="no words", tries=0)
    if _is_already(text, direction):
        return TranslatedSentence(text, text, kept="already", tries=0)
    best: TranslatedSentence | None = None
    tries = 0
    for way in _ways(writer, direction):
        if best is not None and tries >= MOST_TRIES and badness(best.problems) < UNUSABLE:
            break
        tries += 1
        if tries == 1 and careful:
            found = _agreed(writer, text, direction, cancel, on_text, earlier)
        else:
            # What went wrong once may have come from the sentences before it.
            known, terms_as = (earlier, "wishes") if tries == 1 else ((), "words")
            found = _attempt(writer, text, direction, way, cancel, on_text, terms_as=terms_as, earlier=known)
        best = found if best is None or _worth(found) < _worth(best) else best
        if cancel.is_set() or found.cancelled or _worth(best) == 0:
            break
    if best is None:
        raise ValueError("a writer needs at least one way")
    if any(not use.used for use in best.terms) and not (cancel.is_set() or best.cancelled):
        tries += 1
        way = writer.ways(direction.target)[0]
        found = _attempt(writer, text, direction, way, cancel, on_text, terms_as="marks")
        best = found if _worth(found) < _worth(best) else best
    if "mark" in best.problems and not best.cancelled:
        tries += 1
        best = _in_pieces(writer, text, direction, cancel)
    # What was broken off is no translation; what was good before the end came is one.
    return replace(best, tries=tries, cancelled=best.cancelled or (cancel.is_set() and bool(best.problems)))


def _ways(writer: SentenceWriter, direction: Direction) -> tuple[str, ...]:
    """What is tried in turn: the first two, and for a sentence that is unusable then, whatever else is known."""
    first = writer.ways(direction.target)[:MOST_TRIES]
    others = writer.candidates(direction.source, direction.target)
    return (*first, *(way for way in others if way not in first))


def other_translations(
    writer: SentenceWriter, text: str, direction: Direction, count: int, cancel: threading.Event
) -> list[TranslatedSentence]:
    """Up to `count` different translations, the best first: one for each way, then sampled ones, all in one batch."""
    ways = (*_ways(writer, direction), writer.ways(direction.target)[-1])

    def write(number: int) -> TranslatedSentence:
        way = ways[min(number, len(ways) - 1)]
        return _attempt(writer, text, direction, way, cancel, _nobody, seed=number)

    tries = range(count + _MORE_TRIES)  # some come out alike
    with ThreadPoolExecutor(len(tries), thread_name_prefix="alternatives") as pool:
        written = list(pool.map(write, tries))
    found = {one.text: one for one in reversed(written) if one.text and not one.cancelled}
    return sorted(found.values(), key=lambda one: (_worth(one), -(one.probability or 0.0)))[:count]


def _agreed(
    writer: SentenceWriter,
    text: str,
    direction: Direction,
    cancel: threading.Event,
    on_text: OnText,
    earlier: Sequence[Earlier],
) -> TranslatedSentence:
    """All candidates in one batch; of those that the guards object to least the one that most of them agree with."""
    ways = writer.candidates(direction.source, direction.target)

    def write(place: int) -> TranslatedSentence:
        told = on_text if place == 0 else _nobody
        return _attempt(writer, text, direction, ways[place], cancel, told, earlier=earlier)

    with ThreadPoolExecutor(len(ways), thread_name_prefix="candidates") as pool:
        found = list(pool.map(write, range(len(ways))))
    least = min(map(_worth, found))
    good = [one for one in found if _worth(one) == least]
    return good[most_agreed([one.text for one in good], [one.text for one in found if one.text])]


def _nobody(_: str) -> None:
    """Nobody watches."""


def _attempt(
    writer: SentenceWriter,
    text: str,
    direction: Direction,
    way: str,
    cancel: threading.Event,
    on_text: OnText,
    *,
    terms_as: TermsAs = "wishes",
    seed: int = 0,
    earlier: Sequence[Earlier] = (),
) -> TranslatedSentence:
    terms = terms_in(text, direction.glossary)
    masked = mask(text)
    if terms_as == "marks":
        masked = mark_in(masked, terms)
    # Said in the prompt, terms are often passed over; the second time they stand in the sentence itself.
    asked = write_in(masked.text, terms) if terms_as == "words" else masked.text
    sentence = Sentence(
        adapt(asked, direction.source, direction.target),
        direction.source,
        direction.target,
        terms if terms_as == "wishes" else (),
        tuple(earlier),
    )
    draft = writer.write(sentence, way, cancel, lambda so_far: on_text(masked.restore(so_far).text), seed)
    restored = masked.restore(draft.text)
    return _judged(text, restored.text, draft, direction, terms)


def _judged(source: str, text: str, draft: Draft, direction: Direction, terms: Sequence[Term]) -> TranslatedSentence:
    kept = verify(source, text)
    found: list[Problem] = list(problems(source, text, direction.source, direction.target, cut=draft.cut))
    if not kept.whole:
        found.append("mark")
    return TranslatedSentence(
        source,
        text,
        tuple(found),
        lost=(*kept.lost, *kept.repeated),
        numbers=missing_numbers(without_vagueness(source), without_vagueness(text)),
        terms=uses_of(terms, text),
        probability=draft.probability,
        cancelled=draft.cancelled,
    )


def _in_pieces(writer: SentenceWriter, text: str, direction: Direction, cancel: threading.Event) -> TranslatedSentence:
    """What lies between placeholders translated for itself: clumsy, but everything protected survives."""
    way = writer.ways(direction.target)[0]
    parts, drafts, end = [], [], 0
    for span in (*protected(text), None):
        between = text[end : span.start if span else len(text)]
        if has_words(between) and not cancel.is_set():
            inner = between.strip()
            drafts.append(
                writer.write(Sentence(inner, direction.source, direction.target), way, cancel, lambda _: None)
            )
            written = "" if protected(drafts[-1].text) else drafts[-1].text  # the model's own placeholders: doubled
            left, right = re.match(r"\s*", between), re.search(r"\s*$", between)
            between = (left[0] if left else "") + (written or inner) + (right[0] if right else "")
        parts.append(between + (span.text if span else ""))
        end = span.end if span else end
    known = [draft.probability for draft in drafts if draft.probability is not None]
    whole = Draft(
        "".join(parts),
        min(known, default=None),
        cut=any(draft.cut for draft in drafts),
        cancelled=any(draft.cancelled for draft in drafts) or cancel.is_set(),
    )
    judged = _judged(text, whole.text, whole, direction, terms_in(text, direction.glossary))
    return replace(judged, problems=(*judged.problems, "pieces"))


def _is_already(text: str, direction: Direction) -> bool:
    if sum(map(str.isalpha, text)) < ALREADY_LETTERS:
        return False
    guess = detect(text)
    return guess.code == direction.target and guess.probability >= ALREADY_PROBABILITY


def _worth(sentence: TranslatedSentence) -> float:
    return badness(sentence.problems) + _TERM_WEIGHT * sum(not use.used for use in sentence.terms)
