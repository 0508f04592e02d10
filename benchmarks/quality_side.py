"""How far our logits are from those of the file's own numbers, in a process of its own.

    python -m benchmarks.quality_side MODEL THREADS      (started by perplexity.py)

The reference is transformers' model in float32 with the values that the GGUF's blocks stand for, and nothing rounded
after that. Its last hidden states are computed once; logits are made and compared a piece at a time, because a whole
text times a whole vocabulary would fill the memory.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel

from benchmarks import prompts
from benchmarks.serving import Operations, serve
from playground.engine.batch import pack
from playground.engine.kv_cache import KVCache
from playground.engine.session import forward_for
from playground.models.catalog import find
from playground.models.gguf import GgufFile, GgufTensor
from playground.models.gguf_architecture import weights
from playground.models.loader import LoadedModel
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources, fetch
from playground.settings import Settings

TEXT_TOKENS = 2048
PIECE_TOKENS = 512
"""As the engine reads a prompt."""
SINGLE_TOKENS = 512
"""So many tokens at the end of the text are also read one by one, as an answer is written."""
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


class QualitySide:
    """The reference of one model, and ways to hold its weights to compare with it."""

    @torch.inference_mode()
    def __init__(self, model: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self._cache_dir = Settings.from_env(os.environ).cache_dir
        self._spec = find(model)
        self._file = fetch(self._spec, cache_dir=self._cache_dir, sources=Sources())
        loaded = self._load("bf16")
        self._ids: list[int] = loaded.tokenizer(prompts.text(), add_special_tokens=False)["input_ids"][:TEXT_TOKENS]
        exact = _with_exact_values(loaded.model, self._file)
        self._hidden = exact.model(torch.tensor([self._ids]), use_cache=False).last_hidden_state[0]
        self._head: Tensor = exact.lm_head.weight

    def operations(self) -> Operations:
        """By name."""
        return {"compare": self.compare, "ids": lambda: self._ids, "file": lambda: str(self._file)}

    @torch.inference_mode()
    def compare(self, quantization: str, single: bool) -> dict[str, Any]:
        """Our logits with weights held as `quantization`, in the pieces of a prompt or (`single`) token by token.

        Perplexities are over the tokens compared; `divergence` is the mean of KL(reference, ours) in nats; `same_top`
        the part of tokens whose likeliest successor is the same.
        """
        loaded = self._load(quantization)
        losses, exact_losses, divergence, same = 0.0, 0.0, 0.0, 0
        compared = 0
        for start, logits in self._pieces(loaded, single=single):
            targets = torch.tensor(self._ids[start + 1 : start + 1 + len(logits)])
            ours = logits[: len(targets)].float().log_softmax(-1)
            exact = functional.linear(self._hidden[start : start + len(targets)], self._head).log_softmax(-1)
            losses += float(functional.nll_loss(ours, targets, reduction="sum"))
            exact_losses += float(functional.nll_loss(exact, targets, reduction="sum"))
            divergence += float(functional.kl_div(ours, exact, log_target=True, reduction="sum"))
            same += int((ours.argmax(-1) == exact.argmax(-1)).sum())
            compared += len(targets)
        return {
            "tokens": compared,
            "held_as": loaded.quantization,
            "perplexity": math.exp(losses / compared),
            "exact_perplexity": math.exp(exact_losses / compared),
            "divergence": divergence / compared,
            "same_top": same / compared,
        }

    def _pieces(self, loaded: LoadedModel, *, single: bool) -> Iterator[tuple[int, Tensor]]:
        """(position of the first token, logits behind it and the tokens that follow)."""
        forward, cache = forward_for(loaded), KVCache()
        singles_from = len(self._ids) - SINGLE_TOKENS if single else len(self._ids)
        start = 0
        while start < len(self._ids) - 1:
            size = 1 if start >= singles_from else min(PIECE_TOKENS, singles_from - start)
            wanted = size if start >= singles_from or not single else 0
            logits = forward.step(pack([(cache, self._ids[start : start + size], wanted)]))
            if wanted:
                yield start, logits
            start += size

    def _load(self, quantization: str) -> LoadedModel:
        shelf = ModelShelf(self._cache_dir, Sources(), quantization=quantization)
        return shelf.load(self._spec, lambda *progress: None)


def _with_exact_values(model: PreTrainedModel, file: Path) -> PreTrainedModel:
    """The bf16 model as float32, with every parameter replaced by the file's own numbers."""
    tensors = dict(weights(GgufFile(file)))
    parameters = dict(model.float().named_parameters())
    if HEAD in tensors and HEAD not in parameters:
        tensors[EMBEDDING] = _finer(tensors[EMBEDDING], tensors.pop(HEAD))
    for name, tensor in tensors.items():
        if name in parameters:
            parameters[name].data = torch.from_numpy(tensor.floats())
    return model


def _finer(one: GgufTensor, two: GgufTensor) -> GgufTensor:
    """Of one table that a file holds twice, the copy with more bytes."""
    return one if one.data.nbytes >= two.data.nbytes else two


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: QualitySide(given.model, given.threads).operations())


if __name__ == "__main__":
    _main()
