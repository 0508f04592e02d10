"""How many texts a second get a label: ours, all in one go, and one at a time through transformers' `model.forward`.

Both are given the very same words to read, in turns, so that what else the machine does meets both. One at a time means
what a short script does: the whole prompt, once for each text, the labels compared in the logits behind it. Knows no
accuracy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch

from benchmarks.results import Table, number
from benchmarks.sides import THREADS
from playground.engine.engine import Engine
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_labels import SENTIMENT
from playground.tasks.sentiment_prompts import opening, options

ONE_AT_A_TIME = 30
"""So many are enough to know how long one takes."""
ROUNDS = 5


@dataclass(frozen=True)
class Speed:
    """Texts a second of both ways, and over how many texts."""

    ours: float
    texts: int
    alone: float
    alone_texts: int

    @property
    def ratio(self) -> float:
        """Ours to one at a time."""
        return self.ours / self.alone

    def table(self) -> Table:
        """For the page."""
        rows = (("ours", str(self.texts), number(self.ours)),
                ("model.forward, one text at a time", str(self.alone_texts), number(self.alone)))  # fmt: skip
        return Table(("way", "texts", "texts/s"), rows)


def measure_speed(engine: Engine, model: str, texts: Sequence[str], count: int) -> Speed:
    """Label `count` texts, each another one; `texts` come again with a number where they do not suffice."""
    wanted = [f"{text} {place // len(texts)}" for place, text in enumerate(islice(cycle(texts), count))]
    alone = OneByOne(model)
    judge = SentimentJudge(engine, model, owner="speed")
    ours_s = alone_s = 0.0
    compared = 0
    for part in range(ROUNDS):
        own = wanted[part::ROUNDS]
        start_s = time.perf_counter()
        judged = sum(1 for _ in judge.judge(own))
        ours_s += time.perf_counter() - start_s
        few = own[: ONE_AT_A_TIME // ROUNDS]
        alone_s += alone.seconds(few)
        compared += len(few)
        if judged != len(own):
            raise RuntimeError(f"{judged} of {len(own)} texts were judged")
    return Speed(count / ours_s, count, compared / alone_s, compared)


class OneByOne:
    """The other way: the same weights in bf16, one prompt after the other."""

    def __init__(self, model: str) -> None:
        settings = Settings.from_env(os.environ)
        loaded = ModelShelf(settings.cache_dir, Sources(), quantization="bf16").load(find(model), lambda *_: None)
        self._tokenizer, self._network = loaded.tokenizer, loaded.model
        self._labels = [self._tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in options(SENTIMENT)]
        self._judge("The first one warms up.")

    def seconds(self, texts: Sequence[str]) -> float:
        """How long `texts` take."""
        start_s = time.perf_counter()
        for text in texts:
            self._judge(text)
        return time.perf_counter() - start_s

    @torch.inference_mode()
    def _judge(self, text: str) -> int:
        torch.set_num_threads(THREADS)
        row = torch.tensor([self._tokenizer(opening(text, SENTIMENT).text)["input_ids"]])
        return int(self._network(input_ids=row, use_cache=False).logits[0, -1, self._labels].argmax())
