"""Opening a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from playground.models.catalog import ModelSpec


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is ready to run, in evaluation mode, with the tokenizer that belongs to it."""

    spec: ModelSpec
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    quantization: str
    """How the weights are held: "int4", "bf16", "nf4" or "int8"."""
    context_length: int
    """Most tokens that prompt and answer may have together."""
    eos_ids: tuple[int, ...]
    """Every token that ends a turn."""
    reason: str
    """One sentence for the user: why the weights are held this way."""
    load_s: float
    weights_bytes: int
