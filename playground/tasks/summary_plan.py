"""How a text is cut into parts that a model can read, how many rounds that makes and about how long it takes.

Owns sizes, cuts and the estimate. Knows the model by four numbers (`ModelSize`, `Speeds`) and a function that counts.
"""

from __future__ import annotations

import itertools
import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.errors import PromptTooLong
from playground.text.sentences import cut

AT_ONCE = 8
"""Parts that are read and written about together."""
LEAST_PART_TOKENS = 96
NOTE_TOKENS = 110
"""What is written about one part, at the most."""
ANSWER_TOKENS = 400
"""Room for the summary itself."""
_BLOCK_CHARACTERS = 20_000
_MARGIN_TOKENS = 48
"""Prompts are counted as a whole, texts in blocks: where they meet, tokens differ a little."""
_NEARLY_FULL = 0.8
_TRUST = 0.15
"""A guess counts like having seen so much of the work."""
_USUAL_PARAMETERS = 500_000_000


@dataclass(frozen=True)
class Sizes:
    """Tokens of the text in one request: at most `part` in a part of a long text; up to `whole` it is not cut at all.

    `whole` >= `part` >= LEAST_PART_TOKENS.
    """

    part: int
    whole: int


@dataclass(frozen=True)
class Part:
    """Characters `start` to `end` of the text; `tokens` is about how many the model reads for them."""

    start: int
    end: int
    tokens: int


@dataclass(frozen=True)
class Plan:
    """What will be done, before anything is: parts, requests, rounds in which what was written is put together."""

    parts: tuple[Part, ...]
    tokens: int
    rounds: int
    requests: int
    seconds: float
    """About how long it takes. A guess until the model has been seen at work."""

    @property
    def whole(self) -> bool:
        """The text is read in one piece."""
        return len(self.parts) == 1


