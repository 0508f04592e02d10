"""Messages to token ids.

Owns the chat template, the plain format for base models, what is left out of a long conversation, and that text which
looks like a control token stays text. Knows no sampling and no model, only its tokenizer and context length.

Rule for long conversations: room for the answer is kept free (`max_new_tokens`, at most a quarter of the context).
While prompt and room do not fit, whole oldest turns (a user's message with its answers) are left out; never the system
prompt, never the turn with the last message.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from playground.engine.conversation import alternate, merge_system, plain_text, turns_of
from playground.errors import InvalidInput, PromptTooLong
from playground.messages import Message

BASE_MODEL_STOPS = ("\nUser:", "\nAssistant:", "\nUser :")
_SAMPLE_CHARACTERS = 100_000


@dataclass(frozen=True)
class Prompt:
    """What the model reads. `prefix_ids` (the start of the answer, when one is continued) are the end of `ids`."""

    ids: tuple[int, ...]
    dropped_messages: int = 0
    prefix_ids: tuple[int, ...] = ()
    stop: tuple[str, ...] = ()
    """Stop strings that belong to the format."""
    strip_start: bool = False
    """The format makes answers start with a space that is not part of them."""
    public_length: int = 0
    """Tokens at the start that follow from the app's own text and the template alone, whoever asks."""


