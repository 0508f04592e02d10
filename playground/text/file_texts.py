"""What every file format gives: its running texts in runs of format, and a way to write them back changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.text.formatting import Run


@dataclass(frozen=True)
class FileText:
    """`units` are the texts that are read without a break (a paragraph, a cue, a block of a page), each as its runs.
    `write` takes the new text of every run, in the same shape, and gives the file; runs that did not change give the
    same bytes. `join_lines`: line breaks inside a unit are only blanks. `language`: what the file itself declares."""

    units: tuple[tuple[Run, ...], ...]
    write: Callable[[Sequence[Sequence[str]]], bytes]
    join_lines: bool = False
    language: str = ""
