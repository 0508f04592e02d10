"""What a text says about things that somebody has named: a table, every value with its places in the text.

What has a usual form is found by rule, without a model. The rest is asked of the model, in answers that can only be
words of the text: first what there are rows for, then cell by cell from the sentences around. What is not said stays
empty. Owns the order of the questions; knows no page and no history.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError
from playground.tasks.extraction_answers import Answer, Question, ask_all
from playground.tasks.extraction_events import Event, Filled, Finished, Table, Value, Waiting
from playground.tasks.extraction_names import Judged, Scores, candidates, is_of_other_form, judge, without_parts
from playground.tasks.extraction_questions import about_key, about_text, is_role, names_of
from playground.tasks.extraction_roles import role_beside
from playground.tasks.extraction_schema import CHOICE_TYPES, Schema
from playground.tasks.extraction_table import Draft, Span
from playground.tasks.summary_plan import LEAST_PART_TOKENS, Part, TokenMap, cut_parts
from playground.tasks.summary_request import language_of
from playground.tasks.text_engine import TextEngine

SMALL_PART_TOKENS, LARGE_PART_TOKENS = 500, 1000
"""Of the text in one question, for models below and from a billion parameters: the smaller, the less is left out."""
OVERHEAD_TOKENS = 700
"""Examples, question and answer."""
FEW_LETTERS = 90
MOST_SENTENCES = 4
"""Around a row's key that a question about it shows."""


class ExtractionEngine(TextEngine, Scores, Protocol):
    """What is needed of an engine; see `engine.Engine`."""


@dataclass(frozen=True)
class ExtractionRequest:
    """What is wanted of a text. Raises InvalidInput for a text without a letter or digit."""

    text: str
    schema: Schema

    def __post_init__(self) -> None:
        if not any(map(str.isalnum, self.text)):
            raise InvalidInput("There is no text to look into. Paste one, or choose a file.")


class Extractor:
    """Fills tables from texts with one engine. May be used from several threads."""

    def __init__(self, engine: ExtractionEngine) -> None:
        self._engine = engine

    def extract(self, request: ExtractionRequest, *, cancel: threading.Event, owner: str = "") -> Iterator[Event]:
        """Events until `Finished`, also after `cancel`: what was found till then is kept.

        Raises ModelUnavailable where a model is needed and none is open, and what the engine refuses.
        """
        yield from _Run(self._engine, request, cancel, owner).events()


