"""Files: opened, translated, given back in their own format; what cannot be done is said in a sentence."""

from __future__ import annotations

import base64
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from playground.errors import InvalidInput, NotFound
from playground.ui.edge import answered
from playground.ui.tabs.translate import TranslateTab
from playground.ui.translate_documents import MOST_DOCUMENTS_OF_OWNER
from tests.text.test_documents import packed
from tests.text.test_documents import run as word_run
from tests.ui.conftest import make_services
from tests.ui.translate_desk import FRENCH, REQUEST, TranslatingEngine, forget, open_file, run, whole

MARKDOWN = b"# Good morning to all of you.\n\n- The library is closed on Friday.\n\n```\ncode()\n```\n"
SUBTITLES = (
    b"1\n00:00:01,000 --> 00:00:02,500\nGood morning to all of you.\n\n"
    b"2\n00:00:03,000 --> 00:00:04,000\nThe library is closed on Friday.\n"
)


def by_hand(content: bytes) -> str:
    """The content with its two sentences in French."""
    text = content.decode()
    for english in ("Good morning to all of you.", "The library is closed on Friday."):
        text = text.replace(english, FRENCH[english])
    return text


@pytest.fixture
def engine() -> TranslatingEngine:
    return TranslatingEngine()


@pytest.fixture
def tab(engine: TranslatingEngine, tmp_path: Path) -> TranslateTab:
    return TranslateTab(make_services(engine, tmp_path))


def translated(tab: TranslateTab, name: str, content: bytes, **values: Any) -> dict[str, Any]:
    opened = open_file(tab, name, content)
    last = run(tab, document=opened["document"], **values)[-1]
    assert last["refused"] is None, last["refused"]
    return tab.open_translation({"run": last["run"]}, REQUEST)


def content_of(tab: TranslateTab, view: dict[str, Any]) -> str:
    return base64.b64decode(tab.download({"run": view["id"]}, REQUEST)["data"]).decode()


def test_an_opened_file_tells_what_is_in_it(tab: TranslateTab) -> None:
    opened = open_file(tab, "notes.md", MARKDOWN)
    assert (opened["name"], opened["sentences"], opened["guess"], opened["doubtful"]) == ("notes.md", 2, "en", False)
    assert opened["text"] == "Good morning to all of you.\nThe library is closed on Friday."


@pytest.mark.parametrize(
    ("name", "content", "new_name"),
    [
        ("notes.md", MARKDOWN, "notes.fr.md"),
        ("film.srt", SUBTITLES, "film.fr.srt"),
        ("page.html", b"<p>Good morning to all of you.</p>", "page.fr.html"),
    ],
)
def test_a_file_comes_back_in_its_own_format(tab: TranslateTab, name: str, content: bytes, new_name: str) -> None:
    view = translated(tab, name, content)
    assert view["document_key"] and view["document"] == name
    assert content_of(tab, view) == by_hand(content) != content.decode()
    assert tab.download({"run": view["id"]}, REQUEST)["name"] == new_name
    assert whole(view).startswith("Bonjour à vous tous.")


def test_a_word_file_keeps_its_format(tab: TranslateTab) -> None:
    bold = "<w:p>" + word_run("The library is closed on Friday.", "<w:b/>") + "</w:p>"
    plain = "<w:p>" + word_run("Good morning to all of you.") + "</w:p>"
    view = translated(tab, "notes.docx", packed(document=f"<w:body>{plain}{bold}</w:body>"))
    answer = tab.download({"run": view["id"]}, REQUEST)
    assert answer["name"] == "notes.fr.docx"
    archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["data"])))
    body = archive.read("word/document.xml").decode()
    assert (
        body.index("Bonjour à vous tous.") < body.index("<w:b/>") < body.index("La bibliothèque est fermée vendredi.")
    )
    assert archive.read("word/media/image1.png") == b"\x89PNG"


def test_a_sentence_in_other_words_is_in_the_file_too(tab: TranslateTab) -> None:
    view = translated(tab, "notes.md", MARKDOWN)
    tab.sentences.replace_sentence({"run": view["id"], "index": 0, "text": "Salut à tous."}, REQUEST)
    assert content_of(tab, view).startswith("# Salut à tous.\n")


def test_a_file_in_which_nothing_changed_is_no_result(tab: TranslateTab) -> None:
    content = "La bibliothèque est fermée vendredi et samedi.".encode()
    view = translated(tab, "note.txt", content, source="en")
    assert view["changed"] == 0 and view["sentences"][0]["kept"] == "already"
    assert "None of the 1 sentences" in answered(tab.download)({"run": view["id"]}, REQUEST)["error"]


def test_after_a_restart_the_text_is_there_but_the_file_is_not(tab: TranslateTab) -> None:
    view = translated(tab, "notes.md", MARKDOWN)
    forget(tab, view["id"])
    again = tab.open_translation({"run": view["id"]}, REQUEST)
    assert again["sentences"] == view["sentences"] and whole(again) == whole(view)
    assert (again["document"], again["document_key"]) == ("notes.md", "")
    with pytest.raises(NotFound, match="Choose it again"):
        tab.download({"run": view["id"]}, REQUEST)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("picture.png", "AAAA", "cannot be written back here"),
        ("empty.txt", "", "This file is empty"),
        ("half.txt", "AAA", "did not arrive whole"),
        ("numbers.txt", base64.b64encode(b"1 2 3").decode(), "There are no sentences in this file"),
        ("broken.docx", base64.b64encode(b"PK no zip").decode(), "."),
        ("odd.txt", 5, "too large"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_sentence(tab: TranslateTab, name: str, data: Any, sentence: str) -> None:
    answer = answered(tab.documents.open_file)({"name": name, "data": data}, REQUEST)
    assert sentence in answer["error"]
    assert "reference" not in answer["error"], "a foreseen error"


def test_only_the_last_files_of_a_visitor_are_held(tab: TranslateTab) -> None:
    keys = [open_file(tab, "notes.md", MARKDOWN)["document"] for _ in range(MOST_DOCUMENTS_OF_OWNER + 1)]
    assert tab.documents.find("local", keys[-1]) and tab.documents.find("local", keys[1])
    with pytest.raises(NotFound):
        tab.documents.find("local", keys[0])
    with pytest.raises(NotFound):
        tab.documents.find("somebody else", keys[-1])


def test_on_a_shared_machine_a_text_may_be_only_so_long(engine: TranslatingEngine, tmp_path: Path) -> None:
    tab = TranslateTab(make_services(engine, tmp_path, PLAYGROUND_SHARED="on"))
    with pytest.raises(InvalidInput, match="on a shared machine"):
        open_shared(tab, b"The library is closed on Friday. " * 4000)


def open_shared(tab: TranslateTab, content: bytes) -> None:
    request: Any = type("Request", (), {"cookies": {"playground_visitor": "a" * 40}, "headers": {}})()
    tab.documents.open_file({"name": "long.txt", "data": base64.b64encode(content).decode()}, request)
