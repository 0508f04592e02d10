"""How good answers about texts are: against people's, whether they are copied, whether the evidence is the right one.

    python -m benchmarks.quality_reading [--data FOLDER] [--rows 0:50] [--models MODEL ...] [--languages en zh ...]
        [--resume] [--minutes M] [--keep]

FOLDER holds reading_xquad_<language>.jsonl (passage, question, answers), which belong to nobody here and are never
copied. Without it the examples of the page are used, which say little. All is greedy. Every second question in English
is also put to a passage about something else, where "not in the text" is right.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.command_line import ALL_MODELS, QWEN_05B, QWEN_15B, SHORT_NAMES
from benchmarks.machine import describe_machine
from benchmarks.quality_translation import open_engine
from benchmarks.reading_records import LanguageRows, Row, keep, kept, scores
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sides import RESULTS, ROOT
from playground.engine.engine import Engine
from playground.tasks.asking import Answer, Asker, Finished
from playground.tasks.asking_evidence import AskedText
from playground.tasks.asking_request import AskRequest

EXAMPLES = ROOT / "assets" / "strings"
LANGUAGES = ("en", "zh", "de", "es")
OWNER = "quality"
TARGETS = {(QWEN_15B, "en"): (0.55, 0.68), (QWEN_15B, "zh"): (0.50, 0.62), (QWEN_05B, "en"): (0.40, 0.52)}
LEAST_EVIDENCE = 0.85
SURE, FAIR = 0.75, 0.4
"""As the page calls it."""


@dataclass(frozen=True)
class Question:
    """One row of a set."""

    passage: str
    question: str
    answers: tuple[str, ...]


def read_rows(folder: Path | None, language: str, rows: slice) -> list[Question]:
    """The `rows` of a set; none where the folder has no set of that language."""
    file = folder / f"reading_xquad_{language}.jsonl" if folder is not None else None
    if file is None or not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()[rows]]
    return [Question(line["passage"], line["question"], tuple(line["answers"])) for line in lines]


def small_rows() -> list[Question]:
    """The page's own examples: what they ask first, answered by what the text surely has."""
    texts = json.loads((EXAMPLES / "en.json").read_text("utf-8"))
    answers = {"notice": "10 and 11 June", "story": "her grandfather", "report": "because fewer films were borrowed"}
    return [
        Question(texts[f"as_example_{name}_text"], texts[f"as_example_{name}_questions"].split("\n")[0], (answer,))
        for name, answer in answers.items()
    ]


def measure(engine: Engine, language: str, rows: Sequence[Question], numbers: Sequence[int]) -> Iterator[Row]:
    """The rows `numbers`, asked one after the other."""
    asker = Asker(engine)
    for number in numbers:
        row, other = rows[number], _other(rows, number) if language == "en" and number % 2 == 0 else None
        answer = _answer(asker, row.passage, row.question)
        elsewhere = None if other is None else _answer(asker, other, row.question)
        yield row_of(row, language, answer, None if elsewhere is None else bool(elsewhere.text))


def row_of(row: Question, language: str, answer: Answer, missed: bool | None) -> Row:
    """What became of one question."""
    exact, f1 = scores(answer.text, row.answers)
    source = AskedText(row.passage, language)
    first = source.sentences[int(source.overlap(row.question).argmax())]
    return Row(
        answer=answer.text,
        exact=exact,
        f1=f1,
        sure=answer.sure,
        copied=answer.text in row.passage,
        evidence=_holds(row, answer.evidence),
        by_overlap=_holds(row, first),
        missed=missed,
        seconds=answer.seconds,
    )


