"""Answers of chats as texts to look into: the prompt that the model read, then the tokens that it wrote.

Owns how a stored answer becomes tokens again, and what is said where they cannot be the same ones. Must not know runs,
pages and how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playground.engine.engine import Engine
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput
from playground.history.rows import MessageRow
from playground.history.store import HistoryStore
from playground.messages import Message, Token
from playground.tasks.chat import ChatSettings, prompt
from playground.ui.reply_tokens import unpack
from playground.ui.strings import text

RETOKENISED = (
    "The tokens of this answer were not kept, so its text was cut into tokens again. Single pieces may differ from "
    "those that the model wrote."
)
LEFT_OUT = "The oldest messages of this chat are left out here: with them it is longer than this model reads."
NO_WORD = "This word is not there any more. Reload the page and try again."


@dataclass(frozen=True)
class WrittenAnswer:
    """What is known of a run whose end a model has written in a chat."""

    conversation_id: str
    message_id: str
    start: int
    """The first token of the answer; those before it are the prompt."""
    model: str
    """The name of the model that wrote it."""
    index: int | None = None
    """The token of the answer, as it is kept, that the run ends before; None: the run holds all of them."""
    word: str = ""
    """The text of that token."""
    temporary: bool = False
    """The chat is kept nowhere, and so is what is seen of it."""


@dataclass(frozen=True)
class Material:
    """A text as one model reads it."""

    text: str
    tokens: Sequence[SplitToken]
    answer: WrittenAnswer | None = None
    notes: tuple[str, ...] = ()
    """Sentences on how this differs from what happened when the answer was written."""


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as the history has it."""

    conversation_id: str
    message_id: str
    temporary: bool
    messages: tuple[Message, ...]
    """What the model was given to read."""
    content: str
    model: str
    """The name of who wrote it, "" where that is not known."""
    model_id: str
    """The model whose ids `tokens` carry."""
    tokens: tuple[Token, ...]
    index: int | None
    """The token that is asked about; None: all of them."""


def find_answer(history: HistoryStore, owner: str, asked: object, language: str) -> StoredAnswer:
    """The answer `message_id` that a page asks about, and which token of it (`index`), as it was written.

    `language` is that of a persona's instructions, where it was not kept with the answer. Raises NotFound, and
    InvalidInput for what is no finished answer or no token of it.
    """
    values = asked if isinstance(asked, Mapping) else {}
    message = history.get_message(owner, str(values.get("message_id", "")))
    if message.role != "assistant":
        raise InvalidInput("Only an answer can be looked into here. Choose one that the model wrote.")
    if message.status in ("queued", "streaming"):
        raise InvalidInput("An answer is still being written here. Wait for it, or stop it first.")
    if not message.content.strip():
        raise InvalidInput("There is nothing to look into yet. Write or paste a text first.")
    model_id, tokens = unpack(history.load_tokens(owner, message.id))
    index = values.get("index")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(tokens)):
        raise InvalidInput(NO_WORD)
    return StoredAnswer(
        message.conversation_id, message.id, history.get_conversation(owner, message.conversation_id).temporary,
        tuple(_messages(history, owner, message, language)), message.content, message.model or "", model_id,
        tuple(tokens), index,
    )  # fmt: skip


def answer_material(engine: Engine, stored: StoredAnswer) -> Material:
    """The prompt and the answer up to the token that is asked about (which is not in it: the last token is the one
    that it was chosen at). Raises PlaygroundError children."""
    ids, word, notes = _written(engine, stored)
    tokens = engine.split_chat(stored.messages, ids)
    start = len(tokens) - len(ids)
    if engine.count_tokens(stored.messages) > start:
        notes = (*notes, LEFT_OUT)
    answer = WrittenAnswer(
        stored.conversation_id, stored.message_id, start, stored.model, stored.index, word, stored.temporary
    )
    return Material("".join(token.text for token in tokens), tokens, answer, notes)


def _messages(history: HistoryStore, owner: str, message: MessageRow, language: str) -> list[Message]:
    """What stood before the answer, without what was left out of it then."""
    turns = [] if message.parent_id is None else history.path_to(owner, message.parent_id)
    messages = prompt(_instructions(message, language), [(one.role, one.content) for one in turns])
    dropped = (message.stats or {}).get("dropped_messages")
    if not isinstance(dropped, int) or not 0 < dropped < len(messages):
        return messages
    first = int(messages[0].role == "system")
    return [*messages[:first], *messages[first + dropped :]]


def _instructions(message: MessageRow, language: str) -> str:
    if message.settings is None:  # an imported chat
        return ""
    settings = ChatSettings.from_untrusted(message.settings)
    if settings.system_prompt is not None:
        return settings.system_prompt
    kept = message.settings.get("language")
    return text(kept if kept in ("en", "zh") else language, f"persona_{settings.persona}_prompt")


def _written(engine: Engine, stored: StoredAnswer) -> tuple[list[int], str, tuple[str, ...]]:
    """Ids of the answer for the model that is open, the text of the token that comes next, and what to say of it."""
    spec: Any = engine.state.spec
    kept = bool(stored.tokens) and "".join(token.text for token in stored.tokens) == stored.content
    kept = kept and all(token.id >= 0 for token in stored.tokens)
    if kept and spec is not None and stored.model_id == spec.id:
        word = "" if stored.index is None else stored.tokens[stored.index].text
        return [token.id for token in stored.tokens[: stored.index]], word, ()
    pieces = [token for token in engine.split(stored.content) if not token.special]
    notes: tuple[str, ...] = () if kept else (RETOKENISED,)
    if spec is not None and stored.model and stored.model != spec.name:
        notes = (f"{stored.model} wrote this answer; you see how {spec.name} reads it.",)
    if stored.index is None:
        return [piece.id for piece in pieces], "", notes
    before = "".join(token.text for token in stored.tokens[: stored.index])
    at = next((number for number, piece in enumerate(pieces) if piece.end > len(before)), None)
    if at is None or not stored.content.startswith(before):
        raise InvalidInput(NO_WORD)
    return [piece.id for piece in pieces[:at]], pieces[at].text, notes
