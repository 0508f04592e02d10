"""The export file of this program: its shape, and the reading of whatever somebody offers as one.

Owns the format. Knows no database: it gives checked objects, or InvalidInput with one plain sentence.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from playground.errors import InvalidInput
from playground.history import chatgpt
from playground.history.texts import clean_json

FORMAT = "llm-playground"
VERSION = 1

_UNKNOWN = (
    "This file cannot be imported: it should be a JSON export of this program, or the conversations.json "
    "from an export of ChatGPT. Nothing was changed."
)
_NO_JSON = "This file cannot be imported: it is not complete JSON. Download or export it again. Nothing was changed."
_NEWER = "This file was exported by a newer version of this program. Update the program and import it again."
_DAMAGED = "This file cannot be imported: conversation {number} is damaged ({where}). Nothing was changed."

Time = Annotated[float, Field(ge=0, le=2.5e11, allow_inf_nan=False)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class ExportedMessage(BaseModel):
    """One message as it stands in the file; `tokens` is base64."""

    model_config = ConfigDict(strict=True)
    id: Id
    parent_id: Id | None = None
    role: Literal["system", "user", "assistant"]
    content: str
    status: Literal["queued", "streaming", "done", "stopped", "interrupted", "error"] = "done"
    error: str | None = None
    model: str | None = None
    settings: dict[str, Any] | None = None
    stats: dict[str, Any] | None = None
    created_at: Time
    updated_at: Time
    used_at: Time
    tokens: str | None = None

    @field_validator("tokens")
    @classmethod
    def _is_base64(cls, tokens: str | None) -> str | None:
        if tokens is not None:
            decode_tokens(tokens)
        return tokens


class ExportedConversation(BaseModel):
    """One conversation with all its branches, parents before their children."""

    model_config = ConfigDict(strict=True)
    id: Id
    title: str = ""
    title_by_hand: bool = False
    pinned: bool = False
    active_leaf_id: Id | None = None
    settings: dict[str, Any] | None = None
    created_at: Time
    updated_at: Time
    messages: list[ExportedMessage]

    @field_validator("messages")
    @classmethod
    def _is_a_tree(cls, messages: list[ExportedMessage]) -> list[ExportedMessage]:
        return _parents_first(messages)


def write(conversations: list[dict[str, Any]]) -> str:
    """The file that holds these conversations."""
    return json.dumps(
        {"format": FORMAT, "version": VERSION, "conversations": conversations}, ensure_ascii=False, indent=1
    )


def read(text: str) -> tuple[list[ExportedConversation], int, Literal["playground", "chatgpt"]]:
    """The conversations of a file, how many messages had nothing to show, and whose file it is.

    Raises InvalidInput for anything else than a whole, well-formed file.
    """
    try:
        data = clean_json(json.loads(text.removeprefix("\ufeff")))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(_NO_JSON) from error
    if chatgpt.is_export(data):
        entries, skipped = chatgpt.conversations(data)
        return _checked(entries), skipped, "chatgpt"
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("conversations"), list):
        raise InvalidInput(_UNKNOWN)
    if data.get("version") != VERSION:
        raise InvalidInput(_NEWER)
    return _checked(data["conversations"]), 0, "playground"


def encode_tokens(data: bytes | None) -> str | None:
    """Bytes as they stand in the file."""
    return None if data is None else base64.b64encode(data).decode("ascii")


def decode_tokens(tokens: str) -> bytes:
    """What `encode_tokens` wrote; ValueError for anything else."""
    try:
        return base64.b64decode(tokens, validate=True)
    except binascii.Error as error:
        raise ValueError("the probabilities are not base64") from error


def _checked(entries: list[Any]) -> list[ExportedConversation]:
    conversations = []
    for number, entry in enumerate(entries, 1):
        try:
            conversations.append(ExportedConversation.model_validate(entry))
        except (ValidationError, RecursionError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": ()}
            where = ", ".join(f"number {part + 1}" if isinstance(part, int) else str(part) for part in first["loc"])
            raise InvalidInput(_DAMAGED.format(number=number, where=where or "its shape")) from error
    return conversations


def _parents_first(messages: list[ExportedMessage]) -> list[ExportedMessage]:
    """The same messages in an order in which every parent comes before its children; ValueError for no tree."""
    ids = {message.id for message in messages}
    if len(ids) < len(messages):
        raise ValueError("two messages have the same id")
    if any(message.parent_id is not None and message.parent_id not in ids for message in messages):
        raise ValueError("a message answers one that is missing")
    placed: dict[str, ExportedMessage] = {}
    waiting: dict[str, list[ExportedMessage]] = {}
    for message in messages:
        if message.parent_id is not None and message.parent_id not in placed:
            waiting.setdefault(message.parent_id, []).append(message)
            continue
        ready = [message]
        while ready:
            current = ready.pop()
            placed[current.id] = current
            ready.extend(reversed(waiting.pop(current.id, [])))
    if len(placed) < len(messages):
        raise ValueError("messages answer each other in a circle")
    return list(placed.values())
