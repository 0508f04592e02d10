"""Files of a view hold its numbers, and tokens in them stay text."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention.drawing import Titles, heatmap_svg, reading_svg
from playground.attention.export import View, csv_text, json_dict, npz_bytes, shown

HOSTILE = (
    "<script>alert(1)</script>", "${alert(1)}", "]]>", "&lt;", '"onload="alert(1)', "\u202eevil", "\u2066x",
    "\x00\x1b[31m", "\ud800", "=cmd|'/c calc'!A1", " +1", "@SUM(A1)", "-2", "a,b\r\nc", "😀", "مرحبا", "{{x}}",
    "\ufffe",
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def view(rows: tuple[str, ...] = ("a", " b"), columns: tuple[str, ...] = ("x", "y", " z")) -> View:
    weights = torch.rand(len(rows), len(columns), generator=torch.Generator().manual_seed(1))
    return View(weights, rows, columns, "Layer 3, head 2", "SmolLM2", "a b", {"temperature": 1.0})


def test_csv_holds_the_numbers_under_their_tokens() -> None:
    shown_view = view()
    table = list(csv.reader(io.StringIO(csv_text(shown_view))))
    assert table[0][1:] == ["x", "y", " z"] and [line[0] for line in table[1:]] == ["a", " b"]
    numbers = torch.tensor([[float(cell) for cell in line[1:]] for line in table[1:]])
    torch.testing.assert_close(numbers, shown_view.weights, atol=1e-6, rtol=1e-5)


def test_no_cell_of_a_csv_is_a_formula_or_breaks_the_table() -> None:
    table = list(csv.reader(io.StringIO(csv_text(view(HOSTILE, HOSTILE)), newline="")))
    assert len(table) == len(HOSTILE) + 1 and {len(line) for line in table} == {len(HOSTILE) + 1}
    for cell in [*table[0], *(line[0] for line in table)]:
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert cell.isprintable()


def test_npz_is_read_without_pickle_and_gives_everything_back() -> None:
    shown_view = view(HOSTILE[:8], HOSTILE[-3:-1])
    with numpy.load(io.BytesIO(npz_bytes(shown_view)), allow_pickle=False) as archive:
        numpy.testing.assert_array_equal(archive["weights"], shown_view.weights.numpy())
        assert archive["row_tokens"].tolist()[:6] == list(HOSTILE[:6])
        about = json.loads(str(archive["about"]))
    assert about["model"] == "SmolLM2" and about["settings"] == {"temperature": 1.0}


def test_json_can_be_written_and_holds_tokens_as_they_are() -> None:
    shown_view = view(HOSTILE)
    found = json.loads(json.dumps(json_dict(shown_view, digits=4), allow_nan=False))
    assert found["row_tokens"] == [token.encode("utf-8", "replace").decode("utf-8") for token in HOSTILE]
    torch.testing.assert_close(torch.tensor(found["weights"]), shown_view.weights, atol=6e-5, rtol=0)
    assert (found["caption"], found["text"], found["version"]) == ("Layer 3, head 2", "a b", 1)


def test_tokens_and_weights_have_to_fit() -> None:
    with pytest.raises(ValueError, match="tokens"):
        View(torch.rand(2, 2), ("a",), ("b", "c"), "")
    with pytest.raises(ValueError, match="weights"):
        reading_svg(["a"], torch.rand(2), 0)


def test_invisible_characters_are_written_out() -> None:
    assert shown("a\n\tb") == "a\\n\\tb"
    assert shown("\u202eabc\u2069") == "\\u202eabc\\u2069"
    assert shown("\ud83d") == "\\ud83d"
    assert shown(" 你好 مرحبا é 😀") == " 你好 مرحبا é 😀"


def assert_harmless(picture: str) -> ElementTree.Element:
    root = ElementTree.fromstring(picture.encode("utf-8"))
    for element in root.iter():
        assert element.tag in {SVG + name for name in ("svg", "rect", "text", "title", "path")}
        assert not any(name.lower().startswith("on") or "href" in name for name in element.attrib)
    assert not set("\u202e\u202a\u2066\u2067\x00\x1b") & set(picture)
    return root


@settings(max_examples=100, deadline=None)
@given(tokens=st.lists(st.one_of(st.text(max_size=12), st.sampled_from(HOSTILE)), min_size=1, max_size=6))
def test_no_token_is_more_than_text_in_a_picture(tokens: list[str]) -> None:
    words = tuple(tokens)
    shown_view = View(torch.rand(len(words), len(words)), words, words, tokens[0], tokens[-1], "")
    assert_harmless(heatmap_svg(shown_view, titles=Titles(rows=tokens[0], note=tokens[-1])))
    assert_harmless(reading_svg(words, torch.rand(len(words)), 0, caption=tokens[0]))


def test_the_heatmap_names_its_axes_and_shades_by_weight() -> None:
    weights = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    root = assert_harmless(heatmap_svg(View(weights, ("a", "b"), ("c", "d"), "Layer 1")))
    texts = [element.text for element in root.iter(SVG + "text")]
    assert {"reads from", "being read", "Layer 1", "a", "b", "c", "d"} <= set(texts)
    shades = [float(one.attrib["fill-opacity"]) for one in root.iter(SVG + "rect") if "fill-opacity" in one.attrib]
    assert shades == pytest.approx([1.0, 0.5, 0.866], abs=1e-3)


def test_a_small_heatmap_is_as_wide_as_its_longest_line() -> None:
    note = "Attention is evidence of where the model looks, not an explanation. " * 3
    root = assert_harmless(heatmap_svg(View(torch.ones(1, 1), ("a",), ("b",), "Head"), titles=Titles(note=note)))
    (line,) = [one for one in root.iter(SVG + "text") if one.text == note]
    assert float(root.attrib["width"]) > float(line.attrib["x"]) + len(note) * 0.6 * float(line.attrib["font-size"])


def test_a_large_heatmap_is_pooled_and_says_so() -> None:
    words = tuple(f"t{index}" for index in range(300))
    picture = heatmap_svg(View(torch.rand(300, 300), words, words, "all"), pool="mean")
    root = assert_harmless(picture)
    assert any("mean of 3 x 3 tokens" in (element.text or "") for element in root.iter(SVG + "text"))
    assert len(list(root.iter(SVG + "rect"))) <= 128 * 128 + 2


def test_the_reading_view_shades_what_is_read_and_stays_within_its_width() -> None:
    tokens = [f" word{index}" for index in range(40)]
    weights = torch.zeros(40)
    weights[3], weights[20] = 0.75, 0.25
    root = assert_harmless(reading_svg(tokens, weights, 39, width=400))
    shaded = [one for one in root.iter(SVG + "rect") if "fill-opacity" in one.attrib]
    assert len(shaded) == 2 and len(list(root.iter(SVG + "path"))) == 2
    for one in root.iter(SVG + "rect"):
        if one.attrib["width"] != "100%":
            assert float(one.attrib["x"]) + float(one.attrib["width"]) <= 400
    assert [element.text for element in root.iter(SVG + "text") if element.text][:2] == ["word0", "word1"]
