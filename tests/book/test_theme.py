"""Search, light and dark."""

import pytest


@pytest.mark.parametrize("word", ["perceptron", "softmax", "learning rate", "chain rule"])
def test_search_finds(open_page, word):
    shown = open_page(f"search.html?q={word.replace(' ', '+')}")
    shown.page.wait_for_selector("#search-results ul.search li a", timeout=20_000)
    hits = shown.page.locator("#search-results ul.search > li > a").all_inner_texts()
    assert hits, word
    assert shown.elsewhere == shown.errors == []


def test_search_opens_from_the_keyboard_and_leads_to_its_page(open_page):
    page = open_page("intro.html").page
    page.keyboard.press("Control+k")
    page.keyboard.type("perceptron")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=perceptron*")
    page.wait_for_selector("#search-results ul.search li a", timeout=20_000)


def lightness(page, selector: str, of: str) -> float:
    """How light a colour of an element is, from 0 (black) to 255 (white)."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{of}")
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_is_light_or_dark_as_the_readers_system(open_page, scheme):
    page = open_page("intro.html", color_scheme=scheme).page
    assert page.locator("html").get_attribute("data-theme") == scheme
    ground, ink = lightness(page, "body", "backgroundColor"), lightness(page, "article p", "color")
    assert (ground > 200 and ink < 100) if scheme == "light" else (ground < 60 and ink > 180)


def test_the_reader_can_switch_and_the_choice_stays(open_page):
    page = open_page("intro.html", color_scheme="light").page
    seen = []
    for _ in range(3):
        page.locator("button.theme-switch-button").first.click()
        seen.append(page.locator("html").get_attribute("data-theme"))
    assert {"light", "dark"} <= set(seen)
    while page.locator("html").get_attribute("data-theme") != "dark":
        page.locator("button.theme-switch-button").first.click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert lightness(page, "body", "backgroundColor") < 60
