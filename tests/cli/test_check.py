"""course check: what it prints, writes, records and returns."""

import json

import pytest

from course_lib.exercises import progress

SOLVED = """def threshold_unit(x, w, threshold):
    return (x @ w > threshold).astype(int)

check("neurons/unit", threshold_unit)"""
WRONG = """def gate_name(w1, w2, threshold):
    return "AND"

check("neurons/gate_name", gate_name)"""
UNTOUCHED = """def xor_from(gate, x1, x2):
    ...

check("neurons/xor_from", xor_from)"""
BROKEN = 'check("neurons/perceptron_update", no_such_function)'


@pytest.fixture
def mixed(make_notebook):
    """One exercise solved, one wrong, one untouched, one broken, one not checked at all."""
    return make_notebook("from course_lib.exercises import check", SOLVED, WRONG, UNTOUCHED, BROKEN)


def test_table_json_and_records_agree(course, mixed, home):
    before = mixed.read_bytes()
    result = course("check", mixed)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("01_neural_networks/neurons  1/5")
    assert lines[1].startswith("  passed       neurons/unit ")
    assert lines[2].startswith("  failed       neurons/gate_name ")
    assert lines[3].startswith("  not started  neurons/xor_from ")
    assert lines[4].startswith("  error        neurons/perceptron_update ")
    assert "NameError: name 'no_such_function' is not defined" in lines[4]
    assert lines[5].startswith("  not checked  neurons/mistake_bound ")
    assert 'code cell 5 (check("neurons/perceptron_update", no_such_functio): NameError' in result.stdout
    assert mixed.read_bytes() == before, "the notebook is only read"
    entries = progress.read()
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "neurons/unit": "passed",
        "neurons/gate_name": "failed",
        "neurons/perceptron_update": "error",
    }
    assert entries["neurons/unit"]["attempts"] == 1, "counted once, not by the notebook's own call as well"

    told = json.loads(course("check", mixed, "--json", "--no-record").stdout)
    assert (told["section"], told["passed"], told["total"]) == ("01_neural_networks/neurons", 1, 5)
    assert {row["id"]: row["status"] for row in told["results"]} == {
        "neurons/unit": "passed",
        "neurons/gate_name": "failed",
        "neurons/xor_from": "not started",
        "neurons/perceptron_update": "error",
        "neurons/mistake_bound": "not checked",
    }
    assert [trouble["cell"] for trouble in told["troubles"]] == [5]
    assert progress.read() == entries, "--no-record keeps nothing"


def test_limits_are_taken_from_the_options(course, make_notebook):
    path = make_notebook("while True: pass", "import numpy\nnumpy.ones(2**27)")  # 1 GiB
    result = course("check", path, "--time", "3", "--memory", "700", "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)["troubles"]
    assert first["text"] == "took longer than 3 seconds"
    assert "MemoryError" in second["text"] or "700 MiB" in second["text"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read: No such file or directory"),
        ("this is no JSON", "is no notebook that can be read"),
        ('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "does not say its section"),
    ],
)
def test_what_is_no_notebook_of_the_course_is_misuse(course, tmp_path, content, message):
    path = tmp_path / "file.ipynb"
    if content is not None:
        path.write_text(content)
    result = course("check", path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert str(path) in result.stderr


def test_notebook_of_an_unknown_section_is_misuse(course, make_notebook):
    result = course("check", make_notebook("1", section="99_nowhere/nothing"))
    assert result.exit_code == 2
    assert "section '99_nowhere/nothing' has no exercises" in result.stderr
