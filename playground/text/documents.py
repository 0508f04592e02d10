"""A file whose text can be changed and written back in its own format: txt, md, srt, vtt, html, docx.

Owns what all formats share: sentences of units, limits, and the rule that a file in which nothing was changed is no
result. Knows no model. The formats are in files of their own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from playground.errors import InvalidInput
from playground.text.encodings import decode
from playground.text.file_texts import FileText
from playground.text.formatting import Run, lay_over
from playground.text.html_documents import read_html
from playground.text.languages import BY_CODE, Guess, detect
from playground.text.sentences import Segment, Skeleton, cut, has_words, is_wrapped
from playground.text.subtitles import encoded, read_subtitles
from playground.text.word_documents import read_word

MAX_BYTES = 20 * 1024 * 1024
MAX_LETTERS = 3_000_000


@dataclass(frozen=True)
class Document:
    """An opened file. `segments` are its sentences in reading order (their offsets count inside their own unit);
    `guess` is the language they are in."""

    name: str
    format: str
    guess: Guess
    skeletons: tuple[Skeleton, ...]
    file_text: FileText

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All sentences of the file, in reading order."""
        return tuple(segment for skeleton in self.skeletons for segment in skeleton.segments)

    @property
    def letters(self) -> int:
        """The code points of all sentences together."""
        return sum(len(segment.text) for segment in self.segments)

    def with_segments(self, texts: Sequence[str], target: str = "") -> bytes:
        """The file in its own format with its sentences replaced. Raises ValueError where the number of texts is not
        the number of segments, InvalidInput where none of them differs."""
        segments = self.segments
        if len(texts) != len(segments):
            raise ValueError(f"{len(texts)} texts for {len(segments)} segments")
        if all(text == segment.text for text, segment in zip(texts, segments, strict=True)):
            raise InvalidInput(
                f"None of the {len(segments)} sentences of this file was changed, so there is no new file."
            )
        rest = iter(texts)
        written = []
        for skeleton, runs in zip(self.skeletons, self.file_text.units, strict=True):
            own = list(itertools.islice(rest, len(skeleton.segments)))
            written.append(lay_over(runs, skeleton.pieces(own, target)))
        return self.file_text.write(written)

    def name_for(self, target: str) -> str:
        """The name of the translated file: notes.docx in French is notes.fr.docx."""
        path = PurePath(self.name)
        return f"{path.stem}.{target}{path.suffix}"


def open_document(data: bytes, name: str, language: str = "") -> Document:
    """Open a file that can be written back. `language`: a code, or "" to detect it. Raises InvalidInput with a
    sentence for the user: unknown kind, too large, damaged, protected, empty."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in READERS:
        kinds = ", ".join(kind for kind in READERS if kind not in SYNONYMS)
        raise InvalidInput(f"Files of the kind “{suffix or name}” cannot be written back here. Choose one of {kinds}.")
    check_size(data)
    file_text = READERS[suffix](data)
    sources = ["".join(run.text for run in runs) for runs in file_text.units]
    check_length(sum(map(len, sources)))
    declared = file_text.language.split("-")[0].lower()
    # The text is a better witness than what a file declares; that decides where the text is too short to tell.
    guess = detect("\n".join(sources))
    chosen = language or (guess.code if guess.sure or declared not in BY_CODE else declared)
    skeletons = tuple(
        without_fixed(cut(source, chosen or "en", file_text.join_lines), runs)
        for source, runs in zip(sources, file_text.units, strict=True)
    )
    if not any(skeleton.segments for skeleton in skeletons):
        raise InvalidInput("There are no sentences in this file. Choose one with text.")
    return Document(PurePath(name).name, suffix[1:], guess, skeletons, file_text)


def without_fixed(skeleton: Skeleton, runs: Sequence[Run]) -> Skeleton:
    """The skeleton without sentences that may not change; what may not change inside a sentence gets backticks, as
    code has in Markdown, so that it is masked like code."""
    if not any(run.fixed for run in runs):
        return skeleton
    starts = list(itertools.accumulate((len(run.text) for run in runs), initial=0))
    kept = []
    for segment in skeleton.segments:
        parts = [
            (run, run.text[max(segment.start - start, 0) : max(segment.end - start, 0)])
            for run, start in zip(runs, starts, strict=False)
        ]
        inside = [(run, text) for run, text in parts if text]
        if not has_words("".join(text for run, text in inside if not run.fixed)):
            continue
        if any(run.fixed for run, _ in inside):
            marked = "".join(f"`{text}`" if run.fixed and any(map(str.isalnum, text)) else text for run, text in inside)
            segment = replace(segment, text=re.sub(r"\s*\n\s*", " ", marked))
        kept.append(segment)
    return Skeleton(skeleton.source, tuple(kept))


def check_size(data: bytes) -> None:
    """Raises InvalidInput for an empty file and for one that is too large."""
    if not data:
        raise InvalidInput("This file is empty. Choose another one.")
    if len(data) > MAX_BYTES:
        raise InvalidInput(
            f"This file has {len(data) / 1024**2:.0f} MB; files up to {MAX_BYTES // 1024**2} MB can be read here."
        )


def check_length(letters: int) -> None:
    """Raises InvalidInput for a text that is too long."""
    if letters > MAX_LETTERS:
        raise InvalidInput(
            f"This text has {letters:,} letters; up to {MAX_LETTERS:,} can be read here. Choose a part of it."
        )


def read_plain(data: bytes) -> FileText:
    """Plain text and Markdown: one unit, one run."""
    decoded = decode(data)

    def write(units: Sequence[Sequence[str]]) -> bytes:
        return encoded(units[0][0], decoded.encoding)

    return FileText(((Run(decoded.text),),), write, join_lines=is_wrapped(decoded.text))


READERS: dict[str, Callable[[bytes], FileText]] = {
    ".txt": read_plain,
    ".md": read_plain,
    ".markdown": read_plain,
    ".srt": read_subtitles,
    ".vtt": read_subtitles,
    ".html": read_html,
    ".htm": read_html,
    ".docx": read_word,
}
SYNONYMS = frozenset({".markdown", ".htm"})
