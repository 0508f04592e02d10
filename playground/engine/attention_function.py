"""The one function that every model's attention goes through.

Owns the split of the packed row [1, N] into its sequences, their caches and masks. The batch reaches it through a
context variable, never through a model's arguments. Whoever watches a sequence is shown its rows here, and only here.
Knows no weights, no sampling, no text.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import transformers
from torch.nn.functional import scaled_dot_product_attention

from playground.engine.batch import Batch, SequenceSlice
from playground.engine.branch_attention import BranchGroups
from playground.engine.recorder import Scores
from playground.errors import ModelUnavailable
from playground.kernels.library import Library

NAME = "playground"
_NOTHING: frozenset[int] = frozenset()
_HARMLESS = frozenset({"position_ids", "cache_position", "use_cache", "output_attentions", "dropout", "deterministic"})


class AttentionStep:
    """What the attention function needs during one step: the batch, and masks that all layers share."""

    def __init__(self, batch: Batch, *, library: Library | None = None) -> None:
        self.batch = batch
        self.library = library
        """The threads of our own kernels, where they run the rest of the model."""
        self.layers_seen: set[int] = set()
        self._masks: dict[tuple[int, int, int | None, frozenset[int]], torch.Tensor] = {}
        self._branches: dict[int, BranchGroups] = {}

    def branches(self, piece: SequenceSlice) -> BranchGroups:
        """How the texts of a slice are attended to."""
        if piece.start not in self._branches:
            threads = 1 if self.library is None else self.library.threads
            self._branches[piece.start] = BranchGroups(piece.branches, piece.position, parts=threads)
        return self._branches[piece.start]

    def mask(
        self,
        rows: int,
        keys: int,
        *,
        window: int | None,
        hidden: frozenset[int] = _NOTHING,
        device: torch.device,
    ) -> torch.Tensor:
        """Boolean [rows, keys], true where a row may look: up to itself, at most `window` keys, rows end at the keys'
        end. The `hidden` keys are seen by nobody but themselves."""
        wanted = (rows, keys, window, hidden)
        found = self._masks.get(wanted)
        if found is None:
            full = torch.ones((rows, keys), dtype=torch.bool, device=device)
            found = full.tril(keys - rows)
            if window is not None:
                found = found.triu(keys - rows - window + 1)
            if hidden:
                found[:, sorted(hidden)] = False
                # A token always sees itself: a row without any key would be NaN.
                found.diagonal(keys - rows).fill_(True)
            self._masks[wanted] = found
        return found


_current_step: ContextVar[AttentionStep | None] = ContextVar("playground_attention_step", default=None)


@contextmanager
def attention_step(batch: Batch, *, library: Library | None = None) -> Generator[AttentionStep, None, None]:
    """Within this context the attention function works on `batch`."""
    step = AttentionStep(batch, library=library)
    token = _current_step.set(step)
    try:
        yield step
    finally:
        _current_step.reset(token)


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    is_causal: bool | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of the packed row: query [1, heads, N, size], key and value [1, key heads, N, size] -> [1, N, heads,
    size]. Raises ModelUnavailable for a kind of attention that it does not compute."""
    step = _current_step.get()
    if step is None:
        raise RuntimeError("the playground attention works only inside attention_step()")
    _refuse_unknown(module, attention_mask, is_causal, others)
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    layer = int(module.layer_idx)  # ty: ignore[invalid-argument-type]
    window = sliding_window or None
    joined = attend_layer(step, layer, query[0], key[0], value[0], scaling=scaling, window=window, softcap=softcap)
    return joined.transpose(0, 1).unsqueeze(0), None


def attend_layer(
    step: AttentionStep,
    layer: int,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    scaling: float,
    window: int | None,
    softcap: float | None = None,
) -> torch.Tensor:
    """Attention of one layer of a step: query [heads, N, size], key and value [key heads, N, size] -> [heads, N, size].

    Appends to the cache of every sequence. Each row sees the keys of its own sequence up to itself, at most `window`.
    """
    step.layers_seen.add(layer)
    outputs = []
    for piece in step.batch.slices:
        rows = slice(piece.start, piece.stop)
        if piece.branches:
            own = query[:, rows], key[:, rows], value[:, rows]
            outputs.append(_attend_branches(step, piece, layer, own, scaling, window, softcap))
            continue
        piece.cache.append(layer, key[:, rows], value[:, rows])
        first = 0 if window is None else max(0, piece.position + 1 - window)
        keys, values = piece.cache.read(layer, len(piece.token_ids), first=first)
        output = _attend_sequence(step, piece, query[:, rows], keys, values, scaling, window, softcap)
        if piece.watch is not None:
            how = Scores(scaling, window, softcap)
            output = piece.watch.take(layer, piece.position, query[:, rows], output, how)
        outputs.append(output)
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=1)