class PromptBuilder:
    """Builds prompts for one model. May be used from several threads: the tokenizer's settings are never changed."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context_length: int) -> None:
        self._tokenizer = tokenizer
        self._context_length = context_length
        self._has_template = bool(getattr(tokenizer, "chat_template", None))
        # Added tokens that are not special (tags, runs of spaces) are ordinary text and stay as they are.
        added = (token for token in tokenizer.added_tokens_decoder.values() if token.special)
        special = {*map(str, added), *tokenizer.all_special_tokens} - {""}
        self._special = sorted(special, key=len, reverse=True)
        self._special_pattern = re.compile("|".join(map(re.escape, self._special))) if special else None
        # The first call clears truncation and padding that a tokenizer file may bring; later calls only read.
        self._leading = self._leading_ids()

    @property
    def leading_ids(self) -> tuple[int, ...]:
        """What the tokenizer puts in front of every text, such as the start token of many base models."""
        return self._leading

    def reply_ids(self, text: str) -> tuple[int, ...]:
        """Ids of the beginning of an answer, where a control token's name is text like any other."""
        if self._special_pattern is None:
            return tuple(self._encode(text))
        ids, end = [], 0
        for match in self._special_pattern.finditer(text):
            ids += self._encode(text[end : match.start()]) + self._encode_literal(match[0])
            end = match.end()
        return (*ids, *self._encode(text[end:]))

    def build(
        self,
        messages: Sequence[Message],
        *,
        max_new_tokens: int,
        prefix_ids: Sequence[int] = (),
        app_messages: int = 0,
    ) -> Prompt:
        """The prompt for an answer to the last of `messages`, trimmed to the context.

        The first `app_messages` are the app's own text, the same for everybody. Raises PromptTooLong when not even the
        system prompt and the last turn fit, InvalidInput when there is nothing to answer or the model's template
        refuses the conversation.
        """
        system, turns = turns_of(messages)
        mark = _unused_mark([message.content for message in messages])
        room = max(1, min(max_new_tokens, self._context_length // 4)) + len(prefix_ids)
        budget = self._context_length - room
        low = start = self._first_turn_that_may_fit(system, turns, budget)
        high = len(turns) - 1
        fitting: tuple[int, str, list[int]] | None = None
        while low <= high:  # mostly the first attempt fits; else halve, since every attempt renders the whole text
            kept = [message for turn in turns[start:] for message in turn]
            self._refuse_hopeless(kept, room, alone=start == len(turns) - 1)
            text = self._render(system, kept, mark)
            ids = self._rendered_ids(text, mark)
            if len(ids) <= budget:
                fitting = start, text, ids
                high = start - 1
            else:
                low = start + 1
            start = (low + high) // 2
        if fitting is None:
            raise self._too_long(len(ids), kept, room)
        start, text, ids = fitting
        return Prompt(
            ids=(*ids, *prefix_ids),
            dropped_messages=sum(len(turn) for turn in turns[:start]),
            prefix_ids=tuple(prefix_ids),
            stop=() if self._has_template else BASE_MODEL_STOPS,
            strip_start=not self._has_template,
            public_length=self._public_length(text, ids, mark, messages, start, app_messages),
        )

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the untrimmed prompt; estimated from a sample for texts far beyond the context."""
        system, turns = turns_of(messages)
        kept = [message for turn in turns for message in turn]
        longest = max(self._measure(message.content) for message in kept)
        if longest > 2 * self._context_length:
            return longest
        mark = _unused_mark([message.content for message in messages])
        return len(self._rendered_ids(self._render(system, kept, mark), mark))

    def _first_turn_that_may_fit(self, system: str, turns: list[list[Message]], budget: int) -> int:
        """Index of the oldest turn to try: contents alone from there on fit. Reads every message at most once."""
        left = budget - self._measure(system)
        for index in range(len(turns) - 1, -1, -1):
            left -= sum(self._measure(message.content) for message in turns[index])
            if left < 0:
                return min(index + 1, len(turns) - 1)
        return 0

    def _measure(self, text: str) -> int:
        """Tokens of `text`; beyond any doubt too long texts are estimated from a sample, so 5 MB cost little."""
        if len(text) <= _SAMPLE_CHARACTERS:
            return len(self._encode(text)) if text else 0
        sampled = len(self._encode(text[:_SAMPLE_CHARACTERS]))
        estimate = sampled * len(text) // _SAMPLE_CHARACTERS
        return estimate if estimate > 2 * self._context_length else len(self._encode(text))

    def _refuse_hopeless(self, kept: list[Message], room: int, *, alone: bool) -> None:
        """Raise PromptTooLong before a text far beyond the context is put through the template."""
        if alone:
            tokens = sum(self._measure(message.content) for message in kept)
            if tokens > 2 * self._context_length:
                raise self._too_long(tokens, kept, room)

    def _too_long(self, tokens: int, kept: list[Message], room: int) -> PromptTooLong:
        limit, excess = self._context_length, tokens + room - self._context_length
        text = " ".join(message.content for message in kept)
        words, unit = len(text[:_SAMPLE_CHARACTERS].split()), "words"
        if words < len(text[:_SAMPLE_CHARACTERS]) / 15:
            # Chinese and its like have no spaces to count words by.
            words, unit = len(text[:_SAMPLE_CHARACTERS]), "characters"
        words = words * len(text) / max(1, min(len(text), _SAMPLE_CHARACTERS))
        shorten = _round_up(max(1, round(excess * words / max(1, tokens))))
        needs = f" and needs {room:,} of them free for the answer" if tokens <= limit else ""
        return PromptTooLong(
            f"Your text is {tokens:,} tokens; this model reads {limit:,}{needs}. "
            f"Shorten it by about {shorten:,} {unit}."
        )

    def _render(self, system: str, messages: list[Message], mark: str) -> str:
        """The conversation up to where the answer starts. `mark` and a number stand for a control token's name."""

        def protect(text: str) -> str:
            if self._special_pattern is None:
                return text
            return self._special_pattern.sub(lambda match: f"{mark}{self._special.index(match[0])}\ue001", text)

        chat = [{"role": message.role, "content": protect(message.content)} for message in messages]
        return self._apply_template(protect(system), chat) if self._has_template else plain_text(protect(system), chat)

    def _rendered_ids(self, text: str, mark: str) -> list[int]:
        ids = [] if self._has_template else list(self._leading)
        for index, piece in enumerate(re.split(f"{mark}([0-9]+)\ue001", text)):
            ids += self._encode_literal(self._special[int(piece)]) if index % 2 else self._encode(piece)
        return ids

    def _public_length(
        self, text: str, ids: list[int], mark: str, messages: Sequence[Message], start: int, app_messages: int
    ) -> int:
        """How many of `ids`, the tokens of `text`, nobody's own words have any part in.

        What the same conversation without those words starts with, up to its last control token: how a text is cut
        into tokens there does not depend on what comes behind it.
        """
        blank = "\ue002"
        blanked = [
            Message(message.role, blank) if index >= app_messages and message.content.strip() else message
            for index, message in enumerate(messages)
        ]
        system, turns = turns_of(blanked)
        try:
            without = self._render(system, [message for turn in turns[start:] for message in turn], mark)
        except InvalidInput:  # a template that looks into the messages
            return 0
        shared = text[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, without, strict=False)))]
        ends = [match.end() for match in self._special_pattern.finditer(shared)] if self._special_pattern else []
        public = self._rendered_ids(shared[: ends[-1]], mark) if ends else []
        return len(public) if public == ids[: len(public)] else 0

    def _apply_template(self, system: str, chat: list[dict[str, str]]) -> str:
        """The template's text. Templates that refuse or ignore a system role get it in front of the first message."""
        with_role = [{"role": "system", "content": system}, *chat] if system else chat
        attempts = [with_role, merge_system(system, chat), alternate(merge_system(system, chat))]
        for attempt in attempts:
            try:
                # enable_thinking: hidden reasoning would stream as if it were the answer.
                text = self._tokenizer.apply_chat_template(
                    attempt, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            except TemplateError:
                continue
            if not system or system.strip() in text:
                return str(text)
        raise InvalidInput(
            "This model's chat template cannot take this conversation. Start a new chat or choose another model."
        )

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"] if text else []

    def _encode_literal(self, text: str) -> list[int]:
        """Ids of a control token's name as ordinary text: halves no longer match it."""
        if len(text) == 1:
            names = self._tokenizer.convert_ids_to_tokens(ids := self._encode(text))
            return [token_id for token_id, name in zip(ids, names, strict=True) if name != text]
        halves = text[: len(text) // 2], text[len(text) // 2 :]
        is_special = self._special_pattern.search if self._special_pattern else lambda _: None
        return [
            token_id
            for half in halves
            for token_id in (self._encode_literal(half) if is_special(half) else self._encode(half))
        ]

    def _leading_ids(self) -> tuple[int, ...]:
        """What the tokenizer puts in front of every text (the start token of many base models)."""
        bare = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        full = self._tokenizer("a")["input_ids"]
        start = next((index for index in range(len(full)) if full[index : index + len(bare)] == bare), 0)
        return tuple(full[:start])


def _unused_mark(texts: list[str]) -> str:
    """A private-use mark that occurs in none of `texts`."""
    while True:
        mark = f"\ue000{secrets.token_hex(4)}:"
        if not any(mark in text for text in texts):
            return mark


def _round_up(count: int) -> int:
    """To two significant digits, upwards: 1,208 -> 1,300."""
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step
