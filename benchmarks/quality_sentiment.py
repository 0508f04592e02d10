"""How good labels of sentiment are, and how far their probabilities can be believed; how quick a table of texts is.

    python -m benchmarks.quality_sentiment [--data FOLDER] [--rows 0:300] [--models MODEL ...] [--fit] [--keep]

FOLDER holds sentiment_sst2.jsonl and sentiment_tweets_{en,de,fr,es}.jsonl, one object a line with a text and its label;
they belong to nobody here and are never copied. `--fit` learns the temperature and the biases of each model from later
rows than those that are reported, and keeps them for the app.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.command_line import QWEN_05B, QWEN_15B, SHORT_NAMES, SMOLLM2
from benchmarks.machine import describe_machine
from benchmarks.quality_translation import GEMMA, MODELS, open_engine
from benchmarks.results import Figure, Result, Table, markdown, save
from benchmarks.sentiment_speed import Speed, measure_speed
from benchmarks.sides import RESULTS
from playground.engine.engine import Engine
from playground.tasks.calibration import FITTED_FILE, Calibration, agreement, fit, read_calibrations_again
from playground.tasks.sentiment import SentimentJudge
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, LabelSet
from playground.tasks.sentiment_lexicon import by_words
from playground.tasks.sentiment_reliability import keep as keep_reliability

LANGUAGES = ("en", "de", "fr", "es")
REVIEWS = "sst2"
SETS = {REVIEWS: TWO_SIDES} | {f"tweets_{code}": SENTIMENT for code in LANGUAGES}
REPORTED = {REVIEWS: 300} | {f"tweets_{code}": 150 for code in LANGUAGES}
"""Rows from there on are for learning."""
NAMES = SHORT_NAMES | {GEMMA: "Gemma-3-270M"}
OWNER = "benchmark"
_OWN_TEXTS = (
    ("a warm, clever film with a perfect last scene", "positive"), ("I want my money and my evening back", "negative"),
    ("the soup was the best I have had in years", "positive"), ("they lost my order and blamed me for it", "negative"),
    ("thank you for the lovely flowers", "positive"), ("dull, loud and far too long", "negative"),
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One model and set: figures as fractions. `raw_accuracy` and `raw_error` are without what was learned."""

    model: str
    data: str
    texts: int
    failed: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    raw_accuracy: float
    raw_error: float
    mass: float
    lexicon: float
    """VADER's accuracy for reviews, its macro-F1 for tweets."""
    learned_rows: int
    seconds: float


def read_rows(folder: Path | None, data: str, rows: slice) -> tuple[list[str], list[int]]:
    """Texts and the places of their labels; our own small texts for reviews where there is no such folder."""
    file = folder / f"sentiment_{data}.jsonl" if folder is not None else None
    if file is None or not file.exists():
        print(f"No {data} in {folder}: the small texts of this script are used instead.", file=sys.stderr)
        found = [{"text": text, "label": label} for text, label in _OWN_TEXTS]
    else:
        found = [json.loads(line) for line in file.read_text("utf-8").splitlines()[rows]]
    return [row["text"] for row in found], [SETS[data].names.index(row["label"]) for row in found]


def measure(
    engine: Engine, model: str, data: str, texts: Sequence[str], known: Sequence[int], *, keep: bool = False
) -> Measured:
    """Judge all texts and compare with what is known; `keep` for the app how often it was right when it was so sure."""
    judge = SentimentJudge(engine, model, SETS[data], owner=OWNER)
    language = language_of(data)
    start_s = time.perf_counter()
    judged = sorted(judge.judge(texts, language=language), key=lambda one: one.index)
    seconds = time.perf_counter() - start_s
    good = [one for one in judged if one.error is None]
    labels = [known[one.index] for one in good]
    ours = agreement([one.probabilities for one in good], labels)
    if keep:
        keep_reliability(model, SETS[data].id, language, data, ours)
    raw = agreement(Calibration(temperature=1.0).table([one.logprobs for one in good]), labels)
    return Measured(
        model,
        data,
        len(texts),
        len(texts) - len(good),
        ours.accuracy,
        ours.macro_f1,
        ours.calibration_error,
        raw.accuracy,
        raw.calibration_error,
        sum(one.mass for one in good) / max(1, len(good)),
        lexicon_figure(texts, known, SETS[data]),
        judge.calibration_for(language).rows,
        seconds,
    )