def _attend_sequence(
    step: AttentionStep,
    piece: SequenceSlice,
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    scaling: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    """[heads, rows, size] of one sequence, whose keys end with the keys of these rows."""
    heads, rows, size = query.shape
    if window is not None and keys.shape[1] <= window:
        window = None
    key_heads, length = keys.shape[0], keys.shape[1]
    group = heads // key_heads
    mask = None
    hidden = _NOTHING if piece.watch is None else piece.watch.hidden_among(piece.total - length, piece.total)
    if hidden or (rows > 1 and (softcap or window is not None or piece.position > 0)):
        mask = step.mask(rows, length, window=window, hidden=hidden, device=query.device)
    if softcap:
        return _attend_softcapped(query, keys, values, mask, scaling, softcap)
    if rows == 1:
        # One row per key head group: 2-6 times quicker than enable_gqa at 2,000 keys.
        grouped = query.reshape(1, key_heads, group, size)
        output = scaled_dot_product_attention(
            grouped, keys.unsqueeze(0), values.unsqueeze(0), attn_mask=mask, scale=scaling
        )
        return output.reshape(heads, 1, values.shape[-1])
    if step.library is not None and step.library.threads > 1:
        return _attend_by_heads(step.library, query, keys, values, mask, scaling)
    return _attend_rows(query, keys, values, mask, scaling)


def _attend_branches(
    step: AttentionStep,
    piece: SequenceSlice,
    layer: int,
    own: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    scaling: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    """Texts side by side behind what the cache holds, [heads, rows, size]; the cache stays as it is."""
    groups, library = step.branches(piece), step.library
    before = piece.cache.read(layer, 0, first=groups.first_seen(window)) if piece.position else None
    several = library if len(groups.rows) > 1 and not softcap else None

    def attend_rows(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if softcap:
            return _attend_softcapped(query, keys, values, mask, scaling, softcap)
        if several is None and library is not None and library.threads > 1:
            return _attend_by_heads(library, query, keys, values, mask, scaling)
        return _attend_rows(query, keys, values, mask, scaling)

    return groups.attend(own, before, attend_rows, window=window, library=several)


def _attend_by_heads(
    library: Library,
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float,
) -> torch.Tensor:
    """A part of the heads on every thread of the kernels: PyTorch's own threads would fight with them for the cores."""
    heads, key_heads = query.shape[0], keys.shape[0]
    shared = heads if key_heads == 1 else key_heads
    parts = min(library.threads, shared)
    size = heads // shared
    tasks = []
    for low, high in pairwise(part * shared // parts for part in range(parts + 1)):
        own = slice(None) if key_heads == 1 else slice(low, high)
        tasks.append(partial(_attend_rows, query[low * size : high * size], keys[own], values[own], mask, scaling))
    return torch.cat(library.share(tasks))


def _attend_rows(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scaling: float
) -> torch.Tensor:
    """Several rows of one sequence, [heads, rows, size]; without a mask the first row is the first token."""
    group = query.shape[0] // keys.shape[0]
    gqa = group > 1
    if gqa and mask is not None and query.device.type == "cuda":
        # With a mask and enable_gqa CUDA has only the slow kernel that writes the whole score matrix.
        keys, values, gqa = keys.repeat_interleave(group, 0), values.repeat_interleave(group, 0), False
    return scaled_dot_product_attention(
        query.unsqueeze(0),
        keys.unsqueeze(0),
        values.unsqueeze(0),
        attn_mask=mask,
        is_causal=mask is None,
        scale=scaling,
        enable_gqa=gqa,
    )[0]


def _attend_softcapped(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor | None,
    scaling: float,
    softcap: float,
) -> torch.Tensor:
    """[heads, rows, size] with scores squeezed into (-softcap, softcap) before the mask, as Gemma 2 was trained."""
    heads, rows, size = query.shape
    key_heads = keys.shape[0]
    grouped = query.reshape(key_heads, heads // key_heads * rows, size)
    scores = torch.matmul(grouped, keys.transpose(1, 2)).reshape(key_heads, -1, rows, keys.shape[1]) * scaling
    scores = torch.tanh(scores / softcap) * softcap
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(values.dtype)
    output = torch.matmul(weights.reshape(key_heads, -1, keys.shape[1]), values)
    return output.reshape(heads, rows, values.shape[-1])


def _refuse_unknown(
    module: torch.nn.Module, mask: torch.Tensor | None, is_causal: bool | None, others: dict[str, Any]
) -> None:
    """Raise ModelUnavailable where silently going on would give wrong numbers."""
    unknown = [name for name, given in others.items() if name not in _HARMLESS and given is not None]
    bidirectional = is_causal is False or not getattr(module, "is_causal", True)
    if unknown or bidirectional or mask is not None or not isinstance(getattr(module, "layer_idx", None), int):
        reason = ", ".join(unknown) or ("looking ahead" if bidirectional else "an unusual layout")
        raise ModelUnavailable(
            f"This model uses a special kind of attention ({reason}) that the playground cannot compute. "
            "Please choose another model."
        )


def _no_mask(*_: Any, **__: Any) -> None:
    """The masks follow from the batch; without this entry models would build their own for the packed row."""
    return None


def register() -> None:
    """Make the function known to transformers as NAME; not on import, because transformers' model classes, which it
    goes to, take two seconds and 90 MB."""
    transformers.AttentionInterface.register(NAME, attend)
    transformers.AttentionMaskInterface.register(NAME, _no_mask)
