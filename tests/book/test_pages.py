"""Every page of the book, as a reader's browser sees it."""

import itertools
import re
from pathlib import Path

import pytest
from accessibility import OF_COLOUR, WITHOUT_FORMULAS, violations
from playwright.sync_api import Page

LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
WIDTHS = (390, 820, 1440)  # pixels: a phone, a tablet, a screen

# Bytes a page may weigh: itself, its pictures and its explorables. Not counted is what all pages share and a
# browser fetches once: the theme, its fonts and MathJax, all below _static.
HEAVIEST = 1_500_000


@pytest.fixture
def shown(visit, page):
    """The page, opened once for all its tests, and what measures it."""
    opened = visit(page).page
    opened.evaluate(LAYOUT)
    return opened


def crowded(shown: Page) -> list[str]:
    """What runs over an edge, is cut off or lies on something else, at any width of the screen."""
    found = []
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 900})
        seen = shown.evaluate("[window.innerWidth, layout.overflows(), layout.overlaps()]")
        assert seen[0] == width
        found += [f"{width} px: {defect}" for defect in (*seen[1], *seen[2])]
    return found


def test_nothing_comes_from_another_host(visit, page):
    assert visit(page).elsewhere == []


def test_nothing_is_missing_and_nothing_fails(visit, page):
    assert visit(page).missing == []
    assert visit(page).errors == []


def test_formulas_are_typeset(visit, html, page):
    shown = visit(page).page
    written = (html / f"{page}.html").read_text(encoding="utf-8")
    formulas = len(re.findall(r'class="math notranslate', written))
    assert shown.locator("mjx-container").count() >= formulas
    assert shown.locator("mjx-merror, [data-mjx-error]").count() == 0, "MathJax could not read a formula"
    unknown = shown.locator('mjx-mtext[style*="red"]').all_inner_texts()
    assert unknown == [], "commands that MathJax does not know stand there in red"
    # What is left of TeX in the text: $...$ or \(...\) outside code.
    raw = shown.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
          const found = [];
          while (walker.nextNode()) {
            const node = walker.currentNode;
            if (node.parentElement.closest("pre, code, script, style, noscript, mjx-container")) continue;
            if (/\\$[^$]+\\$|\\\\[(\\[]/.test(node.textContent)) found.push(node.textContent.trim());
          }
          return found;
        }"""
    )
    assert raw == []


def test_every_picture_says_in_words_what_it_shows(visit, page):
    pictures = visit(page).page.eval_on_selector_all(
        "img", "all => all.map(i => [i.src.slice(0, 80), i.alt])"
    )
    silent = [source for source, alt in pictures if not alt.strip() or alt.startswith(("../", "_images"))]
    assert silent == []


def test_headings_are_in_order(visit, page):
    levels = visit(page).page.eval_on_selector_all(
        "main h1, main h2, main h3, main h4, main h5, main h6",
        "all => all.filter(h => h.closest('article')).map(h => Number(h.tagName[1]))",
    )
    assert levels.count(1) == 1, f"one title a page: {levels}"
    assert levels[0] == 1
    skips = [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1]
    assert skips == [], "a level of headings is left out"


def test_every_exercise_has_its_number(visit, page):
    titles = visit(page).page.locator(".exercise.admonition > .admonition-title").all_inner_texts()
    assert [title for title in titles if not re.match(r"\s*Exercise \d+\.\d+\s+\(.+\)", title)] == []


def test_an_id_stands_once_in_a_page(visit, page):
    ids = visit(page).page.eval_on_selector_all("main [id]", "all => all.map(e => e.id)")
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


def test_a_page_is_light_enough(visit, page):
    weights = {path: size for path, size in visit(page).weights.items() if "/_static/" not in path}
    assert sum(weights.values()) > 1000, "the page itself has been weighed"
    assert sum(weights.values()) <= HEAVIEST, weights


def test_there_is_one_search_bar(visit, page):
    seen = visit(page).page.eval_on_selector_all(
        "button.search-button-field, button.search-button, input[type=search]",
        "all => all.filter(e => e.checkVisibility({visibilityProperty: true})).length",
    )
    assert seen == 1


def test_nothing_overflows_or_overlaps_on_a_screen_of_any_width(shown):
    shown.evaluate("layout.unfold()")
    assert crowded(shown) == []


def test_pictures_have_a_ground_of_their_own(shown):
    assert shown.evaluate("layout.seeThrough()") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(shown, scheme):
    shown.emulate_media(color_scheme=scheme)
    shown.wait_for_selector(f"html[data-theme={scheme}]")
    shown.evaluate("layout.answer()")
    assert shown.evaluate("layout.faint()") == []


def test_a_page_can_be_read_by_machines(visit, page):
    off = {rule: {"enabled": False} for rule in OF_COLOUR}
    assert violations(visit(page).page, WITHOUT_FORMULAS, rules=off) == []


def test_a_page_can_be_read_without_script(open_page, page):
    # Without script the theme cannot know that the reader's system is dark: the page must then be light.
    options = {"java_script_enabled": False, "color_scheme": "dark"}
    shown = open_page(f"{page}.html", width=WIDTHS[-1], **options).page
    shown.evaluate(LAYOUT)
    assert shown.evaluate("layout.faint()") == []
    assert crowded(shown) == []
    shown.set_viewport_size({"width": WIDTHS[0], "height": 900})
    assert shown.locator("nav.bd-links a").first.is_visible(), "the contents of the book"
    # Formulas stand there as TeX, solutions unfolded, questions of the quiz as a list; pictures are there.
    formulas = shown.locator("article .math").all_inner_texts()
    assert [formula for formula in formulas if not re.search(r"\\[(\[]", formula)] == []
    assert [cell for cell in shown.locator(".solution .cell_input").all() if not cell.is_visible()] == []
    if shown.locator("#quiz").count():
        questions = shown.locator("noscript > ol > li").all_inner_texts()
        assert len([question for question in questions if question.strip()]) >= 3
    broken = shown.eval_on_selector_all(
        "article img:not([loading=lazy])", "all => all.filter(i => !i.naturalWidth).map(i => i.alt)"
    )
    assert broken == [], "pictures that are not there"
