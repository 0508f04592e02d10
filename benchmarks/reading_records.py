"""Answers to questions about texts, how right they are, and where they are kept between two pieces of a measurement.

Owns the arithmetic of exact match and F1 (Rajpurkar et al., "SQuAD", 2016; one sign of Chinese counts as a word, as in
MLQA, Lewis et al., 2020). Knows no model.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playground.text.scripts import is_unspaced

ARTICLES = re.compile(r"\b(a|an|the)\b")


@dataclass(frozen=True)
class Row:
    """What became of one question. `copied`: the answer stands in the text. `evidence`: the sentence that is shown has
    a right answer in it; `by_overlap`: so has the one that shares most with the question. `missed`: of another text the
    question was given an answer, though that text has none."""

    answer: str
    exact: bool
    f1: float
    sure: float
    copied: bool
    evidence: bool
    by_overlap: bool
    missed: bool | None
    seconds: float


@dataclass
class LanguageRows:
    """What is known of one model and language, by the number of the row."""

    model: str
    language: str
    rows: dict[int, Row] = field(default_factory=dict)


def units(text: str) -> list[str]:
    """Words without marks, capitals and articles; Chinese sign by sign."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(" " if unicodedata.category(sign).startswith("P") else sign for sign in plain)
    spaced = "".join(f" {sign} " if is_unspaced(sign) else sign for sign in ARTICLES.sub(" ", plain))
    return spaced.split()


def scores(answer: str, right: Sequence[str]) -> tuple[bool, float]:
    """(exact match, F1) against the best of the right answers."""
    own = units(answer)
    best = max((_f1(own, units(one)) for one in right), default=0.0)
    return any(own == units(one) for one in right), best


def keep(measured: LanguageRows, folder: Path) -> None:
    """Beside what is kept of this model and language."""
    known = kept(measured.model, measured.language, folder)
    known.rows |= measured.rows
    folder.mkdir(parents=True, exist_ok=True)
    _file(measured.model, measured.language, folder).write_text(json.dumps(asdict(known), indent=1), "utf-8")


def kept(model: str, language: str, folder: Path) -> LanguageRows:
    """What is kept; nothing where it was never measured."""
    file = _file(model, language, folder)
    found: Mapping[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"rows": {}}
    return LanguageRows(model, language, {int(number): Row(**row) for number, row in found["rows"].items()})


def _f1(first: list[str], second: list[str]) -> float:
    shared = sum((Counter(first) & Counter(second)).values())
    return 2 * shared / (len(first) + len(second)) if shared else 0.0


def _file(model: str, language: str, folder: Path) -> Path:
    return folder / f"reading-{model}-{language}.json"