def lexicon_figure(texts: Sequence[str], known: Sequence[int], labels: LabelSet) -> float:
    """VADER's accuracy where there are two labels, its macro-F1 where there are three."""
    given = by_words(texts, labels) or []
    certain = [[float(place == label) for place in range(len(labels.labels))] for label in given]
    found = agreement(certain, known)
    return found.accuracy if len(labels.labels) == 2 else found.macro_f1


def learn(engine: Engine, model: str, data: str, folder: Path, rows: int) -> Calibration:
    """Fitted on `rows` texts of a set, which come behind those that are reported."""
    texts, known = read_rows(folder, data, slice(REPORTED[data], REPORTED[data] + rows))
    judge = SentimentJudge(engine, model, SETS[data], owner=OWNER)
    judged = [one for one in judge.judge(texts, language=language_of(data)) if one.error is None]
    labels = [known[one.index] for one in judged]
    return fit([one.logprobs for one in judged], labels, fitted_on=data, date=time.strftime("%Y-%m-%d"))


def keep_learned(model: str, data: str, found: Calibration) -> None:
    """For the app, beside what is kept of other models and languages."""
    kept: dict[str, Any] = json.loads(FITTED_FILE.read_text("utf-8")) if FITTED_FILE.exists() else {}
    rounded = replace(found, temperature=round(found.temperature, 4), bias=tuple(round(one, 4) for one in found.bias))
    kept.setdefault(model, {}).setdefault(SETS[data].id, {})[language_of(data)] = asdict(rounded)
    FITTED_FILE.parent.mkdir(parents=True, exist_ok=True)
    FITTED_FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")


def language_of(data: str) -> str:
    """The code of a set's language."""
    return "en" if data == REVIEWS else data.rpartition("_")[2]


def figures_of(found: Sequence[Measured], speed: Speed | None) -> tuple[Figure, ...]:
    """What must be reached. A figure over several sets is one only when all of them were measured."""
    by_place = {(one.model, one.data): one for one in found}
    reviews = {model: one.accuracy for (model, data), one in by_place.items() if data == REVIEWS}
    english = {model: one.macro_f1 for (model, data), one in by_place.items() if data == "tweets_en"}
    means = {
        model: sum(by_place[model, f"tweets_{code}"].macro_f1 for code in LANGUAGES) / len(LANGUAGES)
        for model in MODELS
        if all((model, f"tweets_{code}") in by_place for code in LANGUAGES)
    }
    best = max(reviews, key=reviews.__getitem__, default=None)
    errors = {
        data: by_place[best, data].calibration_error
        for data in (REVIEWS, "tweets_en")
        if best is not None and (best, data) in by_place
    }
    return (
        Figure("SST-2 accuracy, best model", max(reviews.values(), default=None), 0.93),
        Figure("SST-2 accuracy, Qwen2.5-Coder-0.5B", reviews.get(QWEN_05B), 0.86),
        Figure("SST-2 accuracy, SmolLM2-135M", reviews.get(SMOLLM2), 0.82),
        Figure("tweets macro-F1, en, best model", max(english.values(), default=None), 0.68),
        Figure("tweets macro-F1, mean of en, de, fr, es, best model", max(means.values(), default=None), 0.60),
        Figure("tweets macro-F1, en, Qwen2.5-Coder-0.5B", english.get(QWEN_05B), 0.60),
        Figure("expected calibration error, SST-2, best model", errors.get(REVIEWS), 0.05, lower_is_better=True),
        Figure(
            "expected calibration error, tweets en, same model", errors.get("tweets_en"), 0.06, lower_is_better=True
        ),
        Figure("texts a second, ours / one at a time, SmolLM2-135M", speed.ratio if speed else None, 5.0),
    )


