"""transformers with the GGUF's weights in bf16: `model.generate`, or its continuous batching.

    python -m benchmarks.peers.transformers_side MODEL THREADS      (started by `sides.transformers_side`)

The model is the one that the playground prepares as "bf16", with transformers' own attention and caches.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.streamers import BaseStreamer

from benchmarks.serving import Operations, serve
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings

PAGE_TOKENS = 32
PAGES = 512
BATCH_TOKENS = 512


class Clock(BaseStreamer):
    """Notes when each token comes; the first call brings the prompt."""

    def __init__(self) -> None:
        self.moments_s: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        """A token, or the prompt."""
        self.moments_s.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is held back."""


class TransformersSide:
    """One model, greedy, answers that end by their length alone."""

    def __init__(self, model: str, threads: int) -> None:
        torch.set_num_threads(threads)
        shelf = ModelShelf(Settings.from_env(os.environ).cache_dir, Sources(), quantization="bf16")
        self._model: Any = shelf.load(find(model), lambda *progress: None).model

    def operations(self) -> Operations:
        """By name."""
        return {"stream": self.stream, "batch": self.batch}

    @torch.inference_mode()
    def stream(self, ids: list[int], new_tokens: int) -> dict[str, Any]:
        """One answer by `model.generate`."""
        clock = Clock()
        row = torch.tensor([ids])
        self._model.generation_config = _greedy(new_tokens)
        start_s = time.perf_counter()
        output = self._model.generate(row, attention_mask=torch.ones_like(row), streamer=clock)
        first_s = clock.moments_s[1]
        return {
            "prompt_tokens": len(ids),
            "new_tokens": output.shape[1] - len(ids),
            "later_tokens": len(clock.moments_s) - 2,
            "first_token_s": first_s - start_s,
            "decode_s": clock.moments_s[-1] - first_s,
        }

    def batch(self, prompts: list[list[int]], new_tokens: int) -> dict[str, Any]:
        """Several answers at once by `generate_batch`; the manager is kept for the next call."""
        start_s = time.perf_counter()
        outputs = self._model.generate_batch(
            prompts,
            generation_config=_greedy(new_tokens),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE_TOKENS, num_blocks=PAGES, max_batch_tokens=BATCH_TOKENS
            ),
            persistent_manager=True,
        )
        return {
            "tokens": sum(len(output.generated_tokens) for output in outputs.values()),
            "wall_s": time.perf_counter() - start_s,
        }


def _greedy(new_tokens: int) -> GenerationConfig:
    return GenerationConfig(do_sample=False, max_new_tokens=new_tokens, eos_token_id=None, pad_token_id=0)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: TransformersSide(given.model, given.threads).operations())
    os._exit(0)  # the batching manager's thread would keep the process


if __name__ == "__main__":
    _main()
