"""The translate tab in a real browser, over the real small model, of which little more is expected than words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
WAIT_MS = 120_000
PHONE = {"width": 390, "height": 844, "has_touch": True}
TEXT = "The library is closed today. It opens again on Monday at nine."
LONG = "\n\n".join(
    f"This is paragraph number {count}, and it says that the library opens at nine." for count in range(60)
)
HOSTILE = (
    "<script>window.hit=1</script> The cat sat on the mat ${window.hit=2} {{window.hit=3}} today. "
    "<img src=x onerror=window.hit=4> The dog lay beside it."
)


def enter(visitor: Visitor) -> Page:
    visitor.page.get_by_role("tab", name=re.compile("Translate|翻译")).click()
    expect(visitor.page.locator("#tr-text")).to_be_visible()
    return visitor.page


def write(page: Page, text: str, target: str = "fr", source: str = "en") -> None:
    page.locator(".tr-languages select").nth(0).select_option(source)
    page.locator(".tr-languages select").nth(1).select_option(target)
    page.locator("#tr-text").fill(text)


def wait(page: Page) -> None:
    expect(page.locator(".tr-go.stopping")).to_have_count(0, timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Copy the translation")).to_be_visible()


def translate(page: Page, text: str = TEXT, **languages: str) -> None:
    write(page, text, **languages)
    page.locator(".tr-go").click()
    expect(page.locator(".ts")).not_to_have_count(0, timeout=WAIT_MS)
    wait(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_example_is_translated_sentence_by_sentence_and_pairs_light_up(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    visitor.picture(f"translate-empty-{scheme}")
    page.locator(".tr-examples .example").first.click()
    expect(page.locator(".ts")).to_have_count(3, timeout=WAIT_MS)
    wait(page)
    expect(page.locator(".tr-languages select").first.locator("option:checked")).to_have_text("French (detected)")
    page.locator(".ts").nth(1).hover()
    expect(page.locator(".ts.lit")).to_have_count(1)
    expect(page.locator(".tr-mirror .lit")).to_have_text(re.compile(r"^Il fait beau.*photos\.$"))
    visitor.picture(f"translate-{scheme}")
    # The other way: the pointer stands over the box, the sentence behind it is found.
    place = page.locator(".tr-mirror [data-index='0']").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 40, place["y"] + 8)
    expect(page.locator(".ts.lit")).to_have_attribute("data-index", "0")


def test_the_text_behind_the_box_lies_where_the_text_of_the_box_does(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    translate(page, "A short line.\n\n" + "Words that go on and on. " * 12)
    heights = page.evaluate(
        "() => [document.querySelector('#tr-text').scrollHeight, document.querySelector('.tr-mirror').scrollHeight]"
    )
    assert abs(heights[0] - heights[1]) <= 2


def test_keys_walk_the_sentences_open_the_card_and_come_back(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    write(page, TEXT)
    page.locator("#tr-text").press("Control+Enter")
    expect(page.locator(".ts")).to_have_count(2, timeout=WAIT_MS)
    wait(page)
    page.locator(".ts").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".ts").nth(1)).to_be_focused()
    expect(page.locator(".tr-mirror .lit")).to_have_text("It opens again on Monday at nine.")
    page.keyboard.press("Enter")
    card = page.locator(".tr-card")
    expect(card).to_contain_text("Sentence 2 of 2")
    visitor.picture("translate-card")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(page.locator(".ts").nth(1)).to_be_focused()


def test_a_wording_of_ones_own_takes_the_place_and_can_be_undone(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    translate(page)
    first = page.locator(".ts").first
    before = first.inner_text()
    first.click()
    page.locator(".tr-own summary").click()
    page.locator(".tr-own textarea").fill("La bibliothèque est fermée <b>aujourd'hui</b>.")
    page.get_by_role("button", name="Use this").click()
    expect(first).to_contain_text("La bibliothèque est fermée <b>aujourd'hui</b>.")
    page.locator(".toast-action").click()
    expect(first).to_have_text(before)


def test_stopping_keeps_what_is_done(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    write(page, LONG)
    page.locator(".tr-go").click()
    expect(page.locator(".tr-result .ts:not(.pending):not(.growing)")).not_to_have_count(0, timeout=WAIT_MS)
    expect(page.locator(".tr-line")).to_contain_text("of 60")
    visitor.picture("translate-writing")
    page.keyboard.press("Escape")
    wait(page)
    expect(page.locator(".tr-line")).to_contain_text("Stopped.")
    expect(page.locator(".ts.missing")).not_to_have_count(0)
    expect(page.locator(".ts.pending")).to_have_count(0)


def test_a_reload_in_the_middle_goes_on_watching(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    write(page, LONG)
    page.locator(".tr-go").click()
    expect(page.locator(".tr-result .ts:not(.pending):not(.growing)")).not_to_have_count(0, timeout=WAIT_MS)
    page.reload()
    enter(visitor)
    expect(page.locator(".tr-go")).to_have_text("Stop")
    expect(page.locator(".ts")).to_have_count(60, timeout=WAIT_MS)
    expect(page.locator(".tr-result .ts:not(.pending):not(.growing)")).not_to_have_count(0, timeout=WAIT_MS)
    page.locator(".tr-go").click()
    wait(page)
    expect(page.locator(".tr-line")).to_contain_text("Stopped.")
    expect(page.locator("#tr-text")).to_have_value(LONG)


def test_a_file_is_opened_translated_and_downloaded_in_its_format(app: App, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("# The opening hours\n\n- The library opens at nine.\n\n```\ncode()\n```\n")
    visitor = visit(app.url)
    page = enter(visitor)
    page.locator(".tr-languages select").nth(1).select_option("fr")
    page.locator(".tr-source input[type=file]").set_input_files(path)
    expect(page.locator(".tr-file")).to_contain_text("notes.md")
    page.locator(".tr-go").click()
    wait(page)
    visitor.picture("translate-file")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").click()
    assert download.value.suggested_filename == "notes.fr.md"
    assert "```\ncode()\n```" in download.value.path().read_text()


def test_a_file_that_cannot_be_read_says_so_and_loses_nothing(app: App, visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    page = enter(visit(app.url))
    write(page, TEXT)
    page.locator(".tr-source input[type=file]").set_input_files(tmp_path / "picture.png")
    expect(page.locator(".tr-notices .problem")).to_contain_text("cannot be written back here")
    expect(page.locator("#tr-text")).to_have_value(TEXT)


def test_a_doubtful_language_is_asked_for(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    write(page, "Chat", target="zh", source="")
    page.locator(".tr-go").click()
    question = page.locator(".tr-question")
    expect(question).to_contain_text("Which language")
    question.get_by_role("button").first.click()
    expect(page.locator(".ts")).to_have_count(1, timeout=WAIT_MS)


def test_a_text_in_another_language_than_chosen_is_pointed_out(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    write(page, TEXT, source="zh")
    page.get_by_role("button", name="Translate from English").click()
    expect(page.locator(".tr-languages select").first).to_have_value("en")
    expect(page.locator(".tr-question")).to_have_count(0)


def test_both_sides_change_places_with_the_translation_as_the_new_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    translate(page, "Good morning.", source="")
    said = page.evaluate("() => document.querySelector('.ts').firstChild.textContent")
    page.get_by_role("button", name="Other way round").click()
    expect(page.locator("#tr-text")).to_have_value(said)
    selects = page.locator(".tr-languages select")
    expect(selects.nth(0)).to_have_value("fr")
    expect(selects.nth(1)).to_have_value("en")
    page.locator(".toast-action").click()
    expect(page.locator("#tr-text")).to_have_value("Good morning.")
    expect(page.locator(".ts")).to_have_count(1)
    expect(selects.nth(1)).to_have_value("fr")


def test_the_models_that_can_translate_are_offered(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    write(page, TEXT)
    expect(page.locator(".tr-quality")).to_contain_text(re.compile("poor translations|pair badly"))
    page.get_by_role("button", name=re.compile("Model that translates")).click()
    panel = page.get_by_role("dialog", name="Which model translates")
    expect(panel).to_contain_text("Opus-MT en → fr")
    expect(panel).not_to_contain_text("Opus-MT zh → en")
    visitor.picture("translate-models")
    panel.get_by_role("button", name="Download").click()
    expect(page.locator(".tr-model")).to_have_text("Opus-MT en → fr")


def test_the_glossary_is_used_or_not_and_the_comparison_says_how_near(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    page.locator(".tr-fold summary").first.click()
    page.get_by_label("Word in the text").fill("library")
    page.get_by_label("Shall read").fill("bibliothèque")
    translate(page)
    expect(page.locator(".tr-term-use")).to_have_text(re.compile("^(used|not used in 1 of 1 sentences)$"))
    page.get_by_text("Compare with my reference").click()
    page.get_by_label("Reference translation").fill(
        "La bibliothèque est fermée aujourd'hui. Elle rouvre lundi à neuf heures."
    )
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".tr-compared")).to_contain_text(re.compile(r"chrF\+\+ [\d.]+ of 100"))
    expect(page.locator(".tr-difference ins")).not_to_have_count(0)
    page.locator(".tr-compared").scroll_into_view_if_needed()
    visitor.picture("translate-folds")


def test_a_translation_is_there_after_a_reload_and_in_the_list(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    translate(page, "The harbour was full of ships that morning.")
    said = page.locator(".tr-text").inner_text()
    page.reload()
    enter(visitor)
    expect(page.locator(".tr-text")).to_have_text(said)
    page.get_by_role("button", name="Clear the text").click()
    expect(page.locator(".ts")).to_have_count(0)
    page.get_by_role("button", name="Earlier translations").click()
    entry = page.locator(".earlier-open", has_text="The harbour was full").first
    expect(entry).to_contain_text("English → French")
    entry.click()
    expect(page.locator(".tr-text")).to_have_text(said)
    expect(page.locator("#tr-text")).to_have_value("The harbour was full of ships that morning.")


def test_the_search_beside_the_chats_opens_a_translation(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    translate(page, "A quokka is a small animal that lives on an island.")
    page.get_by_role("tab", name="Chat").click()
    page.locator("#chat-search").fill("quokka")
    page.locator(".hit", has_text="quokka").first.click()
    expect(page.locator("#tr-text")).to_have_value("A quokka is a small animal that lives on an island.")
    page.locator("#tr-text").fill("A quokka is an animal.")
    expect(page.locator(".tr-line")).to_contain_text("changed since")
    expect(page.locator(".tr-mirror span")).to_have_count(0)


def test_hostile_text_stays_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    translate(page, HOSTILE)
    page.locator(".ts").first.click()
    expect(page.locator(".tr-card-source")).to_contain_text("window.hit")
    assert page.evaluate("window.hit") is None
    assert page.locator(".tr-paper img, .tr-paper script, .tr-card img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_the_panes_one_below_the_other(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, locale="zh-CN", **PHONE)
    page = enter(visitor)
    page.locator(".tr-languages select").nth(1).select_option("fr")
    page.locator("#tr-text").fill(TEXT)
    page.locator(".tr-go").tap()
    expect(page.locator(".ts")).to_have_count(2, timeout=WAIT_MS)
    expect(page.locator(".tr-go.stopping")).to_have_count(0, timeout=WAIT_MS)
    source, result = page.locator(".tr-source").bounding_box(), page.locator(".tr-result").bounding_box()
    assert source and result and result["y"] >= source["y"] + source["height"] - 1
    assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.tr-scroll'))") <= 0
    page.locator(".ts").first.tap()
    expect(page.locator(".tr-card")).to_be_visible()
    expect(page.locator(".tr-mirror .lit")).to_have_count(1)
    visitor.picture(f"translate-phone-{scheme}")
