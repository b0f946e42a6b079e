"""course list: the sections here, their seconds, one's progress."""

from course_lib.exercises import progress
from course_lib.exercises.report import Report


def test_sections_of_the_project_in_the_books_order(course, project):
    result = course("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "section",
        "02_more/things",
        "01_neural_networks/gradient_descent",
        "01_neural_networks/neurons",
    ]
    assert lines[1].split() == ["02_more/things", "1.5", "s", "-", "Things"]
    assert lines[3].split() == ["01_neural_networks/neurons", "6", "s", "0/5", "Neurons"]


def test_progress_is_counted(course, project):
    progress.record(Report("neurons/unit", "passed", "Right."))
    progress.record(Report("neurons/gate_name", "failed", "Not yet."))
    line = course("list", "1").stdout.splitlines()[-1]
    assert line.split() == ["01_neural_networks/neurons", "6", "s", "1/5", "Neurons"]


def test_one_chapter_by_number_folder_or_name(course, project):
    for chapter in ("2", "02", "02_more", "more", "chapters/02_more/"):
        result = course("list", chapter)
        assert result.exit_code == 0, chapter
        assert [line.split()[0] for line in result.stdout.splitlines()] == ["section", "02_more/things"]


def test_works_from_any_folder_of_the_project(course, project, monkeypatch):
    monkeypatch.chdir(project / "chapters" / "02_more")
    assert "01_neural_networks/neurons" in course("list").stdout


def test_unknown_chapter_names_the_nearest(course, project):
    result = course("list", "01_neural_network")
    assert result.exit_code == 2
    assert "no chapter '01_neural_network'" in result.stderr
    assert "did you mean 01_neural_networks?" in result.stderr


def test_outside_the_project_the_notebooks_here_are_listed(course, make_notebook, tmp_path, monkeypatch):
    make_notebook("1")
    make_notebook("1", section=None, name="other.ipynb")
    (tmp_path / "broken.ipynb").write_text("no JSON")
    monkeypatch.chdir(tmp_path)
    result = course("list")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["01_neural_networks/neurons", "6", "s", "0/5", "Neurons"]
    ]


def test_where_there_is_nothing_it_says_so(course, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = course("list")
    assert result.exit_code == 1
    assert "no sections here" in result.stderr
