"""A table in the making: values come in any order, are looked up in the text, and the same one counts once.

Owns grounding and merging. Knows no model and no question.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from playground.tasks.extraction_events import Origin, Row, Value
from playground.tasks.extraction_schema import CHOICE_TYPES, RULE_TYPES, SENTENCE, Field, Schema
from playground.text.places import Found, TextPlaces
from playground.text.sentences import Segment, cut
from playground.text.usual_formats import Spotted, spot

MOST_ROWS = 200
MOST_IN_CELL = 100
_REACH = 400
"""Characters behind a name within which an e-mail address or a phone number is taken for its own."""
LONGEST_SENTENCE, MOST_OF_SENTENCE = 240, 400
"""Characters; a longer one is cut at its commas."""
_COMMA = re.compile(r"[,;:，；：]\s*")
_SPACE = re.compile(r"[\W_]+")

Span = tuple[int, int]


class Draft:
    """Rows of a schema about one text. With `rows` each begins with its own key; else there is one row."""

    def __init__(self, schema: Schema, text: str, code: str = "en") -> None:
        self.schema, self.text, self._code = schema, text, code
        self.more = False
        """There were more rows than are kept."""
        self._places = TextPlaces(text)
        self._rows: list[list[list[Value]]] = [] if schema.rows else [self._empty()]

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The sentences of the text."""
        return cut(self.text, self._code).segments

    def sentence_at(self, place: int) -> Segment | None:
        """The sentence in which a character stands."""
        index = bisect_right(self.segments, place, key=lambda one: one.start) - 1
        return self.segments[index] if index >= 0 and place < self.segments[index].end else None

    @property
    def keys(self) -> tuple[Value, ...]:
        """What there is a row for, in the order in which the rows came; a row keeps its number."""
        return tuple(row[0][0] for row in self._rows) if self.schema.rows else ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The table so far, in the order of the text."""
        rows = sorted(self._rows, key=lambda row: _begin(row[0])) if self.schema.rows else self._rows
        return tuple(tuple(tuple(sorted(cell, key=lambda value: _begin([value]))) for cell in row) for row in rows)

    def add_key(self, text: str, origin: Origin, sure: float | None = None, within: Span | None = None) -> None:
        """A thing to have a row for; one that is there already gets no second row."""
        value = self._grounded(text, self.schema.fields[0], origin, sure, within)
        for row in self._rows:
            joined = _joined(row[0][0], value, self.schema.fields[0])
            if joined is not None:
                row[0][0] = joined
                return
        if len(self._rows) >= MOST_ROWS:
            self.more = True
            return
        self._rows.append([[value], *self._empty()[1:]])

    def add(
        self, row: int, column: int, text: str, origin: Origin, sure: float | None = None, within: Span | None = None
    ) -> None:
        """A value of a cell; places `within` come first. A cell for one value keeps the surest."""
        field, cell = self.schema.fields[column], self._rows[row][column]
        value = self._grounded(text, field, origin, sure, within)
        for index, known in enumerate(cell):
            joined = _joined(known, value, field)
            if joined is not None:
                cell[index] = joined
                return
        if field.many:
            del cell[MOST_IN_CELL - 1 :]
            cell.append(value)
        elif not cell or (value.sure or 0.0) > (cell[0].sure or 0.0):
            cell[:] = [value]

    def find_by_rule(self) -> None:
        """Fill what needs no model: columns of a usual form, in rows what stands near the row's key."""
        for column, field in enumerate(self.schema.fields):
            if not field.by_rule or field.type == SENTENCE:
                continue
            spotted = spot(self.text, field.type)
            if not self.schema.rows:
                for one in spotted if field.many else spotted[:1]:
                    self.add(0, column, one.text, "rule", within=(one.start, one.end))
            elif column == 0:
                for one in spotted:
                    self.add_key(one.text, "rule", within=(one.start, one.end))
        self.find_near_keys()

    def find_near_keys(self) -> None:
        """E-mail addresses and the like behind the key of each row, up to the next row's."""
        if not self.schema.rows:
            return
        begins = sorted(start for key in self.keys for start, _ in key.spans)
        for column, field in enumerate(self.schema.fields[1:], 1):
            if field.type == SENTENCE:
                self._add_sentences(column, field)
            if field.type not in RULE_TYPES and not field.every:
                continue
            spotted = spot(self.text, field.type)
            for index, key in enumerate(self.keys):
                for one in _near(key, spotted, begins)[: None if field.many else 1]:
                    if not self._rows[index][column] or field.many:
                        self.add(index, column, one.text, "rule", within=(one.start, one.end))

    def _add_sentences(self, column: int, field: Field) -> None:
        for index, key in enumerate(self.keys):
            for start, end in key.spans[: None if field.many else 1]:
                sentence = self.sentence_at(start)
                if sentence is not None and not any(
                    _is_within((start, end), one.spans[0]) for one in self._rows[index][column]
                ):
                    self._rows[index][column].append(self._clause(sentence, (start, end)))

    def _clause(self, sentence: Segment, around: Span) -> Value:
        """A sentence; of a long one what stands between the commas around a place."""
        first, last = sentence.start, sentence.end
        if last - first > LONGEST_SENTENCE:
            first = max([match.end() for match in _COMMA.finditer(self.text, first, around[0])], default=first)
            last = min([match.start() for match in _COMMA.finditer(self.text, around[1], last)], default=last)
        span = (first, min(last, max(around[1], first + MOST_OF_SENTENCE)))
        return Value(" ".join(self.text[slice(*span)].split()), (span,), "exact", "rule")

    def ground(self, text: str, field: Field, origin: Origin) -> Value:
        """A value with its places in the text."""
        return self._grounded(text, field, origin, None, None)

    def _grounded(self, text: str, field: Field, origin: Origin, sure: float | None, within: Span | None) -> Value:
        if field.type in CHOICE_TYPES and text in field.options:
            return Value(text, (), "chosen", origin, sure)
        found = self._places.find(text)
        if within is not None:
            found = _first_within(found, within)
        written = text
        if found.how == "normalised" and origin != "hand":
            written = " ".join(self.text[slice(*found.spans[0])].split())
        return Value(written, found.spans, found.how, origin, sure)

    def _empty(self) -> list[list[Value]]:
        return [[] for _ in self.schema.fields]