def result_of(found: Sequence[Measured], speed: Speed | None) -> Result:
    """Figures and a table of everything."""
    columns = ("model", "set", "texts", "accuracy", "macro-F1", "calibration error", "accuracy before fitting",
               "calibration error before", "said a label", "VADER", "learned from", "texts/s")  # fmt: skip
    table = Table(columns, tuple(_row(one) for one in found))
    how = (
        "Labels are scored as a whole behind examples of our own, never written freely; a temperature and a "
        "bias for each label were learned from later rows of the same sets. Calibration error: "
        "expected, ten bins. VADER: accuracy for reviews, macro-F1 for tweets; it knows English only."
    )
    tables = (table, *([speed.table()] if speed else ()))
    by_model = {one.model: {"sentiment": round(one.accuracy, 3)} for one in found if one.data == REVIEWS}
    return Result("quality_sentiment", "Sentiment", how, 1, figures_of(found, speed), tables, by_model=by_model)


def _row(one: Measured) -> tuple[str, ...]:
    fractions = (one.accuracy, one.macro_f1, one.calibration_error, one.raw_accuracy, one.raw_error, one.mass)
    return (
        NAMES.get(one.model, one.model),
        one.data,
        str(one.texts) + (f" ({one.failed} failed)" if one.failed else ""),
        *(f"{value:.3f}" for value in fractions),
        f"{one.lexicon:.3f}",
        str(one.learned_rows),
        f"{one.texts / one.seconds:.1f}",
    )


def _keep(found: Measured) -> None:
    """Beside what is kept of this model: a run that ends early has not been for nothing."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"sentiment-{found.model}.json"
    kept: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.write_text(json.dumps(kept | {found.data: asdict(found)}, indent=1), "utf-8")


def _kept() -> list[Measured]:
    files = [RESULTS / f"sentiment-{model}.json" for model in MODELS]
    loaded = [json.loads(file.read_text("utf-8")) for file in files if file.exists()]
    return [Measured(**kept[data]) for kept in loaded for data in SETS if data in kept]


def _keep_speed(speed: Speed | None) -> Speed | None:
    """What was measured, now or before."""
    file = RESULTS / "sentiment-speed.json"
    if speed is not None:
        file.write_text(json.dumps(asdict(speed), indent=1), "utf-8")
    return speed or (Speed(**json.loads(file.read_text("utf-8"))) if file.exists() else None)


def _main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with the sets")
    parser.add_argument("--rows", default="0:300", help="which rows, such as 0:300; of tweets at most 150 are reported")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[SMOLLM2, GEMMA, QWEN_05B, QWEN_15B])
    parser.add_argument("--sets", nargs="+", choices=tuple(SETS), default=list(SETS))
    parser.add_argument("--fit", action="store_true", help="learn the calibration first and keep it for the app")
    parser.add_argument("--fit-rows", type=int, default=150, help="so many later rows of every set are learned from")
    parser.add_argument("--speed-texts", type=int, default=1000, help="0: no speed is measured")
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    given = parser.parse_args(argv)
    first, last = (int(part) for part in given.rows.split(":"))
    found: list[Measured] = []
    speed: Speed | None = None
    for model in given.models:
        engine = open_engine(model)
        for data in given.sets if given.fit and given.data else ():
            keep_learned(model, data, learn(engine, model, data, given.data, given.fit_rows))
        read_calibrations_again()
        for data in given.sets if given.data else (REVIEWS,):
            rows = slice(first, min(last, REPORTED[data]))
            found.append(measure(engine, model, data, *read_rows(given.data, data, rows), keep=given.keep))
            print(found[-1], file=sys.stderr, flush=True)
            if given.keep:
                _keep(found[-1])
        if model == SMOLLM2 and given.speed_texts:
            texts, _ = read_rows(given.data, REVIEWS, slice(0, None))
            speed = measure_speed(engine, model, texts, given.speed_texts)
        engine.close()
    if given.keep:
        found, speed = _kept(), _keep_speed(speed)
    result = replace(result_of(found, speed), machine=describe_machine())
    if given.keep:
        save(result, RESULTS)
    print(markdown(result))


if __name__ == "__main__":
    _main()
