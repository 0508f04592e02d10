"""What a head does on this text: where the attention goes that does not rest on the sink.

Owns the patterns, the share of a head's attention on each, and the labels. The patterns are those of TransformerLens'
head detector (the share of attention on the cells of a pattern, the first token left out); shares are set against
what an even spread over the same tokens would give, because on ten tokens every head looks local. A label holds for
this text: on another one the same head may do something else. Knows ids that are equal where words are equal, no texts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from playground.attention.sink import RESTING_SHARE
from playground.attention.weights import BLOCK_NUMBERS, Block, offset, visible
from playground.engine.recording import LayerRecord

Pattern = Literal["previous", "itself", "next", "same_word", "induction", "local"]
"""The token before; the token itself; the token behind (only where a model looks ahead); other places of the same word;
the token behind an earlier place of the same word (Olsson et al. 2022, "In-context Learning and Induction Heads"); at
most LOCAL_DISTANCE tokens away, itself included."""
Label = Literal["previous", "itself", "next", "same_word", "induction", "local", "spread", "mixed"]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)

LOCAL_DISTANCE = 4
LEAST_SHARE: Mapping[Pattern, float] = {
    # Over chance. One token among hundreds that takes four tenths is far from an accident and is the head's strongest
    # habit.
    "previous": 0.4,
    "itself": 0.4,
    "next": 0.4,
    # Words that repeat are few, and a head that follows them does something else where none does: less is asked.
    "same_word": 0.3,
    "induction": 0.3,
    # Five tokens are a wide target; more than half of the attention makes them the rule.
    "local": 0.5,
}
LEAST_SPREAD = 0.75
"""Entropy as a part of the largest possible: 0.75 of 1,024 tokens is an even spread over 181 of them."""
LEAST_ROWS = 3
"""A habit shows in at least so many queries."""


@dataclass(frozen=True)
class Habit:
    """The attention of a head on one pattern, of the queries for which the pattern exists."""

    share: float
    """0 to 1, of the attention that is not on the sink."""
    chance: float
    """What an even spread would give."""
    rows: int
    """Queries for which it exists."""

    @property
    def over_chance(self) -> float:
        """1: everything; 0: no more than an even spread; negative: less."""
        return (self.share - self.chance) / (1.0 - self.chance) if self.chance < 1.0 else 0.0


@dataclass(frozen=True)
class HeadFacts:
    """One head on this text."""

    layer: int
    head: int
    key_head: int
    """Heads with one key head read the same keys and values."""
    sink: float
    """Part of the attention on the sink, 0 to 1."""
    spread: float
    """Entropy of what is not on the sink, as a part of the largest possible: 0 one token, 1 all alike."""
    habits: Mapping[Pattern, Habit]
    """Only patterns that the text has."""
    label: Label

    @property
    def rests(self) -> bool:
        """Whether a good part of the attention is on the sink."""
        return self.sink >= RESTING_SHARE


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The cells of a pattern, row by row: int64 [n] each; `starts` [rows + 1] says where each row begins."""

    keys: Tensor
    starts: Tensor


