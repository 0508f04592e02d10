"""The switch "take more care" of the translate tab, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App
from tests.browser.test_translate import PHONE, Visit, enter, translate

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_more_care_can_be_taken_and_is_remembered(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    care = page.get_by_role("switch", name="Take more care (slower)")
    expect(care).not_to_be_checked()
    care.check()
    with page.expect_request(lambda request: '"careful":true' in (request.post_data or "").replace(" ", "")):
        translate(page, "The bread is still warm. It was baked this morning. The shop opens at six.")
    visitor.picture("translate-care")
    page.reload()
    enter(visitor)
    expect(care).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_switch_has_its_place_on_a_phone(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, locale="zh-CN", **PHONE)
    page = enter(visitor)
    care = page.locator(".tr-care input")
    care.scroll_into_view_if_needed()
    page.locator(".tr-care label").tap()
    expect(care).to_be_checked()
    assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.tr-scroll'))") <= 0
    visitor.picture(f"translate-care-phone-{scheme}")
