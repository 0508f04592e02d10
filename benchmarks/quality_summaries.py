"""How good summaries are: ROUGE against people's, what is invented, whether support tells the faithful from the false.

    python -m benchmarks.quality_summaries [--data FOLDER] [--rows 0:50] [--models MODEL ...] [--keep [--resume]]

FOLDER holds summaries_xsum.jsonl (document, summary) and faithfulness_pairs.jsonl (source, faithful, unfaithful); they
belong to nobody here and are never copied. Without it the small texts of assets/examples/ are used, which say little.
The plain prompt is one line, read as it comes; ours is the whole way of `tasks.summarization`. All is greedy.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from benchmarks.command_line import ALL_MODELS, SHORT_NAMES
from benchmarks.machine import describe_machine
from benchmarks.ours import wait_until_open
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sides import RESULTS, ROOT, THREADS
from benchmarks.summary_records import Measured, ModelRows, Row, keep, kept
from playground.engine.engine import Engine
from playground.messages import Message, SamplingParams
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from playground.tasks.grounding import Source
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_events import Finished
from playground.tasks.summary_request import SummaryRequest
from playground.text.scores import rouge
from playground.text.sentences import cut
from playground.text.textrank import summarize

EXAMPLES = ROOT / "assets" / "examples" / "summary_quality.json"
GEMMA = "gemma-3-270m"
MODELS = (*ALL_MODELS, GEMMA)
NAMES = {**SHORT_NAMES, GEMMA: find(GEMMA).name}
PLAIN = "Summarize the following text in one sentence.\n\n"
PLAIN_PARAMS = SamplingParams(temperature=0.0, repetition_penalty=1.0, max_new_tokens=80)
AT_ONCE = 4
PIECE_DOCUMENTS = 8
TARGETS = {"smollm2-135m-instruct": (22.0, 4.0, 16.0), "qwen2.5-coder-0.5b-instruct": (22.0, 4.0, 16.0)}
FEWER_INVENTIONS = 0.5


@dataclass(frozen=True)
class SummaryData:
    """Documents with people's summaries, and sources with a faithful and a false sentence about each."""

    name: str
    documents: tuple[dict[str, str], ...]
    pairs: tuple[dict[str, str], ...]
    first: int = 0
    """The number of the first row."""


@dataclass(frozen=True)
class Summarized:
    """A summary, whether it took a second try and whether it is the text's own sentence."""

    text: str
    second_try: bool = False
    extract: bool = False


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
        rows.start,
    )


def pieces(data: SummaryData) -> Iterator[SummaryData]:
    """A few documents after the other, so that a run that ends early has not been for nothing."""
    for start in range(0, len(data.documents), PIECE_DOCUMENTS):
        yield replace(data, documents=data.documents[start : start + PIECE_DOCUMENTS], first=data.first + start)


def measure_model(engine: Engine, model: str, data: SummaryData, known: ModelRows | None = None) -> ModelRows:
    """Summaries of all documents by the open model, several at once; what is `known` is not made again."""
    known = known or ModelRows(model)
    summarizer = Summarizer(engine)
    plain = _in_parallel(lambda text: Summarized(_plain(engine, text)), data, known.plain)
    ours = _in_parallel(lambda text: _ours(summarizer, text), data, known.ours)
    return ModelRows(model, plain, ours)


def support_auroc(data: SummaryData) -> float:
    """How often a faithful sentence has more support than a false one, of all pairs of such; 0.5 is chance."""
    faithful, false = [], []
    for pair in data.pairs:
        source = Source(pair["source"], "en")
        faithful.append(source.ground(pair["faithful"]).support)
        false.append(source.ground(pair["unfaithful"]).support)
    wins = [(one > other) + 0.5 * (one == other) for one in faithful for other in false]
    return sum(wins) / max(1, len(wins))


