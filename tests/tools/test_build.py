"""Small books, built as the real one: buttons, tables, warnings, and what makes a page be made again."""

import json
import subprocess
import sys
from pathlib import Path

import build
import pytest
from bs4 import BeautifulSoup

GITHUB = "https://github.com/someone/course"


def page(project, name: str) -> BeautifulSoup:
    return BeautifulSoup(
        (project.root / f"_build/html/{name}.html").read_text(encoding="utf-8"), "html.parser"
    )


def plain_build(project) -> subprocess.CompletedProcess:
    """What a reader types who knows Jupyter Book."""
    program = Path(sys.executable).with_name("jupyter-book")
    return subprocess.run(
        [program, "build", "."],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def edition(project, name: str, text: str = "{}") -> None:
    project.write(f"notebooks/01_first/{name}.ipynb", text)


def test_a_book_is_built_once_and_again_only_when_something_changed(executed_project, capsys):
    project = executed_project
    project.dress()
    # The section leaves a trace of every execution.
    project.add(
        "two", "from pathlib import Path\ntrace = Path('trace')\ntrace.open('a').write('x')\nprint(2 * 21)"
    )
    trace = project.root / "chapters/01_first/trace"

    build.build(project.root)
    assert trace.read_text() == "x"
    trace.rename(project.root / "trace")  # it lies in chapters/, and would itself be a change
    assert "42" in page(project, "chapters/01_first/two").get_text(), "the output of the execution is shown"
    capsys.readouterr()

    build.build(project.root)
    assert "nothing has changed" in capsys.readouterr().out

    plain = plain_build(project)
    assert plain.returncode == 0, plain.stdout
    assert not trace.exists(), "a plain build found the executed section in the cache"

    project.write("intro.md", "# Another title\n")
    build.build(project.root)
    assert "nothing has changed" not in capsys.readouterr().out
    assert page(project, "intro").h1.get_text().startswith("Another title")
    assert not trace.exists()


def test_a_plain_build_executes_by_itself_what_is_not_in_the_cache(project):
    project.dress()
    project.add("one", "import os\nprint('book', os.environ['COURSE_BOOK'])")
    plain = plain_build(project)
    assert plain.returncode == 0, plain.stdout
    assert "book 1" in page(project, "chapters/01_first/one").get_text()

    project.add("one", "import os\nprint('book'); 1 / 0")
    assert plain_build(project).returncode != 0, "a failing cell stops a plain build, too"


def test_a_page_is_made_again_when_its_outputs_or_its_edition_change(executed_project):
    project = executed_project
    project.dress()
    build.build(project.root)
    assert "42" in page(project, "chapters/01_first/one").get_text()
    assert page(project, "chapters/01_first/one").find(string=lambda text: "student edition" in text) is None
    assert not page(project, "chapters/01_first/one").select('[title*="student edition"]')

    project.write("course_lib/__init__.py", "answer = 4321\n")
    edition(project, "one", json.dumps({"cells": []}))
    build.build(project.root)
    html = page(project, "chapters/01_first/one")
    assert "4321" in html.get_text(), "the source is the same, the output is not"
    (button,) = html.select('a[title*="student edition"]')
    target = project.root / "_build/html/chapters/01_first" / button["href"]
    assert json.loads(target.resolve().read_text()) == {"cells": []}


@pytest.mark.parametrize("repository", [f"{GITHUB}.git", "https://gitlab.com/someone/course", ""])
def test_the_colab_button_opens_the_student_edition_in_the_repository(executed_project, repository):
    executed_project.dress(repository)
    edition(executed_project, "one")
    build.build(executed_project.root)
    html = page(executed_project, "chapters/01_first/one")
    links = [a["href"] for a in html.select("a[href]") if "colab" in a["href"]]
    on_github = "github.com" in repository
    target = "https://colab.research.google.com/github/someone/course/blob/main/notebooks/01_first/one.ipynb"
    assert links == [target] * on_github
    for name in ("intro", "chapters/01_first/two"):
        assert "colab.research" not in str(page(executed_project, name)), f"{name} has no student edition"
    if not repository:
        away = [
            a["href"] for a in html.select("header a[href], .header-article a[href]") if "://" in a["href"]
        ]
        assert away == [], "no button leads anywhere else"


def test_a_warning_fails_every_build_until_it_is_mended(executed_project):
    project = executed_project
    project.dress()
    project.write("intro.md", "# A title\n\n{ref}`nowhere`\n")
    for _ in range(2):
        with pytest.raises(build.BookFailed, match=r"intro\.md:3: WARNING: undefined label: 'nowhere'"):
            build.build(project.root)
    project.write("intro.md", "# A title\n")
    build.build(project.root)


def test_the_map_and_the_data_sheets_show_what_is_there(executed_project):
    project = executed_project
    project.dress()
    toc = project.root / "_toc.yml"
    toc.write_text(toc.read_text() + "- file: map\n- file: data_sheets\n")
    project.write("map.md", "# Map\n\n```{course-map}\n```\n")
    project.write("data_sheets.md", "# Data\n\n```{data-sheets}\n```\n")
    ledger = (
        "act_relu: {section: 01_first/one, symbol: 'layers.ReLU, layers.ELU', oracle: onnx, status: works, "
        "title: The ReLU}\nnot_yet: {section: 02_second/other, symbol: 'Optuna, used', oracle: proof}\n"
    )
    project.write("chapters/ledger.yml", ledger)
    build.build(project.root)
    html = page(project, "map")
    assert "1 of 2 rows work" in html.get_text()
    assert [caption.get_text(strip=True) for caption in html.select("caption .caption-text")] == [
        "Chapter 1: First",
        "Chapter 2: Second",
    ]
    rows = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in html.select("tbody tr")]
    assert rows[0] == ["The ReLU", "One", "layers.ReLU,layers.ELU", "the ONNX test cases", "works"]
    assert rows[1] == ["Not yet", "Other", "Optuna, used", "an identity or closed form", "planned"]
    assert [a["href"] for a in html.select("tbody a")] == ["chapters/01_first/one.html"]
    assert len(html.select("tbody th")) == 2, "the first cell heads its row"
    assert [code.get_text() for code in html.select("tbody code")] == ["layers.ReLU", "layers.ELU"]
    sheet = page(project, "data_sheets")
    assert [h2.get_text().rstrip("#") for h2 in sheet.select("main section h2")] == ["digits"]
    told = {dt.get_text(): dt.find_next_sibling("dd") for dt in sheet.select("dt")}
    lines = {name: [p.get_text() for p in answer.select("p")] for name, answer in told.items()}
    assert lines == {
        "Kind": ["embedded"],
        "What": ["Digits."],
        "Licence": ["BSD"],
        "Splits": ["train: 1197; test: 300"],
        "Classes": ["0, 1"],
        "Pitfalls": ["Few writers.", "Small pictures."],
    }
    assert len(told["Pitfalls"].select("li")) == 2
    assert sheet.select_one("figure img")["alt"] == "Some examples of digits. Digits."

    project.write("chapters/ledger.yml", ledger.replace("status: works, ", ""))
    build.build(project.root)
    assert "0 of 2 rows work" in page(project, "map").get_text()
