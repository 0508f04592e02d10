"""How good extraction is: values found and values right, in English, Chinese and German, and whether any is invented.

    python -m benchmarks.quality_extraction [--models MODEL ...] [--keep]

The texts are own ones with labels (assets/examples/extraction_quality.json); no public set has licence, languages and
labels together. Prompts were chosen on other texts. --data and --rows are taken and not needed. The plain prompt asks
for a JSON list without examples, form or check. All is greedy.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.command_line import ALL_MODELS, SHORT_NAMES
from benchmarks.machine import describe_machine
from benchmarks.quality_summaries import open_engine
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sides import RESULTS, ROOT
from playground.engine.engine import Engine
from playground.messages import Message, SamplingParams
from playground.tasks.extraction import ExtractionRequest, Extractor
from playground.tasks.extraction_events import Finished
from playground.tasks.extraction_events import Table as Found
from playground.tasks.extraction_grammar import read
from playground.tasks.extraction_schema import PRESETS
from playground.text.places import TextPlaces

TEXTS = ROOT / "assets" / "examples" / "extraction_quality.json"
LANGUAGES = ("en", "zh", "de")
BY_MODEL, BY_RULE = ("people", "places"), ("dates", "amounts", "emails", "phones")
PLAIN_PARAMS = SamplingParams(temperature=0.0, repetition_penalty=1.0, max_new_tokens=120)
PLAIN = "{text}\n\nList all {kind} in this text as a JSON list of strings."
LONGER = 12
"""Letters that a found value may have more than the label: "Captain Erik Dahl" is Erik Dahl."""
_SIGNS = re.compile(r"[\W_]+")


@dataclass
class Count:
    """What was found of what was to be found."""

    right: int = 0
    given: int = 0
    found: int = 0
    wanted: int = 0
    absent: int = 0
    """Values that do not stand in the text."""

    @property
    def precision(self) -> float:
        """The share of what was given that is right."""
        return self.right / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        """The share of what was to be found that was."""
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def add(self, text: str, given: Sequence[str], wanted: Iterable[str]) -> None:
        """Compare what was given with what was wanted."""
        wanted, places = list(wanted), TextPlaces(text)
        self.right += sum(any(_same(label, one) for label in wanted) for one in given)
        self.found += sum(any(_same(label, one) for one in given) for label in wanted)
        self.given += len(given)
        self.wanted += len(wanted)
        self.absent += sum(places.find(one).how == "none" for one in given)


@dataclass
class Measured:
    """One model. `cells`: rows for which the label's words are in the second column, of how many."""

    model: str
    kinds: dict[tuple[str, str], Count] = field(default_factory=dict)
    plain: dict[tuple[str, str], Count] = field(default_factory=dict)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    def all_of(self, counts: dict[tuple[str, str], Count], *, language: str = "", kinds: Sequence[str] = ()) -> Count:
        """The sum over a language and kinds, "" and () for all."""
        total = Count()
        for (code, kind), one in counts.items():
            if language in ("", code) and (not kinds or kind in kinds):
                for name, value in vars(one).items():
                    setattr(total, name, getattr(total, name) + value)
        return total


def measure(engine: Engine, model: str, texts: Sequence[dict[str, Any]]) -> Measured:
    """Extract from all texts with the open model."""
    measured, extractor = Measured(model), Extractor(engine)
    start_s = time.perf_counter()
    for one in texts:
        table = _extract(extractor, one["text"], "overview")
        for kind, cell in zip((*BY_MODEL, *BY_RULE), table.rows[0], strict=False):
            count = measured.kinds.setdefault((one["language"], kind), Count())
            count.add(one["text"], [value.text for value in cell], one[kind])
        for preset in ("people", "amounts"):
            _compare_cells(measured, one, preset, _extract(extractor, one["text"], preset))
    measured.seconds = (time.perf_counter() - start_s) / len(texts)
    for one in texts:
        for kind in BY_MODEL:
            count = measured.plain.setdefault((one["language"], kind), Count())
            count.add(one["text"], _plain(engine, one["text"], kind), one[kind])
    return measured


