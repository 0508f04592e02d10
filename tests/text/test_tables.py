"""Tables of all kinds become the same rows, come back as they were, and can do a spreadsheet no harm."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.text.table_columns import group_columns, grouping, text_column
from playground.text.tables import MOST_BYTES, MOST_COLUMNS, TextTable, harmless, read_table, write_table

ROWS = (("Lovely rooms, kind staff", "positive"), ("Never again", "negative"), ("Opens at nine", "neutral"))
COMMA = 'text,label\r\n"Lovely rooms, kind staff",positive\r\nNever again,negative\r\nOpens at nine,neutral\r\n'


def read(data: bytes | str, has_header: bool | None = None) -> TextTable:
    return read_table(data, most_rows=1000, has_header=has_header)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiters_and_encodings_are_found_out(delimiter: str, encoding: str) -> None:
    out = io.StringIO(newline="")
    rows = [("text", "étiquette"), *((f"{text}, café à côté", label) for text, label in ROWS)]
    csv.writer(out, delimiter=delimiter).writerows(rows)
    found = read(out.getvalue().encode(encoding))
    assert found.columns == rows[0] and list(found.rows) == rows[1:]
    assert found.delimiter == delimiter and found.has_header


def test_excels_own_line_about_the_delimiter_is_heeded_and_is_no_row() -> None:
    found = read(b"\xef\xbb\xbfsep=;\r\ntext;label\r\nGood, very good;positive\r\nBad;negative\r\n")
    assert found.columns == ("text", "label") and found.rows[0] == ("Good, very good", "positive")


def test_cells_with_line_breaks_commas_and_doubled_marks_stay_whole() -> None:
    found = read('text,n\n"One\nline, and ""another""",1\nplain,2\n')
    assert found.rows == (('One\nline, and "another"', "1"), ("plain", "2"))


def test_lines_of_sentences_are_one_column() -> None:
    found = read("I came, I saw, and I left.\nGood.\nThe soup was cold, sadly.\nWhy, oh why?\n")
    assert len(found.columns) == 1 and len(found.rows) == 4 and not found.has_header
    assert found.rows[0] == ("I came, I saw, and I left.",)


def test_a_file_without_names_keeps_its_first_row() -> None:
    found = read("positive,A lovely day at the sea\nnegative,The worst meal I ever had\n")
    assert not found.has_header and len(found.rows) == 2 and found.columns == ("Column 1", "Column 2")
    assert len(read("text,label\nyes it is,1\n", has_header=False).rows) == 2


def test_a_first_line_that_is_unlike_the_others_names_the_columns() -> None:
    found = read("what they said,n\nA lovely day at the sea and more,1\nThe worst meal I ever had,22\n")
    assert found.has_header and found.columns == ("what they said", "n")


def test_columns_always_have_names_of_their_own() -> None:
    found = read("text,,text\na b c,1,2\nd e f,3,4\n", has_header=True)
    assert found.columns == ("text", "Column 2", "text (2)")


def test_uneven_rows_are_filled_or_cut_and_counted() -> None:
    found = read("text,label\n" + "fine,positive\n" * 9 + "short\nlong,negative,more\n")
    assert found.uneven == 2 and {len(row) for row in found.rows} == {2} and len(found.rows) == 11


def test_a_mark_that_is_never_closed_does_not_swallow_the_rest() -> None:
    found = read('text,label\n"Never closed,negative\nThe next,positive\nThe last,neutral\n')
    assert len(found.rows) == 3 and found.notes
    assert found.rows[1] == ("The next", "positive")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no row"), (b"\n\n", "no row"), (b"text,label\n", "no row below"),
        (b"\x00\x01\x02\x03" * 50, "not a text"),
        ("a,b\n" * 1001, "1,000 are the most"), (b"x" * (MOST_BYTES + 1), "20 MB"),
        (",".join("ab") * MOST_COLUMNS + "\n" + ",".join("cd") * MOST_COLUMNS, "columns"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_a_reason(data: bytes | str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(data)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=8))
def test_what_is_written_can_be_read_and_nothing_in_it_is_a_formula(rows: list[tuple[str, str]]) -> None:
    written = write_table(("text", "label"), rows)
    cells = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline="")))[1:]
    for row, original in zip(cells, rows, strict=True):
        for cell, before in zip(row, original, strict=True):
            assert cell.removeprefix("'") == before.removeprefix("'") or cell == before
            assert (
                not cell.lstrip(" ").startswith(("=", "+", "-", "@")) or cell.strip()[1:].replace(".", "")[:1].isdigit()
            )


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), (" -cmd|x", "' -cmd|x"), ("-0.5", "-0.5"), ("+3", "+3"),
        ("- good", "'- good"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_formulas_are_disarmed_and_numbers_left(cell: str, written: str) -> None:
    assert harmless(cell) == written


def test_the_column_with_the_texts_is_guessed_by_what_it_holds() -> None:
    by_look = read(
        "1,2024-01-05,The rooms were clean and quiet,positive\n2,2024-01-06,Too loud to sleep at night,negative\n"
    )
    assert text_column(by_look) == 2
    chinese = read("编号,评论,标签\n1,房间很干净而且安静,正面\n2,晚上太吵了睡不着觉,负面\n")
    assert text_column(chinese) == 1
    named = read("title,text\nA title that is quite long,fine by me\nAnother title of that kind,not for me\n")
    assert named.has_header and text_column(named) == 1


def test_dates_become_days_months_or_years_in_order() -> None:
    days = read("date,text\n" + "\n".join(f"{day}.3.2024,words here" for day in (9, 1, 9, 2)))
    assert group_columns(days) == [0]
    found = grouping(days, 0)
    assert found is not None and found.period == "day" and found.names == ("2024-03-01", "2024-03-02", "2024-03-09")
    assert found.of_row == (2, 0, 2, 1)
    months = grouping(read("date,text\n2024-03-05T10:00,a b\n2024-01-05T11:00,c d\n2024-08-30,e f\n"), 0)
    assert months is not None and months.period == "month" and months.names[0] == "2024-01"
    american = grouping(read("date,text\n3/25/2024,a b\n4/1/2024,c d\n"), 0)
    assert american is not None and american.names == ("2024-03-25", "2024-04-01")


def test_a_column_of_few_words_sorts_into_groups_and_texts_do_not() -> None:
    table = read(
        "shop,text\n" + "\n".join(f"{'north' if n % 3 else 'south'},visitor number {n} said so" for n in range(12))
    )
    assert group_columns(table) == [0]
    found = grouping(table, 0)
    assert found is not None and found.names == ("north", "south") and found.period == ""
    assert group_columns(table) == [0]
