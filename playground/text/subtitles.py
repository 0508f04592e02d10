"""Subtitles (SRT and WebVTT) whose cues are changed and nothing else: numbers, timings, settings, styles, notes.

Written here rather than with a library: those rewrite the file and drop what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from playground.errors import InvalidInput
from playground.text.encodings import decode
from playground.text.file_texts import FileText
from playground.text.formatting import Run

TIMING = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}")
TAG = re.compile(r"(<[^<>\n]*>|\{\\[^{}\n]*\})")
# What fits into a line of a subtitle; a longer text is broken where its cue had several lines.
LINE_LETTERS = 42


def read_subtitles(data: bytes) -> FileText:
    """The cues of a file. Raises InvalidInput where there is none."""
    decoded = decode(data)
    lines = decoded.text.splitlines(keepends=True)
    cues = list(cue_lines(lines))
    if not cues:
        raise InvalidInput("This file has no subtitles with times. Choose an .srt or .vtt file.")
    bodies = ["".join(lines[start:end]).rstrip("\r\n") for start, end in cues]
    tokens = [TAG.split(body) for body in bodies]

    def write(units: Sequence[Sequence[str]]) -> bytes:
        written, end = [], 0
        for (start, stop), body, parts, texts in zip(cues, bodies, tokens, units, strict=True):
            written += lines[end:start]
            whole = "".join(lines[start:stop])
            written.append(cue_text(parts, texts, body) + whole[len(body) :])
            end = stop
        text = "".join([*written, *lines[end:]])
        # A translation may have letters that the old encoding lacks.
        return encoded(text, decoded.encoding)

    units = tuple(tuple(Run(text, str(index)) for index, text in enumerate(parts[::2])) for parts in tokens)
    return FileText(units, write, join_lines=True)


def encoded(text: str, encoding: str) -> bytes:
    """The text in its old encoding, or in UTF-8 if that lacks a letter."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8")


def cue_lines(lines: Sequence[str]) -> list[tuple[int, int]]:
    """(first, after the last) line of the text of each cue."""
    cues = []
    for index, line in enumerate(lines):
        if TIMING.match(line):
            end = index + 1
            while end < len(lines) and lines[end].strip() and not TIMING.match(lines[end]):
                end += 1
            cues.append((index + 1, end))
    return [(start, end) for start, end in cues if start < end]


def cue_text(parts: Sequence[str], texts: Sequence[str], body: str) -> str:
    """The tags of a cue with the new texts between them, broken in lines if the cue was."""
    if list(texts) == list(parts[::2]):
        return body
    new = list(parts)
    new[::2] = texts
    text = "".join(new)
    line_end = re.search(r"\r?\n", body)
    shown = len(TAG.sub("", text))
    if line_end is None or "\n" in text or shown <= LINE_LETTERS:
        return text
    blanks = [match.start() for match in re.finditer(" (?![^<]*>)", text)]
    if not blanks:
        return text
    middle = min(blanks, key=lambda place: abs(place - len(text) / 2))
    return text[:middle] + line_end[0] + text[middle + 1 :]


def spoken_text(data: bytes) -> str:
    """What is said, without times and tags, each cue a line."""
    units = read_subtitles(data).units
    return "\n".join(" ".join("".join(run.text for run in unit).split()) for unit in units)