def result_of(measured: Sequence[Measured], texts: int) -> Result:
    """All that was measured, as a section of a page."""
    figures, rows, cells = [], [], []
    for one in measured:
        name = SHORT_NAMES.get(one.model, one.model)
        absent = one.all_of(one.kinds).absent
        figures.append(Figure(f"values that are not in the text, {name}", absent, 0, unit=" ", lower_is_better=True))
        for title, counts in ((f"{name}, plain prompt", one.plain), (f"{name}, ours", one.kinds)):
            rows.append((title, *(_shown(one.all_of(counts, language=code, kinds=BY_MODEL)) for code in LANGUAGES),
                         str(one.all_of(counts).absent)))  # fmt: skip
        for preset in ("people", "amounts"):
            each = [f"{one.cells[code, preset]} of {one.labels[code, preset]}" for code in LANGUAGES]
            cells.append((name, {"people": "role of a person", "amounts": "what an amount is for"}[preset], *each))
    if measured:
        rules = [_shown(measured[0].all_of(measured[0].kinds, language=code, kinds=BY_RULE)) for code in LANGUAGES]
        rows.append(("dates, amounts, e-mail, phone: by rule", *rules, "0"))
    seconds = tuple((SHORT_NAMES.get(one.model, one.model), f"{one.seconds:.1f}") for one in measured)
    return Result(
        script="quality_extraction",
        title="Extraction",
        how=f"Names of people and places in {texts} own texts of about 80 words each, a third in each language; "
        "precision / recall. The last column counts values that the text does not have. The list of words for roles "
        "was written with these texts in sight, so roles say less.",
        rounds=1,
        figures=tuple(figures),
        tables=(
            Table(("people and places", *LANGUAGES, "not in the text"), tuple(rows)),
            Table(("model", "right words in the second column of a row", *LANGUAGES), tuple(cells)),
            Table(("model", "seconds a text, three tables"), seconds),
        ),
    )


def read_texts() -> list[dict[str, Any]]:
    """The texts with their labels."""
    return json.loads(TEXTS.read_text("utf-8"))["texts"]


def _extract(extractor: Extractor, text: str, preset: str) -> Found:
    request = ExtractionRequest(text, PRESETS[preset])
    *_, last = extractor.extract(request, cancel=threading.Event(), owner="quality")
    assert isinstance(last, Finished)
    return last.table


def _compare_cells(measured: Measured, labelled: dict[str, Any], preset: str, table: Found) -> None:
    place = labelled["language"], preset
    for key, words in labelled[preset].items():
        if not words:
            continue
        measured.labels[place] += 1
        row = next((row for row in table.rows if _same(key, row[0][0].text)), None)
        said = " ".join(value.text for value in row[1]).casefold() if row else ""
        measured.cells[place] += any(one.casefold() in said for one in words)


def _plain(engine: Engine, text: str, kind: str) -> list[str]:
    messages = [Message("user", PLAIN.format(text=text, kind=kind))]
    return [value.text for value in read("".join(chunk.text for chunk in engine.stream(messages, PLAIN_PARAMS)))]


def _same(label: str, given: str) -> bool:
    one, two = _fold(label), _fold(given)
    return one == two or (one in two and len(two) < len(one) + LONGER)


def _fold(text: str) -> str:
    return _SIGNS.sub(" ", text.casefold()).strip()


def _shown(count: Count) -> str:
    return f"{count.precision:.2f} / {count.recall:.2f}"


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not needed: the texts are the project's own")
    parser.add_argument("--rows", help="not needed")
    parser.add_argument("--models", nargs="+", choices=ALL_MODELS, default=list(ALL_MODELS))
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    given = parser.parse_args(argv)
    texts, measured = read_texts(), []
    for model in given.models:
        engine = open_engine(model)
        measured.append(measure(engine, model, texts))
        engine.close()
        print(f"{model}: {measured[-1].seconds:.1f} s a text", file=sys.stderr, flush=True)
    result = replace(result_of(measured, len(texts)), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
