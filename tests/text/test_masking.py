"""What must not be translated survives: masked, put back, and reported where a model has lost it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.masking import KINDS, MORE_KINDS, mask, protected, verify

ALL = (*KINDS, *MORE_KINDS)
ODD = st.text(st.sampled_from("ab1 .{}[]%s$<>/`@#⟦⟧:_-(中é😀\n"), max_size=60)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Hi {name}, {0:.2f} and {}.", "placeholder", ["{name}", "{0:.2f}", "{}"]),
        ("${x} #{y} {{ z }}", "placeholder", ["${x}", "#{y}", "{{ z }}"]),
        ("%name% $HOME __ID__", "placeholder", ["%name%", "$HOME", "__ID__"]),
        ("%s of %d, %1$s, %(count)d, %.2f", "placeholder", ["%s", "%d", "%1$s", "%(count)d", "%.2f"]),
        ("50% discount, 100 % sure, $5 and 3$", "placeholder", []),
        ("a set {1, 2} and { this } stay", "placeholder", []),
        ('<b class="x">bold</b><br/> a < b > c &nbsp;', "tag", ['<b class="x">', "</b>", "<br/>", "&nbsp;"]),
        ("see https://a.org/b_(c)?d=1, (www.x.com) or example.org.", "url",
         ["https://a.org/b_(c)?d=1", "www.x.com", "example.org"]),
        ("请看https://example.com/a，谢谢", "url", ["https://example.com/a"]),
        ("Write to first.last@example.co.uk.", "email", ["first.last@example.co.uk"]),
        ("Run `pip install x` or ``a`b``, /usr/bin/x and/or $E=mc^2$", "code",
         ["`pip install x`", "``a`b``", "/usr/bin/x", "$E=mc^2$"]),
        ("costs $5 to $10", "code", []),
        ("5 km/h, 1,000.5 kg, 20%", "number", ["5 km/h", "1,000.5 kg", "20%"]),
        ("nice 👍🏽 day", "emoji", ["👍🏽"]),
    ],
)  # fmt: skip
def test_protected_spans_are_found(text: str, kind: str, found: list[str]) -> None:
    spans = [span for span in protected(text, ALL) if span.kind == kind]
    assert [span.text for span in spans] == found
    assert all(text[span.start : span.end] == span.text for span in spans)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=100), ODD))
def test_masking_and_putting_back_gives_the_text(text: str) -> None:
    for kinds in (KINDS, ALL):
        masked = mask(text, kinds)
        restored = masked.restore(masked.text)
        assert restored.text == text and restored.whole


@settings(deadline=None)
@given(ODD)
def test_marks_replace_every_protected_span(text: str) -> None:
    masked = mask(text)
    assert len(masked.marks) == len(set(masked.marks)) == len(masked.originals)
    assert all(masked.text.count(mark) >= 1 for mark in masked.marks)


def test_the_same_original_has_the_same_mark() -> None:
    masked = mask("{name} and {name} and {other}")
    assert masked.text == "[1] and [1] and [2]"
    assert masked.restore("[2] und [1] und [1]").whole


def test_a_mark_in_the_text_makes_way_for_another_kind() -> None:
    masked = mask("As shown in [1], {name} is right.")
    assert masked.text == "As shown in [1], #1# is right."
    assert masked.restore("Wie in [1], hat ＃1＃ recht.").text == "Wie in [1], hat {name} recht."


@pytest.mark.parametrize("changed", ["你好【1】，[ 2 ]", "你好［１］，[2]", "你好〔1〕，[2]"])
def test_changed_brackets_blanks_and_digits_are_understood(changed: str) -> None:
    restored = mask("Hello {name}, %s").restore(changed)
    assert restored.text == "你好{name}，%s" and restored.whole


def test_what_was_lost_repeated_or_made_up_is_reported() -> None:
    masked = mask("{a} {b} {b} https://x.org")
    restored = masked.restore("[1] [1] [2] [7]")
    assert restored.lost == ("{b}", "https://x.org")
    assert restored.repeated == ("{a}", "[7]") and not restored.whole


@pytest.mark.parametrize(
    ("source", "said", "whole"),
    [
        ("Click <b>here <i>now</i></b> please", "Bitte [1]hier [2]jetzt[3][4] klicken", True),
        ("Click <b>here <i>now</i></b> please", "[1]hier[4] Bitte [2]jetzt[3] klicken", True),
        ("Click <b>here <i>now</i></b> please", "Bitte [1]hier [2]jetzt[4][3] klicken", False),
        ("The <b>old</b> bridge", "Die [2]alte[1] Brücke", False),
        ("One line<br>and <b>more</b><img src=x/>", "Eine Zeile[1]und [2]mehr[3][4]", True),
        ("the end</b> and <i>more", "das [1]Ende und [2]mehr", True),
        ("See `</b> or <b>` in <b>code</b>", "Siehe [1] im [2]Code[3]", True),
    ],
)
def test_tags_hold_each_other_as_in_the_source(source: str, said: str, whole: bool) -> None:
    restored = mask(source).restore(said)
    assert (restored.lost, restored.repeated, restored.whole) == ((), (), whole)
    assert verify(source, restored.text).whole is whole


def test_a_translation_without_marks_can_be_compared_too() -> None:
    assert verify("Hello {name}, see <b>this</b>", "Bonjour {name}, voir <b>ceci</b>").whole
    lost = verify("Hello {name}, see <b>this</b>", "Bonjour {nom}, voir <b>ceci</b> <b>")
    assert lost.lost == ("{name}",) and lost.repeated == ("<b>",)


def test_a_text_with_nothing_to_protect_stays_as_it_is() -> None:
    assert mask("Plain words [1].").text == "Plain words [1]."
    assert mask("Plain words.").restore("Mots simples [3].").text == "Mots simples [3]."
