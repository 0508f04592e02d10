"""Summaries of texts of any length by the model that is open: plan, read, put together, check, ground.

Owns the order of the work. A text that fits is read at once; a longer one in parts, whose notes are put together in
rounds that end (summary_tree.py says why). Whatever fails is replaced by sentences of the text itself, and says so.
Knows no page; the engine by the four things that `TextEngine` names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import cached_property

from playground.errors import InvalidInput
from playground.tasks import summary_plan as planning
from playground.tasks.grounding import Source
from playground.tasks.summary_checks import points_of
from playground.tasks.summary_drafts import Draft, Drafter
from playground.tasks.summary_events import Event, Extracted, Finished, Planned, Summary
from playground.tasks.summary_notes import NoteTaker
from playground.tasks.summary_plan import Plan, SpeedBook
from playground.tasks.summary_prompts import Asked, note_request
from playground.tasks.summary_repair import extract_text, list_of, with_quotes, without_inventions
from playground.tasks.summary_request import SummaryRequest, check_request, language_of
from playground.tasks.summary_tree import Node, coverage, join_texts
from playground.tasks.summary_writer import SummaryWriter, follows_instructions, has_room_for_examples
from playground.tasks.text_engine import TextEngine
from playground.text.sentences import cut
from playground.text.textrank import Extract, summarize

NOTE_SENTENCES = 2
"""Sentences of a note on one part."""
_BEGINNING_CHARACTERS = 4_000


class Summarizer:
    """Summaries by `engine`. One for the whole app: it remembers how fast models are. Safe in several threads."""

    def __init__(self, engine: TextEngine, speeds: SpeedBook | None = None) -> None:
        self._engine = engine
        self._speeds = speeds or SpeedBook()

    def plan(self, request: SummaryRequest) -> Plan:
        """What `summarize` would do. Raises InvalidInput, PromptTooLong, and ModelUnavailable without a model."""
        return SummaryRun(self._engine, self._speeds, check_request(request), threading.Event(), "").plan

    def summarize(
        self, request: SummaryRequest, *, cancel: threading.Event | None = None, owner: str = ""
    ) -> Iterator[Event]:
        """Events, the last of them `Finished`, also after `cancel`: then with what was done by then.

        Raises InvalidInput, PromptTooLong, ModelUnavailable, and what the engine refuses; nothing is lost by asking
        again. Closing the iterator stops the work.
        """
        run = SummaryRun(self._engine, self._speeds, check_request(request), cancel or threading.Event(), owner)
        yield from run.events()


class SummaryRun:
    """One summary in the making. Lives on the thread that reads its events."""

    def __init__(
        self, engine: TextEngine, speeds: SpeedBook, request: SummaryRequest, cancel: threading.Event, owner: str
    ) -> None:
        self._started_s = time.monotonic()
        self._request, self._cancel = request, cancel
        code = language_of(request.text)
        examples = has_room_for_examples(engine)
        instructed = follows_instructions(engine)
        self._asked = Asked(request, code, request.language or code, examples, instructed)
        if not _has_sentences(request.text, code):
            raise InvalidInput("There are no sentences in this text. Paste one, or choose a file.")
        self._source = Source(request.text, code)
        note = Asked(note_request(request, NOTE_SENTENCES), code, code, examples, instructed)
        self._writer = SummaryWriter(engine, speeds, self._asked, note, cancel, owner)
        self._notes = NoteTaker(self._writer, note, request.text, request.count)
        self._drafter = Drafter(self._writer, self._asked, self._source)

    def events(self) -> Iterator[Event]:
        """See `Summarizer.summarize`."""
        yield Extracted(self._extract)
        yield Planned(self.plan)
        nodes: list[Node] = []
        if not self.plan.whole:
            nodes = yield from self._notes.on_parts(self.plan.parts)
            nodes = yield from self._notes.put_together(nodes)
        drafts: list[Draft] = []
        if not self._cancel.is_set():
            drafts = yield from self._drafter.drafts(join_texts(nodes) if nodes else self._request.text)
        yield Finished(self._summary(drafts, nodes))

    @cached_property
    def _extract(self) -> tuple[Extract, ...]:
        return summarize(self._request.text, self._request.count, self._asked.source, self._request.focus)

    @cached_property
    def plan(self) -> Plan:
        """What will be done; made when it is first asked for, since counting a long text takes a moment."""
        text, sizes = self._request.text, self._writer.sizes
        tokens = self._writer.token_map(text)
        total = tokens.count(0, len(text))
        parts: tuple[planning.Part, ...] = (planning.Part(0, len(text), total),)
        if total > sizes.whole:
            parts = planning.cut_parts(text, tokens, sizes.part, self._asked.source)
        rounds, notes = planning.rounds_for(len(parts), sizes) if len(parts) > 1 else (0, 0)
        read = total + notes * self._writer.note_tokens
        return Plan(parts, total, rounds, notes + 1, self._writer.guess_s(read, notes, self._request.count))

    def _summary(self, drafts: list[Draft], nodes: list[Node]) -> Summary:
        """The best draft, or what there is instead of one."""
        request, code, length = self._request, self._asked.target, len(self._request.text)
        best = min(drafts, key=lambda draft: draft.rank, default=None)
        text, faults = (best.text, best.faults) if best is not None else ("", ())
        by_model, dropped = bool(text) and not faults, best.dropped if best is not None else ()
        if by_model and best is not None and request.count > 1:
            kept = without_inventions(text, best.grounding, code)
            text, dropped = (kept.text, (*dropped, *kept.dropped)) if kept.text else (text, dropped)
        if not by_model:
            text, by_model = self._instead(nodes)
            code = self._asked.source
        whole = [draft for draft in drafts if draft.read and self.plan.whole]
        origin = "model" if by_model else "extract"
        root = Node(
            text, ((0, length),), tuple(nodes), origin, faults[0] if faults else "",
            read=((0, length),) if whole else (),
        )  # fmt: skip
        stats = next((draft.stats for draft in drafts if draft.stats.model_id), None)
        return Summary(
            text=text,
            form=request.form,
            language=code,
            points=self._points(text),
            grounding=self._source.ground(text, code),
            root=root,
            coverage=coverage(length, [root]),
            extract=self._extract,
            plan=self.plan,
            origin=origin,
            faults=faults,
            dropped=dropped,
            tries=1 + any(draft.second for draft in drafts),
            cancelled=self._cancel.is_set(),
            seconds=time.monotonic() - self._started_s,
            model_id=stats.model_id if stats else "",
            model_name=stats.model_name if stats else "",
        )

    def _instead(self, nodes: list[Node]) -> tuple[str, bool]:
        """A summary where there is no draft to show, and whether the model wrote it: of its notes, if it was stopped
        after some, else of the text's own sentences."""
        written = join_texts([node for node in nodes if node.origin == "model"])
        if written and self._cancel.is_set():
            code, request = self._asked.source, self._request
            chosen = summarize(written, request.count, code, request.focus)
            if chosen:
                return list_of([one.text for one in chosen], request, code), True
        return extract_text(self._extract, self._request, self._asked.source), False

    def _points(self, text: str) -> tuple:
        request = self._request
        points = points_of(text) if request.is_list else [one.text for one in cut(text, self._asked.target).segments]
        return with_quotes(points, self._source, quotes=request.form == "key_points")


def _has_sentences(text: str, code: str) -> bool:
    """Whether there is anything to sum up; most often the beginning tells."""
    return any(
        segment.kind in ("sentence", "item")
        for piece in (text[:_BEGINNING_CHARACTERS], text)
        for segment in cut(piece, code).segments
    )
