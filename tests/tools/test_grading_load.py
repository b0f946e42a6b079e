"""The measurement of a large class runs, and tells when the copies of one notebook differ in their grades."""

import grading_load
import nbformat
import pytest
from answers import UNIT

from course_lib.exercises.grading.batch import Submission


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of one cell; its path."""

    def write(cell):
        written = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell)],
            metadata={"course": {"section": "01_neural_networks/neurons"}},
        )
        nbformat.write(written, tmp_path / "answers.ipynb")
        return tmp_path / "answers.ipynb"

    return write


def run(notebook, copies, capsys):
    status = grading_load.main(["--copies", str(copies), "--notebook", str(notebook)])
    return status, capsys.readouterr().out


def test_it_counts_every_copy(notebook, capsys):
    status, told = run(notebook(UNIT), 4, capsys)
    assert status == 0, told
    rows = [
        line.split() for line in told.splitlines() if line.strip()[:1].isdigit() and len(line.split()) == 3
    ]
    assert [row[0] for row in rows] == ["1", "1", "2", "3", "4"]
    assert all(float(memory) > 50 for _, _, memory in rows), "a nursery holds the course"
    assert "grades: ('', 1)" in told


def test_copies_with_different_grades_are_no_success(notebook, monkeypatch, capsys):
    def luck(notebooks, workers):
        found = [Submission(str(path), None, f"problem {workers}") for path in notebooks]
        return found, [grading_load.Look(len(found), 1.0, 100.0)]

    monkeypatch.setattr(grading_load, "grade_copies", luck)
    status, told = run(notebook(UNIT), 5, capsys)
    assert status == 1, told
    assert "problem 1" in told
    assert "5.00 times" in told
