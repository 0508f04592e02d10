"""Our side of every comparison: the public Engine over one model, in a process of its own.

    python -m benchmarks.ours [--ends-itself] MODEL THREADS      (started by `sides.our_side`)

Times are taken where a reader of the stream stands, so sampling, text and the way between the threads count. A second
`prompt` with another `opening` shares no beginning with the first; the same messages again may be answered from the
prefix store, which changes the time to the first token only.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch

from benchmarks import prompts
from benchmarks.prompts import Turns
from benchmarks.serving import Operations, serve
from playground.engine.engine import Engine
from playground.messages import Chunk, Message, Role, SamplingParams
from playground.models.catalog import find
from playground.models.loader import LoadedModel
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources, fetch
from playground.settings import Settings
from playground.tasks.chat import ChatSettings

OWNER = "benchmark"
GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0)
AS_IN_A_CHAT = ChatSettings().sampling()
MOST_RUNNING = 8


@dataclass
class Stopwatch:
    """What one reader saw, in seconds since the request: the first token, the latest, how many there were."""

    start_s: float = field(default_factory=time.perf_counter)
    first_s: float | None = None
    first_tokens: int = 0
    latest_s: float = 0.0
    ids: list[int] = field(default_factory=list)
    text: str = ""
    last: Chunk = field(default_factory=Chunk)
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """(clock, tokens so far) of every chunk with new tokens."""

    def see(self, chunk: Chunk) -> None:
        """Note a chunk that has just arrived."""
        now_s = time.perf_counter()
        tokens = chunk.stats.new_tokens
        self.last = chunk
        self.text += chunk.text
        self.ids += [token.id for token in chunk.tokens]
        if tokens and (not self.arrivals or tokens > self.arrivals[-1][1]):
            self.arrivals.append((now_s, tokens))
            self.latest_s = now_s - self.start_s
            if self.first_s is None:
                self.first_s, self.first_tokens = self.latest_s, tokens

    def report(self) -> dict[str, Any]:
        """As JSON. `later_tokens` came in `decode_s` after the first chunk with a token."""
        stats = self.last.stats
        return {
            "prompt_tokens": stats.prompt_tokens,
            "cached_tokens": stats.cached_tokens,
            "new_tokens": stats.new_tokens,
            "accepted_tokens": stats.accepted_tokens,
            "later_tokens": stats.new_tokens - self.first_tokens,
            "first_token_s": self.first_s,
            "decode_s": self.latest_s - (self.first_s or 0.0),
            "finish_reason": self.last.finish_reason,
            "ids": self.ids,
            "text": self.text,
        }


class OurSide:
    """The operations that the parent may ask for. All times in seconds."""

    def __init__(self, model: str, threads: int, *, ends_itself: bool) -> None:
        torch.set_num_threads(threads)
        settings = Settings.from_env(os.environ)
        self._cache_dir = settings.cache_dir
        self._spec = find(model)
        shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)

        def load(*arguments: Any) -> LoadedModel:
            loaded = shelf.load(*arguments)
            return loaded if ends_itself else replace(loaded, eos_ids=())

        self._engine = Engine(load, most_running=MOST_RUNNING, prefix_store_bytes=settings.prefix_store_mb << 20)
        self._engine.open(self._spec)
        self._loaded = wait_until_open(self._engine)

    def operations(self) -> Operations:
        """By name."""
        named = (self.facts, self.prompt, self.ids, self.stream, self.crowd, self.newcomer)
        return {operation.__name__: operation for operation in named}

    def facts(self) -> dict[str, Any]:
        """The file that the model comes from and how its weights are held."""
        file = fetch(self._spec, cache_dir=self._cache_dir, sources=Sources())
        return {"gguf": str(file), "held_as": self._loaded.quantization, "weights_bytes": self._loaded.weights_bytes}

    def prompt(self, tokens: int, opening: str, task: str = "Continue this text:", start: int = 0) -> dict[str, Any]:
        """A conversation of at most `tokens` tokens that ends with a passage, and its ids for the other sides."""

        def count(words: int) -> int:
            return self._engine.count_tokens(messages_of(prompts.reading(task, words, opening=opening, start=start)))

        words = prompts.longest(tokens, count, prompts.word_count() - start)
        turns = prompts.reading(task, words, opening=opening, start=start)
        return {"turns": turns, "ids": self.ids(turns)}

    def ids(self, turns: Turns) -> list[int]:
        """The prompt's token ids, as the engine reads them."""
        rows = [{"role": turn["role"], "content": turn["content"]} for turn in turns]
        tokenizer = self._loaded.tokenizer
        text = tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    def stream(
        self, turns: Turns, new_tokens: int, prompt_lookup: bool = False, as_in_a_chat: bool = False
    ) -> dict[str, Any]:
        """One answer."""
        params = replace(
            AS_IN_A_CHAT if as_in_a_chat else GREEDY, max_new_tokens=new_tokens, prompt_lookup=prompt_lookup
        )
        return self._read(messages_of(turns), params, OWNER).report()

    def crowd(self, conversations: list[Turns], new_tokens: int) -> dict[str, Any]:
        """Several visitors at once, each with a conversation of their own."""
        params = replace(GREEDY, max_new_tokens=new_tokens, prompt_lookup=False)
        start_s = time.perf_counter()
        with ThreadPoolExecutor(len(conversations)) as pool:
            reads = [
                # Somebody new each time, whose question nobody has asked: prompts are read as the peer reads them.
                pool.submit(self._read, messages_of(turns), params, f"visitor {number} of {start_s}")
                for number, turns in enumerate(conversations)
            ]
            watches = [read.result() for read in reads]
        end_s = max(watch.arrivals[-1][0] for watch in watches)
        return {
            "tokens": sum(watch.last.stats.new_tokens for watch in watches),
            "wall_s": end_s - start_s,
            "fair_share": slowest_share([watch.arrivals for watch in watches]),
        }

    def newcomer(self, long: Turns, short: Turns) -> dict[str, Any]:
        """A short question asked while another visitor's long prompt is being read."""
        params = replace(GREEDY, max_new_tokens=1)
        reading = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(self._read, messages_of(long), params, "visitor 0", reading)
            reading.wait()
            ours = self._read(messages_of(short), params, "visitor 1")
            return {"first_token_s": ours.first_s, "long_first_token_s": other.result().first_s}

    def _read(
        self, messages: list[Message], params: SamplingParams, owner: str, reading: threading.Event | None = None
    ) -> Stopwatch:
        watch = Stopwatch()
        for chunk in self._engine.stream(messages, params, owner=owner):
            watch.see(chunk)
            if reading is not None:
                reading.set()
        return watch


