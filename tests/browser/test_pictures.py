"""The pictures of the README: the real model in a real browser, on two widths, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844, "device_scale_factor": 2, "has_touch": True}
QUESTIONS = (
    "Write two sentences about the sea at night.",
    "Write a Python function that says whether a word is a palindrome.",
    "写一首关于秋天的两行诗。",
    "Give me three ideas for a rainy afternoon.",
)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, real_cache: Path, browser: object) -> App:  # type: ignore[misc]
    """An app with some chats in it."""
    running = App(tmp_path_factory.mktemp("pictures") / "data", real_cache).start()
    yield running  # type: ignore[misc]
    running.end()


@pytest.fixture(scope="module")
def chats(furnished: App, browser) -> list[str]:  # type: ignore[no-untyped-def]
    """Addresses of one chat for each question."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US")
    context.add_init_script("localStorage.setItem('playground.settings', '{\"temperature\": 0, \"seed\": 7}')")
    addresses = []
    for question in QUESTIONS:
        visitor = Visitor(context.new_page(), furnished.url).open()
        expect(visitor.page.locator(".model-chip[data-phase=ready]")).to_be_visible(timeout=120_000)
        visitor.send(question)
        addresses.append(visitor.page.url.removeprefix(furnished.url))
    context.close()
    return addresses


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_draw(
    furnished: App, chats: list[str], visit: Callable[..., Visitor], name: str, size: dict, scheme: str
) -> None:
    def enter(path: str = "") -> Visitor:
        return visit(furnished.url, path=path, color_scheme=scheme, **size)

    suffix = f"{name}-{scheme}"
    enter().picture(f"welcome-{suffix}")

    chat = enter(chats[1])
    expect(chat.body.locator(".block").first).to_be_visible()
    chat.page.wait_for_timeout(300)
    chat.picture(f"chat-{suffix}")

    view = enter(chats[0])
    view.page.get_by_role("button", name="Show probabilities").click()
    expect(view.page.locator(".token").first).to_be_visible()
    unsure = view.page.evaluate(
        "[...document.querySelectorAll('.token')].map(t => +t.style.getPropertyValue('--unsure'))"
        ".reduce((best, value, index, all) => index < 25 && value > all[best] ? index : best, 0)"
    )
    word = view.page.locator(".token").nth(unsure)
    word.tap() if "has_touch" in size else word.hover()
    expect(view.page.locator(".token-card")).to_be_visible()
    view.picture(f"probabilities-{suffix}")

    search = enter(chats[0])
    if "has_touch" in size:
        search.page.get_by_role("button", name="Your chats").click()
    search.page.locator("#chat-search").fill("the")
    expect(search.page.locator(".hit mark").first).to_be_visible()
    search.picture(f"search-{suffix}")

    inside = enter()
    inside.page.get_by_role("tab", name="Attention").click()
    inside.page.locator(".look-examples .example", has_text="Follow a pronoun").click()
    expect(inside.page.locator(".unit.asking")).to_have_count(1, timeout=60_000)
    expect(inside.page.locator(".look-kind").first).to_be_visible(timeout=60_000)
    inside.page.wait_for_timeout(300)
    inside.picture(f"attention-{suffix}")

    panel = enter()
    panel.page.locator(".model-chip").click()
    expect(panel.page.locator(".card.current")).to_be_visible()
    panel.page.wait_for_timeout(300)  # it fades in
    panel.picture(f"models-{suffix}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_draw_tasks(furnished: App, visit: Callable[..., Visitor], name: str, size: dict, scheme: str) -> None:
    suffix = f"{name}-{scheme}"
    ends = {
        "Sentiment": (".se-examples .example", ".w.known"),
        "Ask a text": (".as-examples .example", ".as-card .as-line"),
    }
    for tab, (example, end) in ends.items():
        view = visit(furnished.url, color_scheme=scheme, **size)
        expect(view.page.locator(".model-chip[data-phase=ready]")).to_be_visible(timeout=120_000)
        view.page.get_by_role("tab", name=tab).click()
        view.page.locator(example).first.click()
        expect(view.page.locator(end).first).to_be_visible(timeout=120_000)
        expect(view.page.locator(".se-go.stopping, .as-go.stopping")).to_have_count(0, timeout=60_000)
        view.page.mouse.move(0, 0)
        view.page.wait_for_timeout(300)
        view.picture(f"{tab.split()[0].lower()}-{suffix}")
