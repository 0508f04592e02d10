"""How likely each of several answers is: log P(option | opening) for whole option strings, for many openings at once.

Owns the cut into tokens where an opening ends and an option begins, what is read once for all, and how the rest is
packed into steps. Lives on two threads in turns: steps on the model's, the rest where it was asked for. Knows no queue
and no labels.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine.batch import pack
from playground.engine.kv_cache import KVCache
from playground.engine.memory_budget import is_out_of_memory
from playground.engine.session import Session
from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError, PromptTooLong
from playground.messages import Message

MOST_LOGIT_ROWS = 64
"""In a step; a row of logits takes 600 kB in a large vocabulary."""
MOST_OPENINGS = 24
"""In a step: each has a block of keys and values of its own, about 7 MB."""


class ScoringStopped(PlaygroundError):
    """A scoring was stopped by the one who asked for it."""


@dataclass(frozen=True)
class Opening:
    """What stands before the options: plain text, or with `messages` the beginning of the answer to the last of them.

    The first `app_messages` are the app's own text, the same for everybody.
    """

    text: str = ""
    messages: tuple[Message, ...] = ()
    app_messages: int = 0


@dataclass(frozen=True)
class Scored:
    """One opening's figures, by option: natural log-probabilities of the whole option and its length in tokens.

    `error` says why there are none. Where a tokenizer joins the end of an opening with the beginning of an option,
    everything behind the tokens that all options leave alone counts as option, for all of them.
    """

    index: int
    logprobs: tuple[float, ...] = ()
    tokens: tuple[int, ...] = ()
    error: PlaygroundError | None = None


@dataclass(frozen=True)
class _Plan:
    """One opening in tokens: what all options have before them, and the options."""

    index: int
    start: tuple[int, ...]
    endings: tuple[tuple[int, ...], ...]
    public_length: int = 0


@dataclass(frozen=True, eq=False)
class _Stem:
    """All tokens but the last of one or more options behind one opening."""

    plan: _Plan
    cache: KVCache
    ids: tuple[int, ...]


class ScoringRun:
    """Reads openings with the model, about `chunk_tokens` a step; what all begin with is read once.

    What an owner's openings begin with is left to the prefix store for that owner alone. Raises InvalidInput for
    options that are none; an opening that cannot be read only fails itself.
    """

    def __init__(
        self,
        session: Session,
        openings: Sequence[Opening],
        options: Sequence[str],
        *,
        owner: str = "",
        chunk_tokens: int,
    ) -> None:
        options = [_clean(option) for option in options]
        if not options or not all(options):
            raise InvalidInput("There is an empty answer among those to choose from. Write a word for each.")
        plans = [_plan_or_error(session, index, opening, options) for index, opening in enumerate(openings)]
        self._plans = [plan for plan in plans if isinstance(plan, _Plan)]
        self._errors = tuple(plan for plan in plans if isinstance(plan, Scored))
        self._owner, self._chunk_tokens = owner, chunk_tokens
        # Weak: a run that waits for the model's thread must not keep a model in memory that has been switched away.
        self._session = weakref.ref(session)
        self._steps = self._all_steps()

    def step(self, session: Session) -> tuple[Scored, ...] | None:
        """Read the next piece, on the model's thread: what is known since, None when nothing is left.

        Raises ModelUnavailable if that thread has another model now, PlaygroundError where the memory is full.
        """
        if self._session() is not session:
            raise ModelUnavailable("The model was changed while your text was being read. Try again.")
        try:
            return next(self._steps, None)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            session.prefixes.clear()
            raise PlaygroundError("The memory is full. Shorten your text, or choose a smaller model.") from error

    def _all_steps(self) -> Iterator[tuple[Scored, ...]]:
        if self._errors:
            yield self._errors
        if not self._plans:
            return
        # At least one token of every opening is left: what comes behind it is the question.
        shared = _common_start([plan.start[:-1] for plan in self._plans])
        root = self._known(shared)
        yield from self._read(root, shared[root.length :])
        self._keep(shared, root)
        for group in self._groups(len(shared)):
            yield from self._score(group, root)

    def _score(self, group: Sequence[_Plan], root: KVCache) -> Iterator[tuple[Scored, ...]]:
        """Read the openings of a group behind `root`, which all begin with, then what is long of their options."""
        caches = [root.fork() for _ in group]
        rests = [plan.start[root.length :] for plan in group]
        if len(group) == 1:
            cut = max(0, len(rests[0]) - self._chunk_tokens)
            yield from self._read(caches[0], rests[0][:cut])
            rests = [rests[0][cut:]]
        logits = self._forward([(cache, rest, 1) for cache, rest in zip(caches, rests, strict=True)])
        sums = {
            plan.index: _logprobs(row, [ending[0] for ending in plan.endings])
            for plan, row in zip(group, logits, strict=True)
        }
        stems = [stem for plan, cache in zip(group, caches, strict=True) for stem in _stems(plan, cache)]
        for some in _packed(stems):
            yield ()
            self._add(some, sums)
        yield tuple(_scored(plan, sums[plan.index]) for plan in group)

    def _known(self, shared: tuple[int, ...]) -> KVCache:
        """What the store has of the shared beginning."""
        first = self._plans[0]
        # One token more: the store never gives the last one of what it is asked for.
        ids = first.start[: len(shared) + 1]
        found = self._active().prefixes.find(self._owner, ids, self._public_length())
        return found.cache

    def _keep(self, shared: tuple[int, ...], root: KVCache) -> None:
        self._active().prefixes.put(self._owner, shared, root, public_length=self._public_length())

    def _public_length(self) -> int:
        return min(plan.public_length for plan in self._plans)

    def _read(self, cache: KVCache, ids: tuple[int, ...]) -> Iterator[tuple[Scored, ...]]:
        """Read `ids` behind what `cache` holds."""
        for start in range(0, len(ids), self._chunk_tokens):
            self._forward([(cache, ids[start : start + self._chunk_tokens], 0)])
            yield ()

    def _groups(self, shared: int) -> Iterator[list[_Plan]]:
        """Openings that are read in one step."""
        group: list[_Plan] = []
        tokens = 0
        for plan in self._plans:
            new = len(plan.start) - shared
            if group and (tokens + new > self._chunk_tokens or len(group) == MOST_OPENINGS):
                yield group
                group, tokens = [], 0
            group.append(plan)
            tokens += new
        if group:
            yield group

    def _add(self, stems: Sequence[_Stem], sums: dict[int, list[float]]) -> None:
        """Read `stems` and add what their options' later tokens have, by plan and option."""
        logits = self._forward([(stem.cache, stem.ids, len(stem.ids)) for stem in stems])
        for stem, rows in zip(stems, logits.split([len(stem.ids) for stem in stems]), strict=True):
            for option, ending in enumerate(stem.plan.endings):
                if ending[:-1] == stem.ids:
                    found = (_logprobs(row, [id_])[0] for row, id_ in zip(rows, ending[1:], strict=True))
                    sums[stem.plan.index][option] += sum(found)

    def _forward(self, parts: Sequence[tuple[KVCache, Sequence[int], int]]) -> Tensor:
        return self._active().forward.step(pack(parts))

    def _active(self) -> Session:
        session = self._session()
        if session is None:
            raise ModelUnavailable("The model was changed while your text was being read. Try again.")
        return session


