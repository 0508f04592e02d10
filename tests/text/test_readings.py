"""Files that are only read: what is in them is found, what is left out is said."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from playground.errors import InvalidInput
from playground.text import pdf_pages
from playground.text.pdf_pages import looks_broken, paragraphs, read_pdf, without_repeated
from playground.text.readings import read_file

LINES = [
    "The old bridge over the river is going to be repaired during the",
    "coming year, as the town has decided on Monday after a long discus-",
    "sion.",
    "Another paragraph begins here and says that nobody was hurt at all.",
]


def pdf(pages: list[list[str]], password: str = "", title: str = "") -> bytes:
    """A PDF with these lines on its pages."""
    writer = PdfWriter()
    font = DictionaryObject(
        {NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
         NameObject("/BaseFont"): NameObject("/Helvetica")}
    )  # fmt: skip
    for lines in pages:
        page = writer.add_blank_page(600, 800)
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        shown = "".join(f"1 0 0 1 50 {750 - 14 * n} Tm ({line}) Tj\n" for n, line in enumerate(lines))
        stream.set_data(f"BT /F1 12 Tf\n{shown}ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def test_the_lines_of_a_pdf_become_paragraphs_and_pages_have_their_place() -> None:
    reading = read_file(pdf([LINES, LINES], title="Bridges"), "a.pdf")
    assert "a long discussion.\nAnother paragraph" in reading.text and reading.title == "Bridges"
    assert [reading.page_at(0), reading.page_at(len(reading.text) - 1)] == [1, 2]
    assert reading.text[reading.page_starts[1] :].startswith("The old bridge") and reading.notes == ()


def test_headers_footers_and_page_numbers_are_left_out() -> None:
    pages = [["Report 2026", f"Text of page {n} that differs, {'x' * n}.", f"Page {n} of 9"] for n in range(1, 10)]
    kept = without_repeated(["\n".join(page) for page in pages])
    assert kept == [page[1] for page in pages]
    assert without_repeated(["Same first line\nand text."] * 2) == ["Same first line\nand text."] * 2


def test_chinese_lines_are_joined_without_blanks() -> None:
    assert (
        paragraphs("这是第一行文字内容很长\n这是第二行文字内容很长\n结束了。")
        == "这是第一行文字内容很长这是第二行文字内容很长结束了。"
    )


def test_pages_that_were_not_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pages, "MAX_PAGES", 2)
    reading = read_file(pdf([LINES, [], LINES]), "a.pdf")
    assert reading.notes == (
        "This PDF has 3 pages, of which the first 2 were read.",
        "1 of 2 pages hold no text that can be read (pictures, or a scan).",
    )


def test_a_pdf_that_takes_too_long_is_read_in_part() -> None:
    times = iter([0.0, 0.0, 1000.0])
    found = read_pdf(pdf([LINES] * 3), clock=lambda: next(times))
    assert len(found.texts) == 1 and found.pages == 3


def test_words_that_run_together_are_noticed() -> None:
    assert looks_broken("thewordsofthisfileruntogether " * 60)
    assert not looks_broken("the words of this file are fine " * 60) and not looks_broken("今天天气很好" * 60)


def test_a_file_without_a_password_question_is_read_and_one_with_it_refused() -> None:
    with pytest.raises(InvalidInput, match="password"):
        read_file(pdf([LINES], password="secret"), "a.pdf")


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (pdf([[], []]), "a.pdf", "scan"),
        (b"%PDF-1.7 nothing more", "a.pdf", "damaged"),
        (b"Plain words", "a.pdf", "damaged"),
        (pdf([LINES])[:300], "a.pdf", "damaged|scan"),
        (b"x", "a.exe", "cannot be read here"),
        (b"", "a.pdf", "empty"),
        (b"12 34", "a.txt", "no text"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_file(data, name)


def test_texts_subtitles_and_pages_are_read() -> None:
    assert read_file("Été.".encode("cp1252"), "a.txt").text == "Été."
    assert read_file(b"1\n00:00:01,000 --> 00:00:02,000\n<i>Hi\nthere.</i>\n", "a.srt").text == "Hi there."
    body = "".join(f"<p>Sentence {n} says a good deal about the bridge over river {n}.</p>" for n in range(9))
    page = f"<title>A &amp; B</title><nav><a>Menu</a></nav><article>{body}</article>"
    reading = read_file(page.encode(), "a.html")
    assert reading.title == "A & B" and "bridge" in reading.text and "Menu" not in reading.text


def test_the_reader_of_the_tests_writes_real_pdfs() -> None:
    assert len(PdfReader(io.BytesIO(pdf([LINES, LINES]))).pages) == 2
