"""llama.cpp on a GGUF file, through the Python binding's own C calls: greedy, its own sampler, text of every token.

    peers/.venv/bin/python -m benchmarks.peers.llama_cpp_side GGUF THREADS      (started by `sides.llama_cpp_side`)

The low-level loop is quicker than `Llama.create_chat_completion`, so this is the best that a person gets from Python.
Runs in an interpreter of its own that has none of the playground's libraries.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import time
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import Llama

from benchmarks.serving import Operations, serve

CONTEXT_TOKENS = 4096
PIECE_BYTES = 256
PIECE_TOKENS = 512


class LlamaCppSide:
    """One model, one context. Defaults but for the threads, the context and a batch that takes a whole prompt."""

    def __init__(self, gguf: str, threads: int) -> None:
        self._llama = Llama(
            gguf,
            n_ctx=CONTEXT_TOKENS,
            n_batch=CONTEXT_TOKENS,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )
        self._context = self._llama.ctx
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._batch = llama_cpp.llama_batch_init(CONTEXT_TOKENS, 0, 1)
        self._length = 0
        self._sampler = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        llama_cpp.llama_sampler_chain_add(self._sampler, llama_cpp.llama_sampler_init_greedy())

    def operations(self) -> Operations:
        """By name."""
        return {"stream": self.stream, "perplexity": self.perplexity, "facts": self.facts}

    def facts(self) -> dict[str, Any]:
        """What llama.cpp was built with."""
        return {"version": llama_cpp.__version__, "system": llama_cpp.llama_print_system_info().decode()}

    def stream(self, ids: list[int], new_tokens: int) -> dict[str, Any]:
        """One answer of exactly `new_tokens`, from an empty cache. Seconds and tokens."""
        start_s = time.perf_counter()
        self._forget()
        self._read(ids)
        answer = [self._next()]
        text = self._piece(answer[-1])
        first_s = time.perf_counter()
        while len(answer) < new_tokens:
            self._read(answer[-1:])
            answer.append(self._next())
            text += self._piece(answer[-1])
        return {
            "prompt_tokens": len(ids),
            "new_tokens": len(answer),
            "later_tokens": len(answer) - 1,
            "first_token_s": first_s - start_s,
            "decode_s": time.perf_counter() - first_s,
            "ids": answer,
            "text": text.decode("utf-8", "replace"),
        }

    def perplexity(self, ids: list[int]) -> dict[str, Any]:
        """Of a text that is read in pieces of PIECE_TOKENS, every token after the first."""
        self._forget()
        loss = 0.0
        for start in range(0, len(ids) - 1, PIECE_TOKENS):
            piece = ids[start : start + PIECE_TOKENS]
            self._read(piece, all_logits=True)
            for row, target in enumerate(ids[start + 1 : start + 1 + len(piece)]):
                loss += self._loss(row, target)
        return {"tokens": len(ids) - 1, "perplexity": math.exp(loss / (len(ids) - 1))}

    def _loss(self, row: int, target: int) -> float:
        size = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        pointer = llama_cpp.llama_get_logits_ith(self._context, row)
        logits = np.ctypeslib.as_array(pointer, shape=(size,)).astype(np.float64)
        highest = logits.max()
        return float(highest + np.log(np.exp(logits - highest).sum()) - logits[target])

    def _forget(self) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), False)
        self._length = 0

    def _read(self, ids: list[int], *, all_logits: bool = False) -> None:
        """Put `ids` behind what was read, with logits of the last or of all of them."""
        batch = self._batch
        batch.n_tokens = len(ids)
        for row, token in enumerate(ids):
            batch.token[row], batch.pos[row] = token, self._length + row
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, 0
            batch.logits[row] = all_logits or row == len(ids) - 1
        if failed := llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError(f"llama_decode gave {failed}")
        self._length += len(ids)

    def _next(self) -> int:
        return llama_cpp.llama_sampler_sample(self._sampler, self._context, -1)

    def _piece(self, token: int) -> bytes:
        room = ctypes.create_string_buffer(PIECE_BYTES)
        length = llama_cpp.llama_token_to_piece(self._vocabulary, token, room, PIECE_BYTES, 0, True)
        return room.raw[: max(0, length)]


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("gguf")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: LlamaCppSide(given.gguf, given.threads).operations())


if __name__ == "__main__":
    _main()