def messages_of(turns: Turns) -> list[Message]:
    """What came through the pipe, as the engine takes it."""
    return [Message(cast(Role, turn["role"]), turn["content"]) for turn in turns]


def wait_until_open(engine: Engine) -> LoadedModel:
    """The opened model. Raises what the engine failed with."""
    while (state := engine.state).loaded is None:
        if state.error:
            raise state.error
        time.sleep(0.01)
    return state.loaded


def slowest_share(arrivals: list[list[tuple[float, int]]]) -> float:
    """The slowest visitor's part of what each would have in a fair share, while all of them were being answered.

    `arrivals`: for each visitor (clock, tokens so far). 1.0: all were equally fast.
    """
    start = max(visitor[0][0] for visitor in arrivals)
    end = min(visitor[-1][0] for visitor in arrivals)
    got = [_tokens_at(visitor, end) - _tokens_at(visitor, start) for visitor in arrivals]
    return min(got) * len(got) / sum(got) if sum(got) > 0 else 0.0


def _tokens_at(visitor: list[tuple[float, int]], clock: float) -> int:
    return max((tokens for moment, tokens in visitor if moment <= clock), default=0)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ends-itself", action="store_true")
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: OurSide(given.model, given.threads, ends_itself=given.ends_itself).operations())
    os._exit(0)  # nothing is running; the engine's thread needs no farewell


if __name__ == "__main__":
    _main()
