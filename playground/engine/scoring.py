"""How likely each of several answers is: log P(option | opening) for whole option strings, for many openings at once.

Owns what is read once for all and how the rest is packed into steps: openings side by side behind what all begin with,
where nothing of them has to be kept. Lives on two threads in turns: steps on the model's, the rest where it was asked
for. Knows no queue, no labels and no tokenizer.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.engine.batch import pack, pack_branches
from playground.engine.kv_cache import KVCache
from playground.engine.memory_budget import is_out_of_memory
from playground.engine.scoring_plan import Opening, Plan, common_start, plans_of
from playground.engine.session import Session
from playground.errors import ModelUnavailable, PlaygroundError

__all__ = ["Opening", "Scored", "ScoringRun", "ScoringStopped"]

MOST_LOGIT_ROWS = 64
"""In a step; a row of logits takes 600 kB in a large vocabulary."""
MOST_REPEATED = 200
"""Tokens of an opening that are read again for its further options, before it is kept instead."""


class ScoringStopped(PlaygroundError):
    """A scoring was stopped by the one who asked for it."""


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


@dataclass(frozen=True, eq=False)
class _Stem:
    """All tokens but the last of one or more options behind one opening."""

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
        self._plans, errors = plans_of(session, openings, options)
        self._errors = tuple(Scored(index, error=error) for index, error in errors)
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
        shared = common_start([plan.start[:-1] for plan in self._plans])
        root = self._known(shared)
        yield from self._read(root, shared[root.length :])
        self._keep(shared, root)
        for group in self._groups(len(shared)):
            if len(group) == 1:
                yield from self._score_alone(group[0], root)
            else:
                yield self._score_together(group, root)

    def _score_together(self, group: Sequence[Plan], root: KVCache) -> tuple[Scored, ...]:
        """Read the openings of a group side by side behind `root`, which all begin with; nothing of them is kept."""
        texts = [_texts(plan, root.length) for plan in group]
        batch = pack_branches(root, [text for own in texts for text in own])
        logits = self._active().forward.step(batch).split([rows for own in texts for _, rows in own])
        rows_of, found = iter(logits), []
        for plan, own in zip(group, texts, strict=True):
            sums: list[float] = []
            for (ids, count), rows in zip(own, rows_of, strict=False):
                sums = sums or _logprobs(rows[0], [ending[0] for ending in plan.endings])
                _add_later(plan, ids[len(ids) - count + 1 :], rows[1:], sums)
            found.append(_scored(plan, sums))
        return tuple(found)

    def _score_alone(self, plan: Plan, root: KVCache) -> Iterator[tuple[Scored, ...]]:
        """Read one opening behind `root`, then what is long of its options behind it."""
        cache, rest = root.fork(), plan.start[root.length :]
        cut = max(0, len(rest) - self._chunk_tokens)
        yield from self._read(cache, rest[:cut])
        logits = self._forward([(cache, rest[cut:], 1)])
        sums = _logprobs(logits[0], [ending[0] for ending in plan.endings])
        for some in _packed(_stems(plan, cache)):
            yield ()
            rows = self._forward([(stem.cache, stem.ids, len(stem.ids)) for stem in some])
            for stem, own in zip(some, rows.split([len(stem.ids) for stem in some]), strict=True):
                _add_later(plan, stem.ids, own, sums)
        yield (_scored(plan, sums),)

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

    def _groups(self, shared: int) -> Iterator[list[Plan]]:
        """Openings that are read in one step; one that is long comes alone."""
        group: list[Plan] = []
        tokens = rows = 0
        for plan in self._plans:
            texts = _texts(plan, shared)
            new, logits = sum(len(ids) for ids, _ in texts), sum(count for _, count in texts)
            repeated = new - len(plan.start) + shared > MOST_REPEATED
            if group and (tokens + new > self._chunk_tokens or rows + logits > MOST_LOGIT_ROWS or repeated):
                yield group
                group, tokens, rows = [], 0, 0
            if repeated:
                yield [plan]
                continue
            group.append(plan)
            tokens, rows = tokens + new, rows + logits
        if group:
            yield group

    def _forward(self, parts: Sequence[tuple[KVCache, Sequence[int], int]]) -> Tensor:
        return self._active().forward.step(pack(parts))

    def _active(self) -> Session:
        session = self._session()
        if session is None:
            raise ModelUnavailable("The model was changed while your text was being read. Try again.")
        return session


def _texts(plan: Plan, after: int) -> list[tuple[tuple[int, ...], int]]:
    """What is read of an opening behind its first `after` tokens, and how many of the last rows give logits: the
    opening, again for every beginning of options of more than one token."""
    rest = plan.start[after:]
    several = dict.fromkeys(ending[:-1] for ending in plan.endings if len(ending) > 1) or {(): None}
    return [((*rest, *ids), 1 + len(ids)) for ids in several]


def _add_later(plan: Plan, ids: tuple[int, ...], logits: Tensor, sums: list[float]) -> None:
    """Add what the later tokens of options have, by option: of those that are `ids` and one more. logits [ids, ...]."""
    for option, ending in enumerate(plan.endings):
        if len(ending) > 1 and ending[:-1] == ids:
            sums[option] += sum(_logprobs(row, [id_])[0] for row, id_ in zip(logits, ending[1:], strict=True))


def _stems(plan: Plan, cache: KVCache) -> list[_Stem]:
    """Each with a cache of its own, for the options of more than one token."""
    several = dict.fromkeys(ending[:-1] for ending in plan.endings if len(ending) > 1)
    return [_Stem(cache.fork(), ids) for ids in several]


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


def _scored(plan: Plan, sums: Sequence[float]) -> Scored:
    return Scored(plan.index, tuple(sums), tuple(len(ending) for ending in plan.endings))


def _logprobs(logits: Tensor, ids: Sequence[int]) -> list[float]:
    """Of the tokens `ids` after logits [vocabulary]."""
    row = logits.float()
    return (row[torch.tensor(ids, device=row.device)].double() - row.logsumexp(0).double()).tolist()
