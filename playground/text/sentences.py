"""A text as sentences in a skeleton that comes back unchanged: blank lines, indents, bullets, headings, code, tables.

All offsets count code points. Knows no model: whoever changes the sentences hands them back.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sentencex

from playground.text.languages import language as language_of_code
from playground.text.languages import without_protected
from playground.text.lines import Line, lines_of

# A sentence without any end (a list of names, a web page in one line) would fit into no model.
LONGEST_LETTERS = 1200
# Japanese goes on after a quotation: 「はい。」と言った。
QUOTATION = re.compile(r"[」』”][ \u3000]*$")
AFTER_QUOTATION = re.compile(r"[とっはがをのもにで、。]")
# What the splitter takes for ends: т. е. то; J.-C.; and titles before names.
INITIALS = re.compile(r"(?:^|[\s.(-])[^\W\d_]\.\s*$")
AFTER_INITIALS = re.compile(r"-|[^\W\d_]")
ABBREVIATIONS = {
    "en": "approx vol vols dept",
    "fr": "m mm mme mmes mlle mlles mgr env vol art",
    "it": "pag pagg art dott sig",
    "pt": "pág págs art",
    "es": "pág págs núm art",
    "nl": "mevr dhr",
    "pl": "dr",
}
WRAPPED_LETTERS = range(40, 121)
SENTENCE_END = re.compile(r"[.!?。！？…:：;；][\"'”’」』)）]*$")


@dataclass(frozen=True)
class Segment:
    """`text` is `source[start:end]`, except that a sentence joined over wrapped lines has blanks for the line breaks.
    `kind` is "sentence", "heading", "item" (of a list) or "cell" (of a table). Segments between two blank lines share
    their `paragraph` number; those of one `line` stand beside each other."""

    start: int
    end: int
    text: str
    kind: str
    paragraph: int
    line: int


@dataclass(frozen=True)
class Piece:
    """What `source[start:end]` has become."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Skeleton:
    """A text cut into segments. What lies between them (blanks, marks, code, rules) is kept as it is."""

    source: str
    segments: tuple[Segment, ...]

    def rebuild(self, texts: Sequence[str], target: str = "") -> str:
        """The source with its segments replaced; `rebuild([s.text for s in segments]) == source` for any text.

        Line breaks and outer blanks of a replacement are dropped, so that the lines stay. With a target language
        the blanks between changed sentences of one line follow it: one in English, none in Chinese. Raises ValueError
        where the number of texts is not the number of segments.
        """
        return "".join(piece.text for piece in self.pieces(texts, target))

    def pieces(self, texts: Sequence[str], target: str = "") -> Iterator[Piece]:
        """The rebuilt text piece by piece: segments and what lies between them, in order."""
        if len(texts) != len(self.segments):
            raise ValueError(f"{len(texts)} texts for {len(self.segments)} segments")
        end, before, before_changed = 0, None, False
        for segment, text in zip(self.segments, texts, strict=True):
            changed = text != segment.text
            gap = self.source[end : segment.start]
            beside = before is not None and before.line == segment.line and segment.kind != "cell"
            if target and beside and (changed or before_changed) and not gap.strip(" \u3000"):
                gap = " " if language_of_code(target).spaced else ""
            yield Piece(end, segment.start, gap)
            own = self.source[segment.start : segment.end]
            yield Piece(segment.start, segment.end, fitted(text, segment.kind) if changed else own)
            end, before, before_changed = segment.end, segment, changed
        yield Piece(end, len(self.source), self.source[end:])


def fitted(text: str, kind: str) -> str:
    """A replacement in one line, and for a table without bars of its own."""
    line = " ".join(part.strip() for part in text.splitlines()).strip()
    return re.sub(r"(?<!\\)\|", r"\\|", line) if kind == "cell" else line


