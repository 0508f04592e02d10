"""One answer in a fresh process, which says how far it has come: imports, open model, first token, end.

    python -m benchmarks.first_answer MODEL PROMPT_TOKENS NEW_TOKENS THREADS      (started by startup.py and memory.py)

Prints a line of JSON at each of these moments, so that the parent times them from the start of the process. The last
line has the memory. No server, no page: the engine alone.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from benchmarks import prompts
from benchmarks.ours import GREEDY, messages_of, wait_until_open
from playground.engine.engine import Engine
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings


def say(event: str, **facts: float | str) -> None:
    """A line for the parent."""
    print(json.dumps({"event": event, **facts}), flush=True)


def answer(model: str, prompt_tokens: int, new_tokens: int, threads: int) -> None:
    """Open `model` and answer once; 0 prompt tokens: a short question."""
    say("imports")
    torch.set_num_threads(threads)
    settings = Settings.from_env(os.environ)
    shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)
    engine = Engine(
        lambda *arguments: replace(shelf.load(*arguments), eos_ids=()),
        prefix_store_bytes=settings.prefix_store_mb << 20,
    )
    engine.open(find(model))
    loaded = wait_until_open(engine)
    say("opened")
    turns = prompts.question_alone(prompts.SHORT)
    if prompt_tokens:
        words = prompts.longest(prompt_tokens, lambda count: engine.count_tokens(_chat(count)), prompts.word_count())
        turns = prompts.reading("Continue this text:", words, opening="Hello.")
    waiting = True
    for chunk in engine.stream(messages_of(turns), replace(GREEDY, max_new_tokens=new_tokens)):
        if waiting and chunk.stats.new_tokens:
            say("first token")
            waiting = False
    tokens = chunk.stats.prompt_tokens + chunk.stats.new_tokens
    say("end", tokens=tokens, weights=loaded.weights_bytes, held_as=loaded.quantization, **resident_bytes())


def resident_bytes() -> dict[str, float]:
    """`peak`: most memory that the process ever had resident, private and shared together. `files`: what it has of
    mapped weights now, so that nobody subtracts weights that were never read. Linux only; elsewhere both are what it
    has now.
    """
    try:
        # Not getrusage: its figure is inherited from the process that started this one.
        peak = status_bytes("VmHWM")
        mapped = sum(part.rss for part in psutil.Process().memory_maps() if part.path.endswith(".safetensors"))
    except (OSError, StopIteration, AttributeError):
        peak = mapped = psutil.Process().memory_info().rss
    return {"peak": peak, "files": mapped}


def status_bytes(name: str) -> int:
    """A line of this process's status, such as VmHWM or VmRSS. Raises OSError or StopIteration where there is none."""
    status = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:")))


def _chat(words: int) -> list:
    return messages_of(prompts.reading("Continue this text:", words, opening="Hello."))


if __name__ == "__main__":
    answer(sys.argv[1], *map(int, sys.argv[2:5]))
    sys.stdout.flush()
    os._exit(0)  # nothing is running; the engine's thread needs no farewell
