"""How model text becomes a page: formulas, code, and everything that must stay text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]

# Renders a text as an answer, outside any chat, and gives the element's HTML.
RENDER = """async (text) => {
  const { renderMarkdown } = await import(new URL('playground-assets/js/chat/markdown.js', document.baseURI));
  const box = document.createElement('div');
  box.className = 'body';
  box.id = 'rendered';
  document.querySelector('#rendered')?.remove();
  document.querySelector('.chat .column').prepend(box);
  renderMarkdown(box, text);
}"""


def render(visitor: Visitor, text: str) -> Visitor:
    visitor.page.evaluate(RENDER, text)
    return visitor


@pytest.fixture
def visitor(app: App, visit: Visit) -> Visitor:
    return visit(app.url)


def test_all_four_delimiters_of_formulas_are_drawn_and_money_is_not(visitor: Visitor) -> None:
    render(visitor, "In line $a^2$ and \\(b_1\\), alone:\n\n$$c = 1$$\n\n\\[d = 2\\]\n\nIt costs $5 and $10.")
    rendered = visitor.page.locator("#rendered")
    expect(rendered.locator(".katex")).to_have_count(4)
    expect(rendered.locator(".katex-display")).to_have_count(2)
    expect(rendered).to_contain_text("It costs $5 and $10.")
    visitor.picture("formulas")


def test_code_has_its_language_colours_and_a_copy_button(visitor: Visitor) -> None:
    render(visitor, "```python\nprint('hi')\n```")
    frame = visitor.page.locator("#rendered .code-frame")
    expect(frame).to_contain_text("python")
    expect(frame.locator(".hljs-string")).to_have_text("'hi'")
    expect(frame.get_by_role("button", name="Copy code")).to_be_visible()


def test_raw_html_stays_text_and_pictures_become_links(visitor: Visitor) -> None:
    hostile = '<img src=x onerror="window.hit=1"><script>window.hit=2</script><a href="javascript:window.hit=3">x</a>'
    links = "![p](https://example.org/p.png) [j](javascript:window.hit=4)"
    render(visitor, f"{hostile}\n\n{links} $\\href{{javascript:window.hit=5}}{{x}}$")
    rendered = visitor.page.locator("#rendered")
    expect(rendered).to_contain_text('<img src=x onerror="window.hit=1">')
    assert rendered.locator("img, script, iframe, [onerror], a[href^='javascript']").count() == 0
    expect(rendered.locator("a[href='https://example.org/p.png']")).to_have_attribute(
        "rel", "noopener noreferrer nofollow"
    )
    assert visitor.page.evaluate("window.hit") is None


@pytest.mark.parametrize("text", [">" * 8000 + " deep", "- " * 3000 + "deep", "**" * 20_000, "`" * 5001, "|a" * 3000])
def test_absurd_text_is_still_shown(visitor: Visitor, text: str) -> None:
    render(visitor, f"before\n\n{text}\n\nafter")
    expect(visitor.page.locator("#rendered")).to_contain_text("after")


def test_while_an_answer_grows_only_its_last_block_is_built_anew(visitor: Visitor) -> None:
    kept = visitor.page.evaluate(
        """async () => {
          const { renderMarkdown } = await import(new URL('playground-assets/js/chat/markdown.js', document.baseURI));
          const box = document.createElement('div');
          renderMarkdown(box, 'one\\n\\ntwo\\n\\nthr');
          const before = [...box.children];
          renderMarkdown(box, 'one\\n\\ntwo\\n\\nthree\\n\\nfour');
          return before.map((node, index) => node === box.children[index]);
        }"""
    )
    assert kept == [True, True, False]


def test_a_paste_of_five_megabytes_is_refused_and_stays_in_the_box(visitor: Visitor) -> None:
    visitor.page.evaluate("document.querySelector('.composer textarea').value = 'lighthouse '.repeat(470_000)")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.locator(".composer .problem")).to_contain_text("5,170,000 characters", timeout=30_000)
    assert visitor.page.evaluate("document.querySelector('.composer textarea').value.length") == 5_170_000


def test_strange_characters_go_through(visitor: Visitor) -> None:
    visitor.page.evaluate("document.querySelector('.composer textarea').value = 'Hi \\ud800 \\u0007 \\u202e there 😀'")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.locator(".message.user .own")).to_contain_text("there 😀", timeout=30_000)
    visitor.wait_for_answer()
    visitor.page.reload()
    expect(visitor.page.locator(".message.user .own")).to_contain_text("there 😀")
