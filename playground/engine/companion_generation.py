"""How a translator writes: the greedy or the likeliest translation, stopped when asked, with its probability.

Owns the settings under which transformers' own `generate` runs, since those in model folders ask for beams, for lengths
and for forced ends. Knows no tokenizer: ids in, ids out.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor

from playground.engine.recording import RecordingStopped

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import GenerationConfig, PreTrainedModel


@dataclass(frozen=True)
class Order:
    """How to write. `first_id`: the token that has to come first (a language code), where there is one."""

    most_tokens: int
    beams: int = 1
    first_id: int | None = None


@dataclass(frozen=True)
class Written:
    """Ids that a translator wrote, its start token left out."""

    ids: tuple[int, ...]
    complete: bool
    """The end token is the last of `ids`."""


class _Listener:
    """What `generate` calls a streamer: is given the start, then each token of a single row."""

    def __init__(self, on_ids: Callable[[list[int]], None]) -> None:
        self._on_ids = on_ids
        self._ids: list[int] = []
        self._started = False

    def put(self, value: Tensor) -> None:
        """Take the start of the row, then token after token."""
        if self._started:
            self._ids += value.flatten().tolist()
            self._on_ids(self._ids)
        self._started = True

    def end(self) -> None:
        """Nothing is left to be given."""


def write(
    model: PreTrainedModel,
    inputs: dict[str, Tensor],
    order: Order,
    *,
    cancel: threading.Event | None = None,
    on_ids: Callable[[list[int]], None] | None = None,
) -> list[Written]:
    """The translation of each row of `inputs`. `on_ids` is given what a single row has so far, if it is written without
    beams. Setting `cancel` raises RecordingStopped within a token."""

    def stopped(ids: Tensor, *_: Any, **__: Any) -> Tensor:
        return torch.full((len(ids),), cancel is not None and cancel.is_set(), device=ids.device)

    streamer = _Listener(on_ids) if on_ids is not None and order.beams == 1 and len(inputs["input_ids"]) == 1 else None
    settings = _settings(model, order)
    if cancel is not None and cancel.is_set():
        raise RecordingStopped("Stopped before the translation was complete.")
    generator: Any = model
    rows = generator.generate(
        **inputs,
        generation_config=settings,
        stopping_criteria=transformers.StoppingCriteriaList([stopped]),
        streamer=streamer,
    )
    if cancel is not None and cancel.is_set():
        raise RecordingStopped("Stopped before the translation was complete.")
    return [_written(row.tolist()[1:], settings.eos_token_id) for row in rows]


def mean_logprob(model: PreTrainedModel, inputs: dict[str, Tensor], ids: tuple[int, ...], skip: int = 0) -> float:
    """Mean natural logarithm of the probability that a model gives to the tokens `ids` of one row, but for the first
    `skip`, which it had no choice in; 0 without any.

    Reads the finished translation once more: keeping every step's probabilities costs the vocabulary times the length.
    """
    if len(ids) <= skip:
        return 0.0
    start = start_id(model)
    chosen = torch.tensor([ids], device=model.device)
    given = torch.tensor([[start, *ids[:-1]]], device=model.device)
    call: Callable[..., Any] = model
    logits = call(**inputs, decoder_input_ids=given, use_cache=False).logits[0].float()
    found = logits.gather(1, chosen[0, :, None])[:, 0] - logits.logsumexp(-1)
    return float(found[skip:].mean())


def start_id(model: PreTrainedModel) -> int:
    """The token that every translation starts with."""
    for config in (model.generation_config, model.config):
        for name in ("decoder_start_token_id", "bos_token_id"):
            found = getattr(config, name, None)
            if found is not None:
                return int(found[0] if isinstance(found, list) else found)
    return 0


def _settings(model: PreTrainedModel, order: Order) -> GenerationConfig:
    settings: Any = copy.deepcopy(model.generation_config)
    settings.num_beams = order.beams
    settings.early_stopping = order.beams > 1
    settings.do_sample = False
    settings.max_length = settings.min_length = None
    settings.max_new_tokens = order.most_tokens
    settings.decoder_start_token_id = start_id(model)
    settings.forced_eos_token_id = None  # an end that is forced would look like one that the model chose
    settings.forced_bos_token_id = order.first_id
    if order.first_id is None and getattr(model.generation_config, "forced_bos_token_id", None) is not None:
        settings.forced_bos_token_id = model.generation_config.forced_bos_token_id
    return settings


def _written(ids: list[int], eos: int | list[int] | None) -> Written:
    """One row without the filling behind its end."""
    ends = set(eos) if isinstance(eos, list) else {eos}
    for index, id_ in enumerate(ids):
        if id_ in ends:
            return Written(tuple(ids[: index + 1]), True)
    return Written(tuple(ids), False)
