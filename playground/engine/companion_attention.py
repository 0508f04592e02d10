"""The attention function of models that keep no cache here: encoders, and translators with their cross-attention.

Owns the way from what one attention layer was given to a LayerRecord, with its self-check. The chat's function works on
packed rows that only look back; here there is one row, masks may look both ways, and T5 adds its positions to the
scores. The output itself comes from transformers' own function. Knows no tokens and no text.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, get_args

import torch
import transformers
from torch import Tensor, nn

from playground.engine.recording import LayerRecord, Recording, RecordingStopped
from playground.errors import ModelUnavailable

NAME = "playground_companion"
Part = Literal["encoder", "decoder", "cross"]
PLAIN = "sdpa"
_HARMLESS = frozenset(
    {"position_ids", "cache_position", "use_cache", "output_attentions", "dropout", "deterministic", "cache"}
    | {"encoder_hidden_states", "output_hidden_states", "return_dict", "cu_seq_lens_q", "cu_seq_lens_k", "max_length_q"}
    | {"max_length_k", "is_causal", "sliding_window", "token_type_ids", "key_value_states"}
)


class _Visible(NamedTuple):
    """What a mask says in the words of a LayerRecord."""

    causal: bool
    window: int | None
    bias: Tensor | None


def known_part(name: str) -> Part:
    """`name` as a part of a model. Raises IndexError for any other."""
    for part in get_args(Part):
        if part == name:
            return part
    raise IndexError(f"there is no part {name}")


class PassRecorder:
    """Takes what every attention layer of one forward pass is given. `stage` says which half of a model is running.

    Setting `cancel` raises RecordingStopped in the next layer.
    """

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self.stage: Literal["encoder", "decoder"] = "encoder"
        self.modules: dict[Part, list[nn.Module]] = {"encoder": [], "decoder": [], "cross": []}
        """The modules that computed it, in order of the network."""
        self._layers: dict[Part, list[LayerRecord]] = {"encoder": [], "decoder": [], "cross": []}
        self._deviation: dict[Part, float] = {"encoder": 0.0, "decoder": 0.0, "cross": 0.0}
        self._cancel = cancel
        self._seen: tuple[Tensor, _Visible] | None = None
        self._biases: dict[int, tuple[Tensor, Tensor | None]] = {}

    def take(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, output: Tensor,
        *, scaling: float, causal: bool, position_bias: Tensor | None,
    ) -> None:  # fmt: skip
        """Note one layer: query [1, heads, T, size], key and value [1, key heads, K, size], output [1, T, heads, size].

        Raises ModelUnavailable for a layout that a LayerRecord has no words for.
        """
        if self._cancel is not None and self._cancel.is_set():
            raise RecordingStopped("Stopped before the whole text was read.")
        if len(query) != 1:
            raise ModelUnavailable(UNUSUAL.format(reason="an unusual layout"))
        part: Part = self.stage if self.stage == "encoder" or causal else "cross"
        seen = self._visible(mask, causal and part != "cross")
        bias = self._same_bias(position_bias)
        if seen.bias is not None:
            bias = seen.bias if bias is None else bias + seen.bias
        record = LayerRecord(
            query[0].cpu().contiguous(), key[0].cpu().contiguous(), value[0].cpu().contiguous(),
            scaling=scaling, causal=seen.causal, window=seen.window, bias=bias,
        )  # fmt: skip
        self._layers[part].append(record)
        self.modules[part].append(module)
        rows = sorted({0, query.shape[2] // 2, query.shape[2] - 1})
        deviation = _deviation(record, rows, output[0, rows].transpose(0, 1).float().cpu())
        self._deviation[part] = max(self._deviation[part], deviation)

    def finish(self, part: Part, token_ids: tuple[int, ...], logits: Tensor, made_with: Any) -> Recording:
        """The recording of one part. Raises ModelUnavailable where the model's attention did not pass by."""
        if not self._layers[part]:
            raise ModelUnavailable("This model does not show its attention. Choose another model to look inside.")
        return Recording(
            token_ids, tuple(self._layers[part]), logits, torch.empty(0),
            deviation=self._deviation[part], made_with=made_with,
        )  # fmt: skip

    def _visible(self, mask: Tensor | None, causal: bool) -> _Visible:
        if mask is None:
            return _Visible(causal, None, None)
        if self._seen is None or self._seen[0] is not mask:
            self._seen = (mask, _words_of(mask))
        return self._seen[1]

    def _same_bias(self, bias: Tensor | None) -> Tensor | None:
        """[heads, T, K] on the CPU, the same tensor for all layers that share it; None for zeros."""
        if bias is None:
            return None
        if id(bias) not in self._biases:
            self._biases[id(bias)] = (bias, bias[0].cpu() if bool(bias.any()) else None)
        return self._biases[id(bias)][1]


