"""Texts that visitors bring from elsewhere, a file or a page of the web, and where letters are for a browser.

Owns the limits of a machine that is shared. Knows no model and no tab: what is done with a text is the tab's.
"""

from __future__ import annotations

import base64
import binascii
import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.text.documents import MAX_BYTES
from playground.text.pages import read_page
from playground.text.readings import Reading, read_file
from playground.ui.edge import language_in
from playground.ui.strings import sentence

LONGEST_SHARED_CHARACTERS = 100_000
"""On a shared machine, where others wait."""
LONGEST_NAME = 200
MOST_READ_AT_ONCE = 4
"""Files and pages of all visitors to a tab; such calls do not wait in Gradio's queue."""

ReadPage = Callable[[str], Reading]


class Places:
    """Where the letters of a text are for a browser: those beyond the first 65,536 of Unicode count twice there."""

    def __init__(self, text: str) -> None:
        self._wide = [] if text.isascii() else [place for place, sign in enumerate(text) if ord(sign) > 0xFFFF]

    def at(self, offset: int) -> int:
        """Code points before a place, as UTF-16 units."""
        return offset + bisect_left(self._wide, offset)

    def span(self, start: int, end: int) -> list[int]:
        """Both ends."""
        return [self.at(start), self.at(end)]


class SourceTexts:
    """What a tab's page may call to fill its box. `owner` names who asks, or refuses them."""

    def __init__(self, owner: Callable[[gr.Request], str], *, shared: bool) -> None:
        self._owner, self._shared = owner, shared
        self._reading = threading.BoundedSemaphore(MOST_READ_AT_ONCE)

    def read_file(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The text of a file that a visitor has chosen."""
        self._owner(request)
        with self._reading:
            view = file_view(data, language_in(data))
        check_length(view["text"], shared=self._shared)
        return view

    def read_address(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The text of a page of the web."""
        self._owner(request)
        if not self._reading.acquire(blocking=False):
            raise InvalidInput("Many pages are being read on this machine. Try again in a minute.")
        try:
            view = address_view(data, language_in(data))
        finally:
            self._reading.release()
        check_length(view["text"], shared=self._shared)
        return view


def name_in(values: Mapping[str, Any]) -> str:
    """The name of the file or the address where a text comes from, "" for none."""
    return str(values.get("name") or "")[:LONGEST_NAME]


def check_length(text: str, *, shared: bool) -> None:
    """Raises InvalidInput for a text that is too long for a machine that others wait for."""
    if shared and len(text) > LONGEST_SHARED_CHARACTERS:
        raise InvalidInput(
            f"This text has {len(text):,} characters; on a shared machine {LONGEST_SHARED_CHARACTERS:,} are the most. "
            "Give it in parts."
        )


def file_view(values: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The text of a file {"name", "data" in base64}. Nothing of it is kept here. Raises InvalidInput."""
    name, data = name_in(values), values.get("data")
    if not isinstance(data, str) or len(data) > MAX_BYTES * 4 // 3 + 4:
        raise InvalidInput(f"This file is too large. Files up to {MAX_BYTES // 1024**2} MB can be read here.")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The file did not arrive whole. Choose it again.") from error
    return _reading_view(read_file(content, name), name, language)


def address_view(values: Mapping[str, Any], language: str, read: ReadPage = read_page) -> dict[str, Any]:
    """The main text of a page of the web. Raises InvalidInput and PageUnavailable."""
    address = str(values.get("address") or "").strip()[:2000]
    reading = read(address)
    return _reading_view(reading, reading.title or address, language)


def _reading_view(reading: Reading, name: str, language: str) -> dict[str, Any]:
    # A text box knows one kind of line break, and places are counted in what it holds.
    text = reading.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    places = Places(text)
    begins = len(reading.text) - len(reading.text.lstrip("\n"))
    starts = () if "\r" in reading.text else reading.page_starts
    return {
        "text": text,
        "name": name[:LONGEST_NAME],
        "pages": [places.at(min(max(0, start - begins), len(text))) for start in starts],
        "notes": [sentence(language, note) for note in reading.notes],
    }
