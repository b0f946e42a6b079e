"""The static sliders in a real browser."""

import base64
import importlib.util
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from course_lib.visualize import explore
from course_lib.visualize.explore import INTERVAL

ROOT = Path(__file__).parents[2]


def draw(column, row):
    """A white field with a black square whose place tells the frame."""
    field = np.ones((4, 5))
    field[row, column] = 0.0
    figure = plt.figure(figsize=(4, 3.2))
    figure.add_axes((0, 0, 1, 1)).imshow(field, cmap="gray", aspect="auto", vmin=0, vmax=1)
    return figure


def square(page, number=0):
    """(column, row) of the black square in the picture the page shows."""
    address = page.locator(".course-explore img").nth(number).get_attribute("src")
    grey = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("L"), dtype=float
    )
    blocks = grey.reshape(4, grey.shape[0] // 4, 5, grey.shape[1] // 5).mean(axis=(1, 3))
    row, column = np.unravel_index(blocks.argmin(), blocks.shape)
    return int(column), int(row)


@pytest.fixture(scope="module")
def browser():
    spec = importlib.util.spec_from_file_location("browser", ROOT / "tools" / "browser.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = module.browser()
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def fragments():
    patch = pytest.MonkeyPatch()
    patch.setenv("COURSE_BOOK", "1")
    plain = explore(draw, "A square", column=range(5), row=[0, 1, 2, 3], start={"column": 2}).html
    playing = explore(lambda step: draw(step, 1), lambda step: f"step {step}", step=range(3), play=True).html
    kinds = ["plain", "3 x 3, dilated by 1, 2, 4, 8, 16 ..."]
    wordy = explore(
        lambda column, kind: draw(column, kinds.index(kind)),
        "A square",
        column=range(2),
        kind=kinds,
        labels={"kind": "layers of this kind"},
    ).html
    patch.undo()
    return {"plain": plain, "playing": playing, "wordy": wordy}


@pytest.fixture
def visit(browser):
    """Open a page with the body; a request to the network or an error of its script fails the test."""
    contexts, troubles = [], []

    def open_page(body, theme="light", width=800, **options):
        background, color = {"light": ("#ffffff", "#323232"), "dark": ("#121212", "#ced6dd")}[theme]
        context = browser.new_context(viewport={"width": width, "height": 700}, **options)
        contexts.append(context)
        page = context.new_page()
        page.clock.install(time=0)
        page.clock.pause_at(1000)  # from here on time moves only where a test says so
        page.route(re.compile("^https?:"), lambda route: (troubles.append(route.request.url), route.abort()))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.set_content(
            f'<html lang="en" style="color-scheme: {theme}"><body style="background: {background}; '
            f'color: {color}; margin: 16px; font: 16px sans-serif">{body}</body></html>'
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def test_opens_at_the_start(visit, fragments):
    page = visit(fragments["plain"])
    assert square(page) == (2, 0)
    expect(page.get_by_text("The sliders need JavaScript")).to_be_hidden()
    expect(page.get_by_role("slider", name="column")).to_have_value("2")
    expect(page.get_by_role("img")).to_have_attribute("alt", "A square (column = 2, row = 0).")


def test_the_keyboard_moves_picture_text_and_alt(visit, fragments):
    page = visit(fragments["plain"])
    page.keyboard.press("Tab")
    expect(page.get_by_label("column")).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert square(page) == (3, 0)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert square(page) == (3, 3)
    slider = page.get_by_label("row")
    expect(slider).to_have_attribute("aria-valuetext", "3")
    expect(page.locator("output").nth(1)).to_have_text("3")
    expect(page.get_by_role("img")).to_have_attribute("alt", "A square (column = 3, row = 3).")
    expect(page.locator(".course-explore-status")).to_have_text("A square (column = 3, row = 3).")
    page.keyboard.press("Home")
    assert square(page) == (3, 0)


def test_every_frame_is_where_its_sliders_say(visit, fragments):
    page = visit(fragments["plain"])
    for column in range(5):
        for row in range(4):
            page.get_by_label("column").fill(str(column))
            page.get_by_label("row").fill(str(row))
            assert square(page) == (column, row)


def test_the_mouse_works_too(visit, fragments):
    page = visit(fragments["plain"])
    box = page.get_by_label("column").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    assert square(page) == (4, 0)


def test_nothing_jumps(visit, fragments):
    page = visit(fragments["plain"] + "<p id='below'>below</p>")
    before = [page.locator(place).bounding_box() for place in ("#below", "img", "input >> nth=0")]
    page.get_by_label("column").fill("4")
    page.get_by_label("row").fill("3")
    assert [page.locator(place).bounding_box() for place in ("#below", "img", "input >> nth=0")] == before


def test_several_on_one_page_do_not_disturb_each_other(visit, fragments):
    page = visit(fragments["plain"] + fragments["playing"] + fragments["plain"])
    sliders = page.get_by_label("column")
    expect(sliders).to_have_count(2)  # each label finds its own slider, though the fragments are equal
    sliders.nth(1).fill("4")
    assert [square(page, number) for number in range(3)] == [(2, 0), (0, 1), (4, 0)]
    ids = page.eval_on_selector_all("[id]", "all => all.map(element => element.id)")
    assert len(set(ids)) == len(ids) == 5


def test_without_script_the_picture_is_there(visit, fragments):
    page = visit(fragments["plain"], java_script_enabled=False)
    assert square(page) == (2, 0)
    expect(page.locator("img")).to_be_visible()
    expect(page.locator("input").first).to_be_hidden()
    expect(page.get_by_text("column = 2, row = 0. The sliders need JavaScript.")).to_be_visible()


RUN_SCRIPTS_TWICE = """html => {
    const output = document.querySelector("#output");
    output.innerHTML = html;
    for (const round of [1, 2]) for (const old of output.querySelectorAll("script")) {
        const script = document.createElement("script");
        script.type = old.type;
        script.textContent = old.textContent;
        old.replaceWith(script);
    }
}"""


def test_scripts_may_run_late_and_twice(visit, fragments):
    """As in JupyterLab, which inserts the HTML and then runs its scripts."""
    page = visit("<div id='output'></div>")
    page.evaluate(RUN_SCRIPTS_TWICE, fragments["playing"])
    page.get_by_label("step").fill("2")
    assert square(page) == (2, 1)
    page.get_by_role("button").click()
    page.clock.run_for(INTERVAL)
    expect(page.get_by_label("step")).to_have_value("0")  # one step on, not two


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [800, 390, 320])
def test_fits_the_page_and_is_legible(visit, fragments, theme, width):
    page = visit(fragments["plain"], theme, width)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page scrolls sideways"
    )
    for place in ("label", "output"):
        assert contrast_on_page(page, place) > 7, f"{place} in {theme}"
    height = page.get_by_label("column").bounding_box()["height"]
    assert height >= 24, "too small for a finger"
    box, natural = page.locator("img").bounding_box(), 440 / 352
    assert box["width"] / box["height"] == pytest.approx(natural, rel=0.02)


@pytest.mark.parametrize("width", [800, 390, 320])
def test_long_values_are_read_beside_or_below_their_slider(visit, fragments, width):
    page = visit(fragments["wordy"], "light", width)
    page.get_by_label("layers of this kind").fill("1")
    for place in page.locator(".course-explore-controls > *").all():
        box = place.bounding_box()
        assert box["x"] >= 0, place.inner_text()
        assert box["x"] + box["width"] <= width, place.inner_text()
    slider = page.get_by_label("layers of this kind").bounding_box()
    assert slider["width"] >= 96, "too short to move"


def contrast_on_page(page, selector):
    return page.eval_on_selector(
        selector,
        """element => {
            const luminance = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number)
                .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
            const pair = [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor];
            const [low, high] = pair.map(luminance).sort((a, b) => a - b);
            return (high + 0.05) / (low + 0.05);
        }""",
    )


def test_play_runs_round_and_stops(visit, fragments):
    page = visit(fragments["playing"])
    slider, button = page.get_by_label("step"), page.get_by_role("button")
    page.clock.run_for(3 * INTERVAL)
    expect(slider).to_have_value("0")  # it does not start by itself
    button.click()
    expect(button).to_have_text("❚❚ Pause")
    for value in ("1", "2", "0", "1"):
        page.clock.run_for(INTERVAL)
        expect(slider).to_have_value(value)
        assert square(page) == (int(value), 1)
    button.click()
    page.clock.run_for(3 * INTERVAL)
    expect(slider).to_have_value("1")
    expect(button).to_have_text("▶ Play")


def test_a_hand_on_the_slider_stops_the_play(visit, fragments):
    page = visit(fragments["playing"])
    page.get_by_role("button").click()
    page.get_by_label("step").fill("2")
    page.clock.run_for(3 * INTERVAL)
    expect(page.get_by_label("step")).to_have_value("2")
    expect(page.get_by_role("button")).to_have_text("▶ Play")
    expect(page.get_by_role("img")).to_have_attribute("alt", "step 2")


def test_play_is_gone_where_motion_is_unwanted(visit, fragments):
    page = visit(fragments["playing"], reduced_motion="reduce")
    expect(page.locator("button")).to_be_hidden()
    page.get_by_label("step").fill("2")
    assert square(page) == (2, 1)