def result_of(measured: Sequence[ModelRows], data: SummaryData) -> Result:
    """All that was measured, as a section of a page."""
    figures: list[Figure] = []
    rows = [_line("first sentence of the text", Measured.of(_rows_of(_first_sentences(data), data)))]
    rows.append(_line("TextRank, one sentence", Measured.of(_rows_of(_extracts(data), data))))
    tries: list[tuple[str, ...]] = []
    by_model: dict[str, dict[str, float]] = {}
    for one in measured:
        name = NAMES.get(one.model, one.model)
        own = [one.ours[number] for number in one.numbers]
        plain, ours = Measured.of([one.plain[number] for number in one.numbers]), Measured.of(own)
        rows += [_line(f"{name}, plain prompt", plain), _line(f"{name}, ours", ours)]
        kinds = zip(
            ("1", "2", "L"), (ours.one, ours.two, ours.longest), TARGETS.get(one.model, (None,) * 3), strict=True
        )
        figures += [Figure(f"ROUGE-{kind}, {name}", value, target, unit=" ") for kind, value, target in kinds]
        fewer = ours.invented / plain.invented if plain.invented else float(ours.invented > 0)
        figures.append(Figure(f"invented, ours / plain prompt, {name}", fewer, FEWER_INVENTIONS, lower_is_better=True))
        tries.append((name, *(str(sum(getattr(row, what) for row in own)) for what in ("second_try", "extract")),
                      str(len(own))))  # fmt: skip
        by_model[one.model] = {"summarize": round(ours.one, 1)}
    figures.append(Figure("AUROC of support, faithful against false", support_auroc(data)))
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
            Table(("model", "second tries", "replaced by the text's own sentence", "summaries"), tuple(tries)),
        ),
        by_model=by_model,
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


def _ours(summarizer: Summarizer, text: str) -> Summarized:
    *_, last = summarizer.summarize(SummaryRequest(text, "sentence"), owner="quality")
    assert isinstance(last, Finished)
    return Summarized(last.summary.text, last.summary.tries > 1, last.summary.origin == "extract")


def _in_parallel(summarise: Callable[[str], Summarized], data: SummaryData, known: Mapping[int, Row]) -> dict[int, Row]:
    """The figures of every document's summary by its number, beside the `known` ones."""
    left = [number for number in range(len(data.documents)) if data.first + number not in known]
    start_s = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = list(pool.map(lambda number: summarise(data.documents[number]["document"]), left))
    seconds = (time.perf_counter() - start_s) / max(1, len(left))
    rows = dict(known)
    for number, one in zip(left, made, strict=True):
        rows[data.first + number] = _row(one, data.documents[number], seconds)
    return rows


def _row(summarized: Summarized, document: Mapping[str, str], seconds: float = 0.0) -> Row:
    text, found = summarized.text, rouge(summarized.text, document["summary"])
    return Row(
        found.one.f1, found.two.f1, found.longest.f1, len(Source(document["document"], "en").ground(text).flags),
        len(text.split()), seconds, summarized.second_try, summarized.extract,
    )  # fmt: skip


def _rows_of(summaries: Sequence[str], data: SummaryData) -> list[Row]:
    return [_row(Summarized(text), document) for text, document in zip(summaries, data.documents, strict=True)]


def _first_sentences(data: SummaryData) -> list[str]:
    return [cut(row["document"]).segments[0].text for row in data.documents]


def _extracts(data: SummaryData) -> list[str]:
    return [summarize(row["document"], 1)[0].text for row in data.documents]


def _line(name: str, measured: Measured) -> tuple[str, ...]:
    values = (measured.one, measured.two, measured.longest, measured.invented, measured.words)
    shown = [f"{value:.1f}" for value in values]
    return (name, *shown, f"{measured.seconds:.1f}" if measured.seconds else "–")


def _lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the sets")
    parser.add_argument("--rows", default="0:50", help="which rows, such as 0:50")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    parser.add_argument("--resume", action="store_true", help="leave out what is kept already")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing after so long; see --resume")
    given = parser.parse_args(argv)
    first, last = (int(part) for part in given.rows.split(":"))
    data = read_data(given.data, slice(first, last))
    measured, end_s = [], time.monotonic() + 60 * given.minutes
    for model in given.models:
        known = kept(model, RESULTS) if given.resume else ModelRows(model)
        engine = open_engine(model)
        for piece in pieces(data):
            if time.monotonic() > end_s:
                break
            known = measure_model(engine, model, piece, known)
            if given.keep:
                keep(known, RESULTS)
        engine.close()
        measured.append(known)
        print(model, Measured.of(list(known.ours.values())), file=sys.stderr, flush=True)
    if given.keep:
        measured = [one for model in MODELS if (one := kept(model, RESULTS)).numbers]
    result = replace(result_of(measured, data), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
