"""The shape of a conversation: what is system prompt and turn, and how models that know no such roles are given it.

Knows no tokenizer and no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.errors import InvalidInput
from playground.messages import Message


def turns_of(messages: Sequence[Message]) -> tuple[str, list[list[Message]]]:
    """The system prompt and the turns, each starting with a user's message (the first perhaps with an answer).

    Follows from the roles and from which messages are empty. Raises InvalidInput when there is nothing to answer.
    """
    said = [Message(message.role, _clean(message.content)) for message in messages]
    system = "\n\n".join(message.content for message in said if message.role == "system" and message.content.strip())
    turns: list[list[Message]] = []
    for message in said:
        if message.role == "system" or (message.role == "assistant" and not message.content.strip()):
            continue
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    if not turns:
        raise InvalidInput("There is nothing to answer yet. Write a message first.")
    return system, turns


def _clean(text: str) -> str:
    """Half a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def plain_text(system: str, chat: list[dict[str, str]]) -> str:
    """A conversation for a base model, which has no chat template: a few lines with the speakers' names."""
    names = {"user": "User", "assistant": "Assistant"}
    lines = [system, ""] if system else []
    lines += [f"{names[turn['role']]}: {turn['content'].strip()}" for turn in chat]
    return "\n".join([*lines, "Assistant:"])


def merge_system(system: str, chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """The conversation with the system prompt in front of the first user message."""
    if not system:
        return chat
    for index, turn in enumerate(chat):
        if turn["role"] == "user":
            merged = {"role": "user", "content": f"{system}\n\n{turn['content']}"}
            return [*chat[:index], merged, *chat[index + 1 :]]
    return [{"role": "user", "content": system}, *chat]


def alternate(chat: list[dict[str, str]]) -> list[dict[str, str]]:
    """User and assistant in strict turns, user first: neighbours of one role joined, answers to nothing left out."""
    result: list[dict[str, str]] = []
    for turn in chat:
        if result and result[-1]["role"] == turn["role"]:
            result[-1] = {"role": turn["role"], "content": f"{result[-1]['content']}\n\n{turn['content']}"}
        elif result or turn["role"] == "user":
            result.append(turn)
    return result