def sizes(context_length: int, parameters: int | None, overhead_tokens: int) -> Sizes:
    """What fits, and what a model of that many parameters still makes sense of. Raises PromptTooLong.

    Small models lose the thread long before their window ends, and reading costs more than linear time.
    """
    count = parameters or _USUAL_PARAMETERS
    part, whole = (1_000, 1_800) if count < 1e9 else (1_600, 3_200) if count < 3e9 else (4_000, 12_000)
    room = context_length - overhead_tokens - min(ANSWER_TOKENS, context_length // 4) - _MARGIN_TOKENS
    if room < LEAST_PART_TOKENS:
        raise PromptTooLong(
            f"This model reads {context_length:,} tokens at once, which is too few for a summary. Choose another model."
        )
    return Sizes(min(part, room), min(whole, room))


class TokenMap:
    """Where the tokens of a text are: counts those of any stretch of it. Built once, in blocks, by `offsets(block)`:
    the first character of each token of a text."""

    def __init__(self, text: str, offsets: Callable[[str], Sequence[int]]) -> None:
        self._starts: list[int] = []
        position = 0
        while position < len(text):
            end = _block_end(text, position)
            self._starts += [position + start for start in offsets(text[position:end])]
            position = end

    def count(self, start: int, end: int) -> int:
        """Tokens that begin within the characters `start` to `end`."""
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def end_of(self, start: int, tokens: int) -> int | None:
        """Where the token after the next `tokens` ones begins, None behind the last. Always more than `start`."""
        index = bisect_left(self._starts, start) + tokens
        if index >= len(self._starts):
            return None
        if self._starts[index] > start:
            return self._starts[index]
        after = bisect_right(self._starts, start)  # many tokens to one character
        return self._starts[after] if after < len(self._starts) else None


def cut_parts(text: str, tokens: TokenMap, budget: int, language: str = "en") -> tuple[Part, ...]:
    """`text` in parts of at most `budget` tokens (one character has as many as it has): cut between paragraphs, else
    between sentences, else anywhere. The parts laid end to end are the text."""
    ends = [end for start, end in _units(text, language) for end in _pieces(text, start, end, tokens, budget)]
    paragraphs = {end for end in ends if "\n\n" in text[max(0, end - 3) : end]}
    total = tokens.count(0, len(text))
    target = total / max(1, math.ceil(total / budget))
    parts: list[Part] = []
    start = last = 0
    for end in ends:
        if last > start and tokens.count(start, end) > budget:
            parts.append(Part(start, last, tokens.count(start, last)))
            start = last
        last = end
        if end in paragraphs and tokens.count(start, end) >= target * _NEARLY_FULL and end < len(text):
            parts.append(Part(start, end, tokens.count(start, end)))
            start = end
    parts.append(Part(start, len(text), tokens.count(start, len(text))))
    return tuple(part for part in parts if part.end > part.start)


@dataclass
class Speeds:
    """Tokens a second of one model: reading, and writing when one answer and when several are written. Learns."""

    reading: float
    writing: float
    together: float
    """How much faster eight answers at once are written than one, all in all."""
    factor: float = 1.0
    """Measured seconds by guessed seconds, lately."""
    measured: bool = False

    @classmethod
    def guess(cls, parameters: int | None) -> Speeds:
        """What a small computer does with that many parameters."""
        count = parameters or _USUAL_PARAMETERS
        return cls(reading=5e11 / count, writing=3e10 / count, together=3.0)

    def seconds(self, read: int, written: int, requests: int) -> float:
        """About how long `requests` take that read and write so many tokens together."""
        together = 1 + (self.together - 1) * (min(requests, AT_ONCE) - 1) / (AT_ONCE - 1)
        return self.factor * (read / self.reading + written / (self.writing * together))

    def learn(self, read: int, written: int, requests: int, seconds: float) -> None:
        """Requests that read and wrote so many tokens took so long."""
        guessed = self.seconds(read, written, requests)
        if guessed <= 0 or seconds <= 0:
            return
        weight = 0.5 if self.measured else 1.0
        self.factor *= (seconds / guessed) ** weight
        self.measured = True


class Effort:
    """How far `requests` that are answered together are, and how long the rest takes.

    They take turns, so that many are half done before the first is done: what counts is how much of each is. `guess_s`
    is how long all should take, of which `reading` (0 to 1) goes into the prompts.
    """

    def __init__(self, requests: int, guess_s: float, reading: float) -> None:
        self._requests, self._guess_s, self._reading = requests, guess_s, reading
        self._shares: dict[int, float] = {}

    def read(self, index: int, share: float) -> None:
        """So much (0 to 1) of the prompt of request `index` is read."""
        self._raise(index, self._reading * min(1.0, share))

    def wrote(self, index: int, share: float) -> None:
        """So much (0 to 1) of the answer to request `index` is written."""
        self._raise(index, self._reading + (1 - self._reading) * min(1.0, share))

    def end(self, index: int) -> None:
        """Request `index` is done."""
        self._raise(index, 1.0)

    @property
    def share(self) -> float:
        """0 to 1: how much of everything is done."""
        return min(1.0, sum(self._shares.values()) / max(1, self._requests))

    def remaining_s(self, elapsed_s: float) -> float:
        """Seconds for what is left: by the guess at first, more and more by how long it has taken so far."""
        total_s = (_TRUST * self._guess_s + elapsed_s) / (_TRUST + self.share)
        return total_s * (1 - self.share)

    def _raise(self, index: int, share: float) -> None:
        self._shares[index] = max(self._shares.get(index, 0.0), share)


class SpeedBook:
    """The speeds of the models that were seen at work, by id. May be used from several threads."""

    def __init__(self) -> None:
        self._speeds: dict[str, Speeds] = {}
        self._lock = threading.Lock()

    def seconds(self, model: str, parameters: int | None, read: int, written: int, requests: int) -> float:
        """See `Speeds.seconds`."""
        with self._lock:
            return self._of(model, parameters).seconds(read, written, requests)

    def learn(self, model: str, parameters: int | None, read: int, written: int, requests: int, took_s: float) -> None:
        """See `Speeds.learn`."""
        with self._lock:
            self._of(model, parameters).learn(read, written, requests, took_s)

    def _of(self, model: str, parameters: int | None) -> Speeds:
        return self._speeds.setdefault(model, Speeds.guess(parameters))


def rounds_for(parts: int, sizes: Sizes) -> tuple[int, int]:
    """How many rounds and requests it takes until what was written about `parts` parts fits into one request."""
    rounds, requests, nodes = 0, parts, parts
    while nodes > 1 and nodes * NOTE_TOKENS > sizes.whole:
        nodes = math.ceil(nodes / max(2, sizes.part // NOTE_TOKENS))
        rounds, requests = rounds + 1, requests + nodes
    return rounds, requests


def _units(text: str, language: str) -> list[tuple[int, int]]:
    """The sentences, each with what follows it up to the next one: laid end to end they are the text."""
    starts = [segment.start for segment in cut(text, language).segments]
    edges = [0, *(start for start in starts if start > 0), len(text)]
    return [(start, end) for start, end in itertools.pairwise(edges) if start < end]


def _pieces(text: str, start: int, end: int, tokens: TokenMap, budget: int) -> list[int]:
    """Ends of pieces of at most `budget` tokens of a unit; where it must be cut, rather after a blank."""
    ends = []
    while tokens.count(start, end) > budget and (border := tokens.end_of(start, budget)) is not None and border < end:
        blank = max(text.rfind(" ", start + (border - start) // 2, border), text.rfind("\n", start, border))
        start = blank + 1 if blank > start else border
        ends.append(start)
    return [*ends, end]


def _block_end(text: str, start: int) -> int:
    """The end of a block for counting: after a line where there is one, so that few tokens are cut in two."""
    end = min(len(text), start + _BLOCK_CHARACTERS)
    line = text.rfind("\n", start + _BLOCK_CHARACTERS // 2, end)
    return line + 1 if end < len(text) and line > start else end
