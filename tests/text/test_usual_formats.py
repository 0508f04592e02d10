"""What has a usual form is found by it, is never cut, and is not taken for two things at once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.usual_formats import KINDS, spot


def texts(text: str, kind: str) -> list[str]:
    return [one.text for one in spot(text, kind)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to priya.nair@halton-plots.example or call.", ["priya.nair@halton-plots.example"]),
        ("邮箱liumin@hzlib.example。", ["liumin@hzlib.example"]),
        ("a@b, @name, user@", []),
    ],
)
def test_e_mail_addresses(text: str, found: list[str]) -> None:
    assert texts(text, "email") == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Call 01524 555 0142 or +47 55 01 23 45.", ["01524 555 0142", "+47 55 01 23 45"]),
        ("Tel. 08161 555 0187", ["08161 555 0187"]),
        ("Telefon: 0431 / 555 01 23", ["0431 / 555 01 23"]),
        ("电话0571-8555 0132，手机13800138000", ["0571-8555 0132", "13800138000"]),
        ("please call 555 0142", ["555 0142"]),
        ("(020) 7946 0958", ["(020) 7946 0958"]),
        ("On 2024-11-03 we sold 1 234 567 pieces, order 2024-117, 24103 Kiel", []),
        ("IBAN DE89 3704 0044 0532 0130 00", []),
        ("3.1415926 and 192.168.10.100", []),
    ],
)
def test_phone_numbers(text: str, found: list[str]) -> None:
    assert texts(text, "phone") == found


def test_web_addresses_end_before_the_full_stop() -> None:
    text = "See https://example.org/a?b=1, or www.example.com. (http://example.net/x)"
    assert texts(text, "link") == ["https://example.org/a?b=1", "www.example.com", "http://example.net/x"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a balance of 1,840 pounds, 260 pounds less", ["1,840 pounds", "260 pounds"]),
        ("€84.50, $2.3 million, 1.980 €, 62 Euro", ["€84.50", "$2.3 million", "1.980 €", "62 Euro"]),
        ("经费12.5万元，票款98元，42名乘客", ["12.5万元", "98元", "42名乘客"]),
        ("5 % of 20 km/h, 3 kg, 21 °C, two hours", ["5 %", "20 km/h", "3 kg", "21 °C", "two hours"]),
        ("drei Wochen, 34 Mitglieder", ["drei Wochen", "34 Mitglieder"]),
        ("on 4 March 2025 at number 14, CO2 and A4, call 01524 555 0142", []),
    ],
)
def test_amounts_come_with_their_unit(text: str, found: list[str]) -> None:
    assert texts(text, "amount") == found


def test_a_number_of_a_date_or_a_phone_is_none_of_its_own() -> None:
    assert texts("On 4 March 2025 some 4,000 cars; call 01524 555 0142.", "number") == ["4,000"]


@given(st.text(max_size=200), st.sampled_from(KINDS))
def test_everything_stands_where_it_says_and_nothing_overlaps(text: str, kind: str) -> None:
    found = spot(text, kind)
    for one in found:
        assert text[one.start : one.end] == one.text and one.text.strip()
    for first, second in itertools.pairwise(found):
        assert first.end <= second.start
