"""How good translations are: chrF++ of a plain one-line prompt and of ours, what is dropped, what is broken.

    python -m benchmarks.quality_translation [--data FOLDER] [--rows 0:50] [--models MODEL ...] [--pairs PAIR ...]

FOLDER holds translation_flores.jsonl, one object a line with a text for each language code; it belongs to nobody here
and is never copied. Without it the small texts of assets/examples/ are used, which say little. A base model, which
answers no prompt, is compared with three examples in place of the plain prompt. Everything is greedy.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.command_line import ALL_MODELS, SHORT_NAMES
from benchmarks.machine import describe_machine
from benchmarks.ours import wait_until_open
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sides import RESULTS, ROOT, THREADS
from benchmarks.translation_records import Kept, Measured, keep, keep_scores, kept_models, kept_of
from playground.engine.engine import Engine
from playground.messages import Message, Prefix, SamplingParams
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings
from playground.tasks.translation import Translator
from playground.tasks.translation_events import Finished, Translation, TranslationJob
from playground.tasks.translation_prompts import Sentence, example_pairs, most_new_tokens
from playground.tasks.translation_quality import level_of
from playground.tasks.translation_writer import EngineWriter
from playground.text.languages import language
from playground.text.masking import protected
from playground.text.scores import chrf

EXAMPLES = ROOT / "assets" / "examples" / "translation_quality.json"
GEMMA = "gemma-3-270m"
MODELS = (*ALL_MODELS, GEMMA)
PAIRS = ("zh-en", "en-zh", "en-fr", "fr-en", "en-es", "en-de")
PLAIN = "Translate from {source} to {target}: {text}"
GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)
BASE_EXAMPLES = 3
AT_ONCE = 8
GAIN = 3.0


def read_rows(folder: Path | None, rows: slice) -> tuple[str, list[dict[str, str]]]:
    """The name of the data and the `rows` of it; of the small texts where there is no such folder, and says so."""
    file = folder / "translation_flores.jsonl" if folder is not None else None
    if file is None or not file.exists():
        print(f"No data in {folder}: the small texts of {EXAMPLES.name} are used instead.", file=sys.stderr)
        return "own small texts", json.loads(EXAMPLES.read_text("utf-8"))["sentences"]
    lines = file.read_text("utf-8").splitlines()[rows]
    return f"FLORES-200, rows {rows.start} to {rows.stop - 1}", [json.loads(line) for line in lines]


def measure_pair(engine: Engine, model: str, pair: str, rows: Sequence[dict[str, str]]) -> Measured:
    """The plain prompt and ours over all rows."""
    source, target, used, references = _texts(pair, rows)
    start_s = time.perf_counter()
    plain = _plain(engine, model, source, target, used)
    middle_s = time.perf_counter()
    ours = _ours(engine, model, source, target, used)
    end_s = time.perf_counter()
    sentences = [one for one in ours.sentences if one is not None]
    found: Counter[str] = Counter(problem for one in sentences for problem in one.problems)
    return Measured(
        model,
        pair,
        len(used),
        chrf(plain, references),
        chrf(ours.texts, references),
        (middle_s - start_s) / len(used),
        (end_s - middle_s) / len(used),
        dropped=len(ours.sentences) - len(sentences) + sum(not one.text.strip() for one in sentences),
        retried=sum(one.tries > 1 for one in sentences),
        problems=dict(found),
    )


def measure_care(engine: Engine, one: Measured, rows: Sequence[dict[str, str]]) -> Measured:
    """What taking care gives, beside what is known of a pair."""
    source, target, used, references = _texts(one.pair, rows)
    start_s = time.perf_counter()
    careful = _ours(engine, one.model, source, target, used, careful=True)
    seconds = (time.perf_counter() - start_s) / len(used)
    return replace(one, careful=chrf(careful.texts, references), careful_s=seconds)


def _texts(pair: str, rows: Sequence[dict[str, str]]) -> tuple[str, str, list[str], list[str]]:
    """Both languages of a pair, the texts and their references."""
    source, target = pair.split("-")
    used = [row for row in rows if source in row and target in row]
    return source, target, [row[source] for row in used], [row[target] for row in used]


def measure_marked(engine: Engine, model: str) -> Kept:
    """Sentences with what must not be translated."""
    rows: list[dict[str, str]] = json.loads(EXAMPLES.read_text("utf-8"))["marked"]
    plain_broken = ours_broken = count = 0
    for row in rows:
        (one, first), (other, second) = row.items()
        for source, target, text in ((one, other, first), (other, one, second)):
            count += 1
            [written] = _plain(engine, model, source, target, [text])
            plain_broken += any(mark not in written for mark in _marks(text))
            ours = _ours(engine, model, source, target, [text]).text
            ours_broken += any(mark not in ours for mark in _marks(text))
    return Kept(model, count, plain_broken, ours_broken)


def result_of(pairs: Sequence[Measured], kept: Sequence[Kept], data: str) -> Result:
    """All that was measured, as a section of a page."""
    figures = [
        Figure(
            f"chrF++ over the plain prompt, {one.pair}, {_name(one.model)}", one.short_text - one.plain, GAIN, unit=" "
        )
        for one in pairs
    ]
    figures.append(Figure("sentences dropped", float(sum(one.dropped for one in pairs)), 0, unit=" ",
                          lower_is_better=True))  # fmt: skip
    broken = sum(one.ours_broken for one in kept) + sum(one.problems.get("mark", 0) for one in pairs)
    figures.append(Figure("sentences with a broken placeholder", float(broken), 0,
                          unit=" ", lower_is_better=True))  # fmt: skip
    rows = tuple(map(_row, pairs))
    columns = (
        "model", "direction", "texts", "plain, chrF++", "ours", "with care", "plain, s", "ours, s", "with care, s",
        "retried", "still flagged",
    )  # fmt: skip
    marked = tuple((_name(one.model), *map(str, (one.sentences, one.plain_broken, one.ours_broken))) for one in kept)
    return Result(
        script="quality_translation",
        title="Translations",
        how=f"The first texts of {data}, greedy, {AT_ONCE} at once; chrF++ by "
        "sacrebleu, seconds per text. Plain: one line that asks for a translation, for the base model three examples. "
        "Ours: the whole way of `tasks.translation`; with care: its choice among several ways. The gain is that "
        "of what a short text gets: with care, where it was measured. Scores of different target languages cannot be "
        "compared.",
        rounds=1,
        figures=tuple(figures),
        tables=(
            Table(columns, rows),
            Table(("sentences with placeholders, tags, addresses", "in all", "broken, plain", "broken, ours"), marked),
        ),
        by_model=_shares_that_come_across(pairs),
    )


def _shares_that_come_across(pairs: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Of every model: in which share of the directions the meaning can at least be made out."""
    fair: dict[str, list[bool]] = {}
    for one in pairs:
        fair.setdefault(one.model, []).append(level_of(one.short_text, one.pair.split("-")[1]) != "poor")
    return {model: {"translate": round(sum(found) / len(found), 3)} for model, found in fair.items()}


