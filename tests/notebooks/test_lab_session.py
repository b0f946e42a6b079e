"""An evening in JupyterLab: a section and a student edition are run, moved, answered, saved and reloaded."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from jupyter_lab import Document, Window, jupyter_lab
from playwright.sync_api import Locator, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHAPTER, SECTION = "01_neural_networks", "01_neural_networks/neurons"
RAW = re.compile(r"^:::|```|\{(?:cite|eq|ref|doc|term|math|numref)\b|\$|\\begin|\*\*", re.MULTILINE)
# What a cell says besides its formulas and code, of which the source is in the page as well.
PROSE = """shown => {
    const copy = shown.cloneNode(true);
    copy.querySelectorAll(".katex, code").forEach(part => part.remove());
    return copy.textContent;
}"""
UNIT = "def threshold_unit(x, w, threshold):\n    return {}\n"
WRONG = UNIT.format("(x @ w + threshold > 0).astype(int)")
RIGHT = UNIT.format("(x @ w > threshold).astype(int)")

expect.set_options(timeout=180_000)
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("JupyterLab")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with one chapter in it, and a student edition beside it that was downloaded into it."""
    root = tmp_path_factory.mktemp("desk") / "book"
    shutil.copytree(ROOT / "chapters" / CHAPTER, root / "chapters" / CHAPTER)
    shutil.copy(ROOT / f"notebooks/{SECTION}.ipynb", root / f"chapters/{SECTION}.ipynb")
    return root


@pytest.fixture(scope="module")
def window(desk) -> Iterator[Window]:
    """JupyterLab in a browser that finds no other host, with the chapter's files listed."""
    options = [*browser.OPTIONS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with jupyter_lab(desk, desk.parent / "state") as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.browser(), args=options)
        opened = Window(chromium.new_page(viewport={"width": 1280, "height": 900}), address)
        opened.browse(CHAPTER)
        yield opened
        chromium.close()


@pytest.fixture(autouse=True)
def nothing_to_complain_of(window) -> Iterator[None]:
    """No test leaves an error on the browser's console, or has asked another host for anything."""
    window.complaints.clear()
    yield
    assert not window.complaints, "\n".join(window.complaints)


def opened_and_run(window: Window, path: str) -> Document:
    """A file, opened with a double click and run from the menu."""
    document = window.double_click(path)
    window.menu("Run", "Run All Cells")
    code = "[...panel.content.model.cells].filter(c => c.type === 'code')"
    failed = "c.outputs.toJSON().some(o => o.output_type === 'error')"
    document.wait(f"{code}.every(c => c.executionCount) || {code}.some(c => {failed})")
    document.wait_for_kernel()
    return document


@pytest.fixture(scope="module")
def section(window) -> Document:
    return opened_and_run(window, f"{SECTION}.md")


@pytest.fixture(scope="module")
def edition(window) -> Document:
    return opened_and_run(window, f"{SECTION}.ipynb")


def outputs(cell: dict) -> list[dict]:
    return cell.get("outputs", [])


def reports(document: Document) -> list[str]:
    """How each check's report begins."""
    checks = [cell for cell in document.cells if cell["source"].startswith("check(")]
    return ["".join(outputs(cell)[0]["data"]["text/plain"]).split(":")[0] for cell in checks]


@pytest.mark.parametrize("name", ["section", "edition"])
def test_all_cells_run(name, request):
    document = request.getfixturevalue(name)
    code = [cell for cell in document.cells if cell["cell_type"] == "code"]
    errors = [output for cell in code for output in outputs(cell) if output["output_type"] == "error"]
    assert not errors
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert reports(document) == ["PASSED" if name == "section" else "NOT STARTED"] * 5


