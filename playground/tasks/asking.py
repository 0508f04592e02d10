"""Questions about a text, answered in its own words.

Owns the way from a question to an answer that stands in the text, word for word, or to "the text does not say": which
parts are read, which answer is taken, where it stands and how sure the model is. Knows no page.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from playground.messages import Progress
from playground.tasks.asking_evidence import AskedText, Span
from playground.tasks.asking_prompts import Asked, ask
from playground.tasks.asking_request import AskRequest, check_request
from playground.tasks.summary_plan import TokenMap, cut_parts, sizes
from playground.tasks.summary_request import language_of
from playground.tasks.summary_writer import open_model
from playground.tasks.text_engine import TextEngine

MOST_PARTS = 3
"""Of a long text, unless all of it shall be read."""
MOST_KNOWN = 8
"""Texts whose sentences and parts are kept."""
LEAST_PARAMETERS = 300_000_000
"""Smaller models lose their way in a text."""
CLOSEST = 2
"""Sentences that are read on their own before the whole part is: what a model says of both, it says more surely where
it is right. Smaller models read these alone."""
ECHO_TRUST = 0.5
"""Of an answer that only says words of the question again."""
_CHOICE = re.compile(r"\b(or|between|oder|zwischen|ou|entre|o)\b|还是|或|之间|それとも", re.IGNORECASE)
"""What stands in a question that names its possible answers."""
_OUTER = " \t\r\n.,;:!?…。，、；：！？\"“”„«»'’"
_PAIRS = {"(": ")", "[": "]", "（": "）", "「": "」", "『": "』", "《": "》"}


@dataclass(frozen=True)
class Answer:
    """`text` stands at each of `places`, the likeliest first; "" where the text does not say it.

    `evidence` is the sentence of the first place, or, without an answer, the one that comes closest. `sure`: how much
    of its trust (0 to 1) the model gives to this answer among all that it could have copied.
    """

    question: str
    text: str = ""
    places: tuple[Span, ...] = ()
    evidence: Span | None = None
    sure: float = 0.0
    parts: tuple[Span, ...] = ()
    read: tuple[int, ...] = ()
    """Indices of the parts that were read, in the order of reading."""
    matched: bool = True
    """False where no word of the question is in the text, so that its first parts were read."""
    narrowed: bool = False
    """The model is so small that it was only given the sentences that have most to do with the question."""
    cancelled: bool = False
    model_name: str = ""
    seconds: float = 0.0
    cached_tokens: int = 0
    prompt_tokens: int = 0


@dataclass(frozen=True)
class Planned:
    """What will be read: indices of `parts`."""

    parts: tuple[Span, ...]
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """`done` of `total` parts are read; what the model waits for now, and the best answer so far."""

    done: int
    total: int
    progress: Progress | None = None
    best: Answer | None = None


@dataclass(frozen=True)
class Finished:
    """The last event."""

    answer: Answer


Event = Planned | Reading | Finished


@dataclass(frozen=True)
class _Found:
    """What one part gave."""

    part: int
    text: str
    sure: float
    prompt_tokens: int
    cached_tokens: int


class Asker:
    """Answers questions with the model that is open. May be used from several threads."""

    def __init__(self, engine: TextEngine) -> None:
        self._engine = engine
        self._known: OrderedDict[tuple[str, str], tuple[AskedText, tuple[Span, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, request: AskRequest, *, cancel: threading.Event, owner: str = "") -> Iterator[Event]:
        """What happens, until Finished; also after `cancel`, with the best answer so far. Raises InvalidInput for a
        request that is none, ModelUnavailable, PromptTooLong, and what the engine refuses."""
        request = check_request(request)
        started_s = time.monotonic()
        source, parts = self._source(request.text)
        chosen, matched = source.best_parts(request.question, parts, len(parts) if request.read_all else MOST_PARTS)
        if request.read_all:
            chosen = sorted(chosen)
        yield Planned(parts, tuple(chosen))
        spec = open_model(self._engine).spec
        small = (spec.parameters or LEAST_PARAMETERS) < LEAST_PARAMETERS
        narrowed = small and len(source.sentences) > CLOSEST
        blank = Answer(request.question, parts=parts, matched=matched, narrowed=narrowed, model_name=spec.name)
        found: list[_Found] = []
        readings = [
            (done, index, asked)
            for done, index in enumerate(chosen)
            for asked in _readings(source, request.question, parts[index], small=small, matched=matched)
        ]
        for done, index, asked in readings:
            for step in self._read(source, asked, index, cancel, owner):
                if isinstance(step, _Found):
                    found.append(step)
                else:
                    yield Reading(done, len(chosen), step, self._answer(blank, source, found))
            if cancel.is_set():
                break
        answer = self._answer(blank, source, found)
        stopped = cancel.is_set() and len(found) < len(readings)
        yield Finished(replace(answer, cancelled=stopped, seconds=time.monotonic() - started_s))

    def _source(self, text: str) -> tuple[AskedText, tuple[Span, ...]]:
        """The text and its parts: kept for the next question about it."""
        key = (open_model(self._engine).spec.id, text)
        with self._lock:
            known = self._known.pop(key, None)
        if known is None:
            source = AskedText(text, language_of(text))
            known = source, self._parts(source)
        with self._lock:
            self._known[key] = known
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return known

    def _parts(self, source: AskedText) -> tuple[Span, ...]:
        """The text, or its parts where it does not fit at once."""
        loaded = open_model(self._engine)
        overhead = self._engine.count_tokens(ask("x", ["x"], "x" * 100, source.code).messages)
        fits = sizes(loaded.context_length, loaded.spec.parameters, overhead)
        tokens = TokenMap(source.text, lambda text: [one.start for one in self._engine.split(text) if not one.special])
        if tokens.count(0, len(source.text)) <= fits.whole:
            return ((0, len(source.text)),)
        return tuple((part.start, part.end) for part in cut_parts(source.text, tokens, fits.part, source.code))

    def _read(
        self, source: AskedText, asked: Asked, index: int, cancel: threading.Event, owner: str
    ) -> Iterator[Progress | _Found | None]:
        """Ask about part `index`: what is waited for, then what was found. Nothing is found where it was stopped."""
        text, logprob, stats = "", 0.0, None
        stream = self._engine.stream(
            asked.messages, asked.params, cancel=cancel, owner=owner, app_messages=asked.app_messages
        )
        for chunk in stream:
            text += chunk.text
            logprob += sum(token.logprob or 0.0 for token in chunk.tokens)
            stats = chunk.stats
            if chunk.finish_reason == "cancelled":
                return
            yield chunk.progress
        if stats is not None:
            said = source.as_written(_said(text, asked))
            trust = ECHO_TRUST if _is_echo(said, asked.question) else 1.0
            yield _Found(index, said, trust * math.exp(logprob), stats.prompt_tokens, stats.cached_tokens)

    def _answer(self, blank: Answer, source: AskedText, found: list[_Found]) -> Answer:
        """The surest of what was found: of every part first, where that may be "not in the text", then of all."""
        if not found:
            return blank
        surest: dict[int, _Found] = {}
        for one in found:
            surest[one.part] = max(one, surest.get(one.part, one), key=lambda reading: reading.sure)
        spoken = replace(
            blank,
            read=tuple(surest),
            prompt_tokens=sum(one.prompt_tokens for one in found),
            cached_tokens=sum(one.cached_tokens for one in found),
        )
        answers = [one for one in surest.values() if one.text]
        if not answers:
            sure = min(one.sure for one in surest.values())
            return replace(spoken, evidence=source.closest(blank.question), sure=sure)
        best = max(answers, key=lambda one: one.sure)
        places = source.places(best.text, blank.question, blank.parts[best.part])
        evidence = source.sentence_around(places[0]) if places else None
        return replace(spoken, text=best.text, places=tuple(places), evidence=evidence, sure=best.sure)


def _readings(source: AskedText, question: str, part: Span, *, small: bool, matched: bool) -> list[Asked]:
    """What is asked about a part: its sentences that are closest to the question alone, and all of it."""
    spans = source.sentences_within(*part)
    sentences = [source.text[start:end] for start, end in spans]
    whole = ask(source.text[slice(*part)], sentences, question, source.code)
    if len(spans) <= CLOSEST or not (small or matched):
        return [whole]
    closest = [source.text[start:end] for start, end in source.closest_of(spans, question, CLOSEST)]
    narrowed = ask(" ".join(closest), closest, question, source.code)
    return [narrowed] if small else [narrowed, whole]


def _is_echo(said: str, question: str) -> bool:
    return bool(said) and said.casefold() in question.casefold() and not _CHOICE.search(question)


def _said(text: str, asked: Asked) -> str:
    """An answer without the marks around it; "" for none. A stretch of an answer is a stretch of the text as well."""
    if text.strip() == asked.none:
        return ""
    text = text.strip(_OUTER)
    for opening, closing in _PAIRS.items():
        if text.startswith(opening) and text.count(opening) > text.count(closing):
            text = text[1:].strip(_OUTER)
        if text.endswith(closing) and text.count(closing) > text.count(opening):
            text = text[:-1].strip(_OUTER)
    return text
