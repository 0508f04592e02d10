"""A glossary: terms and how they are to be translated, read from a table or lines, looked up in a sentence and checked.

Pure text. Knows no model: who translates says the terms of a sentence to it, and asks here whether they were used.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from playground.errors import InvalidInput
from playground.text.masking import Masked

MOST_TERMS = 500
MOST_TERM_CHARACTERS = 200
_SEPARATORS = ("=>", "->", "→", "\t", "=", ";", ",")
_MOST_ENDING = 3
"""Letters that an inflected form may have more or other than the term: Wärmepumpe, Wärmepumpen."""


@dataclass(frozen=True)
class Term:
    """`source` is how it reads in the text, `target` how it shall read in the translation (the same: left as it is)."""

    source: str
    target: str


@dataclass(frozen=True)
class TermUse:
    """A term that occurs in a sentence, and whether its translation uses it."""

    term: Term
    used: bool


def read_glossary(given: str | Iterable[Sequence[object]]) -> tuple[Term, ...]:
    """The terms of lines such as "heat pump = Wärmepumpe" (also with a tab, ->, ; or ,) or of rows of a table.

    Empty rows are passed over, and so are those that start with #; a row without a translation keeps the term as it is;
    of two rows for one term the last counts. Raises InvalidInput for rows beyond the limits.
    """
    pairs = [_split_line(line) for line in given.splitlines()] if isinstance(given, str) else map(_pair_of_row, given)
    terms: dict[str, Term] = {}
    for source, target in pairs:
        if not source or source.startswith("#"):
            continue
        if max(len(source), len(target)) > MOST_TERM_CHARACTERS:
            raise InvalidInput(
                f"A glossary term has more than {MOST_TERM_CHARACTERS} characters. Shorten it: {source[:60]}…"
            )
        terms[_folded(source)] = Term(source, target or source)
    if len(terms) > MOST_TERMS:
        raise InvalidInput(f"The glossary has {len(terms):,} terms; {MOST_TERMS} are the most. Shorten it.")
    return tuple(terms.values())


def terms_in(text: str, glossary: Sequence[Term]) -> tuple[Term, ...]:
    """The terms that occur in `text`, longest first; a term inside a longer one that occurs does not count."""
    found: list[Term] = []
    rest = _folded(text)
    for term in sorted(glossary, key=lambda one: len(one.source), reverse=True):
        pattern = _pattern(_folded(term.source))
        if pattern.search(rest):
            found.append(term)
            rest = pattern.sub("\x00", rest)
    return tuple(found)


def uses_of(terms: Sequence[Term], translation: str) -> tuple[TermUse, ...]:
    """Which of the terms a translation uses. An inflected form counts: its last letters may differ."""
    folded = _folded(translation)
    return tuple(TermUse(term, _pattern(_folded(term.target)).search(folded) is not None) for term in terms)


def write_in(text: str, terms: Sequence[Term]) -> str:
    """`text` with the terms replaced by their translations: a model copies what is already in the wanted language."""
    for term in terms:
        pattern = re.compile(_bounded(re.escape(term.source), term.source), re.IGNORECASE)
        text = pattern.sub(lambda _, term=term: term.target, text)
    return text


def mark_in(masked: Masked, terms: Sequence[Term]) -> Masked:
    """`masked` with marks also where the terms stand, which come back as their translations; as it is where it has no
    marks that could go on. For terms that a model passes over even in the text: it copies a mark."""
    known = re.match(r"(\D+)1(\D+)$", masked.marks[0]) if masked.marks else re.match(r"(\[)1(\])", "[1]")
    if known is None or (not masked.marks and re.search(r"\[\s*\d", masked.text)):
        return masked
    first = len(masked.marks) + 1
    marks = tuple(f"{known[1]}{first + index}{known[2]}" for index in range(len(terms)))
    text = write_in(masked.text, [Term(term.source, mark) for term, mark in zip(terms, marks, strict=True)])
    targets = tuple(term.target for term in terms)
    return Masked(masked.source, text, masked.originals + targets, masked.marks + marks)


def _split_line(line: str) -> tuple[str, str]:
    for separator in _SEPARATORS:
        left, found, right = line.partition(separator)
        if found:
            if separator in ",;" and '"' in line:
                return _pair_of_row(next(csv.reader(io.StringIO(line), delimiter=separator), []))
            return left.strip(), right.strip()
    return line.strip(), ""


def _pair_of_row(row: Sequence[object]) -> tuple[str, str]:
    cells = ["" if cell is None else str(cell).strip() for cell in row]
    return (cells[0] if cells else ""), (cells[1] if len(cells) > 1 else "")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _pattern(term: str) -> re.Pattern[str]:
    """Finds the term as words of their own, also inflected. Chinese and its like have no word borders."""
    stem = term[:-1] if len(term) > 5 and _spaced(term) else term
    ending = rf"\w{{0,{_MOST_ENDING + (stem != term)}}}" if len(term) > 3 and _spaced(term) else ""
    words = r"\s+".join(re.escape(word) for word in stem.split())
    return re.compile(_bounded(words + ending, term))


def _bounded(pattern: str, term: str) -> str:
    """`pattern` not in the middle of a word, where words are written apart."""
    if not _spaced(term):
        return pattern
    before = r"(?<!\w)" if term[0].isalnum() else ""
    return before + pattern + (r"(?!\w)" if term[-1].isalnum() else "")


def _spaced(term: str) -> bool:
    return not re.search(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", term)
