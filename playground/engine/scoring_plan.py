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
            most = max(map(len, joined))
            prompt = self._prompts.build(opening.messages, max_new_tokens=most, app_messages=opening.app_messages)
            before, public_length = prompt.ids, prompt.public_length
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


def _common_length(texts: Sequence[str]) -> int:
    low, high = min(texts), max(texts)
    different = (index for index, letter in enumerate(low) if high[index : index + 1] != letter)
    return next(different, len(low))


def _clean(text: str) -> str:
    """Half a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
