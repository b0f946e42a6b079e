"""The map of the course says what is true: a row that works is taught, built, tested and asked about."""

import os
import re
import subprocess
import sys
from functools import cache, reduce
from pathlib import Path

import pytest
import yaml

import course_lib
from course_lib.exercises import registry

ROOT = Path(__file__).resolve().parents[2]
LEDGER: dict[str, dict] = yaml.safe_load((ROOT / "chapters/ledger.yml").read_text(encoding="utf-8"))
WORKING = {key: row for key, row in LEDGER.items() if row.get("status") == "works"}
PROVEN = [key for key, row in LEDGER.items() if "test" in row]  # some before their section is written
FIELDS = {"title", "section", "symbol", "oracle", "status", "test", "exercise", "quiz"}


def frozen_rows() -> list[list[str]]:
    lines = Path(__file__).with_name("ledger_rows.txt").read_text(encoding="utf-8").splitlines()
    return [[part.strip() for part in line.split("|")] for line in lines if not line.startswith("#")]


def proofs_of(row: dict) -> list[str]:
    named = row.get("test", [])
    return [named] if isinstance(named, str) else named


@cache
def collected() -> set[str]:
    """The tests of the files that rows name, with and without their cases.

    They run, and are not skipped (``tests/conftest.py``), with the rest: a row whose proof fails turns the
    whole run red, so that they need not run twice.
    """
    files = sorted({test.split("::")[0] for row in LEDGER.values() for test in proofs_of(row)})
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", *files],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    cases = {line for line in found.stdout.splitlines() if "::" in line}
    return cases | {case.split("[")[0] for case in cases}


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
    symbols = WORKING[key]["symbol"].split(", ")
    if symbols[-1] == "used":  # a library's, not ours
        assert symbols[0].removesuffix("'s") in text, f"the section does not mention {symbols[0]}"
        symbols = []
    for symbol in symbols:
        package, *names = symbol.split(".")
        module = __import__(f"course_lib.{package}", fromlist=names or ["x"])
        assert reduce(getattr, names, module) is not None
        assert module.__name__.startswith(course_lib.__name__)
        assert re.search(rf"\b{(names or [package])[-1]}\b", text), f"the section does not mention {symbol}"


@pytest.mark.parametrize("key", WORKING)
def test_a_test_holds_it_against_its_oracle(key):
    assert proofs_of(WORKING[key]), "no test is named"


@pytest.mark.parametrize("key", PROVEN)
def test_the_tests_that_are_named_exist(key):
    missing = [test for test in proofs_of(LEDGER[key]) if test not in collected()]
    assert not missing, "there are no such tests"


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
