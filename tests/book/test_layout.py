"""The measures of a page find defects made for them; drawers, links pointed at and paper have none."""

from pathlib import Path

import pytest

LAYOUT = Path(__file__).with_name("layout.js").read_text(encoding="utf-8")
LONG = "incomprehensibilities" * 6
SOUND = """
<article style="font: 16px sans-serif; color: #222; background: #fff">
  <p>A line, <a href="#" style="color: #1461d1">a link</a> and <b>a word</b>.</p>
  <div style="overflow-x: auto"><pre style="width: 900px">code that scrolls</pre></div>
  <div style="position: relative">
    <button style="position: absolute; right: 0; opacity: 0">unseen</button><p>Below it, text.</p>
  </div>
  <span style="position: absolute; width: 1px; height: 1px; overflow: hidden" class="sr-only">for ears</span>
</article>
"""
BELOW = "position: absolute; top: 20px; left: 30px"
DEFECTS = {  # a piece of a page; the measure that finds what is wrong with it; a word of what it says
    "a wide page": ("<div style='width: 800px; height: 9px'></div>", "overflows", "800 px wide"),
    "a long word": (f"<div style='width: 200px'>{LONG}</div>", "overflows", "over the edge of its box"),
    "words cut at the side": (f"<div style='width: 90px; overflow: hidden'>{LONG}</div>", "overflows", "cut"),
    "lines cut below": (
        f"<p style='height: 20px; width: 90px; overflow: hidden'>{'word ' * 40}</p>",
        "overflows",
        "below are cut off",
    ),
    "text on text": (f"<p>{'word ' * 40}</p><p style='{BELOW}'>over</p>", "overlaps", '"over"'),
    "a picture on text": (
        f"<p>{'word ' * 40}</p><img alt='A' style='{BELOW}; width: 50px'>",
        "overlaps",
        "img",
    ),
    "text in a picture": (
        f"<img alt='A' width='90' height='90' style='display: block'><p style='{BELOW}'>over</p>",
        "overlaps",
        '"over"',
    ),
    "grey on white": ("<p style='color: #888'>faint</p>", "faint", "3.54 is below 4.5"),
    "grey on grey": (
        "<div style='background: #ccc'><p style='color: #666'>faint</p></div>",
        "faint",
        "below 4.5",
    ),
    "black that lets light through": ("<p style='opacity: 0.4'>faint</p>", "faint", "below 4.5"),
    "a faint title": ("<h2 style='font-size: 30px; color: #bbb'>faint</h2>", "faint", "below 3:"),
    "a word of code": ("<pre>plain <span style='color: #9c9'>faint</span></pre>", "faint", "faint"),
    "what one may type": (
        "<input type=text placeholder=faint style='background: #999'>",
        "faint",
        "placeholder",
    ),
    "what style adds": (
        "<style>.x::after { content: 'faint'; color: #bbb }</style><p class=x>text</p>",
        "faint",
        "::after",
    ),
    "a picture without ground": (
        "<img alt='an outline' src='data:image/svg+xml,"
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><path d="M9 9h40v40"/></svg>\'>',
        "seeThrough",
        "an outline",
    ),
}


@pytest.fixture(scope="module")
def sheet(chromium):
    """An empty window as wide as a phone's, on which ``layout`` can measure what is put there."""
    page = chromium.new_page(viewport={"width": 390, "height": 800})

    def show(content: str):
        page.set_content(f"<!DOCTYPE html><body style='margin: 0'>{content}", wait_until="load")
        page.evaluate(LAYOUT)
        return page

    yield show
    page.close()


@pytest.mark.parametrize("measure", ["overflows", "overlaps", "faint", "seeThrough"])
def test_nothing_is_found_where_nothing_is_wrong(sheet, measure):
    assert sheet(SOUND).evaluate(f"layout.{measure}()") == []


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_and_named(sheet, name):
    content, measure, words = DEFECTS[name]
    found = sheet(f"<article>{content}</article>").evaluate(f"layout.{measure}()")
    assert any(words in defect for defect in found), found


@pytest.mark.parametrize(
    ("button", "drawer"),
    [
        ("button.primary-toggle", ".bd-sidebar-primary"),
        ("button.secondary-toggle", ".bd-sidebar-secondary"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_phone_keeps_in_drawers_is_legible(open_page, button, drawer, scheme):
    page = open_page("students.html", width=390, color_scheme=scheme).page
    page.evaluate(LAYOUT)
    page.locator(f"{button}:visible").first.click()
    page.locator(f"{drawer} a:visible").first.wait_for()
    for measure in ("overflows", "overlaps", "faint"):
        seen = page.evaluate(f"layout.{measure}(document.querySelector('{drawer}'))")
        assert seen == [], measure


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_pointed_at_stands_out(open_page, scheme):
    page = open_page("students.html", color_scheme=scheme).page
    page.evaluate(LAYOUT)
    for link in ("article p a.reference", "nav.bd-links a", ".bd-toc-nav a", "a.right-next .prev-next-title"):
        page.locator(link).first.hover()
        assert page.evaluate("layout.faint()") == [], link


def test_paper_is_light_though_the_screen_is_dark(open_page):
    page = open_page("students.html", color_scheme="dark").page
    page.evaluate(LAYOUT)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("html").get_attribute("data-theme") == "light"
    assert page.evaluate("layout.faint()") == []
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("html").get_attribute("data-theme") == "dark"
