"""Chat: who answers (personas), how (settings), and what the model is given to read.

Pure: no Gradio, no storage. Settings come from a browser and are checked here, value by value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from playground.errors import InvalidInput
from playground.messages import Message, SamplingParams

ALTERNATIVES = 5
MAX_MESSAGE_CHARACTERS = 400_000
MAX_INSTRUCTION_CHARACTERS = 20_000
MAX_STOP_TEXTS = 8
MAX_NEW_TOKENS = 8192
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Persona:
    """Somebody who answers. `id` names its texts: persona_<id>, persona_<id>_about, persona_<id>_prompt."""

    id: str
    temperature: float | None = None
    """A creativity that suits it; None: what the visitor has."""


PERSONAS: tuple[Persona, ...] = (
    Persona("assistant"),
    Persona("service"),
    Persona("teacher"),
    Persona("translator"),
    Persona("coder"),
    Persona("storyteller"),
)


@dataclass(frozen=True)
class ChatSettings:
    """How one conversation is answered. `system_prompt` None means that of the persona, "" none at all."""

    persona: str = PERSONAS[0].id
    system_prompt: str | None = None
    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.1
    max_new_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int | None = None

    @classmethod
    def from_untrusted(cls, values: object) -> ChatSettings:
        """Settings out of what a browser or a file says: numbers are put into range, the unknown is left out."""
        given = values if isinstance(values, Mapping) else {}
        default = cls()
        persona, instructions = given.get("persona"), given.get("system_prompt")
        return cls(
            persona=persona if persona in {one.id for one in PERSONAS} else default.persona,
            system_prompt=instructions[:MAX_INSTRUCTION_CHARACTERS] if isinstance(instructions, str) else None,
            temperature=_number(given, "temperature", 0.0, 2.0, default.temperature),
            top_k=int(_number(given, "top_k", 0, 1000, default.top_k)),
            top_p=_number(given, "top_p", 0.0, 1.0, default.top_p),
            min_p=_number(given, "min_p", 0.0, 1.0, default.min_p),
            repetition_penalty=_number(given, "repetition_penalty", 1.0, 2.0, default.repetition_penalty),
            max_new_tokens=int(_number(given, "max_new_tokens", 1, MAX_NEW_TOKENS, default.max_new_tokens)),
            stop=_stop_texts(given.get("stop")),
            seed=None if given.get("seed") in (None, "") else int(_number(given, "seed", 0, MAX_SEED, 0)),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for storage and for the page."""
        return {**asdict(self), "stop": list(self.stop)}

    def sampling(self, *, alternatives: int = ALTERNATIVES) -> SamplingParams:
        """What the engine needs of these settings."""
        values = asdict(self)
        del values["persona"], values["system_prompt"]
        return SamplingParams(**values, alternatives=alternatives)


def check_message(text: object) -> str:
    """The visitor's message as it is stored. Raises InvalidInput for one that is empty or beyond any model's window."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput("The message is empty. Write something first.")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise InvalidInput(
            f"Your message has {len(text):,} characters; {MAX_MESSAGE_CHARACTERS:,} are the most that can be sent. "
            "Shorten it, or send it in parts."
        )
    return text


def prompt(instructions: str, turns: Iterable[tuple[str, str]]) -> list[Message]:
    """The messages for the engine: instructions first, then `turns` of (role, content) without the empty ones.

    A reply that was stopped before its first word must not be replayed: it teaches the model to say nothing.
    """
    messages = [Message("system", instructions)] if instructions.strip() else []
    for role, content in turns:
        if content.strip():
            messages.append(Message("assistant" if role == "assistant" else "user", content))
    return messages


def app_messages(settings: ChatSettings, messages: Sequence[Message]) -> int:
    """How many of the first `messages` of a prompt are the app's own text: the instructions of a persona, unchanged."""
    return int(settings.system_prompt is None and bool(messages) and messages[0].role == "system")


def _number(values: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    try:
        number = float(values.get(name, default))
    except (TypeError, ValueError, OverflowError):
        return default
    return min(max(number, low), high) if math.isfinite(number) else default


def _stop_texts(given: object) -> tuple[str, ...]:
    texts = given if isinstance(given, list | tuple) else []
    return tuple(str(text)[:200] for text in texts if str(text).strip())[:MAX_STOP_TEXTS]
