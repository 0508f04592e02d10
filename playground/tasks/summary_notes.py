"""Notes on the parts of a long text, and on notes, until all that is left can be read at once.

Owns the leaves and rounds of the tree. What cannot be written is replaced by sentences of the text, and says so.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence

from playground.tasks.grounding import Source
from playground.tasks.summary_answers import Writing
from playground.tasks.summary_checks import clean, faults
from playground.tasks.summary_events import Event, NotesGrowing, NoteWritten, Waiting
from playground.tasks.summary_plan import Part, rounds_for
from playground.tasks.summary_prompts import Asked, ask
from playground.tasks.summary_repair import joined, without_inventions
from playground.tasks.summary_tree import Node, Span, fit, group, join_texts
from playground.tasks.summary_writer import SummaryWriter
from playground.text.textrank import summarize

_WORTH_TELLING = 0.01
"""Of the work of a round."""


class NoteTaker:
    """Takes notes of `text` as `asked` says. `sentences`: how long the summary is going to be, for the estimate."""

    def __init__(self, writer: SummaryWriter, asked: Asked, text: str, sentences: int) -> None:
        self._writer, self._asked, self._text, self._sentences = writer, asked, text, sentences

    def on_parts(self, parts: Sequence[Part]) -> Generator[Event, None, list[Node]]:
        """A note on every part, in the order of the text."""
        texts = [self._text[part.start : part.end] for part in parts]
        spans: list[tuple[Span, ...]] = [((part.start, part.end),) for part in parts]
        return (yield from self._write(texts, spans, [()] * len(texts), 0))

    def put_together(self, nodes: list[Node]) -> Generator[Event, None, list[Node]]:
        """Rounds until all that is left fits into one request; every round leaves at most half, rounded up."""
        number = 0
        while len(nodes) > 1 and self._tokens(nodes) > self._writer.sizes.whole and not self._writer.cancel.is_set():
            number += 1
            groups = group(nodes, self._writer.measure, self._writer.sizes.part)
            several = [members for members in groups if len(members) > 1]
            texts = [join_texts(members) for members in several]
            spans = [tuple(span for member in members for span in member.spans) for members in several]
            written = iter((yield from self._write(texts, spans, several, number)))
            nodes = [next(written) if len(members) > 1 else members[0] for members in groups]
        return nodes

    def _tokens(self, nodes: Sequence[Node]) -> int:
        return self._writer.measure(join_texts(nodes))

    def _write(
        self,
        texts: Sequence[str],
        spans: Sequence[tuple[Span, ...]],
        children: Sequence[tuple[Node, ...]],
        number: int,
    ) -> Generator[Event, None, list[Node]]:
        """Notes on `texts`, several at once; `number` is that of the round."""
        questions = [ask(self._asked, text, most_tokens=self._writer.note_tokens) for text in texts]
        nodes: dict[int, Node] = {}
        effort = self._writer.effort([self._writer.measure(text) for text in texts])
        rest_s, started_s = self._rest_s(len(texts)), time.monotonic()
        told = 0.0
        for writing in self._writer.write(questions):
            index = writing.index
            self._writer.advance(effort, writing)
            remaining_s = effort.remaining_s(time.monotonic() - started_s) + rest_s
            if writing.done:
                nodes[index] = self._node(writing, texts[index], spans[index], children[index])
                yield NoteWritten(nodes[index], len(nodes), len(texts), number, remaining_s)
            elif writing.progress is not None and writing.progress.phase != "reading" and not effort.share:
                yield Waiting(writing.progress)
                started_s = time.monotonic()  # the others before it say nothing about how long it takes
            elif effort.share >= told + _WORTH_TELLING:
                told = effort.share
                yield NotesGrowing(len(nodes), len(texts), number, remaining_s)
        return [nodes[index] for index in range(len(texts))]

    def _rest_s(self, notes: int) -> float:
        """Seconds for what comes after this round."""
        more = rounds_for(notes, self._writer.sizes)[1] - notes
        read = (notes + more) * self._writer.note_tokens
        return self._writer.guess_s(read, more, self._sentences)

    def _node(self, writing: Writing, text: str, spans: tuple[Span, ...], children: tuple[Node, ...]) -> Node:
        """What was written, if it is any good, without the sentences that say more than the text."""
        code = self._asked.target
        read = spans if writing.was_read and not children else ()
        if writing.finish_reason == "cancelled":
            return Node("", spans, children, "extract", "cancelled", read)
        note = clean(writing.text, self._asked.request, code, finished=writing.finished)
        wrong: tuple[str, ...] = ("too_long",) if writing.error else faults(note, text, code, finished=writing.finished)
        grounding = Source(text, code).ground(note)
        wrong = wrong or (("unsupported",) if grounding.is_foreign else ())
        kept = "" if wrong else without_inventions(note, grounding, code).text
        reason = wrong[0] if wrong else "" if kept else "invented"
        if reason:
            kept = joined([one.text for one in self._extract(text)], code) or text.strip()
        fitting, shortened = fit(kept, self._writer.measure, self._writer.note_tokens, code)
        return Node(fitting, spans, children, "extract" if reason else "model", reason, read, shortened)

    def _extract(self, text: str) -> Sequence:
        return summarize(text, self._asked.request.count, self._asked.source, self._asked.request.focus)
