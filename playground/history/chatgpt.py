"""ChatGPT's conversations.json, read into the shape of our own export.

Owns the knowledge of that format: a list of conversations, each a `mapping` of nodes with parent and children and a
`current_node`. Keeps every branch; leaves out what is not text of the user or the assistant, and joins the ends.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from playground.history.texts import one_line, title_of

_TEXT_TYPES = ("text", "multimodal_text")


def is_export(data: Any) -> bool:
    """Whether parsed JSON is such a file (or one conversation of it)."""
    entries = data if isinstance(data, list) else [data]
    return bool(entries) and all(
        isinstance(entry, dict) and isinstance(entry.get("mapping"), dict) for entry in entries
    )


def conversations(data: Any) -> tuple[list[dict[str, Any]], int]:
    """The conversations as entries of our own export, and how many messages had nothing to show."""
    entries, skipped = [], 0
    for entry in data if isinstance(data, list) else [data]:
        conversation, left_out = _conversation(entry)
        skipped += left_out
        if conversation["messages"]:
            entries.append(conversation)
    return entries, skipped


def _conversation(entry: dict[str, Any]) -> tuple[dict[str, Any], int]:
    nodes = {node_id: node for node_id, node in entry["mapping"].items() if isinstance(node, dict)}
    started_s = _seconds(entry.get("create_time"), 0.0)
    messages: list[dict[str, Any]] = []
    kept: dict[str, str | None] = {}  # node -> itself, or the nearest node above it that is kept
    times_s: dict[str, float] = {}
    for node_id, parent_id in _top_down(nodes):
        above = None if parent_id is None else kept[parent_id]
        before_s = started_s if parent_id is None else times_s[parent_id]
        message = _message(nodes[node_id].get("message"), before_s)
        times_s[node_id] = before_s if message is None else message["created_at"]
        kept[node_id] = above if message is None else node_id
        if message is not None:
            messages.append({"id": node_id, "parent_id": above, **message})
    with_message = sum(1 for node in nodes.values() if isinstance(node.get("message"), dict))
    current = entry.get("current_node")
    first = messages[0]["id"] if messages else ""
    question = next((message["content"] for message in messages if message["role"] == "user"), "")
    identifier = entry.get("conversation_id") or entry.get("id") or first
    conversation = {
        "id": str(identifier),
        "title": one_line(str(entry.get("title") or "")) or title_of(question),
        "active_leaf_id": kept.get(current) if isinstance(current, str) else None,
        "created_at": started_s,
        "updated_at": _seconds(entry.get("update_time"), max(times_s.values(), default=started_s)),
        "messages": messages,
    }
    return conversation, with_message - len(messages)


def _top_down(nodes: dict[str, dict[str, Any]]) -> list[tuple[str, str | None]]:
    """(node, parent) with parents first and siblings in the file's order; nodes in a circle are left out."""
    children: dict[str | None, list[str]] = defaultdict(list)
    for node_id, node in nodes.items():
        parent_id = node.get("parent")
        children[parent_id if isinstance(parent_id, str) and parent_id in nodes else None].append(node_id)
    order: list[tuple[str, str | None]] = []
    ready: list[tuple[str, str | None]] = [(node_id, None) for node_id in reversed(children[None])]
    while ready:
        node_id, parent_id = ready.pop()
        order.append((node_id, parent_id))
        listed = nodes[node_id].get("children")
        places = {child: place for place, child in enumerate(listed) if isinstance(child, str)} if listed else {}
        below = sorted(children.get(node_id, []), key=lambda child: places.get(child, math.inf))
        ready.extend((child, node_id) for child in reversed(below))
    return order


def _message(message: Any, before_s: float) -> dict[str, Any] | None:
    """What our export says of a node's message; None when there is nothing to show."""
    if not isinstance(message, dict):
        return None
    metadata, author = _dict(message.get("metadata")), _dict(message.get("author"))
    role, text = author.get("role"), _text(_dict(message.get("content")))
    hidden = metadata.get("is_visually_hidden_from_conversation") or message.get("recipient", "all") not in (
        "all",
        None,
    )
    if role not in ("user", "assistant") or hidden or not text:
        return None
    created_s = _seconds(message.get("create_time"), before_s)
    model = metadata.get("model_slug")
    return {
        "role": role,
        "content": text,
        "status": "interrupted" if message.get("status") == "in_progress" else "done",
        "model": model if role == "assistant" and isinstance(model, str) else None,
        "created_at": created_s,
        "updated_at": created_s,
        "used_at": created_s,
    }


def _text(content: dict[str, Any]) -> str:
    parts = content.get("parts")
    if content.get("content_type") not in _TEXT_TYPES or not isinstance(parts, list):
        return ""
    return "\n\n".join(part for part in parts if isinstance(part, str) and part.strip())


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(value: Any, otherwise: float) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2.5e11
    return float(value) if usable else otherwise
