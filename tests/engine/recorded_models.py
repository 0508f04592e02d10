"""How a test records a run, and what the model's own way of computing says about the same run.

The weights are computed here once more, densely, and not with any code of the program.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.recorder import Recorder
from playground.engine.recording import UNCHANGED, Edit, LayerRecord, Recording
from playground.engine.transformers_forward import TransformersForward

WHOLE = 4096


def record(
    forward: TransformersForward | Int4Forward, ids: list[int], size: int = WHOLE, edit: Edit = UNCHANGED
) -> Recording:
    """A run over `ids` in pieces of `size` tokens."""
    recorder, cache = Recorder(len(ids), edit), KVCache()
    for start in range(0, len(ids), size):
        logits = forward.step(pack([(cache, ids[start : start + size], 1)], watches={0: recorder}))
    return recorder.finish(tuple(ids), cache, logits[0])


def seen(layer: LayerRecord) -> Tensor:
    """Boolean [T, T]: which key (column) a query (row) may see."""
    count = layer.query.shape[1]
    rows, columns = torch.arange(count)[:, None], torch.arange(count)[None]
    mask = columns <= rows
    if layer.window is not None:
        mask &= rows - columns < layer.window
    for token in layer.hidden:
        mask &= (columns != token) | (rows == token)
    return mask


def weights(layer: LayerRecord) -> Tensor:
    """float32 [heads, T, T]: every attention weight of a layer."""
    group = layer.query.shape[0] // layer.key.shape[0]
    key = layer.key.float().repeat_interleave(group, 0)
    scores = layer.query.float() @ key.transpose(1, 2) * layer.scaling
    if layer.softcap:
        scores = torch.tanh(scores / layer.softcap) * layer.softcap
    return scores.masked_fill(~seen(layer), float("-inf")).softmax(-1)


def eager(model: PreTrainedModel, ids: list[int], **given: object) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """What a float32 copy of `model` gives itself: weights [heads, T, T] of each layer, hidden states [T, hidden]
    before each layer and behind the last norm, logits [T, vocabulary]."""
    model = copy.deepcopy(model).float()
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        output = model(torch.tensor([ids]), use_cache=False, output_attentions=True, output_hidden_states=True, **given)
    return [part[0] for part in output.attentions], [part[0] for part in output.hidden_states], output.logits[0]


def largest_difference(found: list[Tensor], expected: list[Tensor]) -> float:
    return max((one - other).abs().max().item() for one, other in zip(found, expected, strict=True))
