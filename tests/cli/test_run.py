"""course run: a section with other parameters."""

import nbformat
import pytest


def printed(path):
    notebook = nbformat.read(path, as_version=4)
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def test_parameters_are_set_and_the_notebook_is_kept_here(course, project):
    given = ("-p", "epochs=7", "-p", "rate=1e-3", "-p", "sizes=[3]", "-p", "shuffle=false")
    result = course("run", "things", *given)
    assert result.exit_code == 0, result.stderr
    assert printed(project / "things-run.ipynb") == "ran 7 digits 0.001 [3] False\n"
    assert "epochs = 7, dataset = 'digits', rate = 0.001, sizes = [3], shuffle = False" in result.stdout
    assert "things-run.ipynb" in result.stdout


def test_profile_and_parameters_that_override_it(course, project, tmp_path):
    target = tmp_path / "out.ipynb"
    result = course("run", "02_more/things", "--profile", "full", "-p", "epochs=3", "-o", target)
    assert result.exit_code == 0, result.stderr
    assert printed(target) == "ran 3 mnist 0.5 [1, 2] True\n"


def test_failing_cell_is_named(course, project):
    result = course("run", "things", "-p", "epochs=1000")
    assert result.exit_code == 1
    assert '02_more/things: code cell 3 failed (print("ran"' in result.stderr
    assert "AssertionError: far too many" in result.stderr
    assert "things-run.ipynb" in result.stderr
    assert printed(project / "things-run.ipynb").startswith("ran 1000"), "what came of it is kept"


def test_student_notebook_can_be_run_by_its_file(course, make_notebook, tmp_path, monkeypatch):
    path = make_notebook("print('one')")
    monkeypatch.chdir(tmp_path)
    result = course("run", path, "-o", tmp_path / "out.ipynb")
    assert result.exit_code == 0, result.stderr
    assert printed(tmp_path / "out.ipynb") == "one\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["thigns"], "there is no section 'thigns'; did you mean things?"),
        (["01_neural_networks/neuron"], "did you mean 01_neural_networks/neurons"),
        (["entirely_else"], "`course list` names them all (things, "),
        (["things", "-p", "epoch=3"], "no parameter 'epoch'; did you mean epochs? (its "),
        (["things", "-p", "colour=3"], "(its parameters are epochs, dataset, rate, sizes, shuffle)"),
        (["things", "-p", "epochs"], "-p takes name=value, got 'epochs'"),
        (["things", "-p", "epochs=many"], "epochs should be a number like 2, got 'many'"),
        (["things", "-p", "dataset=3"], "dataset should be a word like 'digits', got 3"),
        (["things", "-p", "sizes=3"], "sizes should be a list like [1, 2], got 3"),
        (["things", "-p", "shuffle=1"], "shuffle should be true or false like True, got 1"),
        (["things", "--profile", "huge"], "has no profile 'huge'; it has full"),
        (["things", "-o", "no/such/folder/out.ipynb"], "no/such/folder/out.ipynb does not exist"),
        (["chapters/02_more/index.md"], "chapters/02_more/index.md is no section of the course"),
    ],
)  # fmt: skip
def test_misuse_is_explained(course, project, arguments, message):
    result = course("run", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(project.glob("*.ipynb")) == []