UNUSUAL = (
    "This model uses a special kind of attention ({reason}) that the playground cannot show. "
    "Please choose another model."
)
_recorder: ContextVar[PassRecorder | None] = ContextVar("playground_pass_recorder", default=None)


@contextmanager
def recorded_by(recorder: PassRecorder) -> Generator[None]:
    """Within this context, on this thread, `recorder` is given every layer."""
    token = _recorder.set(recorder)
    try:
        yield
    finally:
        _recorder.reset(token)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None, **given: Any
) -> tuple[Tensor, None]:
    """transformers' own attention, shown to the recorder where there is one."""
    output, _ = transformers.AttentionInterface()[PLAIN](module, query, key, value, attention_mask, **given)
    recorder = _recorder.get()
    if recorder is not None:
        scaling, position_bias = given.pop("scaling", None), given.pop("position_bias", None)
        unknown = [name for name, value in given.items() if name not in _HARMLESS and value is not None]
        if unknown:
            raise ModelUnavailable(UNUSUAL.format(reason=", ".join(unknown)))
        causal = given.get("is_causal")
        recorder.take(
            module, query, key, value, attention_mask, output,
            scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
            causal=bool(getattr(module, "is_causal", True) if causal is None else causal),
            position_bias=position_bias,
        )  # fmt: skip
    return output, None


def register() -> None:
    """Make the function known to transformers as NAME, with masks as its plain one has them; not on import, because
    transformers' model classes, which it goes to, take two seconds and 90 MB."""
    transformers.AttentionInterface.register(NAME, attend)
    transformers.AttentionMaskInterface.register(NAME, transformers.AttentionMaskInterface()[PLAIN])


def _words_of(mask: Tensor) -> _Visible:
    """A mask [1, 1 or heads, T, K] as causal, window and bias. Raises ModelUnavailable for any other shape of it."""
    bias = None
    if mask.dtype != torch.bool:
        # An additive mask: very negative where nothing is seen.
        visible = mask > torch.finfo(mask.dtype).min / 2
        added = mask.masked_fill(~visible, 0)
        bias = added[0].cpu() if bool(added.any()) else None
        mask = visible
    seen = mask[0].cpu()
    first = seen[0]
    rows, keys = first.shape
    if not bool((seen == first).all()):
        raise ModelUnavailable(UNUSUAL.format(reason="another mask for each head"))
    if bool(first.all()):
        return _Visible(False, None, bias)
    distance = torch.arange(rows)[:, None] - torch.arange(keys)
    causal = not bool(first[distance < 0].any())
    reach = int(distance.abs()[first].max()) if bool(first.any()) else 0
    expected = distance.abs() <= reach
    if causal:
        expected &= distance >= 0
    if rows != keys or not bool((first == expected).all()):
        raise ModelUnavailable(UNUSUAL.format(reason="an unusual mask"))
    if causal:
        return _Visible(True, reach + 1 if reach < rows - 1 else None, bias)
    return _Visible(False, reach, bias)


def _deviation(record: LayerRecord, rows: list[int], computed: Tensor) -> float:
    """How far `computed` [heads, rows, value size] is from softmax(q k) v of the record, as a part of its largest
    number."""
    heads, _, size = record.query.shape
    key_heads, keys, _ = record.key.shape
    query = record.query[:, rows].float().reshape(key_heads, -1, size)
    scores = torch.matmul(query, record.key.float().transpose(1, 2)).view(heads, len(rows), keys) * record.scaling
    if record.bias is not None:
        scores = scores + record.bias[:, rows].float()
    distance = torch.tensor(rows)[:, None] - torch.arange(keys)
    unseen = distance < 0 if record.causal else torch.zeros_like(distance, dtype=torch.bool)
    if record.window is not None:
        unseen = unseen | (distance >= record.window if record.causal else distance.abs() > record.window)
    weights = torch.softmax(scores.masked_fill(unseen, -math.inf), dim=-1).view(key_heads, -1, keys)
    again = torch.matmul(weights, record.value.float()).view(heads, len(rows), -1)
    largest = computed.abs().max().item()
    difference = (again - computed).abs().max().item()
    deviation = difference / largest if largest else difference
    return math.inf if math.isnan(deviation) else deviation
