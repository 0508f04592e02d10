"""Translation of whole texts: sentence by sentence under their skeleton, several at once, in the order of the text.

Pure: no Gradio, no storage. Owns the threads, the order of the events and what is put together from the sentences.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from playground.errors import InvalidInput, PlaygroundError
from playground.tasks.translation_attempts import Direction, other_translations, translate_sentence
from playground.tasks.translation_events import (
    Event,
    Finished,
    SentenceDone,
    Started,
    TranslatedSentence,
    Translation,
    TranslationJob,
    Writing,
)
from playground.tasks.translation_prompts import Earlier
from playground.tasks.translation_rows import rows
from playground.tasks.translation_writer import OnText, SentenceWriter
from playground.text.languages import detect, language
from playground.text.scores import chrf
from playground.text.sentences import cut

AT_ONCE = 8
"""Sentences in one batch: as many answers as the engine writes at once."""
ALTERNATIVES = 3
MOST_CHARACTERS = 400_000


@dataclass(frozen=True)
class BackTranslation:
    """A translation put back into the language it came from, and how near it comes to the source (chrF++, 0 to 100)."""

    text: str
    nearness: float


class Translator:
    """Translates with one writer. May be used from several threads."""

    def __init__(self, writer: SentenceWriter, *, at_once: int = AT_ONCE) -> None:
        self._writer, self._at_once = writer, max(1, at_once)

    def translate(self, job: TranslationJob, *, cancel: threading.Event | None = None) -> Iterator[Event]:
        """Started, then Writing and SentenceDone as they come, at last Finished, also when it was cancelled or failed.

        Setting `cancel` ends all sentences within a step, and so does closing the iterator, which sets it. What was
        done is kept. Raises InvalidInput for a job without text, too long, or from a language into itself.
        """
        started = prepare(job)
        yield started
        board = _Board(started)
        direction = Direction(started.source, job.target, job.glossary)
        yield from self._run(board, direction, cancel or threading.Event(), careful=job.careful)

    def alternatives(
        self,
        text: str,
        direction: Direction,
        count: int = ALTERNATIVES,
        *,
        besides: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> tuple[TranslatedSentence, ...]:
        """Up to `count` other translations of one sentence than `besides`, the best first."""
        found = other_translations(self._writer, text, direction, count + len(besides), cancel or threading.Event())
        return tuple(one for one in found if one.text not in besides)[:count]

    def back(
        self, sentence: TranslatedSentence, direction: Direction, *, cancel: threading.Event | None = None
    ) -> BackTranslation:
        """The translation put back. A hint: a bad way back says nothing against the way there."""
        reverse = Direction(direction.target, direction.source)
        stop = cancel or threading.Event()
        found = translate_sentence(self._writer, sentence.text, reverse, stop, lambda _: None)
        return BackTranslation(found.text, chrf([found.text], [sentence.source]) if found.text else 0.0)

    def _run(self, board: _Board, direction: Direction, cancel: threading.Event, *, careful: bool) -> Iterator[Event]:
        news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        several = len(self._writer.candidates(direction.source, direction.target))
        # What is short enough for one batch hardly takes longer when all of its places are used.
        careful = several > 1 and (careful or len(board.places) * several <= self._at_once)
        at_once = max(1, self._at_once // several) if careful else self._at_once
        pool = ThreadPoolExecutor(at_once, thread_name_prefix="translate")
        try:
            for row in rows(board.started.skeletons, self._writer.earlier):
                pool.submit(self._row, row, direction, cancel, news, careful)
            waiting = len(board.places)
            while waiting:
                latest = _drained(news)
                waiting -= sum(one.result is not None or one.error is not None for one in latest)
                for one in latest:
                    if one.error is not None:
                        board.fail(one.error)
                        cancel.set()
                yield from board.take(latest)
            yield Finished(board.translation(cancelled=cancel.is_set()))
        except GeneratorExit:
            cancel.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _row(
        self,
        row: Sequence[str],
        direction: Direction,
        cancel: threading.Event,
        news: queue.SimpleQueue[_News],
        careful: bool,
    ) -> None:
        """Sentences of which each knows those before it, on a thread of the pool; every way out is told."""
        known: list[Earlier] = []
        for text in row:
            if cancel.is_set():
                news.put(_News(text, result=TranslatedSentence(text, "", cancelled=True)))
                continue
            try:
                tell = _teller(text, news)
                result = translate_sentence(self._writer, text, direction, cancel, tell, known, careful=careful)
            except Exception as error:
                news.put(_News(text, error=error))
                continue
            news.put(_News(text, result=result))
            if result.text and not (result.problems or result.kept or result.cancelled):
                known.append(Earlier(text, result.text))


def prepare(job: TranslationJob) -> Started:
    """The job cut into sentences, its language found. Raises InvalidInput."""
    whole = "\n".join(job.texts)
    if not whole.strip():
        raise InvalidInput("There is no text to translate yet. Write or paste some first.")
    if len(whole) > MOST_CHARACTERS:
        raise InvalidInput(
            f"The text has {len(whole):,} characters; {MOST_CHARACTERS:,} are the most that can be translated at once. "
            "Translate it in parts."
        )
    target = language(job.target).code
    guess = detect(whole) if job.source is None else None
    source = language(job.source).code if job.source is not None else guess.code if guess else ""
    source = source or ("en" if target != "en" else "fr")  # digits and addresses: nothing will be asked of the model
    if source == target:
        name = language(target).english
        raise InvalidInput(f"The text is in {name} already. Choose another language to translate it into.")
    skeletons = tuple(cut(text, source, join_lines=job.join_lines) for text in job.texts)
    return Started(source, target, guess, skeletons, sum(len(skeleton.segments) for skeleton in skeletons))


@dataclass(frozen=True)
class _News:
    """From a thread of the pool: a sentence grows, is done, or has failed."""

    text: str
    so_far: str = ""
    result: TranslatedSentence | None = None
    error: Exception | None = None


def _teller(text: str, news: queue.SimpleQueue[_News]) -> OnText:
    return lambda so_far: news.put(_News(text, so_far))


def _drained(news: queue.SimpleQueue[_News]) -> list[_News]:
    """All news there are, waiting for the first; of a growing sentence the newest alone."""
    latest = [news.get()]
    while True:
        try:
            latest.append(news.get_nowait())
        except queue.Empty:
            break
    last = {one.text: index for index, one in enumerate(latest)}
    return [one for index, one in enumerate(latest) if last[one.text] == index]


@dataclass
class _Board:
    """What is done so far. A sentence that occurs several times is translated once."""

    started: Started
    done: dict[str, TranslatedSentence] = field(default_factory=dict)
    error: Exception | None = None
    started_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.sentences = [segment.text for skeleton in self.started.skeletons for segment in skeleton.segments]
        self.places: dict[str, list[int]] = {}
        for index, text in enumerate(self.sentences):
            self.places.setdefault(text, []).append(index)
        self.front = 0
        self.told = 0
        self.before = (-1, "")

    def fail(self, error: Exception) -> None:
        """Keep the first error; the others follow from it."""
        self.error = self.error or error

    def take(self, latest: Sequence[_News]) -> Iterator[Event]:
        """Events for news: every place of a finished sentence, and how the first unfinished one grows."""
        growing: _News | None = None
        for one in latest:
            if one.result is not None and not one.result.cancelled:
                yield from self._finish(one.text, one.result)
        for one in latest:
            if one.so_far and self.front < len(self.sentences) and one.text == self.sentences[self.front]:
                growing = one
        if growing is not None:
            yield Writing(self.front, growing.so_far, self._shown(growing.so_far))

    def translation(self, *, cancelled: bool) -> Translation:
        """All together. Raises the error if it is none that a reader can do something about."""
        if self.error is not None and not isinstance(self.error, PlaygroundError):
            raise self.error
        texts, start = [], 0
        for skeleton in self.started.skeletons:
            count = len(skeleton.segments)
            texts.append(skeleton.rebuild(self._texts(start, count), self.started.target))
            start += count
        found = tuple(self.done.get(text) for text in self.sentences)
        return Translation(
            tuple(texts),
            self.started.source,
            self.started.target,
            found,
            cancelled=cancelled and self.error is None and None in found,
            error=str(self.error) if self.error is not None else "",
            seconds=time.monotonic() - self.started_s,
        )

    def _finish(self, text: str, result: TranslatedSentence) -> Iterator[Event]:
        self.done[text] = result
        while self.front < len(self.sentences) and self.sentences[self.front] in self.done:
            self.front += 1
        for index in self.places[text]:
            self.told += 1
            yield SentenceDone(index, result, self.told, len(self.sentences), self._shown(""))

    def _texts(self, start: int, count: int) -> list[str]:
        known = (self.done.get(text) for text in self.sentences[start : start + count])
        own = self.sentences[start : start + count]
        return [one.text if one is not None and one.text else text for one, text in zip(known, own, strict=True)]

    def _shown(self, growing: str) -> str:
        """The first text up to the sentence that is being written."""
        skeleton = self.started.skeletons[0]
        count = len(skeleton.segments)
        if self.before[0] != self.front:
            pieces = skeleton.pieces(self._texts(0, count), self.started.target)
            # A gap and a sentence in turn: what stands before the one that grows.
            known = islice(pieces, None if self.front >= count else 2 * self.front + 1)
            self.before = self.front, "".join(piece.text for piece in known)
        return self.before[1] + (growing if self.front < count else "")
