"""The second run of the sections: which outputs it compares, and that it sees what has gone wrong."""

import subprocess
import sys

import execute
import nbformat
import pytest
import rerun
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sections import Section, all_sections

INSTALL = "import importlib.util"
STUDENT = ["import math\nroot = math.sqrt(2)", "print(f'{root:.2f}')", "print('again')", "def f():\n    ..."]
# What stands in for course_lib: an untouched answer returns nothing.
CHECK = """\
class Report(str):
    __repr__ = str.__str__
def check(name, answer):
    return Report("NOT STARTED  first/f" if answer() is None else "PASSED  first/f")"""


def printing(source, text):
    """A tagged cell, as it was run for the book."""
    outputs = [new_output("stream", name="stdout", text=text)]
    return new_code_cell(source, metadata={"tags": [rerun.TAG]}, outputs=outputs, execution_count=1)


def edition(*sources):
    cells = [new_markdown_cell("# Title"), new_code_cell(INSTALL), *map(new_code_cell, sources)]
    return new_notebook(cells=cells)


def executed(*cells):
    return new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell(STUDENT[0]), *cells])


def of_students(**changes):
    """A student edition, with some of its cells replaced, and what its run is compared with."""
    sources = [changes.get(f"cell_{n}", source) for n, source in enumerate(STUDENT)]
    given = edition(CHECK, *sources, 'check("first/f", f)')
    return given, executed(printing(STUDENT[1], "1.41\n"), printing(STUDENT[2], "again\n"))


def run_again(notebook, folder):
    """What nbval says, with the options of the test run."""
    nbformat.write(notebook, folder / "section.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", "section.ipynb"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout


def test_tagged_cells_carry_what_the_book_shows():
    notebook = rerun.to_rerun(*of_students())
    tagged = [cell for cell in notebook.cells if rerun.TAG in cell.metadata.get("tags", [])]
    told = {cell.source: cell.outputs for cell in tagged}
    assert list(told) == [INSTALL, *STUDENT[1:3]]
    assert [output.text for outputs in told.values() for output in outputs] == ["1.41\n", "again\n"]
    assert told[INSTALL] == [], "where course_lib is there, nothing is installed and nothing said"


def test_the_edition_itself_stays_as_it_is():
    given, run = of_students()
    before = nbformat.writes(given), nbformat.writes(run)
    rerun.to_rerun(given, run)
    assert (nbformat.writes(given), nbformat.writes(run)) == before


def test_after_each_check_the_answer_is_asked_for():
    sources = [cell.source for cell in rerun.to_rerun(*of_students()).cells]
    check = 'check("first/f", f)'
    assert sources[-2:] == [check, rerun.UNTOUCHED.format(check=check)]
    assert sum("NOT STARTED" in source for source in sources) == 2, "what stands in for the library, and this"


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        ([printing("print('only in a solution')", "x\n")], "only in a solution"),
        ([printing(STUDENT[2], "again\n"), printing(STUDENT[1], "1.41\n")], "root"),
        ([], "no cell is tagged"),
    ],
    ids=["not there", "in another order", "none"],
)
def test_an_output_that_cannot_be_compared_is_named(cells, missing):
    with pytest.raises(rerun.NotComparable, match=missing):
        rerun.to_rerun(edition(CHECK, *STUDENT), executed(*cells))


def test_a_run_that_repeats_itself_passes(tmp_path):
    assert "8 passed" in run_again(rerun.to_rerun(*of_students()), tmp_path)


@pytest.mark.parametrize(
    ("changes", "blamed"),
    [
        ({"cell_0": "import math\nroot = math.sqrt(3)"}, "1.73"),
        ({"cell_3": "def f():\n    return 1"}, "PASSED  first/f"),
        ({"cell_2": "print('again')"}, None),
    ],
    ids=["another number", "an answer where none is due", "nothing"],
)
def test_a_run_that_differs_fails_and_says_where(tmp_path, changes, blamed):
    said = run_again(rerun.to_rerun(*of_students(**changes)), tmp_path)
    if blamed is None:
        assert "failed" not in said
    else:
        assert "1 failed" in said
        assert blamed in said


def test_every_section_is_prepared_in_a_folder_of_its_own(executed_project, capsys):
    project = executed_project
    project.add("one", "first = 1", f":tags: [{rerun.TAG}]\nprint(first)")
    project.add("two", f":tags: [{rerun.TAG}]\nprint('two')")
    execute.execute(project.root)
    for section in all_sections(project.root):
        path = project.root / "notebooks" / f"{section.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(edition(*[c.source for c in section.read().cells if c.cell_type == "code"]), path)
    left_over = project.write("_build/editions/01_first/three/three.ipynb", "{}")

    assert rerun.main(project.root) == 0
    assert "2 student editions" in capsys.readouterr().out
    for name, text in (("one", "1\n"), ("two", "two\n")):
        path = rerun.prepared(Section(project.root, f"01_first/{name}"))
        assert [each.name for each in path.parent.iterdir()] == [f"{name}.ipynb"]
        assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == text
    assert not left_over.exists()


def test_a_section_that_cannot_be_compared_is_named(executed_project, capsys):
    for name in ("one", "two"):
        path = executed_project.root / f"notebooks/01_first/{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(edition("print('two')"), path)
    assert rerun.main(executed_project.root) == 1
    assert "01_first/one: no cell is tagged" in capsys.readouterr().err