def _plan_or_error(session: Session, index: int, opening: Opening, options: Sequence[str]) -> _Plan | Scored:
    try:
        return _plan(session, index, opening, options)
    except PlaygroundError as error:
        return Scored(index, error=error)


def _plan(session: Session, index: int, opening: Opening, options: Sequence[str]) -> _Plan:
    """Raises InvalidInput for an opening without tokens, PromptTooLong for one that does not fit with its options."""
    prompts, text = session.prompts, _clean(opening.text)
    alone = prompts.reply_ids(text) if text else ()
    joined = [prompts.reply_ids(text + option) for option in options]
    untouched = len(_common_start([alone, *joined]))
    endings = tuple(ids[untouched:] for ids in joined)
    if not all(endings):
        raise InvalidInput("There is an empty answer among those to choose from. Write a word for each.")
    before, public_length = prompts.leading_ids, 0
    if opening.messages:
        most = max(map(len, joined))
        prompt = prompts.build(opening.messages, max_new_tokens=most, app_messages=opening.app_messages)
        before, public_length = prompt.ids, prompt.public_length
    start = (*before, *alone[:untouched])
    if not start:
        raise InvalidInput("There is no text to look at yet. Write a few words first.")
    tokens, limit = len(start) + max(map(len, endings)), session.loaded.context_length
    if tokens > limit:
        raise PromptTooLong(f"Your text is {tokens:,} tokens; this model reads {limit:,}. Choose a part of it.")
    return _Plan(index, start, endings, public_length)


def _stems(plan: _Plan, cache: KVCache) -> list[_Stem]:
    """Each with a cache of its own, for the options of more than one token."""
    several = dict.fromkeys(ending[:-1] for ending in plan.endings if len(ending) > 1)
    return [_Stem(plan, cache.fork(), ids) for ids in several]


def _packed(stems: Sequence[_Stem]) -> Iterator[list[_Stem]]:
    """As many as a step may give logits for; one alone may have more."""
    some: list[_Stem] = []
    for stem in stems:
        if some and sum(len(one.ids) for one in some) + len(stem.ids) > MOST_LOGIT_ROWS:
            yield some
            some = []
        some.append(stem)
    if some:
        yield some


def _scored(plan: _Plan, sums: Sequence[float]) -> Scored:
    return Scored(plan.index, tuple(sums), tuple(len(ending) for ending in plan.endings))


def _logprobs(logits: Tensor, ids: Sequence[int]) -> list[float]:
    """Of the tokens `ids` after logits [vocabulary]."""
    row = logits.float()
    return (row[torch.tensor(ids, device=row.device)].double() - row.logsumexp(0).double()).tolist()


def _common_start(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What all `rows` begin with: what the smallest and the largest of them do."""
    low, high = min(rows), max(rows)
    different = (index for index, id_ in enumerate(low) if high[index] != id_)
    return low[: next(different, len(low))]


def _clean(text: str) -> str:
    """Half a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
