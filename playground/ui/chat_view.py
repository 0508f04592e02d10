"""What the chat page shows of a conversation, as plain values, from the history and the turn that writes in it."""

from __future__ import annotations

from typing import Any

from playground.history.rows import ThreadMessage
from playground.history.store import HistoryStore
from playground.messages import Progress
from playground.tasks.chat import ChatSettings
from playground.ui.turns import Turn, Turns

UNFINISHED = ("queued", "streaming")


def conversation_view(history: HistoryStore, turns: Turns, owner: str, conversation_id: str) -> dict[str, Any]:
    """The active branch of a conversation. Raises NotFound."""
    conversation = history.get_conversation(owner, conversation_id)
    turn = turns.running_in(owner, conversation_id)
    messages = [message_view(entry) for entry in history.thread(owner, conversation_id)]
    for message in messages:
        if unsaved := turns.unsaved(owner, message["id"]):
            message.update(text=unsaved.text, status=unsaved.status, error=unsaved.error)
        elif message["status"] in UNFINISHED and (turn is None or turn.reply.message_id != message["id"]):
            message["status"] = "interrupted"  # nobody writes it any more
    view: dict[str, Any] = {
        "conversation": {
            "id": conversation.id,
            "title": conversation.title,
            "temporary": conversation.temporary,
            "settings": ChatSettings.from_untrusted(conversation.settings).as_dict(),
        },
        "messages": messages,
        "running": None,
        "progress": None,
    }
    shown = next((one for one in messages if turn and one["id"] == turn.reply.message_id), None)
    return with_turn(view, turn) if turn and shown else view


def empty_view() -> dict[str, Any]:
    """A page without a conversation."""
    return {"conversation": None, "messages": [], "running": None, "progress": None}


def message_view(entry: ThreadMessage) -> dict[str, Any]:
    """One message of a branch with its place among its versions."""
    message = entry.message
    return {
        "id": message.id,
        "role": message.role,
        "text": message.content,
        "status": message.status,
        "error": message.error,
        "model": message.model,
        "stats": message.stats,
        "version": entry.version,
        "versions": entry.versions,
        "siblings": list(entry.sibling_ids),
    }


def with_turn(view: dict[str, Any], turn: Turn) -> dict[str, Any]:
    """The same view with the state of its running turn; the given view is not changed."""
    messages = [
        {**message, "text": turn.text, "status": turn.status, "model": turn.stats.model_name or message["model"]}
        if message["id"] == turn.reply.message_id
        else message
        for message in view["messages"]
    ]
    return {**view, "messages": messages, "running": turn.reply.message_id, "progress": progress_view(turn)}


def progress_view(turn: Turn) -> dict[str, Any]:
    """What the reply waits for, or how fast it is written."""
    progress: Progress | None = turn.progress
    if progress is None:
        return {"phase": "writing", "rate": turn.stats.tokens_per_second}
    return {
        "phase": progress.phase,
        "ahead": progress.ahead,
        "done": progress.done_tokens,
        "total": progress.total_tokens,
    }
