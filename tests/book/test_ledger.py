"""The map of the course says what is true: a row that works is taught, built, tested and asked about."""

import os
import re
import subprocess
import sys
import tempfile
from functools import cache, reduce
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import course_lib
from course_lib.exercises import registry

ROOT = Path(__file__).resolve().parents[2]
LEDGER: dict[str, dict] = yaml.safe_load((ROOT / "chapters/ledger.yml").read_text(encoding="utf-8"))
WORKING = {key: row for key, row in LEDGER.items() if row.get("status") == "works"}
FIELDS = {"title", "section", "symbol", "oracle", "status", "test", "exercise", "quiz"}


def frozen_rows() -> list[list[str]]:
    lines = Path(__file__).with_name("ledger_rows.txt").read_text(encoding="utf-8").splitlines()
    return [[part.strip() for part in line.split("|")] for line in lines if not line.startswith("#")]


def proofs_of(row: dict) -> list[str]:
    named = row.get("test", [])
    return [named] if isinstance(named, str) else named


@cache
def outcomes() -> dict[str, list[str]]:
    """Run every test that a working row names, in one go: for each, what became of all its cases."""
    wanted = sorted({test for row in WORKING.values() for test in proofs_of(row)})
    folder = tempfile.TemporaryDirectory()
    report = Path(folder.name, "report.xml")
    options = ["-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={report}"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *wanted],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout  # else it did not run: a test that does not exist
    found: dict[str, list[str]] = {test: [] for test in wanted}
    for case in ElementTree.parse(report).iter("testcase"):
        node = f"{case.get('file')}::{case.get('name')}"
        bad = ("failure", "error", "skipped")
        problems = [f"{child.tag}: {child.get('message')}" for child in case if child.tag in bad]
        for test in {node, re.sub(r"\[.*\]$", "", node)} & found.keys():
            found[test].append(problems[0] if problems else "passed")
    folder.cleanup()
    return found


def test_no_row_is_dropped():
    for key, section, symbol in frozen_rows():
        assert key in LEDGER, f"the ledger has lost {key}"
        assert LEDGER[key]["section"] == section, key
        for name in symbol.split(", "):
            assert name in LEDGER[key]["symbol"].split(", "), f"{key} has lost {name}"


def test_rows_are_written_as_they_should_be():
    for key, row in LEDGER.items():
        assert FIELDS >= row.keys() >= {"section", "symbol", "oracle"}, key
        assert row.get("status") in (None, "works"), key
        assert row["oracle"] in ("torch", "sklearn", "onnx", "tv", "pyg", "paper", "proof"), key


def test_there_is_something_to_prove():
    assert WORKING


@pytest.mark.parametrize("key", WORKING)
def test_it_is_taught(key):
    section = WORKING[key]["section"]
    assert (ROOT / f"chapters/{section}.md").is_file()
    assert f"chapters/{section}" in (ROOT / "_toc.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", WORKING)
def test_it_is_built_and_used_where_it_is_taught(key):
    text = (ROOT / f"chapters/{WORKING[key]['section']}.md").read_text(encoding="utf-8")
    for symbol in WORKING[key]["symbol"].split(", "):
        package, *names = symbol.split(".")
        module = __import__(f"course_lib.{package}", fromlist=names or ["x"])
        assert reduce(getattr, names, module) is not None
        assert module.__name__.startswith(course_lib.__name__)
        assert re.search(rf"\b{(names or [package])[-1]}\b", text), f"the section does not mention {symbol}"


@pytest.mark.parametrize("key", WORKING)
def test_it_is_held_against_its_oracle(key):
    assert proofs_of(WORKING[key]), "no test is named"
    for test in proofs_of(WORKING[key]):
        became = outcomes()[test]
        assert became, f"there is no such test: {test}"
        assert set(became) == {"passed"}, f"{test}: {became}"


@pytest.mark.parametrize("key", WORKING)
def test_something_is_asked_about_it(key):
    row = WORKING[key]
    assert "exercise" in row or "quiz" in row, "nothing asks about it"
    if "exercise" in row:
        exercise = registry.find(row["exercise"])
        assert exercise.section == row["section"]
        text = (ROOT / f"chapters/{row['section']}.md").read_text(encoding="utf-8")
        assert f":label: {exercise.id}\n" in text, "the section does not pose it"
    if "quiz" in row:
        questions = [question["question"] for question in registry.quiz_of(row["section"])]
        asking = [question for question in questions if row["quiz"] in question]
        assert len(asking) == 1, f"{row['quiz']!r} should be words of one question: {questions}"
