"""The running text of a PDF, page by page: lines joined to paragraphs, headers and page numbers left out.

Reads only. Whatever a damaged file makes pypdf raise becomes one sentence.
"""

from __future__ import annotations

import io
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from playground.errors import InvalidInput
from playground.text.sentences import SENTENCE_END

MAX_PAGES = 400
TIME_LIMIT_S = 60.0
# A line that stands first or last on more of the pages is a header or a footer.
REPEATED = 0.5
# Longer words on average: the file holds no blanks, or letters without meaning.
LONGEST_MEAN_WORD = 14
HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]$")
# The dots of a table of contents.
LEADERS = re.compile(r"(?:\s?\.){4,}\s?")
# A line this much shorter than the others ends a paragraph.
SHORT_LINE = 0.75


@dataclass(frozen=True)
class PdfText:
    """The pages' texts in order; `pages` is how many the file has, of which `texts` may be the first ones only."""

    texts: tuple[str, ...]
    pages: int
    title: str = ""


def read_pdf(data: bytes, clock: Callable[[], float] = time.monotonic) -> PdfText:
    """The text of a PDF. Raises InvalidInput for a damaged or protected file and for one without text (a scan)."""
    reader = opened(data)
    started = clock()
    raw: list[str] = []
    try:
        count = len(reader.pages)
        for index in range(min(count, MAX_PAGES)):
            if clock() - started > TIME_LIMIT_S:
                break
            raw.append(page_text(reader, index))
        title = str((reader.metadata or {}).get("/Title") or "").strip()
    except Exception:
        # A damaged file can make the library raise anything.
        raise InvalidInput("This PDF is damaged and cannot be read. Save it again, or copy its text here.") from None
    texts = tuple(map(paragraphs, without_repeated(raw)))
    letters = sum(map(str.isalpha, "".join(texts)))
    if letters < 20 * max(1, len(texts)) and letters < 500:
        raise InvalidInput(
            "This PDF holds pictures of text (a scan) or no text. Choose one whose text can be selected."
        )
    return PdfText(texts, count, title)


def opened(data: bytes) -> PdfReader:
    """A reader of the file, unlocked where its password is empty. Raises InvalidInput."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        locked = reader.is_encrypted and not reader.decrypt("")
    except (DependencyError, FileNotDecryptedError):
        locked = True
    except Exception:
        raise InvalidInput("This file is damaged, or is not a PDF. Save it again, or copy its text here.") from None
    if locked:
        raise InvalidInput("This PDF is protected by a password. Save it without one and try again.")
    return reader


def page_text(reader: PdfReader, index: int) -> str:
    """The text of a page as it stands there; "" for a page that cannot be read."""
    try:
        return reader.pages[index].extract_text()
    except DependencyError:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError):
        return ""


def without_repeated(pages: list[str]) -> list[str]:
    """The pages without the lines that stand first or last on most of them, page numbers included."""
    lines = [[line for line in page.splitlines() if line.strip()] for page in pages]
    edges = Counter(key for page in lines for key in {edge(line) for line in (*page[:2], *page[-2:])})
    repeated = {key for key, count in edges.items() if len(pages) > 3 and count > REPEATED * len(pages)}
    kept = []
    for page in lines:
        while page and (edge(page[0]) in repeated or page[0].strip().isdigit()):
            page = page[1:]
        while page and (edge(page[-1]) in repeated or page[-1].strip().isdigit()):
            page = page[:-1]
        kept.append("\n".join(page))
    return kept


def edge(line: str) -> str:
    """A line with its numbers made equal, to find it again on the next page."""
    return re.sub(r"\d+", "0", line.strip().casefold())


def paragraphs(page: str) -> str:
    """The lines of a page joined to paragraphs: a line that is not full, or ends a sentence early, ends one."""
    lines = [" ".join(LEADERS.sub(" … ", line).split()) for line in page.splitlines() if line.strip()]
    if len(lines) < 3:
        return "\n".join(lines)
    full = statistics.quantiles([len(line) for line in lines], n=10)[7]
    text = ""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        ends = len(line) < SHORT_LINE * full and (bool(SENTENCE_END.search(line)) or not following[:1].islower())
        hyphen = HYPHEN.search(line) if following[:1].islower() else None
        if hyphen:
            text += line[: hyphen.start()]
        else:
            text += line + ("\n" if ends or not following else "" if unspaced(line, following) else " ")
    return text.strip()


def unspaced(line: str, following: str) -> bool:
    """Whether no blank belongs between two lines, as in Chinese."""
    return not (line[-1:] < "\u2e80" or following[:1] < "\u2e80")


def looks_broken(text: str) -> bool:
    """Whether the words are so long that the file holds no blanks, or letters that mean nothing."""
    words = re.findall(r"[^\W\d_]+", text)
    latin = [word for word in words if word < "\u2e80"]
    return len(latin) > 50 and sum(map(len, latin)) / len(latin) > LONGEST_MEAN_WORD
