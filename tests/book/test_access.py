"""The book for those who do not see it, or use no mouse: axe-core's rules, names, and the keyboard."""

import io

import pytest
from accessibility import OF_COLOUR, WITHOUT_FORMULAS, violations
from PIL import Image, ImageChops

KINDS = ("intro", "glossary", "chapters/03_regularization/index")
SECTION = "chapters/03_regularization/weight_penalties.html"


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_of_a_kind_of_page_is_told_by_its_colour_alone(open_page, kind):
    page = open_page(f"{kind}.html", color_scheme="light").page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme={scheme}]")
        page.wait_for_timeout(300)  # colours fade
        assert violations(page, WITHOUT_FORMULAS, runOnly=list(OF_COLOUR)) == [], scheme


def test_a_section_tells_nothing_by_colour_alone(open_page):
    page = open_page(SECTION).page
    without_code = {"exclude": [["mjx-container"], ["pre"]]}  # its colours are the theme's on every page
    assert violations(page, without_code, runOnly=list(OF_COLOUR)) == []
    first_code = {"include": [["div.cell_input pre"]]}
    page.evaluate("document.querySelectorAll('div.cell_input pre').forEach((e, i) => i > 1 && e.remove())")
    assert violations(page, first_code, runOnly=["color-contrast"]) == []


@pytest.fixture(scope="module")
def shown(visit):
    """A section's page, for those who walk through it by its keyboard."""
    return visit(SECTION.removesuffix(".html")).page


def look(page, element) -> Image.Image:
    """What an element and its surroundings look like when nothing moves any more."""
    page.wait_for_timeout(400)
    box = element.evaluate(
        """e => {
          const drawn = e.closest("label") || e.querySelector(".toctree-toggle") || e;
          const {x, y, width, height} = drawn.getBoundingClientRect();
          return {x: Math.max(0, x - 6), y: Math.max(0, y - 6), width: width + 12, height: height + 12};
        }"""
    )
    return Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")


@pytest.mark.parametrize(
    "what",
    [
        "button.search-button-field",
        "nav.bd-links a.reference",
        "nav.bd-links summary",
        "button.primary-toggle",
        ".bd-header-article button.dropdown-toggle",
        "button.btn-fullscreen-button",
        "button.theme-switch-button",
        ".bd-toc-nav a",
        "article p a.reference",
        "article a.glossary-word",
        "button.copybtn",
        ".course-explore input[type=range]",
        "button.toggle-button",
        ".Quiz input[type=radio]",
        "a.right-next",
    ],
)
def test_one_sees_where_one_is(shown, what):
    seen = "all => all.findIndex(e => e.checkVisibility({visibilityProperty: true}))"
    element = shown.locator(what).nth(shown.locator(what).evaluate_all(seen))
    shown.keyboard.press("Shift")  # a ring is shown to who uses the keyboard
    element.evaluate("e => (e.closest('label') || e).scrollIntoView({block: 'center', behavior: 'instant'})")
    shown.evaluate("document.activeElement.blur()")
    before = look(shown, element)
    element.evaluate("e => e.focus({preventScroll: true, focusVisible: true})")
    changed = ImageChops.difference(before, look(shown, element)).convert("L").point(lambda v: 255 * (v > 25))
    assert sum(changed.histogram()[128:]) >= 60, "nothing shows that it has the focus"


def walk(page, to: str, most: int = 40) -> None:
    """Press Tab until an element is reached."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("to => document.activeElement.matches(to)", to):
            return
    pytest.fail(f"{most} times Tab do not lead to {to}")


def start_before(page, what: str) -> None:
    """Have the next Tab go to the first thing that can have the focus in or after an element."""
    page.locator(what).first.evaluate(
        """e => {
          e.scrollIntoView({block: "center", behavior: "instant"});
          const range = new Range();
          range.setStart(e, 0);
          document.activeElement.blur();
          getSelection().removeAllRanges();
          getSelection().addRange(range);
        }"""
    )


def test_the_first_tab_skips_to_the_text(open_page):
    page = open_page("intro.html").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#pst-skip-link') !== null")
    comes = "document.querySelector('#pst-skip-link').getBoundingClientRect().top >= 0"
    page.wait_for_function(comes, timeout=10_000)  # it slides into view
    page.keyboard.press("Enter")
    walk(page, "main *", most=2)


def test_a_solution_opens_and_closes_by_keyboard(shown):
    solution = shown.locator(".solution.dropdown").first
    code = solution.locator(".cell_input").first
    start_before(shown, ".solution.dropdown")
    walk(shown, ".solution.dropdown button.toggle-button", most=5)
    for key, open_now in (("Enter", True), ("Space", False)):
        shown.keyboard.press(key)
        assert code.is_visible() is open_now, key
        assert (
            solution.locator("button.toggle-button").get_attribute("aria-expanded") == str(open_now).lower()
        )


def test_a_slider_is_moved_by_keyboard(shown):
    start_before(shown, ".course-explore")
    walk(shown, ".course-explore input[type=range]", most=5)
    said = "document.activeElement.getAttribute('aria-valuetext')"
    shown.keyboard.press("Home")
    first = shown.evaluate(said)
    shown.keyboard.press("ArrowRight")
    assert shown.evaluate(said) != first


def test_a_question_is_answered_by_keyboard(shown):
    question = shown.locator(".Quiz:has(input[type=radio])").first
    start_before(shown, ".Quiz:has(input[type=radio])")
    walk(shown, ".Quiz input[type=radio]", most=5)
    shown.keyboard.press("Space")
    first = question.locator(".Feedback").inner_text()
    assert first.strip()
    shown.keyboard.press("ArrowDown")
    assert question.locator(".Feedback").inner_text().strip() not in ("", first)
    assert question.locator(".Feedback").get_attribute("role") == "status", "a screen reader says it"


def test_a_formula_is_spoken_and_drawn(shown):
    first = shown.locator("article p mjx-container").first
    assert first.locator("mjx-assistive-mml math").count() == 1
    assert first.locator("mjx-math").get_attribute("aria-hidden") == "true", "it would be read twice"
