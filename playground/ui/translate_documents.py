"""Files that visitors bring to be translated: opened, held in memory for a while, and given back in their own format.

Owns how many are held. Nothing of a file is written to the disk of this machine.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.errors import InvalidInput, NotFound
from playground.text.documents import MAX_BYTES, Document, open_document
from playground.ui.edge import language_in
from playground.ui.translate_asked import checked_text, is_doubtful, usual_target
from playground.ui.translate_runs import TranslationRun

MOST_DOCUMENTS = 40
MOST_DOCUMENTS_OF_OWNER = 4
MOST_BYTES_HELD = 150_000_000
"""Of all files together, as they were sent."""
EXCERPT_CHARACTERS = 6_000
KINDS = {
    "txt": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "html": "text/html",
    "htm": "text/html",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


class Documents:
    """The files that wait to be translated. Thread-safe. `owner_of` tells whose request it is."""

    def __init__(self, owner_of: Callable[[gr.Request], str], *, shared: bool) -> None:
        self._owner_of, self._shared = owner_of, shared
        self._kept: OrderedDict[tuple[str, str], tuple[Document, int]] = OrderedDict()
        self._lock = threading.Lock()

    def open_file(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Read a file: {"name", "data" in base64} gives its name here, how much there is in it, and its beginning."""
        owner, name = self._owner_of(request), str(data.get("name") or "")[:200]
        content = _content(data.get("data"))
        document = open_document(content, name)
        checked_text("\n".join(segment.text for segment in document.segments), shared=self._shared)
        key = secrets.token_urlsafe(9)
        self._keep(owner, key, document, len(content))
        guess = document.guess
        return {
            "document": key,
            "name": document.name,
            "sentences": len(document.segments),
            "characters": document.letters,
            "text": excerpt(document),
            "guess": guess.code,
            "doubtful": is_doubtful(guess),
            "target": usual_target(guess.code, language_in(data)) if guess.code else "",
        }

    def find(self, owner: str, key: str) -> Document:
        """A visitor's own file. Raises NotFound."""
        with self._lock:
            found = self._kept.get((owner, key))
            if found is None:
                raise NotFound("This file is not in memory any more. Choose it again.")
            self._kept.move_to_end((owner, key))
            return found[0]

    def has(self, owner: str, key: str) -> bool:
        """Whether `find` would find it."""
        with self._lock:
            return (owner, key) in self._kept

    def translated(self, run: TranslationRun) -> dict[str, Any]:
        """A translated file: its name, type and content in base64. Raises InvalidInput where no sentence was changed,
        NotFound where the original has left the memory."""
        document = self.find(run.owner, run.document_key)
        content = document.with_segments(run.texts(), run.started.target)
        return {
            "name": document.name_for(run.started.target),
            "type": KINDS.get(document.format, "application/octet-stream"),
            "data": base64.b64encode(content).decode("ascii"),
        }

    def _keep(self, owner: str, key: str, document: Document, size_bytes: int) -> None:
        with self._lock:
            self._kept[owner, key] = document, size_bytes
            own = [other for other in self._kept if other[0] == owner]
            for old in own[:-MOST_DOCUMENTS_OF_OWNER]:
                del self._kept[old]
            while len(self._kept) > 1 and (len(self._kept) > MOST_DOCUMENTS or self._bytes() > MOST_BYTES_HELD):
                self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(size for _, size in self._kept.values())


def excerpt(document: Document) -> str:
    """The beginning of the sentences, a line each."""
    lines, letters = [], 0
    for segment in document.segments:
        lines.append(segment.text)
        letters += len(segment.text)
        if letters > EXCERPT_CHARACTERS:
            return "\n".join([*lines, "…"])
    return "\n".join(lines)


def _content(data: object) -> bytes:
    if not isinstance(data, str) or len(data) > MAX_BYTES * 4 // 3 + 4:
        raise InvalidInput(f"This file is too large. Files up to {MAX_BYTES // 1024**2} MB can be translated here.")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("The file did not arrive whole. Choose it again.") from error