def cut(text: str, language: str = "en", join_lines: bool = False, longest: int = LONGEST_LETTERS) -> Skeleton:
    """Cut a text into sentences. Fenced code, rules, and what holds no word are no segments. Any text will do.

    `language`: a code, for its abbreviations. `join_lines`: lines of a paragraph that was wrapped at a fixed width are
    read as one (not tables, headings; see `is_wrapped`). `longest`: more letters are cut at a comma or blank.
    """
    segments: list[Segment] = []
    spaced = language not in ("zh", "ja", "th")
    for block in blocks(lines_of(text), join_lines):
        first = block[0]
        for start, end in spans(text, block):
            for left, right in sentence_spans(text[start:end], language, longest):
                piece = text[start + left : start + right]
                if has_words(piece):
                    joined = re.sub(r"\s*\n\s*", " " if spaced else "", piece) if len(block) > 1 else piece
                    place = (start + left, start + right)
                    segments.append(Segment(*place, joined, first.kind, first.paragraph, first.number))
    return Skeleton(text, tuple(segments))


def blocks(lines: Iterable[Line], join_lines: bool) -> Iterator[list[Line]]:
    """Lines to be read together: each alone, or with `join_lines` those of a paragraph or of an item of a list."""
    block: list[Line] = []
    for line in lines:
        goes_on = join_lines and block and line.kind == "sentence" and block[-1].kind in ("sentence", "item")
        if goes_on and line.paragraph == block[-1].paragraph and line.number == block[-1].number + 1:
            block.append(line)
            continue
        if block:
            yield block
        block = [line]
    if block:
        yield block


def spans(text: str, block: list[Line]) -> Iterator[tuple[int, int]]:
    """(start, end) of the running texts of a block."""
    if len(block) > 1:
        yield block[0].cells[0][0], block[-1].cells[-1][1]
    else:
        yield from block[0].cells


def sentence_spans(text: str, language: str = "en", longest: int = LONGEST_LETTERS) -> Iterator[tuple[int, int]]:
    """(start, end) of the sentences of running text, without the blanks around them."""
    flat = re.sub(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", " ", text)
    sentences = sentencex.segment(language, flat)  # ty: ignore[missing-attribute]
    if "".join(sentences) != flat:
        sentences = [flat]
    end = 0
    for sentence in mended(sentences, language):
        for piece in pieces(sentence, longest):
            left = len(piece) - len(piece.lstrip())
            if piece.strip():
                yield end + left, end + len(piece.rstrip())
            end += len(piece)


def mended(sentences: Sequence[str], language: str) -> list[str]:
    """Sentences with those joined that were cut after an abbreviation or a quotation that goes on."""
    joined: list[str] = []
    for sentence in sentences:
        if joined and goes_on(joined[-1], sentence, language):
            joined[-1] += sentence
        else:
            joined.append(sentence)
    return joined


def goes_on(first: str, second: str, language: str) -> bool:
    """Whether two pieces that the splitter has cut are one sentence."""
    if language == "ja":
        return bool(QUOTATION.search(first) and AFTER_QUOTATION.match(second))
    following = AFTER_INITIALS.match(second)
    if INITIALS.search(first) and following and not following[0].isupper():
        return True
    last = re.search(r"([^\W\d_]+)\.\s*$", first)
    return bool(last) and last[1].lower() in ABBREVIATIONS.get(language, "").split()


def pieces(sentence: str, longest: int) -> Iterator[str]:
    """A sentence, or where it is too long its parts: cut after the last comma, else blank, else anywhere."""
    while len(sentence) > longest:
        head = sentence[:longest]
        ends = [match.end() for match in re.finditer(r"[,;:，；：、]\s?|[—–] ", head)]
        ends = [end for end in ends if end > longest // 3] or [match.end() for match in re.finditer(r"\s", head)]
        place = ends[-1] if ends else longest
        yield sentence[:place]
        sentence = sentence[place:]
    yield sentence


def has_words(text: str) -> bool:
    """Whether there is anything to translate: a letter outside of addresses, code and placeholders."""
    return any(map(str.isalpha, text)) and any(map(str.isalpha, without_protected(text)))


def is_wrapped(text: str) -> bool:
    """Whether the paragraphs of a text were broken at a fixed width, as in mails, PDFs and old plain text."""
    running = [line for line in lines_of(text) if line.kind == "sentence"]
    breaks = [
        text[slice(*first.cells[0])].rstrip()
        for first, second in itertools.pairwise(running)
        if first.paragraph == second.paragraph and not second.marked
    ]
    broken = [line for line in breaks if len(line) in WRAPPED_LETTERS and not SENTENCE_END.search(line)]
    return len(breaks) >= 2 and len(broken) > 0.6 * len(breaks)
