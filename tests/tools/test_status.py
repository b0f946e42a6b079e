"""The page on the state of the book: what it shows of the executor's record, and when it changes."""

import json
import platform
import re
import shutil
import sys
from pathlib import Path

import build
import execute
import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "_ext"))
import course_status  # noqa: E402

# What the real library says of its exercises, in small.
REGISTRY = """
from types import SimpleNamespace as Exercise


def sections():
    return ["01_first/one"]


def of_section(section):
    return [Exercise(mistakes=["a", "b", "c"]), Exercise(mistakes=["a", "b", "c", "d"])]


def quiz_of(section):
    return [{}] * 5
"""
WITH = {"Cores": "2", "Machine": "Linux x86_64", "Python": "3.11.7", "torch": "2.13.0+cpu"}
ONE = {"fingerprint": "1", "seconds": 11.3, "peak_mib": 512, "date": "2026-11-20", "with": WITH}
TWO = {"fingerprint": "2", "seconds": 7.0, "peak_mib": 1024, "date": "2026-11-23", "with": WITH}
HEADER = ["Section", "Seconds", "Peak, MiB", "Executed", "Exercises", "Mistakes", "Quiz questions"]


@pytest.fixture
def book(executed_project):
    """A function that writes a record, builds the book as executed, and reads the page."""
    project = executed_project
    project.dress()
    project.write("course_lib/exercises/registry.py", REGISTRY)
    shutil.copy(ROOT / "status.md", project.root)
    toc = project.root / "_toc.yml"
    toc.write_text(toc.read_text() + "- file: status\n")

    def read(**records: dict) -> BeautifulSoup:
        record = {f"01_first/{name}": each for name, each in records.items()}
        execute.write_change(project.root / course_status.RECORD, json.dumps(record))
        build.run_jupyter_book(project.root)
        html = (project.root / "_build/html/status.html").read_text(encoding="utf-8")
        return BeautifulSoup(html, "html.parser").select_one("article")

    return read


def rows(table: BeautifulSoup) -> list[list[str]]:
    return [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in table.select("tr")]


def test_the_page_shows_the_record(book):
    page = book(one=ONE, two=TWO)
    assert "2 of 2 sections are green." in page.get_text()
    settings, sections = page.select("table")
    assert rows(settings) == [
        ["What", "Which"],
        ["Last executed (UTC)", "2026-11-23"],
        ["Cores", "2"],
        ["Machine", "Linux x86_64"],
        ["Python", "3.11.7"],
        ["torch", "2.13.0+cpu"],
    ]
    assert rows(sections) == [
        HEADER,
        ["Section one", "11.3", "512", "2026-11-20", "2", "7", "5"],
        ["Section two", "7.0", "1024", "2026-11-23", "0", "0", "0"],
        ["All together", "18.3", "≤ 1024", "2 of 2", "2", "7", "5"],
    ]
    links = [link["href"] for link in sections.select("tbody a")]
    assert links == ["chapters/01_first/one.html", "chapters/01_first/two.html"]
    for table in (settings, sections):
        assert {cell.get("scope") for cell in table.select("thead th")} == {"col"}
        assert [cell.get("scope") for cell in table.select("tbody th")] == ["row"] * len(rows(table)[1:])
        assert not table.select("td[scope]")
        assert table.caption.get_text(strip=True)
        assert "pst-scrollable-table-container" in table.parent["class"], "it scrolls by itself on a phone"

    page = book(one=ONE)
    assert "1 of 2 sections are green." in page.get_text(), "the page is made again when its record changes"
    _, sections = page.select("table")
    assert rows(sections)[2:] == [
        ["Section two", "–", "–", "no", "0", "0", "0"],
        ["All together", "11.3", "≤ 512", "1 of 2", "2", "7", "5"],
    ]


def test_the_executor_records_when_and_with_what(executed_project):
    file = executed_project.root / course_status.RECORD
    records = json.loads(file.read_text(encoding="utf-8"))
    assert list(records) == ["01_first/one", "01_first/two"]
    for record in records.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
        assert set(execute.TOLD) | {"Cores", "Machine", "Python"} == set(record["with"])
        assert all(re.match(r"\d+(\.\d+)+", record["with"][name]) for name in ("Python", "torch", "numpy"))
        assert record["with"] == execute.here()
    before = file.stat().st_mtime_ns
    execute.execute(executed_project.root)
    assert file.stat().st_mtime_ns == before, "nothing ran, so the page has no cause to change"


def test_no_host_and_no_folder_is_named():
    told = json.dumps(execute.here())
    assert platform.node() not in told
    assert "/" not in told


def test_the_versions_are_those_of_the_last_execution():
    newer = {**TWO, "with": {**WITH, "torch": "2.14.0"}}
    (table,) = course_status.settings([ONE, newer, ONE, {"fingerprint": "0", "seconds": 1.0, "peak_mib": 5}])
    assert "2.14.0" in table.astext()
    assert "2.13.0" not in table.astext()
    assert table.children[0].astext() == "The last execution: 1 of 4 sections ran with just this"


def test_a_record_from_before_dates_were_kept_counts_as_executed():
    old = {"fingerprint": "0", "seconds": 1.0, "peak_mib": 5}
    assert course_status.settings([old]) == []
    assert [cell.astext() for cell in course_status.figures(old)] == ["1.0", "5", "yes"]


def test_a_book_that_was_never_executed_has_a_page():
    table = course_status.sections([course_status.Row("01_first/one", None, 3, 9, 4)])
    body = table.astext().split("\n\n")
    assert body[-7:] == ["All together", "0.0", "≤ 0", "0 of 1", "3", "9", "4"]
    assert course_status.settings([]) == []


@pytest.mark.parametrize(
    ("page", "is_one"),
    [
        ("chapters/01_neural_networks/neurons", True),
        ("chapters/01_neural_networks/index", False),
        ("intro", False),
        ("other/01_neural_networks/neurons", False),
    ],
)
def test_which_pages_are_sections(page, is_one):
    assert course_status.is_section(page) is is_one
