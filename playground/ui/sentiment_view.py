"""What the page gets of a judged text: the verdict, its sentences, its words, what it is about.

Plain values only, probabilities as fractions. Places are counted as a browser counts letters (UTF-16 units). Decides
nothing about the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.errors import InvalidInput
from playground.models.catalog import MODELS
from playground.models.measured import skills
from playground.tasks.calibration import Calibration, fitted
from playground.tasks.sentiment_analysis import Analysis, Judge, Occlusion
from playground.tasks.sentiment_aspects import JudgedAspect
from playground.tasks.sentiment_labels import SENTIMENT, TWO_SIDES, LabelSet
from playground.tasks.sentiment_lexicon import LexiconReading
from playground.tasks.sentiment_reliability import reliability
from playground.tasks.sentiment_results import Judged
from playground.text.languages import detect
from playground.ui.source_texts import Places

VERSION = 1
"""Of the shape of a run's view, which is what the history keeps."""
DIGITS = 4
CLOSE = 0.1
"""Labels whose probabilities differ by less are told together: "not sure"."""
OUT_OF_DATE = "This page is out of date. Reload it."


def judged_view(judged: Judged) -> dict[str, Any]:
    """One text's figures, or the sentence that says why there are none (in English: the edge translates)."""
    if judged.error is not None:
        return {"error": str(judged.error)}
    return {
        "probabilities": rounded(judged.probabilities),
        "logprobs": rounded(judged.logprobs),
        "mass": round(judged.mass, DIGITS),
    }


def analysis_view(analysis: Analysis, places: Places) -> dict[str, Any]:
    """The overall and the strip of sentences, [start, end, probabilities] each; none for one that was not judged."""
    overall = analysis.overall
    return {
        "overall": None if overall is None else judged_view(overall),
        "by_sentences": analysis.by_sentences,
        "sentences": [
            [*places.span(one.start, one.end), rounded(one.judged.probabilities)] for one in analysis.sentences
        ],
        "total": analysis.total,
    }


def heat_view(occlusion: Occlusion, places: Places, offset: int = 0) -> dict[str, Any]:
    """The words of a part of the text that begins at `offset`: [start, end, probabilities without it] each."""
    return {
        "probabilities": rounded(occlusion.probabilities),
        "words": [
            [*places.span(offset + one.start, offset + one.end), rounded(one.probabilities)] for one in occlusion.words
        ],
        "total": occlusion.total,
    }


def aspect_view(found: JudgedAspect, places: Places) -> dict[str, Any]:
    """What a text speaks of, where, and what it says about it."""
    aspect = found.aspect
    return {
        "name": aspect.name,
        "span": places.span(aspect.start, aspect.end),
        "clauses": [places.span(*clause) for clause in aspect.clauses],
        **judged_view(found.judged),
    }


def lexicon_view(reading: LexiconReading | None) -> dict[str, Any] | None:
    """What a plain list of words makes of the text."""
    if reading is None:
        return None
    return {"score": round(reading.score, 2), "label": reading.label, "words": [list(word) for word in reading.words]}


def endpoint_view(judge: Judge, text: str, analysis: Analysis) -> dict[str, Any]:
    """For programs; offsets are Python's (code points)."""
    names = judge.labels.names

    def figures(judged: Judged) -> dict[str, Any]:
        if judged.error is not None or judged.label is None:
            return {"label": None, "probabilities": {}, "error": str(judged.error)}
        values = dict(zip(names, rounded(judged.probabilities), strict=True))
        return {"label": names[judged.label], "probabilities": values, "sure": not is_close(judged.probabilities)}

    overall = analysis.overall
    return {
        **({} if overall is None else figures(overall)),
        "model": judge.model_name,
        "language": detect(text).code,
        "by_sentences": analysis.by_sentences,
        "sentences": [
            {"start": one.start, "end": one.end, "text": text[one.start : one.end], **figures(one.judged)}
            for one in analysis.sentences
        ],
    }


def is_close(probabilities: Sequence[float]) -> bool:
    """Whether the two likeliest labels are too near each other to decide."""
    first, second = sorted(probabilities, reverse=True)[:2]
    return first - second < CLOSE


def span_in(text: str, value: Any) -> tuple[int, int]:
    """A place that a page names, [start, end] in UTF-16 units, in code points. Raises InvalidInput."""
    if value is None:
        return 0, len(text)
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(one, int) for one in value)):
        raise InvalidInput(OUT_OF_DATE)
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = value
    if not 0 <= start <= end <= len(units) // 2:
        raise InvalidInput(OUT_OF_DATE)
    parts = (units[: 2 * place].decode("utf-16-le", "ignore") for place in (start, end))
    first, last = map(len, parts)
    return first, last


def calibration_view(calibration: Calibration | None) -> dict[str, Any] | None:
    """Where the probabilities come from; None for a model that has its own."""
    if calibration is None:
        return None
    return {
        "temperature": round(calibration.temperature, 3),
        "bias": [round(one, 3) for one in calibration.bias],
        "fitted_on": calibration.fitted_on,
        "date": calibration.date,
        "rows": calibration.rows,
    }


def known_view(judge: Judge, language: str, judged: Judged | None) -> dict[str, Any]:
    """What was measured of the model: how often it is right when it is as sure as here, and of reviews in general.

    `reliable` is None where nothing was measured, or where a visitor's own calibration holds; so is `skill`.
    `untrained`: the model does not know the language.
    """
    ids = (judge.model_id, judge.labels.id, language)
    measured = reliability(*ids)
    usual = judge.calibration_for(language) == fitted(*ids)
    share = max(judged.probabilities, default=0.0) if judged is not None else 0.0
    near = measured.around(share) if measured is not None and usual else None
    spoken = next((one.languages for one in MODELS if one.id == judge.model_id), ())
    skill = next((one.figure for one in skills(judge.model_id) if one.task == "sentiment"), None)
    return {
        "reliable": None
        if measured is None or near is None
        else {"accuracy": near.accuracy, "texts": near.texts, "set": measured.name},
        "untrained": bool(language and spoken and language not in spoken),
        "skill": skill if judge.labels.id in (SENTIMENT.id, TWO_SIDES.id) else None,
    }


def labels_view(labels: LabelSet) -> list[list[str]]:
    """[name, the words that a model says for it ...] each."""
    return [[label.name, *label.spoken] for label in labels.labels]


def rounded(values: Sequence[float]) -> list[float]:
    """Enough for a percentage with a figure behind the point."""
    return [round(value, DIGITS) for value in values]