def _row(one: Measured) -> tuple[str, ...]:
    scores = f"{one.plain:.1f}", f"{one.ours:.1f}", _shown(one.careful)
    seconds = f"{one.plain_s:.1f}", f"{one.ours_s:.1f}", _shown(one.careful_s)
    flagged = ", ".join(f"{name} {count}" for name, count in sorted(one.problems.items()))
    return _name(one.model), one.pair, str(one.sentences), *scores, *seconds, str(one.retried), flagged or "–"


def open_engine(model: str) -> Engine:
    """The engine with one model open. Raises what it fails with."""
    torch.set_num_threads(THREADS)
    settings = Settings.from_env(os.environ)
    shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)
    engine = Engine(shelf.load, prefix_store_bytes=settings.prefix_store_mb << 20)
    engine.open(find(model))
    wait_until_open(engine)
    return engine


def _plain(engine: Engine, model: str, source: str, target: str, texts: Sequence[str]) -> list[str]:
    """What a plain prompt gives, as it comes; for a base model the first line behind three examples."""
    names = language(source).english, language(target).english
    chat = find(model).chat

    def write(text: str) -> str:
        params = replace(GREEDY, max_new_tokens=most_new_tokens(text), stop=() if chat else ("\n",))
        if chat:
            asked, prefix = PLAIN.format(source=names[0], target=names[1], text=text), Prefix()
        else:
            pairs = [*example_pairs(Sentence(text, source, target), BASE_EXAMPLES), (text, "")]
            lines = "\n\n".join(f"{names[0]}: {one}\n{names[1]}: {other}".rstrip() for one, other in pairs)
            asked, prefix = f"Write the sentences in {names[0]} and in {names[1]}.", Prefix(text="\n" + lines)
        chunks = engine.stream([Message("user", asked)], params, prefix=prefix, owner="quality")
        return "".join(chunk.text for chunk in chunks).strip()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(write, texts))


