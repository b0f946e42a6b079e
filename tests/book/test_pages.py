"""Every page of the book, as a reader's browser sees it."""

import itertools
import re

# Bytes a page may weigh: itself, its pictures and its explorables. Not counted is what all pages share and a
# browser fetches once: the theme, its fonts and MathJax, all below _static.
HEAVIEST = 1_500_000


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


def test_a_page_fits_a_phone(visit, page):
    shown = visit(page).page
    shown.set_viewport_size({"width": 390, "height": 844})
    shown.evaluate("document.querySelectorAll('details').forEach(folded => (folded.open = true))")
    widest = shown.evaluate(
        """() => ({
          page: document.documentElement.scrollWidth,
          body: document.body.scrollWidth,
          screen: window.innerWidth,
          culprits: [...document.querySelectorAll("main article *")]
            .filter(e => e.getBoundingClientRect().right > 391 && e.checkVisibility())
            .filter(e => {
              for (let p = e.parentElement; p !== document.body; p = p.parentElement)
                if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return false;
              return true;
            })
            .slice(0, 5)
            .map(e => e.outerHTML.slice(0, 120)),
        })"""
    )
    assert widest["screen"] == 390
    assert max(widest["page"], widest["body"]) <= 390, widest
    assert widest["culprits"] == []
