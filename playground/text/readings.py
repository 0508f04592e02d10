"""The running text of a file, for summaries and questions: pdf, docx, html, txt, md, srt, vtt. Reads only.

What was left out is said in `notes`, never passed over in silence. Knows no model and no page.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import trafilatura

from playground.errors import InvalidInput
from playground.text import pdf_pages, subtitles, word_documents
from playground.text.documents import SYNONYMS, check_length, check_size
from playground.text.encodings import decode
from playground.text.html_documents import decode_html, visible_text

# A page whose main text is shorter than this share of all that is visible is taken whole: the guess was wrong.
SMALLEST_SHARE = 0.05
SHORT_LETTERS = 1000
TITLE = re.compile(r"<title[^>]*>([^<]{1,500})</title", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """`text` in reading order. `page_starts` are the offsets (code points) of a PDF's pages in it. `notes` are
    sentences for the user about what could not be read or was left out."""

    text: str
    name: str
    format: str
    title: str = ""
    page_starts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The page number, from 1, of a place in the text; None for a file without pages."""
        passed = [number for number, start in enumerate(self.page_starts, start=1) if start <= offset]
        return passed[-1] if passed else None


def read_file(data: bytes, name: str) -> Reading:
    """The text of a file, by the ending of its name. Raises InvalidInput with a sentence for the user: unknown kind,
    too large, damaged, protected, scanned, empty."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in READERS:
        kinds = ", ".join(kind for kind in READERS if kind not in SYNONYMS)
        raise InvalidInput(f"Files of the kind “{suffix or name}” cannot be read here. Choose one of {kinds}.")
    check_size(data)
    reading = READERS[suffix](data, PurePath(name).name)
    check_length(len(reading.text))
    if not any(map(str.isalpha, reading.text)):
        raise InvalidInput("There is no text in this file. Choose another one.")
    return reading


def read_text(data: bytes, name: str) -> Reading:
    """Plain text and Markdown."""
    return Reading(decode(data).text, name, PurePath(name).suffix[1:].lower())


def read_subtitles(data: bytes, name: str) -> Reading:
    """What is said, without times."""
    return Reading(subtitles.spoken_text(data), name, PurePath(name).suffix[1:].lower())


def read_word(data: bytes, name: str) -> Reading:
    """The paragraphs of a Word file."""
    return Reading(word_documents.plain_text(data), name, "docx")


def read_html_file(data: bytes, name: str) -> Reading:
    """The main text of a saved page."""
    return read_html(data, name)


def read_html(data: bytes, name: str, charset: str = "", address: str = "") -> Reading:
    """The main text of a page, without menus and advertisements; all that is visible where there is no main text."""
    source = decode_html(data, charset).text
    # The library takes only a whole page for one.
    whole = source if "<html" in source[:5000].lower() else f"<html><body>{source}</body></html>"
    found = trafilatura.bare_extraction(whole, url=address or None, include_comments=False, include_tables=True)
    main = str(getattr(found, "text", None) or "")
    title = TITLE.search(source)
    named = " ".join(html.unescape(title[1]).split()) if title else ""
    visible = visible_text(source) if len(main) < SHORT_LETTERS else ""
    if main and len(main) >= SMALLEST_SHARE * len(visible):
        return Reading(main, name, "html", named)
    note = "No main text was found in this page, so all that is visible was read, menus included."
    return Reading(visible, name, "html", named, notes=(note,))


def read_pdf(data: bytes, name: str) -> Reading:
    """The pages of a PDF, a blank line between them."""
    found = pdf_pages.read_pdf(data)
    starts = itertools.accumulate((len(text) + 2 for text in found.texts), initial=0)
    text = "\n\n".join(found.texts)
    notes = []
    if len(found.texts) < found.pages:
        notes.append(f"This PDF has {found.pages} pages, of which the first {len(found.texts)} were read.")
    empty = sum(not text.strip() for text in found.texts)
    if empty:
        notes.append(f"{empty} of {len(found.texts)} pages hold no text that can be read (pictures, or a scan).")
    if pdf_pages.looks_broken(text):
        notes.append("The words of this PDF run together, so what is made of it may be poor.")
    return Reading(text, name, "pdf", found.title, tuple(starts)[: len(found.texts)], tuple(notes))


READERS: dict[str, Callable[[bytes, str], Reading]] = {
    ".pdf": read_pdf,
    ".docx": read_word,
    ".html": read_html_file,
    ".htm": read_html_file,
    ".txt": read_text,
    ".md": read_text,
    ".markdown": read_text,
    ".srt": read_subtitles,
    ".vtt": read_subtitles,
}
