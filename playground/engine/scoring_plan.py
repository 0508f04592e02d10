"""Openings and options as tokens: where an opening ends and an option begins, and whether both fit.

Owns the cut into tokens, and that what many openings have in common is cut once. Knows no cache and no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.session import Session
from playground.errors import InvalidInput, PlaygroundError, PromptTooLong
from playground.messages import Message

_SHORTEST_HEAD = 200
"""Letters that openings have in common from which on it pays to cut them once."""
_AROUND = 8
"""Letters on both sides of such a cut that are the same in all openings, so that all are cut alike there."""


@dataclass(frozen=True)
class Opening:
    """What stands before the options: plain text, or with `messages` the beginning of the answer to the last of them.

    The first `app_messages` are the app's own text, the same for everybody.
    """

    text: str = ""
    messages: tuple[Message, ...] = ()
    app_messages: int = 0


@dataclass(frozen=True)
class _Chat:
    """What conversations have in common that differ in the end of their last message alone."""

    messages: tuple[Message, ...]
    head: str
    """How the last message begins."""
    before: tuple[int, ...]
    behind: tuple[int, ...]
    public_length: int


@dataclass(frozen=True)
class Plan:
    """One opening in tokens: what all options have before them, and the options."""

    index: int
    start: tuple[int, ...]
    endings: tuple[tuple[int, ...], ...]
    public_length: int = 0


class Planner:
    """Plans of openings with the same options. Raises InvalidInput for options that are none."""

    def __init__(self, session: Session, openings: Sequence[Opening], options: Sequence[str]) -> None:
        self._prompts, self._limit = session.prompts, session.loaded.context_length
        self._options = [_clean(option) for option in options]
        if not self._options or not all(self._options):
            raise InvalidInput("There is an empty answer among those to choose from. Write a word for each.")
        texts = [_clean(opening.text) for opening in openings]
        self._head, self._head_ids = self._shared_head(texts)
        self._endings: dict[str, list[tuple[int, ...]]] = {}
        self._most = max(len(self._prompts.reply_ids(option)) for option in self._options)
        self._chat = self._shared_chat(openings)

    def plan(self, index: int, opening: Opening) -> Plan:
        """Raises InvalidInput for an opening without tokens, PromptTooLong for one that does not fit with its
        options."""
        text = _clean(opening.text)
        alone = self._cut(text) if text else ()
        joined = self._joined(text, alone)
        untouched = len(common_start([alone, *joined]))
        endings = tuple(ids[untouched:] for ids in joined)
        if not all(endings):
            raise InvalidInput("There is an empty answer among those to choose from. Write a word for each.")
        before, public_length = self._prompts.leading_ids, 0
        if opening.messages:
            before, public_length = self._chat_ids(opening, max(map(len, joined)))
        start = (*before, *alone[:untouched])
        if not start:
            raise InvalidInput("There is no text to look at yet. Write a few words first.")
        tokens = len(start) + max(map(len, endings))
        if tokens > self._limit:
            raise PromptTooLong(
                f"Your text is {tokens:,} tokens; this model reads {self._limit:,}. Choose a part of it."
            )
        return Plan(index, start, endings, public_length)

    def _joined(self, text: str, alone: tuple[int, ...]) -> list[tuple[int, ...]]:
        """`text` with every option behind it. Where the last line of a text is cut as it is cut alone, what stands
        before it has no part in how an option is cut."""
        head, line_end, tail = text.rpartition("\n")
        if not line_end or not tail or tail[0].isspace() or tail[-1].isspace() or head.endswith("\n"):
            return [self._cut(text + option) for option in self._options]
        tail_ids = self._prompts.reply_ids(tail)
        if alone[-len(tail_ids) :] != tail_ids:
            return [self._cut(text + option) for option in self._options]
        if tail not in self._endings:
            self._endings[tail] = [self._prompts.reply_ids(tail + option) for option in self._options]
        return [(*alone[: -len(tail_ids)], *ids) for ids in self._endings[tail]]

    def _cut(self, text: str) -> tuple[int, ...]:
        if self._head and text.startswith(self._head):
            return (*self._head_ids, *self._prompts.reply_ids(text[len(self._head) :]))
        return self._prompts.reply_ids(text)

    def _shared_head(self, texts: Sequence[str]) -> tuple[str, tuple[int, ...]]:
        """What all texts begin with, up to an empty line, and its tokens; "" where it would be cut otherwise there."""
        common = texts[0][: _common_length(texts)] if len(texts) > 2 else ""
        end = common.rfind("\n\n", 0, max(0, len(common) - _AROUND)) + 2
        if end < max(_SHORTEST_HEAD, 2):
            return "", ()
        head = common[:end]
        ids = self._prompts.reply_ids(head)
        for text in (min(texts), max(texts), texts[0]):
            if (*ids, *self._prompts.reply_ids(text[end:])) != self._prompts.reply_ids(text):
                return "", ()
        return head, ids

    def _chat_ids(self, opening: Opening, most: int) -> tuple[tuple[int, ...], int]:
        """The tokens of a conversation, and how many of them are the app's own."""
        chat = self._chat
        if chat is not None and opening.messages[:-1] == chat.messages:
            rest = opening.messages[-1].content[len(chat.head) :]
            if _is_plain(rest):
                ids = (*chat.before, *self._prompts.reply_ids(rest), *chat.behind)
                if len(ids) + most <= self._limit:  # else some of it has to go, or it is refused
                    return ids, chat.public_length
        prompt = self._prompts.build(opening.messages, max_new_tokens=most, app_messages=opening.app_messages)
        return prompt.ids, prompt.public_length

    def _shared_chat(self, openings: Sequence[Opening]) -> _Chat | None:
        """What all conversations have in common, with its tokens; None where they differ in more than the end of the
        last message, or would be cut otherwise."""
        if len(openings) < 3 or len({(one.messages[:-1], one.app_messages) for one in openings}) > 1:
            return None
        contents = [one.messages[-1].content if one.messages else "" for one in openings]
        head = contents[0][: _common_length(contents)]
        head = head[: head.rfind("\n\n") + 2] if "\n\n" in head else ""
        samples = [one for one in openings if head and _is_plain(one.messages[-1].content[len(head) :])][:2]
        if len(samples) < 2 or not head.strip():
            return None
        found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        for sample in samples:
            prompt = self._prompts.build(sample.messages, max_new_tokens=self._most, app_messages=sample.app_messages)
            rest = self._prompts.reply_ids(sample.messages[-1].content[len(head) :])
            places = [
                at for at in range(len(prompt.ids) - len(rest), -1, -1) if prompt.ids[at : at + len(rest)] == rest
            ]
            if not places:
                return None
            found.append((prompt.ids[: places[0]], prompt.ids[places[0] + len(rest) :]))
        if found[0] != found[1]:
            return None
        return _Chat(samples[0].messages[:-1], head, *found[0], prompt.public_length)


def plans_of(
    session: Session, openings: Sequence[Opening], options: Sequence[str]
) -> tuple[list[Plan], list[tuple[int, PlaygroundError]]]:
    """The plans, and why there is none of an opening, by its place."""
    planner = Planner(session, openings, options)
    plans: list[Plan] = []
    errors: list[tuple[int, PlaygroundError]] = []
    for index, opening in enumerate(openings):
        try:
            plans.append(planner.plan(index, opening))
        except PlaygroundError as error:
            errors.append((index, error))
    return plans, errors


def common_start(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What all `rows` begin with: what the smallest and the largest of them do."""
    low, high = min(rows), max(rows)
    different = (index for index, id_ in enumerate(low) if high[index] != id_)
    return low[: next(different, len(low))]


def _is_plain(text: str) -> bool:
    """Whether it is cut the same wherever it stands: neither may a template trim it nor can it hold control tokens."""
    return bool(text) and not text[0].isspace() and not text[-1].isspace() and "<" not in text and text == _clean(text)


def _common_length(texts: Sequence[str]) -> int:
    low, high = min(texts), max(texts)
    different = (index for index, letter in enumerate(low) if high[index : index + 1] != letter)
    return next(different, len(low))


def _clean(text: str) -> str:
    """Half a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
