"""What earlier sentences do for a translation: pronouns and terms that they decide, and chrF++, with and without them.

    python -m benchmarks.quality_context [--models MODEL ...] [--earlier 0 3] [--data FOLDER --rows 50:74 --pairs en-fr]

The small texts of assets/examples/translation_context.json are pairs of sentences of which the first says what a word
of the second means. With FOLDER also its rows in their order, of which neighbours are often from one article.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality_translation import AT_ONCE, MODELS, open_engine, read_rows
from benchmarks.results import Table, markdown_table
from benchmarks.sides import ROOT
from playground.engine.engine import Engine
from playground.models.catalog import find
from playground.tasks.translation import Translator
from playground.tasks.translation_events import Finished, TranslationJob
from playground.tasks.translation_writer import EngineWriter
from playground.text.scores import chrf

TEXTS = ROOT / "assets" / "examples" / "translation_context.json"
EARLIER = 3
COLUMNS = ("model", "earlier sentences", "decided rightly", "chrF++ there", "direction", "chrF++ of rows", "s a row")


def decided(engine: Engine, model: str, earlier: int) -> tuple[int, float]:
    """In how many of the small texts the wanted word is there, and chrF++ over all of their sentences."""
    right, written, references = 0, [], []
    for text in json.loads(TEXTS.read_text("utf-8")):
        pair = text["source"], text["target"]
        # Two places: no text is short enough to be written in several ways.
        found = _translated(engine, model, earlier, pair, text["texts"], at_once=2)
        right += re.search(text["wanted"], found[-1]) is not None
        written += found
        references += text["references"]
    return right, chrf(written, references)


def rows_in_order(
    engine: Engine, model: str, earlier: int, pair: str, rows: Sequence[dict[str, str]]
) -> tuple[float, float]:
    """chrF++ of the rows of a set as one document, and seconds a row."""
    source, target = pair.split("-")
    start_s = time.perf_counter()
    written = _translated(engine, model, earlier, (source, target), [row[source] for row in rows])
    return chrf(written, [row[target] for row in rows]), (time.perf_counter() - start_s) / len(rows)


def _translated(
    engine: Engine, model: str, earlier: int, pair: tuple[str, str], texts: Sequence[str], at_once: int = AT_ONCE
) -> list[str]:
    writer = EngineWriter(engine, chat=find(model).chat, owner="quality", earlier=earlier)
    translator = Translator(writer, at_once=at_once)
    *_, last = translator.translate(TranslationJob(tuple(texts), pair[1], pair[0]))
    assert isinstance(last, Finished)
    if last.translation.error:
        raise RuntimeError(last.translation.error)
    return list(last.translation.texts)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--earlier", nargs="+", type=int, default=[0, EARLIER])
    parser.add_argument("--data", type=Path, help="the folder with translation_flores.jsonl")
    parser.add_argument("--rows", default="50:74", help="which rows, such as 50:74")
    parser.add_argument("--pairs", nargs="+", default=["en-fr", "zh-en"], help="directions, such as zh-en")
    given = parser.parse_args()
    first, last = (int(part) for part in given.rows.split(":"))
    rows = read_rows(given.data, slice(first, last))[1] if given.data else []
    found: list[tuple[str, ...]] = []
    for model in given.models:
        engine = open_engine(model)
        for earlier in given.earlier:
            right, near = decided(engine, model, earlier)
            begin = (model, str(earlier), str(right), f"{near:.1f}")
            found.append((*begin, "–", "–", "–"))
            for pair in given.pairs if rows else []:
                score, seconds = rows_in_order(engine, model, earlier, pair, rows)
                found.append((*begin, pair, f"{score:.1f}", f"{seconds:.1f}"))
            print(found[-1], flush=True)
        engine.close()
    print(markdown_table(Table(COLUMNS, tuple(found))))


if __name__ == "__main__":
    _main()