def result_of(measured: Sequence[LanguageRows]) -> Result:
    """All that was measured, as a section of a page."""
    figures: list[Figure] = []
    table: list[tuple[str, ...]] = []
    by_model: dict[str, dict[str, float]] = {}
    for one in measured:
        rows, name = list(one.rows.values()), f"{SHORT_NAMES.get(one.model, one.model)}, {one.language}"
        if not rows:
            continue
        exact, f1 = _mean(row.exact for row in rows), _mean(row.f1 for row in rows)
        if targets := TARGETS.get((one.model, one.language)):
            figures += [Figure(f"questions, exact match, {name}", exact, targets[0])]
            figures += [Figure(f"questions, F1, {name}", f1, targets[1])]
        if one.model == QWEN_15B:
            figures.append(Figure(f"evidence sentence, {name}", _mean(row.evidence for row in rows), LEAST_EVIDENCE))
        if one.language == "en":
            by_model[one.model] = {"ask": round(f1, 3)}
        table.append((name, str(len(rows)), f"{exact:.2f}", f"{f1:.2f}", *_shares(rows)))
    answers = [row for one in measured for row in one.rows.values()]
    invented = float(sum(not row.copied for row in answers))
    figures.append(Figure("answers that are not a stretch of the text", invented, 0, unit=" ", lower_is_better=True))
    columns = (
        "model, language", "questions", "exact", "F1", "evidence", "by overlap alone", "no answer given",
        "told that another text has none", "right where quite sure", "fairly sure", "a guess", "seconds",
    )  # fmt: skip
    return Result(
        script="quality_reading",
        title="Questions about a text",
        how="XQuAD, each question about its passage, greedy, copied by grammar. Exact match and F1 without marks, "
        "capitals and articles; a Chinese sign counts as a word. Evidence: the sentence that is shown holds a right "
        "answer; by overlap alone: the sentence that shares most words with the question does.",
        rounds=1,
        figures=tuple(figures),
        tables=(Table(columns, tuple(table)),),
        by_model=by_model,
    )


def _shares(rows: Sequence[Row]) -> tuple[str, ...]:
    missed = [row.missed for row in rows if row.missed is not None]
    answered = [row for row in rows if row.answer]
    bands = [[row for row in answered if low <= row.sure < high] for low, high in ((SURE, 2), (FAIR, SURE), (0, FAIR))]
    right = [f"{_mean(row.f1 >= 0.5 for row in band):.2f} of {len(band)}" if band else "–" for band in bands]
    return (
        f"{_mean(row.evidence for row in rows):.2f}",
        f"{_mean(row.by_overlap for row in rows):.2f}",
        f"{1 - len(answered) / len(rows):.2f}",
        f"{1 - _mean(missed):.2f}" if missed else "–",
        *right,
        f"{_mean(row.seconds for row in rows):.1f}",
    )


def _answer(asker: Asker, passage: str, question: str) -> Answer:
    *_, last = asker.ask(AskRequest(passage, question), cancel=threading.Event(), owner=OWNER)
    assert isinstance(last, Finished)
    return last.answer


def _other(rows: Sequence[Question], number: int) -> str | None:
    """A passage that has nothing to do with the question: the first, half the set further on, that has no answer."""
    for step in range(len(rows)):
        passage = rows[(number + len(rows) // 2 + step) % len(rows)].passage
        if not any(answer in passage for answer in rows[number].answers):
            return passage
    return None


def _holds(row: Question, span: tuple[int, int] | None) -> bool:
    return span is not None and any(answer in row.passage[slice(*span)] for answer in row.answers)


def _mean(values: Any) -> float:
    found = [float(value) for value in values]
    return sum(found) / max(1, len(found))


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the sets")
    parser.add_argument("--rows", default="0:50", help="which rows, such as 0:50")
    parser.add_argument("--models", nargs="+", choices=ALL_MODELS, default=list(ALL_MODELS))
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=list(LANGUAGES))
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    parser.add_argument("--resume", action="store_true", help="leave out what is kept already")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing after so long; see --resume")
    given = parser.parse_args(argv)
    first, last = (int(part) for part in given.rows.split(":"))
    sets = {language: read_rows(given.data, language, slice(first, last)) for language in given.languages}
    if not any(sets.values()):
        print("No data: the examples of the page are used instead.", file=sys.stderr)
        sets = {"en": small_rows()}
    measured, end_s = [], time.monotonic() + 60 * given.minutes
    for model in given.models:
        engine = open_engine(model)
        for language, rows in sets.items():
            known = kept(model, language, RESULTS) if given.resume else LanguageRows(model, language)
            missing = [number for number in range(len(rows)) if first + number not in known.rows]
            answers = measure(engine, language, rows, missing)
            for number in missing:
                if time.monotonic() > end_s:
                    break
                known.rows[first + number] = next(answers)
            if given.keep:
                keep(known, RESULTS)
            measured.append(known)
            print(model, language, len(known.rows), file=sys.stderr, flush=True)
        engine.close()
    if given.keep:
        measured = [kept(model, language, RESULTS) for model in ALL_MODELS for language in LANGUAGES]
    result = replace(result_of(measured), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
