"""Word files (.docx) whose text is changed and nothing else: every part that holds no text is copied as it is.

Reads the XML itself, since python-docx leaves out footnotes, text boxes and linked runs, and a changed paragraph
there loses its format.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree  # ty: ignore[missing-module-member]

from playground.errors import InvalidInput
from playground.text.file_texts import FileText
from playground.text.formatting import Run

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
PARTS = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments)\d*\.xml")
MAIN = re.compile(r"word/(?:document|footnotes|endnotes)")
# A small archive can unpack to fill the memory.
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_MEMBERS = 5000
# What does not make two runs look different.
INVISIBLE = frozenset({f"{W}lang", f"{W}noProof", f"{W}webHidden"})
BREAKS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n"}


@dataclass(frozen=True)
class Piece:
    """A text element of a paragraph, or a tab or break (then `element` is None), with the format of its run."""

    element: Any
    text: str
    style: str


def read_word(data: bytes) -> FileText:
    """The paragraphs of a Word file, those of tables, headers, footers, notes and text boxes too. Raises InvalidInput
    for what is no Word file, is protected by a password or too large."""
    archive = opened(data)

    def write(units: Sequence[Sequence[str]]) -> bytes:
        trees = parts_of(archive)
        for paragraph, texts in zip(paragraphs_of(trees), units, strict=True):
            for piece, text in zip(paragraph, texts, strict=True):
                if piece.element is not None and text != piece.text:
                    piece.element.tag = f"{W}t"  # A hyphen that is an element of its own becomes text.
                    piece.element.text = without_controls(text)
                    piece.element.set(SPACE, "preserve")
        return packed(archive, trees)

    paragraphs = paragraphs_of(parts_of(archive))
    units = tuple(tuple(Run(one.text, one.style, one.element is None) for one in found) for found in paragraphs)
    return FileText(units, write)


def parts_of(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The trees of the parts that hold text, the main part first."""
    names = [name for name in archive.namelist() if PARTS.fullmatch(name)]
    names.sort(key=lambda name: (name != "word/document.xml", name))
    return {name: parsed(content_of(archive, name)) for name in names}


def content_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's bytes. Raises InvalidInput where they are damaged, locked, or not as long as they claim to be."""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error):
        raise InvalidInput("This file is damaged, or is not a Word file. Save it as .docx and try again.") from None


def paragraphs_of(trees: dict[str, Any]) -> list[list[Piece]]:
    """The paragraphs with text, in order."""
    return [found for tree in trees.values() for one in tree.iter(f"{W}p") if (found := list(pieces(one)))]


def opened(data: bytes) -> zipfile.ZipFile:
    """The archive, its size checked before anything is unpacked. Raises InvalidInput."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidInput(
            "This Word file is protected by a password, or of the old .doc kind. Save it as .docx without a password."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise InvalidInput("This file is damaged, or is not a Word file. Save it as .docx and try again.") from None
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise InvalidInput("This Word file is too large when unpacked. Choose a smaller one.")
    if "word/document.xml" not in archive.namelist():
        raise InvalidInput("This file is damaged, or is not a Word file. Save it as .docx and try again.")
    return archive


def parsed(content: bytes) -> Any:
    """A part's tree. No entity is resolved and nothing is fetched. Raises InvalidInput."""
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]:
        raise InvalidInput("This Word file holds XML that is not allowed in Word files. Save it again and retry.")
    try:
        return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        raise InvalidInput("This Word file is damaged. Open it in Word, save it again, and try again.") from None


def pieces(paragraph: Any) -> Iterator[Piece]:
    """The texts, tabs and breaks of a paragraph in order, without those of paragraphs inside it (text boxes)."""
    for run in paragraph.iter(f"{W}r"):
        if next(run.iterancestors(f"{W}p")) is not paragraph:
            continue
        style = format_of(run)
        for element in run:
            if element.tag in (f"{W}t", f"{W}noBreakHyphen"):
                yield Piece(element, "-" if element.tag != f"{W}t" else element.text or "", style)
            elif element.tag in BREAKS:
                yield Piece(None, BREAKS[element.tag], style)


def format_of(run: Any) -> str:
    """What a reader sees of a run's format, as a key: its properties, and the link or the insertion that it is in."""
    properties = run.find(f"{W}rPr")
    seen = []
    for one in [] if properties is None else properties:
        # The hint for East Asian letters splits runs that look alike.
        attributes = sorted((name, value) for name, value in one.attrib.items() if name != f"{W}hint")
        if one.tag not in INVISIBLE and (attributes or one.tag != f"{W}rFonts"):
            seen.append(f"{one.tag}{attributes}")
    around = run.getparent()
    return " ".join(sorted(seen)) + (
        f" in {around.tag}{sorted(around.attrib.items())}" if around.tag != f"{W}p" else ""
    )


def without_controls(text: str) -> str:
    """The text without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def packed(archive: zipfile.ZipFile, trees: dict[str, Any]) -> bytes:
    """The archive with the changed parts, in the order and compression of the old one."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for member in archive.infolist():
            content = content_of(archive, member.filename)
            if member.filename in trees:
                content = etree.tostring(
                    trees[member.filename], xml_declaration=True, encoding="UTF-8", standalone=True
                )
            # A member written is a member changed (its offset), and the old archive is read again.
            copy.writestr(replica(member), content)
    return target.getvalue()


def replica(member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member of the same name, time, rights and compression."""
    new = zipfile.ZipInfo(member.filename, member.date_time)
    new.compress_type, new.external_attr = member.compress_type, member.external_attr
    return new


def plain_text(data: bytes) -> str:
    """What is read in the main part and the notes, a paragraph a line; headers and footers are left out."""
    trees = parts_of(opened(data))
    read = {name: tree for name, tree in trees.items() if MAIN.match(name)}
    paragraphs = ("".join(piece.text for piece in found).strip() for found in paragraphs_of(read))
    return "\n\n".join(text for text in paragraphs if text)
