"""The attention tab with models beside the chat's, in a real browser: tiny random ones, opened from a folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App, Visitor
from tests.browser.test_attention import HOSTILE, PHONE, WAIT_MS, enter, example, heat, unit
from tests.ui.tiny_companions import SENTENCE, TRANSLATION, bert_folder, marian_folder, t5_folder

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
NAMELESS = (
    "[...document.querySelectorAll('#attention :is(button, select, input, textarea)')].filter(b => b.offsetParent && "
    "!(b.getAttribute('aria-label') || b.textContent.trim() || b.labels?.length)).length"
)
SMALL = (
    "[...document.querySelectorAll('#attention :is(button, select, .look-switch)')].filter(b => b.offsetParent && "
    "b.offsetHeight < 40).map(b => b.className + b.textContent)"
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    top = tmp_path_factory.mktemp("models")
    encoder = bert_folder(top / "tiny-encoder", masked=False)
    many = marian_folder(top / "tiny-many", languages=(">>deu<<", ">>fra<<"))
    made = (
        many,
        bert_folder(top / "tiny-bert"),
        encoder,
        marian_folder(top / "tiny-marian"),
        t5_folder(top / "tiny-t5"),
    )
    return {folder.name: str(folder) for folder in made}


def choose(page: Page, folder: str) -> None:
    page.locator(".look-model").click()
    field = page.locator("#look-model-other")
    field.fill(folder)
    field.press("Enter")
    expect(page.locator(".look-model")).to_have_text(Path(folder).name)


def look(page: Page, folder: str, text: str, *, ready: str = ".unit.asking") -> None:
    choose(page, folder)
    page.locator(".look-box textarea").fill(text)
    page.locator(".look-go").click()
    expect(page.locator(ready).first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".look-atlas").first).not_to_have_attribute("width", "0", timeout=WAIT_MS)


def align(page: Page, folder: str, text: str = SENTENCE, translation: str = TRANSLATION) -> None:
    """Look with a translation model, which is known to be one once it has been opened."""
    look(page, folder, text, ready=".align-map")
    page.locator("#look-translation").fill(translation)
    page.locator("#look-translation").press("Enter")
    expect(page.locator(".align-translation p[dir]")).to_have_text(translation, timeout=WAIT_MS)
    expect(pane(page, "target").locator(".unit.asking")).to_have_count(1)


def pane(page: Page, side: str) -> Locator:
    return page.locator(".align-pane").nth(0 if side == "source" else 1)


def word(page: Page, side: str, text: str) -> Locator:
    return pane(page, side).locator(".unit", has_text=re.compile(rf"^{text}$"))


def shares(rows: Locator) -> list[float]:
    return [float(text.strip(" %<")) for text in rows.all_inner_texts()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_encoder_looks_both_ways_and_guesses_the_pinned_word(
    app: App, visit: Visit, folders: dict[str, str], scheme: str
) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    look(page, folders["tiny-bert"], SENTENCE)
    expect(page.locator(".unit.special")).to_have_text(["[CLS]", "[SEP]"])
    unit(page, "cat").click()
    expect(page.locator(".look-said").first).to_have_text("cat reads from:")
    assert heat(unit(page, "chair")) > 0, "it looks ahead"
    expect(page.locator(".look-masked .look-said")).to_contain_text(re.compile("^cat (itself|is)|its first guess"))
    found = shares(page.locator(".look-masked .share"))
    assert len(found) >= 6 and 97 < sum(found) < 103
    unit(page, "the").hover()
    expect(page.locator(".look-said").first).to_contain_text("at the.")
    text = page.inner_text("#attention")
    assert "look ahead" not in text and "What comes next" not in text and "What if" not in text
    visitor.picture(f"attention-encoder-{scheme}")


def test_the_rollout_stands_beside_average_and_head(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    look(page, folders["tiny-bert"], SENTENCE)
    unit(page, "cat").click()
    before = shares(page.locator(".look-strongest .share"))
    page.get_by_role("radio", name="Rollout").click()
    expect(page.locator(".look-sentences")).to_contain_text("Abnar & Zuidema 2020")
    expect(page.locator(".look-heatmap h3")).to_have_text("Rollout through all 3 layers")
    expect(page.locator(".look-strongest .word").first).to_have_text("cat")
    assert shares(page.locator(".look-strongest .share")) != before
    page.locator(".look-stage").click(position={"x": 12, "y": 12})
    expect(page.get_by_role("radio", name="One head")).to_be_checked()


def test_a_model_that_guesses_nothing_says_so_and_the_chats_model_comes_back(
    app: App, visit: Visit, folders: dict[str, str]
) -> None:
    page = enter(visit(app.url))
    look(page, folders["tiny-encoder"], SENTENCE)
    expect(page.locator(".look-masked")).to_contain_text("tiny-encoder was not made to guess words")
    page.locator(".look-model").click()
    page.locator(".popover .card").first.get_by_role("button", name="Use").click()
    example(page, "Follow a pronoun")
    expect(page.locator(".look-next h2")).to_have_text("What comes next?")
    expect(page.locator(".unit.special")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_of_a_translation_and_its_source_light_each_other(
    app: App, visit: Visit, folders: dict[str, str], scheme: str
) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    align(page, folders["tiny-t5"])
    word(page, "target", "chat").hover()
    expect(page.locator(".align-parts .look-said").first).to_have_text("Looking at, when writing chat:")
    lit = (
        pane(page, "source")
        .locator(".unit")
        .evaluate_all("all => all.map(e => +e.style.getPropertyValue('--heat') || 0)")
    )
    assert max(lit) == 1 and not any(map(heat, pane(page, "target").locator(".unit").all()))
    word(page, "source", "red").click()
    expect(page.locator(".align-parts .look-said").first).to_have_text("red is looked at by:")
    expect(word(page, "source", "red")).to_have_class(re.compile("pinned"))
    word(page, "target", "dort").hover()
    expect(word(page, "source", "red")).to_have_class(re.compile("asking"))
    visitor.picture(f"attention-alignment-{scheme}")
    page.keyboard.press("Escape")
    page.locator(".align-map").scroll_into_view_if_needed()
    page.locator(".align-map").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    line = page.locator(".align-heatmap .look-said")
    expect(line).to_have_text(re.compile(r"^\S+ looks [<\d.]+ % at \S+\.$"))
    page.get_by_text("The ten strongest looks").click()
    expect(page.locator(".align-heatmap tbody tr")).to_have_count(10)
    visitor.picture(f"attention-matrix-{scheme}")


def test_heads_moments_and_the_three_places_can_be_chosen(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    align(page, folders["tiny-marian"])
    word(page, "target", "noir").click()
    before = shares(page.locator(".look-strongest .share"))
    page.locator(".align-heads .look-stage").click(position={"x": 12, "y": 12})
    expect(page.locator(".align-heatmap h3")).to_have_text("Layer 1, head 1")
    expect(page.locator(".look-strongest .share").first).not_to_have_text(f"{before[0]:.1f} %")
    page.get_by_label("Which moment").select_option(label="Look after writing it")
    expect(page.locator(".align-parts .look-said").first).to_have_text("Looking at, when noir had just been written:")
    page.locator(".look-how summary").click()
    expect(page.locator(".how-heads .look-links li").first).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("radio", name="Inside the source").click()
    expect(page.locator(".look-reading .unit.special")).to_have_text("</s>", timeout=WAIT_MS)
    page.get_by_role("radio", name="Inside the translation").click()
    expect(page.locator(".look-reading .unit").first).to_have_text("<pad>", timeout=WAIT_MS)
    page.get_by_role("radio", name="Translation looks at source").click()
    expect(page.locator(".align-map")).to_be_visible()


def test_a_model_of_several_languages_asks_for_the_one_to_write(
    app: App, visit: Visit, folders: dict[str, str]
) -> None:
    page = enter(visit(app.url))
    align(page, folders["tiny-many"])
    expect(pane(page, "source").locator(".unit.special").first).to_have_text(">>fra<<")
    page.get_by_label("To", exact=True).select_option(label="deu")
    page.locator(".look-go").click()
    expect(pane(page, "source").locator(".unit.special").first).to_have_text(">>deu<<", timeout=WAIT_MS)
    expect(page.get_by_label("To", exact=True)).to_have_value(">>deu<<")


def test_a_link_and_a_file_hold_the_alignment_as_it_is_seen(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    align(page, folders["tiny-t5"])
    page.locator(".align-heads .look-stage").click(position={"x": 12, "y": 12})
    word(page, "target", "noir").click()
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.get_by_role("button", name="Copy link").click()
    link = page.wait_for_function("window.copied").json_value()
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.locator(".save-form", has_text="CSV").click()
    table = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert len(table) == 2 and table[1].split(",")[0].strip() == "noir" and "chair." in table[0]
    other = page.context.new_page()
    other.goto(link)
    expect(word(other, "target", "noir")).to_have_class(re.compile("pinned"), timeout=WAIT_MS)
    expect(other.locator(".align-heatmap h3")).to_have_text("Layer 1, head 1")


def test_a_wrong_name_costs_a_sentence_and_nothing_else(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    look(page, folders["tiny-bert"], SENTENCE)
    choose(page, "/no/such/folder")
    page.locator(".look-box textarea").fill("Another text.")
    page.locator(".look-go").click()
    expect(page.locator(".look-entry .problem")).to_contain_text("There is no model", timeout=WAIT_MS)
    expect(page.locator(".look-box textarea")).to_have_value("Another text.")
    expect(page.locator(".look-text")).to_contain_text("small black cat")


def test_after_a_reload_text_model_and_translation_are_there(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    align(page, folders["tiny-t5"])
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator(".align-translation p[dir]")).to_have_text(TRANSLATION, timeout=WAIT_MS)
    expect(page.locator(".look-model")).to_have_text("tiny-t5")
    field = page.locator("#look-translation")
    expect(field).to_have_value(TRANSLATION)
    field.fill("Le chat")
    page.get_by_role("button", name="Change the translation").click()
    expect(field).to_be_focused()
    expect(field).to_have_value(TRANSLATION)
    page.locator(".look-examples .example").first.click()
    expect(field).to_have_value("")
    expect(page.locator(".align-translation")).to_contain_text("translated it word by word", timeout=WAIT_MS)


def test_hostile_text_stays_text_in_both_panes(app: App, visit: Visit, folders: dict[str, str]) -> None:
    page = enter(visit(app.url))
    align(page, folders["tiny-t5"], HOSTILE, HOSTILE)
    for side in ("source", "target"):
        assert pane(page, side).locator(".look-text").evaluate("e => e.querySelectorAll(':not(span)').length") == 0
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize("name", ["tiny-bert", "tiny-t5"])
def test_on_a_phone_nothing_sticks_out_and_every_control_has_a_name(
    app: App, visit: Visit, folders: dict[str, str], name: str
) -> None:
    visitor = visit(app.url, color_scheme="dark", locale="zh-CN", **PHONE)
    page = enter(visitor)
    if name == "tiny-bert":
        look(page, folders[name], SENTENCE)
    else:
        align(page, folders[name])
    assert page.evaluate("document.querySelector('.look-scroll').scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(SMALL) == [] and page.evaluate(NAMELESS) == 0
    assert not re.search(r"\b(look|align|mask)_\w", page.inner_text("#attention"))
    page.locator(".look-stage-card").scroll_into_view_if_needed()
    visitor.picture(f"attention-phone-{name}")