class _Run:
    """One table."""

    def __init__(
        self, engine: ExtractionEngine, request: ExtractionRequest, cancel: threading.Event, owner: str
    ) -> None:
        self._engine, self._cancel, self._owner = engine, cancel, owner
        self._text, self._schema = request.text, request.schema
        self._started_s = time.monotonic()
        self._code = language_of(request.text)
        self._draft = Draft(request.schema, request.text, self._code)
        self._parts: tuple[Part, ...] = (Part(0, len(self._text), 0),)
        self._read: list[Span] = []
        self._done, self._total = 0, 0
        self._model = ""
        self._judgements: dict[tuple[str, ...], tuple[Judged, ...]] = {}

    def events(self) -> Iterator[Event]:
        """See `Extractor.extract`."""
        self._draft.find_by_rule()
        yield self._filled()
        if self._schema.needs_model:
            self._parts = self._cut()
            columns = [column for column in self._columns if not self._schema.fields[column].by_rule]
            self._total = len(self._parts) * max(1, len(columns))
            for part in self._parts:
                if self._cancel.is_set():
                    break
                yield from self._read_part(part, columns)
            if self._schema.rows:
                self._draft.find_near_keys()
                yield from self._fill_rows()
        else:
            self._read = [(0, len(self._text))]
        yield Finished(self._table())

    @property
    def _columns(self) -> range:
        """Those that are asked of the text as a whole; where there are rows, the key alone."""
        return range(1 if self._schema.rows else len(self._schema.fields))

    def _cut(self) -> tuple[Part, ...]:
        loaded = self._engine.state.loaded
        if loaded is None:
            raise ModelUnavailable("No model is open yet. Choose one first.")
        self._model = loaded.spec.name
        large = (loaded.spec.parameters or 0) >= 1e9
        room = loaded.context_length - OVERHEAD_TOKENS
        budget = max(LEAST_PART_TOKENS, min(LARGE_PART_TOKENS if large else SMALL_PART_TOKENS, room))
        tokens = TokenMap(self._text, lambda block: [one.start for one in self._engine.split(block) if not one.special])
        return cut_parts(self._text, tokens, budget, self._code)

    def _read_part(self, part: Part, columns: list[int]) -> Iterator[Event]:
        """Ask the columns of one part of the text."""
        passage, span = self._text[part.start : part.end], (part.start, part.end)
        asked: list[tuple[int, Span, Question]] = []
        for column in columns:
            field = replace(self._schema.fields[column], many=self._schema.rows or self._schema.fields[column].many)
            kind = names_of(field)
            names = candidates(passage) if kind else ()
            if kind and names:
                self._keep_values(column, self._judged(kind, names, span), span)
                self._done += 1
                yield self._filled()
                continue
            for piece in self._few_sentences(span) if kind else [span]:
                question = about_text(field, self._text[slice(*piece)], self._code)
                if question is not None:
                    asked.append((column, piece, question))
            self._total -= 1
        self._total += len(asked)
        for answer in self._answers([one[-1] for one in asked]):
            if not answer.done:
                if answer.progress is not None:
                    yield Waiting(answer.progress)
                continue
            self._keep(asked[answer.index][0], answer, asked[answer.index][1])
            self._done += 1
            yield self._filled()
        if not self._cancel.is_set():
            self._read.append(span)

    def _few_sentences(self, span: Span) -> list[Span]:
        """A part in pieces of a few sentences: small models list the names of a few completely, not those of many."""
        pieces: list[Span] = []
        for one in self._draft.segments:
            if one.end <= span[0] or one.start >= span[1]:
                continue
            start, end = max(one.start, span[0]), min(one.end, span[1])
            if pieces and end - pieces[-1][0] <= FEW_LETTERS:
                pieces[-1] = (pieces[-1][0], end)
            else:
                pieces.append((start, end))
        return pieces or [span]

    def _keep(self, column: int, answer: Answer, span: Span) -> None:
        """Take over what the model has said of a part."""
        kind = names_of(self._schema.fields[column])
        values = [(value.text, value.sure) for value in answer.values]
        if kind and values and not self._cancel.is_set():
            values = self._judged(kind, tuple(text for text, _ in values if not is_of_other_form(text)), span)
        self._keep_values(column, values, span)

    def _keep_values(self, column: int, values: list[tuple[str, float]], span: Span) -> None:
        for text, sure in values:
            if self._schema.rows:
                self._draft.add_key(text, "model", sure, span)
            else:
                self._draft.add(0, column, text, "model", sure, span)

    def _judged(self, kind: str, names: tuple[str, ...], span: Span) -> list[tuple[str, float]]:
        """Those of `names` that are people, or places."""
        if names not in self._judgements:  # one judgement serves for people and for places
            around = [(name, self._sentence_with(name, span)) for name in names]
            try:
                found = judge(self._engine, self._code, around, cancel=self._cancel, owner=self._owner)
            except PlaygroundError:
                if self._cancel.is_set():
                    return []
                raise
            self._judgements = {names: found}
        return [(one.text, one.sure) for one in without_parts(kind, self._judgements[names])]

    def _fill_rows(self) -> Iterator[Event]:
        """Ask about each row's key, cell by cell, from the sentences around it."""
        asked: list[tuple[int, int, Span, Question]] = []
        for row, key in enumerate(self._draft.keys):
            passage, span = self._around(key.spans)
            for column, field in enumerate(self._schema.fields):
                if column and is_role(field, self._schema.fields[0]) and self._found_beside(row, column, key):
                    continue
                if column and not field.by_rule and passage:
                    question = about_key(field, self._schema.fields[0], key.text, passage, self._code)
                    if question is not None:
                        asked.append((row, column, span, question))
        self._total = self._done + len(asked)
        for answer in self._answers([one[-1] for one in asked]):
            if not answer.done:
                continue
            row, column, span, _ = asked[answer.index]
            field, key = self._schema.fields[column], self._draft.keys[row]
            for value in answer.values:
                if field.type in CHOICE_TYPES or not _says_the_same(value.text, key.text):
                    self._draft.add(row, column, value.text, "model", value.sure, span)
            self._done += 1
            yield self._filled()

    def _found_beside(self, row: int, column: int, key: Value) -> bool:
        """Fill a role that stands beside the name, without the model."""
        found = next((one for one in (role_beside(self._text, span) for span in key.spans) if one is not None), None)
        if found is not None:
            self._draft.add(row, column, self._text[slice(*found)], "rule", within=found)
        return found is not None

    def _answers(self, questions: list[Question]) -> Iterator[Answer]:
        """Answers as they come. Raises what the engine refuses."""
        if not questions or self._cancel.is_set():
            return
        for answer in ask_all(self._engine, questions, cancel=self._cancel, owner=self._owner):
            if answer.error is not None and not self._cancel.is_set():
                raise answer.error
            self._model = answer.model_name or self._model
            yield answer

    def _around(self, spans: tuple[Span, ...]) -> tuple[str, Span]:
        """The sentences in which a key stands, and from where to where they reach."""
        found = list(dict.fromkeys(self._draft.sentence_at(start) for start, _ in spans))[:MOST_SENTENCES]
        kept = sorted((one for one in found if one is not None), key=lambda one: one.start)
        if not kept:
            return "", (0, 0)
        return "\n".join(self._text[one.start : one.end] for one in kept), (kept[0].start, kept[-1].end)

    def _sentence_with(self, name: str, span: Span) -> str:
        at = self._text.find(name, *span)
        segment = self._draft.sentence_at(max(at, span[0]))
        return segment.text[:400] if segment is not None else name

    def _filled(self) -> Filled:
        return Filled(self._table(), self._done, self._total)

    def _table(self) -> Table:
        return Table(
            schema=self._schema,
            rows=self._draft.rows,
            parts=tuple((part.start, part.end) for part in self._parts),
            read=tuple(self._read),
            cancelled=self._cancel.is_set(),
            seconds=time.monotonic() - self._started_s,
            model_name=self._model,
            more=self._draft.more,
        )


def _says_the_same(value: str, key: str) -> bool:
    """A cell that only repeats its row's key says nothing."""
    return value.casefold() in key.casefold() or key.casefold() == value.casefold()
