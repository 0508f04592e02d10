"""How good summaries are: ROUGE against people's, what is invented, whether support tells the faithful from the false.

    python -m benchmarks.quality_summaries [--data FOLDER] [--rows 0:50] [--models MODEL ...] [--keep]

FOLDER holds summaries_xsum.jsonl (document, summary) and faithfulness_pairs.jsonl (source, faithful, unfaithful); they
belong to nobody here and are never copied. Without it the small texts of assets/examples/ are used, which say little.
The plain prompt is one line, read as it comes; ours is the whole way of `tasks.summarization`. All is greedy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.command_line import ALL_MODELS, SHORT_NAMES
from benchmarks.machine import describe_machine
from benchmarks.ours import wait_until_open
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sides import RESULTS, ROOT, THREADS
from playground.engine.engine import Engine
from playground.messages import Message, SamplingParams
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from playground.tasks.grounding import Source
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import Finished, Summary
from playground.tasks.summary_request import SummaryRequest
from playground.text.scores import Rouge, mean_rouge
from playground.text.sentences import cut
from playground.text.textrank import summarize

EXAMPLES = ROOT / "assets" / "examples" / "summary_quality.json"
GEMMA = "gemma-3-270m"
MODELS = (*ALL_MODELS, GEMMA)
PLAIN = "Summarize the following text in one sentence.\n\n"
PLAIN_PARAMS = SamplingParams(temperature=0.0, repetition_penalty=1.0, max_new_tokens=80)
AT_ONCE = 4
HUNDRED = 100
TARGETS = {"smollm2-135m-instruct": (22.0, 4.0, 16.0), "qwen2.5-coder-0.5b-instruct": (22.0, 4.0, 16.0)}
FEWER_INVENTIONS = 0.5


@dataclass(frozen=True)
class SummaryData:
    """Documents with people's summaries, and sources with a faithful and a false sentence about each."""

    name: str
    documents: tuple[dict[str, str], ...]
    pairs: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Measured:
    """What a set of summaries is like. `invented` counts numbers, names and dates per 100 summaries."""

    rouge: Rouge
    invented: float
    seconds: float
    words: float


@dataclass(frozen=True)
class ModelMeasured:
    """One model: the plain prompt, ours, how often a second try was made and the text's own sentence was taken."""

    model: str
    plain: Measured
    ours: Measured
    second_tries: int
    extracts: int


def read_data(folder: Path | None, rows: slice) -> SummaryData:
    """The `rows` of the sets in `folder`, or the small texts; says which."""
    if folder is None or not (folder / "summaries_xsum.jsonl").exists():
        print(f"No data in {folder}: the small texts of {EXAMPLES.name} are used instead.", file=sys.stderr)
        given = json.loads(EXAMPLES.read_text("utf-8"))
        return SummaryData("own small texts", tuple(given["documents"]), tuple(given["pairs"]))
    return SummaryData(
        f"XSum and factual pairs, rows {rows.start} to {rows.stop - 1}",
        tuple(_lines(folder / "summaries_xsum.jsonl")[rows]),
        tuple(_lines(folder / "faithfulness_pairs.jsonl")[rows]),
    )


def measure_model(engine: Engine, model: str, data: SummaryData) -> ModelMeasured:
    """Summaries of all documents by the open model, several at once."""
    plain, plain_s = _in_parallel(lambda text: _plain(engine, text), data)
    print(f"{model}, plain prompt: {plain_s:.1f} s a summary", file=sys.stderr, flush=True)
    summarizer = Summarizer(engine)
    ours, ours_s = _in_parallel(lambda text: _ours(summarizer, text), data)
    return ModelMeasured(
        model=model,
        plain=_measured(plain, data, plain_s),
        ours=_measured([summary.text for summary in ours], data, ours_s),
        second_tries=sum(summary.tries > 1 for summary in ours),
        extracts=sum(summary.origin == "extract" for summary in ours),
    )


def support_auroc(data: SummaryData) -> float:
    """How often a faithful sentence has more support than a false one, of all pairs of such; 0.5 is chance."""
    faithful, false = [], []
    for pair in data.pairs:
        source = Source(pair["source"], "en")
        faithful.append(source.ground(pair["faithful"]).support)
        false.append(source.ground(pair["unfaithful"]).support)
    wins = [(one > other) + 0.5 * (one == other) for one in faithful for other in false]
    return sum(wins) / max(1, len(wins))


