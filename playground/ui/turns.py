"""Replies that are being written, apart from any page that watches them.

A turn is one reply: a thread of its own reads the engine's stream, keeps what came so far for the pages that follow it,
and writes it into the history about once a second and at the end. A page that is closed stops nothing; a page that
comes back finds the turn by the message's id.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from playground.engine.engine import Engine
from playground.errors import InvalidInput, NotFound, PlaygroundError
from playground.history.store import HistoryStore
from playground.messages import Chunk, Message, Prefix, Progress, SamplingParams, Stats, Token
from playground.ui.edge import shown
from playground.ui.reply_tokens import pack

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 1.0
MAX_RUNNING = 64
MOST_PER_VISITOR = 3
"""On a shared machine: nobody takes all places."""
RETRY_SAVING_S = (1, 2, 5, 10, 30, 60)
MEASURABLE_TOKENS = 16
"""Shorter answers say little about a model's speed."""


@dataclass(frozen=True)
class Reply:
    """What a turn writes into: the row in the history, and what stands in it already."""

    owner: str
    conversation_id: str
    message_id: str
    language: str
    text: str = ""
    tokens: tuple[Token, ...] = ()
    tokens_model_id: str = ""
    """The model whose ids `tokens` carry."""
    model_name: str | None = None
    """Who has written what stands there, None when nobody has."""

    @property
    def prefix(self) -> Prefix:
        """What the engine shall go on from. Tokens without an id (they were not kept) make it read the text."""
        ids = tuple(token.id for token in self.tokens)
        return Prefix(ids if min(ids, default=0) >= 0 else (), self.text, self.tokens_model_id)


@dataclass(eq=False)
class Turn:
    """A reply in progress. Written by its own thread, read by anybody; `revision` grows with every change."""

    reply: Reply
    text: str
    tokens: list[Token]
    stats: Stats = Stats()
    progress: Progress | None = None
    status: str = "streaming"
    error: str | None = None
    finish: str | None = None
    revision: int = 0
    stopped_by_owner: bool = False
    cancel: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self.status == "streaming"

    def figures(self) -> dict[str, object]:
        """What is kept and shown about the reply; seconds and tokens."""
        stats = asdict(self.stats)
        stats["new_tokens"] = max(self.stats.new_tokens, len(self.tokens))
        stats["prompt_tokens"] = max(0, self.stats.prompt_tokens - len(self.reply.tokens))
        stats["tokens_per_second"] = self.stats.tokens_per_second
        stats["finish"] = self.finish
        return stats