def _near(key: Value, spotted: Sequence[Spotted], begins: Sequence[int]) -> list[Spotted]:
    """What stands behind a key and before the next one."""
    found = []
    for _, end in key.spans:
        stop = min([begin for begin in begins if begin >= end], default=end + _REACH)
        found += [one for one in spotted if end <= one.start < min(stop, end + _REACH)]
    return found


def _first_within(found: Found, within: Span) -> Found:
    first, last = within
    inside = [span for span in found.spans if first <= span[0] and span[1] <= last]
    return Found(found.how, (*inside, *(span for span in found.spans if span not in inside)))


def _joined(known: Value, value: Value, field: Field) -> Value | None:
    """Both as one value, None where they are two."""
    one, two = _fold(known.text), _fold(value.text)
    if one == two:
        text = known.text
    elif field.type == "name" and (_ends_with(one, two) or _ends_with(two, one)):
        # "Ellison" is Ruth Ellison; "Captain Erik Dahl" is Erik Dahl.
        short, long = sorted((known.text, value.text), key=len)
        text = short if len(short.split()) > 1 else long
    else:
        return None
    both = tuple(dict.fromkeys((*known.spans, *value.spans)))
    spans = tuple(one for one in both if not any(_is_within(one, other) for other in both))
    sure = max(known.sure or 0.0, value.sure or 0.0) if known.sure is not None or value.sure is not None else None
    how = known.how if known.grounded else value.how
    return Value(text, spans, how, known.origin, sure)


def _is_within(span: Span, other: Span) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _ends_with(long: str, short: str) -> bool:
    return long.endswith(" " + short)


def _fold(text: str) -> str:
    return _SPACE.sub(" ", text.casefold()).strip() or text


def _begin(values: Sequence[Value]) -> int:
    return min((start for value in values for start, _ in value.spans[:1]), default=1 << 60)
