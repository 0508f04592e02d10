"""HTML whose text is changed and nothing else: every tag, attribute, script and comment stays as it was written."""

from __future__ import annotations

import html
import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from playground.errors import InvalidInput
from playground.text.encodings import Decoded, decode
from playground.text.file_texts import FileText
from playground.text.formatting import Run

# Elements inside of running text: a sentence goes on through them.
INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr",
}  # fmt: skip
# Their content is no language, or nothing that may be changed.
KEPT = {"code", "kbd", "samp", "var"}
SKIPPED = {"script", "style", "noscript", "template", "textarea", "pre", "svg", "math", "object", "iframe", "canvas"}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}  # fmt: skip
# A page that never closes its elements would make every text look through all of them.
DEEPEST = 200
# Broken tags without end make the parser look through the rest of the page at each of them.
TIME_LIMIT_S = 10.0
CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
LANGUAGE = re.compile(r"<html[^>]*\slang=[\"']?([A-Za-z-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Node:
    """A text node: where it stands in the file, its text without entities, its place among the elements."""

    start: int
    end: int
    text: str
    style: str
    kept: bool
    block: int


class Finder(HTMLParser):
    """Finds the text nodes of a page by their place in the file. Reads whatever a browser would; raises InvalidInput
    only for what would take minutes."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.nodes: list[Node] = []
        self._ends = time.monotonic() + TIME_LIMIT_S
        self.block = 0
        self._source = source
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in source.split("\n"))]
        self._open: list[tuple[str, bool]] = []
        self._text: list[tuple[int, str]] = []
        self.feed(source)
        self.close()
        self._end_of_text(len(source))

    def place(self) -> int:
        """The offset of the event that is being handled."""
        if time.monotonic() > self._ends:
            raise InvalidInput("This page is written in a way that takes too long to read. Copy its text here instead.")
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def _end_of_text(self, end: int) -> None:
        names = {name for name, _ in self._open}
        if self._text and not names & SKIPPED:
            style = " ".join(name for name, _ in self._open if name in INLINE)
            kept = bool(names & KEPT) or any(no for _, no in self._open)
            text = "".join(text for _, text in self._text)
            self.nodes.append(Node(self._text[0][0], end, text, style, kept, self.block))
        self._text = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins: running text goes on only through inline ones."""
        self._end_of_text(self.place())
        self.block += tag not in INLINE
        if tag not in VOID and len(self._open) < DEEPEST:
            given = dict(attrs)
            untranslated = given.get("translate") == "no" or "notranslate" in (given.get("class") or "").split()
            self._open.append((tag, untranslated))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """<br/> and the like."""
        self._end_of_text(self.place())
        self.block += tag not in INLINE

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and with it those that were left open inside."""
        self._end_of_text(self.place())
        self.block += tag not in INLINE
        if any(name == tag for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Text as written."""
        self._text.append((self.place(), data))

    def handle_entityref(self, name: str) -> None:
        """&nbsp; and the like, with or without its semicolon."""
        self._text.append((self.place(), html.unescape(f"&{name};")))

    def handle_charref(self, name: str) -> None:
        """&#160; and the like."""
        self._text.append((self.place(), html.unescape(f"&#{name};")))

    def handle_comment(self, data: str) -> None:
        """A comment ends a text node, not the running text."""
        self._end_of_text(self.place())

    def handle_decl(self, decl: str) -> None:
        """The document type."""
        self._end_of_text(self.place())

    def handle_pi(self, data: str) -> None:
        """A processing instruction."""
        self._end_of_text(self.place())

    def unknown_decl(self, data: str) -> None:
        """<![CDATA[ and the like."""
        self._end_of_text(self.place())


def decode_html(data: bytes, declared: str = "") -> Decoded:
    """The page as text, in the encoding that the server or the page declares, or that it looks like."""
    found = CHARSET.search(data[:4096])
    return decode(data, declared or (found[1].decode("ascii") if found else ""))


def read_html(data: bytes) -> FileText:
    """The running texts of a page. Raises InvalidInput where there is no text."""
    decoded = decode_html(data)
    source = decoded.text
    blocks = [list(nodes) for _, nodes in itertools.groupby(Finder(source).nodes, key=lambda node: node.block)]
    if not any(node.text.strip() for nodes in blocks for node in nodes):
        raise InvalidInput("This page has no text. Choose another one.")

    def write(units: Sequence[Sequence[str]]) -> bytes:
        written, end = [], 0
        for nodes, texts in zip(blocks, units, strict=True):
            for node, text in zip(nodes, texts, strict=True):
                kept = source[node.start : node.end]
                written += [source[end : node.start], kept if text == node.text else html.escape(text, quote=False)]
                end = node.end
        # The page goes on declaring its encoding, so a letter that it lacks becomes a reference.
        return "".join([*written, source[end:]]).encode(decoded.encoding, "xmlcharrefreplace")

    units = tuple(tuple(Run(node.text, node.style, node.kept) for node in nodes) for nodes in blocks)
    language = LANGUAGE.search(source)
    return FileText(units, write, join_lines=True, language=language[1] if language else "")


def visible_text(source: str) -> str:
    """The text of a page as it is read, a block a line."""
    nodes = Finder(source).nodes
    blocks = ["".join(node.text for node in group) for _, group in itertools.groupby(nodes, lambda node: node.block)]
    lines = (" ".join(block.split()) for block in blocks)
    return "\n".join(line for line in lines if line)