class Turns:
    """All turns of the program. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        history: HistoryStore,
        *,
        shared: bool = False,
        on_speed: Callable[[str, float], None] | None = None,
    ) -> None:
        self._engine = engine
        self._history = history
        self._on_speed = on_speed
        self._most_per_owner = MOST_PER_VISITOR if shared else MAX_RUNNING
        self._closing = threading.Event()
        self._unsaved: dict[str, Turn] = {}
        self._running: dict[str, Turn] = {}
        self._lock = threading.Lock()

    def start(
        self, reply: Reply, messages: Sequence[Message], params: SamplingParams, *, app_messages: int = 0
    ) -> Turn:
        """Begin to write. The row of the reply exists already, with status `streaming`.

        The first `app_messages` are the app's own text. Raises InvalidInput when the reply is being written already
        or too many are.
        """
        turn = Turn(reply, reply.text, list(reply.tokens))
        with self._lock:
            if reply.message_id in self._running:
                raise InvalidInput("This answer is being written. Wait for it, or stop it first.")
            if len(self._running) >= MAX_RUNNING:
                raise InvalidInput("Too many answers are being written on this machine. Try again in a minute.")
            if sum(other.reply.owner == reply.owner for other in self._running.values()) >= self._most_per_owner:
                raise InvalidInput("Several of your answers are being written already. Wait for one of them.")
            self._running[reply.message_id] = turn
        name = f"turn-{reply.message_id[-6:]}"
        try:
            arguments = turn, list(messages), params, app_messages
            threading.Thread(target=self._write, args=arguments, name=name, daemon=True).start()
        except RuntimeError as error:  # no more threads
            with self._lock:
                self._running.pop(reply.message_id, None)
            raise InvalidInput("Too many answers are being written on this machine. Try again in a minute.") from error
        return turn

    def find(self, owner: str, message_id: str) -> Turn | None:
        """The turn that writes this message, if one does."""
        turn = self._running.get(message_id)
        return turn if turn is not None and turn.reply.owner == owner else None

    def unsaved(self, owner: str, message_id: str) -> Turn | None:
        """A turn that has ended but could not be stored yet (a full disk); it is tried again for a while."""
        turn = self._unsaved.get(message_id)
        return turn if turn is not None and turn.reply.owner == owner else None

    def running_in(self, owner: str, conversation_id: str) -> Turn | None:
        """The turn that writes in this conversation, if one does."""
        with self._lock:
            turns = list(self._running.values())
        return next((t for t in turns if t.reply.owner == owner and t.reply.conversation_id == conversation_id), None)

    def stop(self, owner: str, message_id: str) -> bool:
        """Ask a turn to end; what was written is kept. False when there is nothing to stop."""
        turn = self.find(owner, message_id)
        if turn is None:
            return False
        turn.stopped_by_owner = True
        turn.cancel.set()
        return True

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Stop every turn and wait until what they wrote is stored."""
        self._closing.set()
        with self._lock:
            turns = list(self._running.values())
        for turn in turns:
            turn.cancel.set()
        until_s = time.monotonic() + timeout_s
        while self._running and time.monotonic() < until_s:
            time.sleep(0.02)

    def _write(self, turn: Turn, messages: list[Message], params: SamplingParams, app_messages: int) -> None:
        flushed_s = time.monotonic()
        status = "done"
        reply = turn.reply
        try:
            # What a temporary chat says is remembered nowhere, not even what the model has read of it.
            temporary = self._history.get_conversation(reply.owner, reply.conversation_id).temporary
            chunks = self._engine.stream(
                messages, params, cancel=turn.cancel, prefix=reply.prefix, owner="" if temporary else reply.owner,
                app_messages=app_messages,
            )  # fmt: skip
            for chunk in chunks:
                _take(turn, chunk)
                if time.monotonic() - flushed_s >= FLUSH_EVERY_S:
                    self._flush(turn)
                    flushed_s = time.monotonic()
            if turn.finish == "cancelled":
                ended_by_us = self._closing.is_set() and not turn.stopped_by_owner
                status = "interrupted" if ended_by_us else "stopped"
                turn.error = None if turn.stopped_by_owner or ended_by_us else "switched"
        except Exception as error:  # the reply must get an end state whatever happened
            status = "error"
            turn.error = shown(error, turn.reply.language)
            if not isinstance(error, PlaygroundError):
                log.warning("turn %s ended by %s", turn.reply.message_id, type(error).__name__)
        finally:
            self._finish(turn, status)

    def _flush(self, turn: Turn) -> None:
        try:
            self._history.update_message(turn.reply.owner, turn.reply.message_id, content=turn.text)
        except NotFound:
            turn.cancel.set()  # a temporary conversation that its visitor has left
        except PlaygroundError as error:
            # A full disk for a moment: the reply goes on, and the end of the turn tries again.
            log.warning("could not save a reply in progress: %s", error)

    def _finish(self, turn: Turn, status: str) -> None:
        """Store the end of a turn. One that cannot be stored stays in memory, is shown from there, and tried again."""
        delays_s = iter(RETRY_SAVING_S)
        while (problem := self._save(turn, status)) is not None:
            if turn.running:
                turn.error = shown(problem, turn.reply.language)
                self._unsaved[turn.reply.message_id] = turn
                self._end(turn, "error")
            delay_s = next(delays_s, None)
            if delay_s is None or self._closing.wait(delay_s):
                log.error("an answer could not be saved: %s", problem)
                return
        self._unsaved.pop(turn.reply.message_id, None)
        if turn.running:
            self._end(turn, status)

    def _save(self, turn: Turn, status: str) -> PlaygroundError | None:
        reply, name = turn.reply, turn.stats.model_name
        if reply.model_name and name and name != reply.model_name:
            name = f"{reply.model_name} + {name}"
        try:
            self._history.update_message(
                reply.owner, reply.message_id, content=turn.text, status=status,
                error=turn.error if turn.running else None, stats=turn.figures(), model=name or None,
                tokens=pack(turn.stats.model_id or reply.tokens_model_id, turn.tokens),
            )  # fmt: skip
        except NotFound:
            return None  # a temporary conversation that its visitor has left
        except PlaygroundError as error:
            return error
        return None

    def _end(self, turn: Turn, status: str) -> None:
        with self._lock:
            self._running.pop(turn.reply.message_id, None)
        turn.progress = None
        turn.status = status
        turn.revision += 1
        speed = turn.stats.tokens_per_second
        if self._on_speed is not None and speed and turn.stats.new_tokens >= MEASURABLE_TOKENS:
            self._on_speed(turn.stats.model_id, speed)


def _take(turn: Turn, chunk: Chunk) -> None:
    turn.text += chunk.text
    turn.tokens.extend(chunk.tokens)
    turn.stats = chunk.stats
    turn.progress = chunk.progress
    turn.finish = chunk.finish_reason
    turn.revision += 1