class PatternMap:
    """Where the patterns are in the map of a text, for the chosen query rows. The same for all layers of one kind."""

    def __init__(
        self, word_ids: Sequence[int] | None, rows: Sequence[int], layer: LayerRecord, hide: Collection[int]
    ) -> None:
        """`word_ids` has a number for each token, equal where words are equal; None where queries and keys are two
        texts, so that nothing is before or behind anything. Raises ValueError for another number of tokens."""
        self.pairs: dict[Pattern, _Pairs] = {}
        if word_ids is None:
            return
        if len(word_ids) != layer.key.shape[1] or (not layer.causal and layer.query.shape[1] != layer.key.shape[1]):
            raise ValueError(f"{len(word_ids)} words for {layer.key.shape[1]} tokens")
        ids, positions = torch.tensor(list(word_ids)), torch.tensor(list(rows), dtype=torch.long) + offset(layer)
        keys: dict[Pattern, list[Tensor]] = {}
        counts: dict[Pattern, list[Tensor]] = {}
        for part in positions.split(max(1, BLOCK_NUMBERS // len(ids))):
            for pattern, cells in _patterns(ids, part, layer.causal).items():
                cells[:, list(hide)] = False
                keys.setdefault(pattern, []).append(cells.nonzero()[:, 1])
                counts.setdefault(pattern, []).append(cells.sum(1))
        for pattern, found in keys.items():
            if any(len(one) for one in found):
                starts = torch.cat([torch.zeros(1, dtype=torch.long), torch.cat(counts[pattern]).cumsum(0)])
                self.pairs[pattern] = _Pairs(torch.cat(found), starts)


class HeadTally:
    """Counts for all heads of one layer, block by block; then facts."""

    def __init__(self, layer: LayerRecord, patterns: PatternMap, hide: Collection[int]) -> None:
        self._layer, self._patterns, self._hide = layer, patterns, hide
        heads = layer.query.shape[0]
        self._resting = torch.zeros(heads, dtype=torch.float64)
        self._rows = 0
        self._entropy = torch.zeros(2, heads, dtype=torch.float64)
        self._found = {pattern: torch.zeros(3, heads, dtype=torch.float64) for pattern in patterns.pairs}
        self._found_rows = dict.fromkeys(patterns.pairs, 0)

    def add(self, block: Block, resting: Tensor, rest: Tensor) -> None:
        """Count a block whose weight on the sink was removed: `resting` [heads, rows] was on it, `rest` is left."""
        last = block.first + block.weights.shape[-1]
        seen = visible(self._layer, block.positions, block.first, last)
        seen[:, [key - block.first for key in self._hide if block.first <= key < last]] = False
        choices = seen.sum(1)
        self._resting += resting.double().sum(1)
        self._rows += len(block.positions)
        self._add_entropy(block.weights, rest, choices)
        for pattern, pairs in self._patterns.pairs.items():
            self._add_pattern(pattern, pairs, block, rest, seen)

    def facts(self, layer_index: int) -> list[HeadFacts]:
        """What was counted, head by head."""
        group = self._layer.query.shape[0] // self._layer.key.shape[0]
        result = []
        for head in range(self._layer.query.shape[0]):
            habits = {pattern: self._habit(pattern, head) for pattern in self._found if self._found_rows[pattern]}
            entropy, possible = self._entropy[:, head].tolist()
            spread = min(1.0, max(0.0, entropy / possible)) if possible > 0 else 0.0
            resting = float(self._resting[head]) / max(1, self._rows)
            label = label_of(habits, spread)
            result.append(HeadFacts(layer_index, head, head // group, resting, spread, habits, label))
        return result

    def _add_entropy(self, weights: Tensor, rest: Tensor, choices: Tensor) -> None:
        """Rows count by what is left in them: entropy E of the rest p becomes rest * H(p / rest) = E + rest log
        rest."""
        several = choices > 1
        entropy = torch.special.xlogy(rest, rest) - weights.clamp_min(1e-30).log_().mul_(weights).sum(-1)
        self._entropy[0] += entropy[:, several].double().sum(1)
        self._entropy[1] += (rest[:, several] * choices[several].log()).double().sum(1)

    def _add_pattern(self, pattern: Pattern, pairs: _Pairs, block: Block, rest: Tensor, seen: Tensor) -> None:
        rows, width = len(block.positions), block.weights.shape[-1]
        edges = pairs.starts[block.start : block.start + rows + 1]
        keys = pairs.keys[int(edges[0]) : int(edges[-1])] - block.first
        row = torch.repeat_interleave(torch.arange(rows), edges.diff())
        if self._layer.window is not None or self._layer.hidden:
            inside = (keys >= 0) & (keys < width)
            row, keys = row[inside], keys[inside]
            can_see = seen[row, keys]
            row, keys = row[can_see], keys[can_see]
        counts = torch.bincount(row, minlength=rows)
        exists = counts > 0
        if not bool(exists.any()):
            return
        found = block.weights.flatten(1).index_select(1, row * width + keys).sum(1)
        relevant = rest[:, exists]
        chance = relevant * (counts[exists] / seen.sum(1)[exists])
        self._found[pattern] += torch.stack([found, relevant.sum(1), chance.sum(1)]).double()
        self._found_rows[pattern] += int(exists.sum())

    def _habit(self, pattern: Pattern, head: int) -> Habit:
        found, relevant, chance = self._found[pattern][:, head].tolist()
        if relevant <= 0:
            return Habit(0.0, 0.0, self._found_rows[pattern])
        return Habit(min(1.0, found / relevant), min(1.0, chance / relevant), self._found_rows[pattern])


def label_of(habits: Mapping[Pattern, Habit], spread: float) -> Label:
    """The strongest habit over its threshold, narrow ones before "local"; else whether it spreads; else "mixed"."""
    strong = {
        pattern: habit.over_chance
        for pattern, habit in habits.items()
        if habit.rows >= LEAST_ROWS and habit.over_chance >= LEAST_SHARE[pattern]
    }
    narrow = {pattern: strength for pattern, strength in strong.items() if pattern != "local"}
    if narrow:
        return max(narrow, key=lambda pattern: narrow[pattern])
    if strong:
        return "local"
    return "spread" if spread >= LEAST_SPREAD else "mixed"


def strength(facts: HeadFacts, by: Pattern | Literal["spread", "sink"]) -> float:
    """How much of something a head does, for sorting: over chance for patterns, -inf where the text has none."""
    if by == "spread":
        return facts.spread
    if by == "sink":
        return facts.sink
    return facts.habits[by].over_chance if by in facts.habits else -math.inf


def sorted_heads(facts: Iterable[HeadFacts], by: Pattern | Literal["spread", "sink"]) -> list[HeadFacts]:
    """Strongest first; equal ones in order of layer and head."""
    return sorted(facts, key=lambda one: (-strength(one, by), one.layer, one.head))


def labelled(facts: Iterable[HeadFacts], label: Label | Literal["sink"]) -> list[HeadFacts]:
    """The heads with a label, strongest first ("mixed" in order); "sink": those that rest on it."""
    chosen = [one for one in facts if (one.rests if label == "sink" else one.label == label)]
    return chosen if label == "mixed" else sorted_heads(chosen, label)


def _patterns(ids: Tensor, positions: Tensor, causal: bool) -> dict[Pattern, Tensor]:
    """Boolean [rows, K] for each pattern."""
    keys = torch.arange(len(ids))
    distance = positions.unsqueeze(1) - keys
    # Where there are more queries than keys, the first stand before all of them and see nothing.
    own = ids[positions.clamp_min(0)].unsqueeze(1)
    seen = distance >= 0 if causal else torch.ones_like(distance, dtype=torch.bool)
    before = torch.cat([torch.full((1,), -1), ids[:-1]])
    follows = (own == before) & (keys > 0)
    found: dict[Pattern, Tensor] = {
        "previous": distance == 1,
        "itself": distance == 0,
        "same_word": (own == ids) & (distance != 0) & seen,
        # The token behind the query itself is no memory of an earlier place.
        "induction": follows & (distance != 0) & (distance != -1) & seen,
        "local": (distance.abs() <= LOCAL_DISTANCE) & seen,
    }
    if not causal:
        found["next"] = distance == -1
    return found
