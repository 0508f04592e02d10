"""Files whose sentences are changed and nothing else."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.text import documents, html_documents, word_documents
from playground.text.documents import open_document
from playground.text.readings import read_file

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
VTT = (
    "WEBVTT - Title\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nNOTE a comment\r\n\r\nid1\r\n"
    "00:00:01.000 --> 00:00:02.000 align:start\r\n<v Bob>Hello <i>there</i>, how\r\nare you?\r\n\r\n"
    "00:03.000 --> 00:04.000\r\n- Hi.\r\n- Fine.\r\n"
)
SRT = (
    '1\n00:00:01,000 --> 00:00:02,500 X1:1\n{\\an8}<font color="red">Good morning.</font>\n\n'
    "2\n00:00:03,000 --> 00:00:04,000\n♪\n"
)
PAGE = b"""<!DOCTYPE html>
<html lang=en><head><title>My page</title><style>p {}</style><script>let x = "<b>no</b>";</script></head>
<body class='x'><h1>Head &amp; shoulders</h1><!-- <p>kept</p> --><p id=a>Fish &lt;3 is <b>very good</b>
 today &mdash; really. Use <code>pip</code> now.<br/>New line<p translate=no>Keep me.</p>
<ul><li>One item<li>Two items</ul><pre>  code here </pre></body></html>"""


def packed(**parts: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/media/image1.png", b"\x89PNG")
        for name, body in parts.items():
            archive.writestr(f"word/{name}.xml", f"<w:part {W}>{body}</w:part>")
    return target.getvalue()


def run(text: str, format: str = "") -> str:
    return f'<w:r><w:rPr>{format}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


WORD = packed(
    document="<w:body><w:p>" + run("This is ") + run("very ", "<w:b/>") + run("important", '<w:b/><w:lang w:val="en"/>')
    + run(" news. It ends here.") + "</w:p><w:tbl><w:tr><w:tc><w:p>" + run("Cell one") + "</w:p></w:tc><w:tc><w:p>"
    + run("42") + "</w:p></w:tc></w:tr></w:tbl><w:p><w:r><w:t>Name</w:t><w:tab/><w:t>Place</w:t></w:r>"
    "<w:r><w:instrText>PAGE</w:instrText></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p></w:body>",
    header1=f"<w:p>{run('Header text')}</w:p>",
    footer2=f"<w:p>{run('Footer text')}</w:p>",
    footnotes=f"<w:footnote><w:p>{run('A note.')}</w:p></w:footnote>",
)  # fmt: skip


def shouted(data: bytes, name: str) -> bytes:
    document = open_document(data, name)
    return document.with_segments([segment.text.upper() for segment in document.segments], "en")


def part(data: bytes, name: str) -> str:
    return zipfile.ZipFile(io.BytesIO(data)).read(f"word/{name}.xml").decode()


def test_text_and_markdown_keep_their_lines_and_encoding() -> None:
    assert shouted("Été.\r\n\r\n- one\r\n".encode("cp1252"), "a.txt") == "ÉTÉ.\r\n\r\n- ONE\r\n".encode("cp1252")
    assert shouted(b"# Head\n\n```\ncode\n```\n* item\n", "a.md") == b"# HEAD\n\n```\ncode\n```\n* ITEM\n"


def test_a_letter_that_the_old_encoding_lacks_makes_the_file_utf8() -> None:
    document = open_document("Très bien, l'été.".encode("cp1252"), "a.txt")
    assert document.with_segments(["很好的夏天。"]).decode() == "很好的夏天。"


def test_subtitles_change_their_words_and_nothing_else() -> None:
    document = open_document(VTT.encode(), "film.vtt")
    assert [segment.text for segment in document.segments] == ["Hello there, how are you?", "Hi.", "Fine."]
    new = document.with_segments(
        ["Bonjour, comment ça va aujourd'hui, mon très cher ami ?", "Salut.", "Bien."]
    ).decode()
    kept = [line for line in VTT.split("\r\n") if "-->" in line or line.isupper() or "cue" in line or "id1" in line]
    assert all(line in new.split("\r\n") for line in kept)
    assert "- Salut.\r\n- Bien.\r\n" in new and "<v Bob>Bonjour" in new and new.count("<i>") == new.count("</i>") == 1
    assert len(new.split("\r\n")) == len(VTT.split("\r\n"))


def test_subtitles_keep_numbers_positions_and_colours() -> None:
    assert shouted(SRT.encode(), "a.srt").decode() == SRT.replace("Good morning.", "GOOD MORNING.")


def test_a_page_changes_its_words_and_no_tag_attribute_script_or_comment() -> None:
    document = open_document(PAGE, "page.html")
    assert [segment.text for segment in document.segments] == [
        "My page", "Head & shoulders", "Fish <3 is very good today — really.", "Use `pip` now.", "New line", "One item",
        "Two items",
    ]  # fmt: skip
    new = shouted(PAGE, "page.html").decode()
    assert "<h1>HEAD &amp; SHOULDERS</h1><!-- <p>kept</p> --><p id=a>FISH &lt;3 IS <b>VERY GOOD</b> TODAY" in new
    assert "USE <code>pip</code> NOW.<br/>NEW LINE<p translate=no>Keep me.</p>" in new
    assert 'let x = "<b>no</b>";' in new and "<pre>  code here </pre>" in new and "<title>MY PAGE</title>" in new


def test_a_letter_that_the_declared_encoding_of_a_page_lacks_becomes_a_reference() -> None:
    page = "<meta charset=iso-8859-1><p>L'été est très beau.</p>".encode("cp1252")
    new = open_document(page, "a.html").with_segments(["很好 été."])
    assert new == "<meta charset=iso-8859-1><p>&#24456;&#22909; été.</p>".encode("cp1252")


def test_only_the_changed_sentences_of_a_page_are_written() -> None:
    document = open_document(PAGE, "page.html")
    texts = [segment.text for segment in document.segments]
    assert document.with_segments([*texts[:-1], "Zwei Dinge"]) == PAGE.replace(b"Two items", b"Zwei Dinge")


def test_a_word_file_keeps_its_formats_tables_headers_and_other_parts() -> None:
    document = open_document(WORD, "a.docx")
    assert [segment.text for segment in document.segments] == [
        "This is very important news.", "It ends here.", "Cell one", "Name", "Place", "Footer text", "A note.",
        "Header text",
    ]  # fmt: skip
    new = shouted(WORD, "a.docx")
    main = part(new, "document")
    assert '<w:b/></w:rPr><w:t xml:space="preserve">VERY IMPORTANT</w:t>' in main
    assert ">42<" in main and "<w:tab/>" in main and ">PAGE<" in main and ">gone<" in main
    assert "HEADER TEXT" in part(new, "header1") and "FOOTER TEXT" in part(new, "footer2")
    assert "A NOTE." in part(new, "footnotes")
    names = zipfile.ZipFile(io.BytesIO(WORD)).namelist()
    assert zipfile.ZipFile(io.BytesIO(new)).namelist() == names
    assert zipfile.ZipFile(io.BytesIO(new)).read("word/media/image1.png") == b"\x89PNG"


def test_a_word_file_is_read_without_its_headers_and_footers() -> None:
    reading = read_file(WORD, "a.docx")
    assert reading.text.split("\n\n") == [
        "This is very important news. It ends here.", "Cell one", "42", "Name\tPlace", "A note.",
    ]  # fmt: skip


def test_a_damaged_picture_is_noticed_when_the_file_is_written() -> None:
    damaged = WORD.replace(b"\x89PNG", b"\x88PNG", 1)
    document = open_document(damaged, "a.docx")
    with pytest.raises(InvalidInput, match="damaged"):
        document.with_segments(["X"] * len(document.segments))


def test_a_document_can_be_written_twice_from_its_own_text() -> None:
    document = open_document(WORD, "a.docx")
    texts = [segment.text for segment in document.segments]
    first = document.with_segments(["X", *texts[1:]])
    second = document.with_segments(["Y", *texts[1:]])
    assert ">X<" in part(first, "document") and ">X<" not in part(second, "document")


@pytest.mark.parametrize(
    ("data", "name"), [(b"One. Two.", "a.txt"), (SRT.encode(), "a.srt"), (PAGE, "a.html"), (WORD, "a.docx")]
)
def test_a_file_in_which_nothing_changed_is_no_result(data: bytes, name: str) -> None:
    document = open_document(data, name)
    with pytest.raises(InvalidInput, match="None of the"):
        document.with_segments([segment.text for segment in document.segments])
    with pytest.raises(ValueError, match="texts for"):
        document.with_segments([])


def bomb() -> bytes:
    return packed(document="<w:p>" + " " * 3_000_000 + "</w:p>")


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"", "a.txt", "empty"),
        (b"x", "a.xlsx", "cannot be written back"),
        (b"x", "noending", "cannot be written back"),
        (b"12 345\n---\n", "a.txt", "no sentences"),
        (b"Just words.", "a.srt", "no subtitles"),
        (b"<p> </p>", "a.html", "no text"),
        (b"PK\x03\x04 broken", "a.docx", "damaged"),
        (WORD[:-60], "a.docx", "damaged"),
        (packed(), "a.docx", "not a Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.docx", "password"),
        (packed(document="<w:p>").replace(b"</w:part>", b"</w:pxxx>"), "a.docx", "damaged"),
        (b"\0\1\2\3" * 50, "a.txt", "not a text"),
    ],
)
def test_what_cannot_be_opened_says_why(data: bytes, name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        open_document(data, name)


def test_sizes_are_limited_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_documents, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InvalidInput, match="too large when unpacked"):
        open_document(bomb(), "a.docx")
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="MB"):
        open_document(b"x " * 100, "a.txt")
    monkeypatch.setattr(documents, "MAX_BYTES", 10_000)
    monkeypatch.setattr(documents, "MAX_LETTERS", 10)
    with pytest.raises(InvalidInput, match="letters"):
        open_document(b"x " * 100, "a.txt")


def test_entities_of_xml_are_refused() -> None:
    body = f"<w:part {W}><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:part>"
    evil = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{body}'
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", evil)
    with pytest.raises(InvalidInput, match="not allowed"):
        open_document(target.getvalue(), "a.docx")


def test_the_language_is_detected_or_taken_from_the_page_if_unsure() -> None:
    assert open_document("今天天气很好。".encode(), "a.txt").guess.code == "zh"
    assert open_document(WORD, "a.docx").guess.code == "en"


def test_the_result_is_named_after_its_language() -> None:
    assert open_document(b"Some words.", "/tmp/notes.v2.txt").name_for("fr") == "notes.v2.fr.txt"


def test_a_page_that_would_take_minutes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_documents, "TIME_LIMIT_S", -1.0)
    with pytest.raises(InvalidInput, match="takes too long"):
        open_document(PAGE, "a.html")


@settings(deadline=None)
@given(st.text(st.sampled_from("ab <>/&;!-\"'=pbi\n中"), max_size=80))
def test_any_page_comes_back_as_it_was_but_for_its_words(body: str) -> None:
    data = f"<p>word</p>{body}<p>last</p>".encode()
    document = open_document(data, "a.html")
    texts = [segment.text for segment in document.segments]
    assert document.with_segments(["xyz", *texts[1:]]) == data.replace(b"<p>word", b"<p>xyz", 1)
