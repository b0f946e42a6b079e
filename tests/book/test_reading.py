"""What a reader does with a section: fold out solutions, answer the quiz, move sliders, take it home."""

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reader(visit):
    """A section's page, opened once for the tests of this file, which leave it as readers do: folded out."""
    return lambda section: visit(section).page


def test_solutions_are_folded_away_and_open(reader, section):
    page = reader(section)
    solutions = page.locator(".solution.dropdown")
    assert solutions.count() == page.locator(".exercise.admonition").count() >= 3
    for solution in solutions.all():
        code = solution.locator(".cell_input").first
        assert not code.is_visible(), "a solution is shown before anyone asked"
        solution.locator("button.toggle-button").click()
        assert code.is_visible(), "a solution does not open"


def test_every_exercise_is_checked_and_its_solution_passes(reader, section):
    page = reader(section)
    verdicts = page.locator(".exercise-report strong").all_inner_texts()
    assert len(verdicts) == page.locator(".exercise.admonition").count()
    assert all(verdict.startswith("Passed") for verdict in verdicts), verdicts


def test_the_quiz_answers(reader, section):
    page = reader(section)
    questions = page.locator(".Quiz").all()
    assert len(questions) >= 3
    for question in questions:
        asked = question.inner_text().splitlines()[0]
        feedback = question.locator(".Feedback")
        assert feedback.inner_text() == "", asked
        if question.locator(".MCButton").count():
            verdicts = []
            for button in question.locator(".MCButton").all():
                button.click()
                assert feedback.inner_text().strip(), f"no feedback: {asked}"
                verdicts.append("incorrect" not in feedback.get_attribute("class").split())
            assert any(verdicts), f"no right answer: {asked}"
            assert not all(verdicts), f"no wrong answer: {asked}"
        else:
            question.locator(".Input-text").fill("987654.3")
            question.locator(".Input-text").press("Enter")
            assert feedback.inner_text().strip(), f"no feedback: {asked}"
            assert "incorrect" in feedback.get_attribute("class").split(), asked


def test_the_formulas_of_a_quiz_wait_for_mathjax(open_page):
    page = open_page("chapters/03_regularization/weight_penalties.html", late="tex-chtml.js").page
    page.wait_for_selector(".Quiz mjx-container", timeout=10_000)
    assert page.locator("article p mjx-container").count(), "the page's own formulas"
    assert page.locator('mjx-mtext[style*="red"]').all_inner_texts() == []
    assert not [text for text in page.locator(".Quiz").all_inner_texts() if "$" in text]


def test_every_slider_changes_the_picture(reader, section):
    page = reader(section)
    explorables = page.locator(".course-explore").all()
    assert explorables, "a section has something to explore"
    for explorable in explorables:
        image = explorable.locator("img")
        for slider in explorable.locator("input[type=range]").all():
            assert page.locator(f"label[for='{slider.get_attribute('id')}']").inner_text().strip()
            places = int(slider.get_attribute("max")) + 1
            slider.focus()
            for _ in range(places):
                page.keyboard.press("ArrowLeft")
            seen, words = set(), set()
            for _ in range(places):
                assert image.get_attribute("alt").strip()
                seen.add(image.get_attribute("src"))
                words.add(slider.get_attribute("aria-valuetext"))
                page.keyboard.press("ArrowRight")
            assert len(seen) > 1, "moving the slider shows nothing new"
            assert len(words) == places, "every place says its value"
        assert image.evaluate("image => image.complete && image.naturalWidth > 100"), "the picture loads"


def test_a_section_can_be_taken_home(reader, html, section):
    page = reader(section)
    link = page.locator(".bd-header-article a[href*='/notebooks/']")
    assert link.count() == 1, "no student edition: run make notebooks"
    target = urljoin(f"http://book/{section}.html", link.get_attribute("href")).removeprefix("http://book/")
    notebook = json.loads((html / target).read_text(encoding="utf-8"))
    edition = ROOT / f"notebooks/{section.removeprefix('chapters/')}.ipynb"
    assert notebook == json.loads(edition.read_text(encoding="utf-8"))
    page.locator("button[aria-label='Download this page']").click()
    assert link.is_visible()


def test_colab_is_offered_exactly_where_a_repository_is_configured(reader, section):
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    away = reader(section).eval_on_selector_all(
        ".bd-header-article a[href]",
        "all => all.map(a => a.href).filter(url => !url.startsWith(location.origin))",
    )
    if repository["url"]:
        path = f"blob/{repository['branch']}/notebooks/{section.removeprefix('chapters/')}.ipynb"
        assert any("colab.research.google.com" in address and path in address for address in away)
    else:
        assert away == []


def test_the_theme_leaves_figures_as_they_are_in_the_dark(reader, section):
    page = reader(section)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("html[data-theme=dark]")
    filters = page.eval_on_selector_all("article img", "all => all.map(i => getComputedStyle(i).filter)")
    page.emulate_media(color_scheme="light")
    assert set(filters) == {"none"}