def _ours(
    engine: Engine, model: str, source: str, target: str, texts: Sequence[str], *, careful: bool = False
) -> Translation:
    """The whole way of the task; every sentence is one of many of the same document."""
    # Without earlier sentences: rows that stand beside each other are of different texts.
    translator = Translator(EngineWriter(engine, chat=find(model).chat, owner="quality"), at_once=AT_ONCE)
    *_, last = translator.translate(TranslationJob(tuple(texts), target, source, careful=careful))
    assert isinstance(last, Finished)
    if last.translation.error:
        raise RuntimeError(last.translation.error)
    return last.translation


def _marks(text: str) -> list[str]:
    return [span.text for span in protected(text)]


def _measured(
    model: str, wanted: Sequence[str], rows: Sequence[dict[str, str]], known: Sequence[Measured | Kept], *, care: bool
) -> Iterator[Measured | Kept]:
    """What is not known yet, what is quick first; a pair is told again with what care gives."""
    pairs = {one.pair: one for one in known if isinstance(one, Measured)}
    marked = len(pairs) < len(known)
    if marked and all(pair in pairs and (pairs[pair].careful is not None or not care) for pair in wanted):
        return
    engine = open_engine(model)
    for pair in wanted:
        if pair not in pairs:
            pairs[pair] = measure_pair(engine, model, pair, rows)
            yield pairs[pair]
    if not marked:
        yield measure_marked(engine, model)
    for pair in wanted if care else ():
        if pairs[pair].careful is None:
            yield measure_care(engine, pairs[pair], rows)
    engine.close()


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _name(model: str) -> str:
    return SHORT_NAMES.get(model, find(model).name)


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with translation_flores.jsonl")
    parser.add_argument("--rows", default="0:50", help="which rows, such as 0:50")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--pairs", nargs="+", default=list(PAIRS), help="directions, such as zh-en")
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    parser.add_argument("--no-care", action="store_true", help="leave out the slow way")
    parser.add_argument("--resume", action="store_true", help="leave out what is kept already")
    given = parser.parse_args(argv)
    first, last = (int(part) for part in given.rows.split(":"))
    name, rows = read_rows(given.data, slice(first, last))
    found: dict[tuple[str, str], Measured] = {}
    kept: list[Kept] = []
    for model in given.models:
        known = kept_of(model) if given.resume else []
        for one in _measured(model, given.pairs, rows, known, care=not given.no_care):
            print(one, file=sys.stderr, flush=True)
            if isinstance(one, Measured):
                found[model, one.pair] = one
            else:
                kept.append(one)
            if given.keep:
                keep(model, one)
    pairs = list(found.values())
    if given.keep:
        pairs, kept = kept_models(MODELS, PAIRS)
        keep_scores(pairs)
    result = replace(result_of(pairs, kept, name), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
