"""Sentences in a skeleton: whatever the text, what is not a sentence comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.sentences import cut, is_wrapped, sentence_spans

MARKDOWN = """---
title: kept as it is
---
# Heading one #

Hello there. I met Dr. Smith.  Then: visit https://example.org now.
> A quotation. And more.
- [ ] first item
  1. nested item. Second sentence.

| Name | Value |
|------|:-----:|
| Apple pie | 3 |
| A \\| b | see |

```py
def f(): pass  # Not a sentence.
```
Column\tother column
---
[a]: http://example.org
　　他说：“你好。”然后走了。真的吗？
一、第一项。
"""
ODD = st.text(st.sampled_from("aB 1.。!?\n\r\t\u3000|-#*>`~:[]()「」“”é中ひ한😀\u2028\u0301{}%<"), max_size=120)


def texts_of(text: str, language: str = "en") -> list[str]:
    return [segment.text for segment in cut(text, language).segments]


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), ODD), st.sampled_from(["en", "zh", "ja", "fr"]), st.booleans())
def test_unchanged_segments_give_the_text_back(text: str, language: str, join_lines: bool) -> None:
    skeleton = cut(text, language, join_lines=join_lines)
    unchanged = [segment.text for segment in skeleton.segments]
    assert skeleton.rebuild(unchanged) == text
    assert skeleton.rebuild(unchanged, target="zh") == text


@settings(deadline=None)
@given(ODD, st.booleans())
def test_segments_stand_in_order_and_hold_their_own_text(text: str, join_lines: bool) -> None:
    end = 0
    for segment in cut(text, join_lines=join_lines).segments:
        assert end <= segment.start < segment.end <= len(text)
        assert join_lines or text[segment.start : segment.end] == segment.text
        assert "\n" not in segment.text
        end = segment.end


@settings(deadline=None)
@given(ODD, st.text("xy \n|", max_size=8))
def test_changed_segments_keep_every_line_and_its_number(text: str, change: str) -> None:
    skeleton = cut(text)
    rebuilt = skeleton.rebuild([change] * len(skeleton.segments), target="en")
    assert len(rebuilt.splitlines()) <= len(text.splitlines())
    assert len((rebuilt + ".").split("\n")) == len((text + ".").split("\n"))


def test_marks_tables_code_and_blank_lines_stay_where_they_are() -> None:
    skeleton = cut(MARKDOWN)
    rebuilt = skeleton.rebuild([f"[{segment.kind}]" for segment in skeleton.segments], target="en")
    assert (
        rebuilt
        == """---
title: kept as it is
---
# [heading] #

[sentence] [sentence] [sentence]
> [item] [item]
- [ ] [item]
  1. [item] [item]

| [cell] | [cell] |
|------|:-----:|
| [cell] | 3 |
| [cell] | [cell] |

```py
def f(): pass  # Not a sentence.
```
[sentence]\t[sentence]
---
[a]: http://example.org
　　[sentence] [sentence] [sentence]
一、[item]
"""
    )


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("Dr. Smith paid $3.50 on Jan. 5. He left.", "en", ["Dr. Smith paid $3.50 on Jan. 5.", "He left."]),
        ("他说：“你好。”然后走了。真的吗？", "zh", ["他说：“你好。”", "然后走了。", "真的吗？"]),
        ("「はい。」と言った。次です。", "ja", ["「はい。」と言った。", "次です。"]),
        ("“Really?” she asked. Yes!", "en", ["“Really?” she asked.", "Yes!"]),
        ("M. Dupont est là. Il mange.", "fr", ["M. Dupont est là.", "Il mange."]),
        ("12:30\n***\n…\n{name}\nhttps://example.org", "en", []),
        ("", "en", []),
    ],
)
def test_sentences_end_where_readers_would_end_them(text: str, language: str, sentences: list[str]) -> None:
    assert texts_of(text, language) == sentences


def test_blanks_between_sentences_follow_the_target_language() -> None:
    chinese, english = cut("第一句。第二句。", "zh"), cut("One. Two.")
    assert chinese.rebuild(["First.", "Second."], target="en") == "First. Second."
    assert english.rebuild(["一。", "二。"], target="zh") == "一。二。"
    assert chinese.rebuild(["First.", "Second."]) == "First.Second."


def test_a_bar_in_a_translated_cell_does_not_become_a_new_column() -> None:
    skeleton = cut("| a | b |\n|---|---|\n| left | right |\n")
    assert skeleton.rebuild(["x|y", "b", "left", "right"]).splitlines()[0] == r"| x\|y | b |"


def test_wrapped_lines_are_joined_on_request_and_kept_where_unchanged() -> None:
    text = (
        "This is a paragraph that was wrapped at a certain width which\nis quite common in plain mails. It goes on\n"
        "over several lines and ends here at last.\n\n- an item\n- another\n"
    )
    assert is_wrapped("\n".join(["word " * 12 + "and"] * 4)) and not is_wrapped(MARKDOWN)
    skeleton = cut(text, join_lines=True)
    assert [segment.text for segment in skeleton.segments] == [
        "This is a paragraph that was wrapped at a certain width which is quite common in plain mails.",
        "It goes on over several lines and ends here at last.",
        "an item",
        "another",
    ]
    assert skeleton.rebuild(["A.", "B.", "c", "d"]) == "A. B.\n\n- c\n- d\n"


def test_a_wrapped_item_of_a_list_is_joined_too() -> None:
    text = "- a first item that goes\n  on here. More.\n- the second\n"
    skeleton = cut(text, join_lines=True)
    assert [segment.text for segment in skeleton.segments] == ["a first item that goes on here.", "More.", "the second"]
    assert skeleton.rebuild(["x", "y", "z"]) == "- x y\n- z\n"


@pytest.mark.parametrize("text", ["- a\nb\n>\nc", ">\n;", "a\n>\nb", "1. \nx\n- \n"])
def test_lines_of_marks_alone_are_kept(text: str) -> None:
    skeleton = cut(text, join_lines=True)
    assert skeleton.rebuild([segment.text for segment in skeleton.segments]) == text


def test_a_sentence_without_an_end_is_cut_after_a_comma() -> None:
    text = "many words here, " * 40
    parts = cut(text, longest=100).segments
    assert all(len(part.text) <= 100 and part.text.endswith(",") for part in parts)
    assert cut("x" * 1000, longest=100).rebuild(["y"] * 10) == "y" * 10


def test_the_number_of_texts_has_to_be_the_number_of_segments() -> None:
    with pytest.raises(ValueError, match="1 texts for 2"):
        cut("One. Two.").rebuild(["x"])


@settings(deadline=None)
@given(ODD)
def test_spans_of_running_text_hold_all_that_is_not_blank(text: str) -> None:
    kept = "".join(text[start:end] for start, end in sentence_spans(text))
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hier, M. Dupont et Mme. Petit, p. ex. ici, av. J.-C. encore.", "fr"),
        ("Das ist z. B. gut, d. h. sehr gut, usw. Am 5. Mai kam er.", "de"),
        ("El Sr. García y la Sra. López viven en la pág. 5, p. ej. aquí.", "es"),
        ("Mevr. de Vries zegt d.w.z. dit.", "nl"),
        ("Это, т. е. то.", "ru"),
        ("The U.S. Army, e.g. here, approx. 5 km from Mr. J. R. Tolkien, vol. 2.", "en"),
    ],
)
def test_abbreviations_end_no_sentence(text: str, language: str) -> None:
    assert texts_of(text, language) == [text]
