"""How much memory the answers of one model may take for their keys and values, and who may begin within it.

Owns the estimate of what a prompt needs. Knows no entries of a store and no order of the answers: it is given one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import torch

from playground.engine.kv_cache import BLOCK_TOKENS, KVCache
from playground.hardware import free_memory_bytes


class Reader(Protocol):
    """What the budget looks at of an answer."""

    cache: KVCache

    @property
    def begun(self) -> bool:
        """Its keys and values take memory already."""
        ...

    @property
    def prompt_tokens(self) -> int:
        """Tokens that it has to hold before it writes."""
        ...


Answer = TypeVar("Answer", bound=Reader)


class MemoryBudget:
    """Lets answers begin while their prompts fit into `limit_bytes` beside those that have begun; one always may.

    What a token takes is learned from the first cache that holds one; until then every prompt fits.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._block_bytes = 0

    def admit(self, answers: Sequence[Answer], places: int) -> list[Answer]:
        """The first of `answers` that may take part, at most `places`.

        Those that have begun go on; of the others nobody overtakes one that has to wait for memory.
        """
        for answer in answers:
            self._block_bytes = max(self._block_bytes, answer.cache.bytes_per_block)
        free = self._limit_bytes - sum(self._need(answer) for answer in answers if answer.begun)
        occupied = any(answer.begun for answer in answers)
        admitted: list[Answer] = []
        for answer in answers:
            if len(admitted) == places:
                break
            if not answer.begun:
                if occupied and self._need(answer) > free:
                    free = -1
                    continue
                free -= self._need(answer)
                occupied = True
            admitted.append(answer)
        return admitted

    def _need(self, answer: Reader) -> int:
        """Bytes of the blocks for what it holds or has to read, one more token included."""
        tokens = max(answer.prompt_tokens, answer.cache.length) + 1
        return -(-tokens // BLOCK_TOKENS) * self._block_bytes


def free_bytes(device: torch.device) -> int:
    """Memory that keys and values on `device` could still take."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory_bytes()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is full; on a CPU it is a plain RuntimeError of PyTorch's allocator."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
