"""Notes what the attention of one sequence computes, piece by piece, and switches off in it what shall be switched off.

Owns the notes of one run and the self-check over them. A forward and the attention function hand it what they have;
it asks nothing of them. Knows no model, no batch and no thread.

Queries are noted as they come; keys and values lie in the run's cache anyway and are taken from there at the end. So a
run costs one copy of the queries, whatever the number of tokens that look at each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from playground.engine.kv_cache import KVCache
from playground.engine.recording import UNCHANGED, Edit, LayerRecord, Recording
from playground.errors import ModelUnavailable


class Scores(NamedTuple):
    """How one layer makes scores out of queries and keys; as in `LayerRecord`."""

    scaling: float
    window: int | None = None
    softcap: float | None = None


@dataclass(eq=False)
class _LayerNotes:
    """What is known of one layer so far."""

    query: Tensor
    """[heads, T, size] on the CPU; rows that have not been read are not filled."""
    scores: Scores
    checked: dict[int, Tensor] = field(default_factory=dict)
    """What came out for some tokens, float32 [heads, value size] by position."""


class Recorder:
    """Watches one sequence of `tokens` tokens that is read from its start, in one or several pieces."""

    def __init__(self, tokens: int, edit: Edit = UNCHANGED) -> None:
        self.edit = edit
        self._tokens = tokens
        self._layers: dict[int, _LayerNotes] = {}
        self._residual: dict[int, Tensor] = {}
        self._silent: dict[int, list[int]] = {}
        for layer, head in sorted(edit.silent_heads):
            self._silent.setdefault(layer, []).append(head)

    def hidden_among(self, first: int, end: int) -> frozenset[int]:
        """Those of the keys of tokens `first` to `end` that are hidden, counted from `first`."""
        return frozenset(token - first for token in self.edit.hidden_tokens if first <= token < end)

    def take(self, layer: int, position: int, query: Tensor, output: Tensor, scores: Scores) -> Tensor:
        """Note the `query` [heads, rows, size] of the tokens from `position` on, and what the attention made of them.

        Returns `output` [heads, rows, value size] as the network shall go on with it: silent heads are zero.
        """
        heads, rows, size = query.shape
        notes = self._layers.get(layer)
        if notes is None:
            room = torch.empty((heads, self._tokens, size), dtype=query.dtype)
            notes = self._layers[layer] = _LayerNotes(room, scores)
        notes.query[:, position : position + rows] = query
        for row in {rows // 2, rows - 1}:
            notes.checked[position + row] = output[:, row].float().cpu()
        silent = self._silent.get(layer)
        if not silent:
            return output
        return output.index_fill(0, torch.tensor(silent, device=output.device), 0)

    def take_residual(self, level: int, row: Tensor) -> None:
        """Note the residual stream [hidden] of the newest token before the first layer (`level` 0) or behind the
        layer `level` - 1."""
        self._residual[level] = row.detach().float().cpu().clone()

    def finish(self, token_ids: tuple[int, ...], cache: KVCache, logits: Tensor) -> Recording:
        """The recording of `token_ids`, all of which have been read into `cache`; `logits` [vocabulary] came last.

        Raises ModelUnavailable where the model's attention did not pass by.
        """
        if not self._layers:
            raise ModelUnavailable("This model does not show its attention. Choose another model to look inside.")
        layers, deviation = [], 0.0
        for index, notes in sorted(self._layers.items()):
            key, value = cache.read(index, 0)
            record = LayerRecord(
                notes.query, key.cpu(), value.cpu(), **notes.scores._asdict(), hidden=self.edit.hidden_tokens
            )
            layers.append(record)
            deviation = max(deviation, _deviation(record, notes.checked))
        hidden = torch.stack([row for _, row in sorted(self._residual.items())]) if self._residual else torch.empty(0)
        return Recording(token_ids, tuple(layers), logits.float().cpu().clone(), hidden, self.edit, deviation)


def attend_again(record: LayerRecord, rows: list[int]) -> Tensor:
    """softmax(q k) v of some query tokens in float32, [heads, rows, value size], from what was recorded alone.

    For causal self-attention, where query tokens and key tokens are the same.
    """
    heads, _, size = record.query.shape
    key_heads, keys, _ = record.key.shape
    grouped = record.query[:, rows].float().reshape(key_heads, -1, size)
    scores = torch.matmul(grouped, record.key.float().transpose(1, 2)).view(heads, len(rows), keys) * record.scaling
    if record.softcap:
        scores = torch.tanh(scores / record.softcap) * record.softcap
    places = torch.arange(keys)
    distance = torch.tensor(rows)[:, None] - places
    unseen = distance < 0
    if record.window is not None:
        unseen |= distance >= record.window
    if record.hidden:
        unseen |= torch.isin(places, torch.tensor(sorted(record.hidden))) & (distance != 0)
    weights = torch.softmax(scores.masked_fill(unseen, float("-inf")), dim=-1)
    output = torch.matmul(weights.view(key_heads, -1, keys), record.value.float())
    return output.view(heads, len(rows), -1)


def _deviation(record: LayerRecord, checked: dict[int, Tensor]) -> float:
    """How far what the model computed for the `checked` tokens is from what the record gives for them."""
    rows = sorted(checked)
    computed = torch.stack([checked[row] for row in rows], dim=1)
    largest = computed.abs().max().item()
    difference = (attend_again(record, rows) - computed).abs().max().item()
    deviation = difference / largest if largest else difference
    return math.inf if math.isnan(deviation) else deviation