def result_of(measured: Sequence[ModelMeasured], data: SummaryData) -> Result:
    """All that was measured, as a section of a page."""
    figures: list[Figure] = []
    rows = [_row("first sentence of the text", _measured(_first_sentences(data), data, 0.0))]
    rows.append(_row("TextRank, one sentence", _measured(_extracts(data), data, 0.0)))
    for one in measured:
        name = SHORT_NAMES.get(one.model, one.model)
        rows += [_row(f"{name}, plain prompt", one.plain), _row(f"{name}, ours", one.ours)]
        kinds = zip(("1", "2", "L"), _percents(one.ours.rouge), TARGETS.get(one.model, (None,) * 3), strict=True)
        figures += [Figure(f"ROUGE-{kind}, {name}", value, target, unit=" ") for kind, value, target in kinds]
        fewer = one.ours.invented / one.plain.invented if one.plain.invented else float(one.ours.invented > 0)
        figures.append(Figure(f"invented, ours / plain prompt, {name}", fewer, FEWER_INVENTIONS, lower_is_better=True))
    figures.append(Figure("AUROC of support, faithful against false", support_auroc(data)))
    tries = tuple(
        (SHORT_NAMES.get(one.model, one.model), str(one.second_tries), str(one.extracts), str(len(data.documents)))
        for one in measured
    )
    return Result(
        script="quality_summaries",
        title="Summaries",
        how=f"One sentence about each of {len(data.documents)} documents ({data.name}), greedy. ROUGE F1 times 100, "
        "own, over words without stemming. Invented: numbers, names and dates in the summary that the document does "
        f"not have. Seconds per summary with {AT_ONCE} at once.",
        rounds=1,
        figures=tuple(figures),
        tables=(
            Table(
                ("one sentence", "ROUGE-1", "ROUGE-2", "ROUGE-L", "invented per 100", "words", "seconds"), tuple(rows)
            ),
            Table(("model", "second tries", "replaced by the text's own sentence", "summaries"), tries),
        ),
    )


def open_engine(model: str) -> Engine:
    """The engine with one model open. Raises what it fails with."""
    torch.set_num_threads(THREADS)
    settings = Settings.from_env(os.environ)
    shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)
    engine = Engine(shelf.load, prefix_store_bytes=settings.prefix_store_mb << 20)
    engine.open(find(model))
    wait_until_open(engine)
    return engine


def _plain(engine: Engine, text: str) -> str:
    messages = [Message("user", f"{PLAIN}{text}")]
    return "".join(chunk.text for chunk in engine.stream(messages, PLAIN_PARAMS)).strip()


def _ours(summarizer: Summarizer, text: str) -> Summary:
    *_, last = summarizer.summarize(SummaryRequest(text, "sentence"), owner="quality")
    assert isinstance(last, Finished)
    return last.summary


def _in_parallel(summarise: Any, data: SummaryData) -> tuple[list[Any], float]:
    """Every document's summary and the seconds per document."""
    start_s = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(lambda row: summarise(row["document"]), data.documents))
    return made, (time.perf_counter() - start_s) / max(1, len(data.documents))


def _measured(summaries: Sequence[str], data: SummaryData, seconds: float) -> Measured:
    flags = [
        len(Source(row["document"], "en").ground(summary).flags)
        for row, summary in zip(data.documents, summaries, strict=True)
    ]
    count = max(1, len(summaries))
    return Measured(
        rouge=mean_rouge(summaries, [row["summary"] for row in data.documents]),
        invented=HUNDRED * sum(flags) / count,
        seconds=seconds,
        words=sum(len(summary.split()) for summary in summaries) / count,
    )


def _first_sentences(data: SummaryData) -> list[str]:
    return [cut(row["document"]).segments[0].text for row in data.documents]


def _extracts(data: SummaryData) -> list[str]:
    return [summarize(row["document"], 1)[0].text for row in data.documents]


def _percents(rouge: Rouge) -> tuple[float, float, float]:
    return HUNDRED * rouge.one.f1, HUNDRED * rouge.two.f1, HUNDRED * rouge.longest.f1


def _row(name: str, measured: Measured) -> tuple[str, ...]:
    shown = [f"{value:.1f}" for value in (*_percents(measured.rouge), measured.invented, measured.words)]
    return (name, *shown, f"{measured.seconds:.1f}" if measured.seconds else "–")


def _lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the sets")
    parser.add_argument("--rows", default="0:50", help="which rows, such as 0:50")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    given = parser.parse_args(argv)
    first, last = (int(part) for part in given.rows.split(":"))
    data = read_data(given.data, slice(first, last))
    measured = []
    for model in given.models:
        engine = open_engine(model)
        measured.append(measure_model(engine, model, data))
        engine.close()
        print(measured[-1], file=sys.stderr, flush=True)
    result = replace(result_of(measured, data), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