@pytest.mark.parametrize("name", ["section", "edition"])
def test_text_is_rendered(name, request):
    """Directives, roles and formulas of MyST, or what the student edition has in their place."""
    document = request.getfixturevalue(name)
    formulas = 0
    for number, cell in enumerate(document.cells):
        if cell["cell_type"] == "markdown":
            shown = document.show(number)
            shown.locator(".myst > *").first.wait_for(state="attached")
            text = shown.locator(".myst").first.evaluate(PROSE)
            assert not RAW.search(text), f"raw in cell {number}: {text}"
            formulas += shown.locator(".katex").count()
    assert formulas > 20


def slider_redraws(document: Document) -> None:
    """Move an explorable's slider with the keyboard: another picture, with another text instead of it."""
    cell = document.show(document.index("visualize.explore("))
    picture = cell.locator(".widget-html img")
    before, said = picture.get_attribute("src"), picture.get_attribute("alt")
    threshold = cell.locator(".widget-hslider").filter(has_text="threshold")
    threshold.locator(".noUi-handle").focus()
    document.page.keyboard.press("ArrowLeft")
    expect(picture).not_to_have_attribute("alt", said)
    assert picture.get_attribute("src") != before
    text = threshold.locator(".widget-readout").inner_text()
    assert f"= {text}." in picture.get_attribute("alt").replace("-", "−")


@pytest.mark.parametrize("name", ["section", "edition"])
def test_slider_draws_another_picture(name, request):
    slider_redraws(request.getfixturevalue(name))


@pytest.mark.parametrize("name", ["section", "edition"])
def test_quiz_answers(name, request):
    document = request.getfixturevalue(name)
    question = document.show(document.index("quiz(")).locator(".Quiz").first
    told = question.locator(".Feedback")
    for given, right in (("1", False), ("0", True)):
        question.locator(".MCButton").get_by_text(given, exact=True).click()
        expect(told).to_have_class(re.compile(r"\bcorrect\b" if right else r"\bincorrect\b"))
        expect(told).to_contain_text("exceed")


def test_saving_a_section_changes_what_the_reader_changed(section, desk):
    file, theirs = desk / f"chapters/{SECTION}.md", (ROOT / f"chapters/{SECTION}.md").read_text()
    number = section.index("epochs = 100")
    parameters = section.cells[number]["source"]
    section.write(number, parameters.replace("seed = 0", "seed = 1"))
    section.save()
    assert file.read_text() == theirs.replace("\nseed = 0\n", "\nseed = 1\n")
    section.write(number, parameters)
    section.save()
    assert file.read_text() == theirs, "what only ran stays as it was"


def answered(document: Document, source: str) -> Locator:
    """The report on an answer to the first exercise."""
    number = document.index("def threshold_unit")
    document.write(number, source)
    document.run(number)
    return document.run(document.index('check("neurons/unit"'))


def test_answers_are_reported_and_kept(edition, window, desk):
    kept = desk.parent / "state/COURSE_HOME/progress/neurons.unit.json"
    kept.unlink(missing_ok=True)  # where the section has been run, whose solutions pass

    expect(answered(edition, WRONG)).to_contain_text(
        "This is what you get when the threshold is added to the sum."
    )
    expect(answered(edition, RIGHT)).to_contain_text("Passed")
    edition.save()

    window.page.reload()
    edition.wait_for_kernel()
    assert edition.cells[edition.index("def threshold_unit")]["source"] == RIGHT
    expect(
        edition.show(edition.index('check("neurons/unit"')).locator(".jp-OutputArea-output")
    ).to_contain_text("Passed")
    slider_redraws(edition)

    edition.tell("void (window.restarted = jupyterapp.commands.execute('kernelmenu:restart'))")
    window.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
    edition.tell("window.restarted")
    edition.run(edition.index("from course_lib.exercises import check"))
    assert edition.cells[edition.index("from course_lib.exercises import check")]["execution_count"] == 1

    again = answered(edition, WRONG)
    expect(again).to_contain_text("Hint")  # it comes after the second failed try: the first has been kept
    entry = json.loads(kept.read_text())
    assert (entry["attempts"], entry["failures"], entry["passed"]) == (3, 2, True)
