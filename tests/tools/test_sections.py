"""Which sections there are, and what makes one run again."""

import pytest
from sections import Section, all_sections, fingerprint, markdown_extensions


def state(project, name: str) -> str:
    part = Section(project.root, f"01_first/{name}")
    return fingerprint(part, part.read())


def test_sections_are_the_notebooks_of_the_table_of_contents(project):
    project.write("chapters/01_first/index.md", "# A page without code\n")
    project.write("chapters/01_first/unlisted.md", (project.root / "chapters/01_first/one.md").read_text())
    project.write(
        "_toc.yml",
        "format: jb-book\nroot: intro\nparts:\n- caption: All\n  chapters:\n"
        "  - file: chapters/01_first/index\n    sections:\n"
        "    - file: chapters/01_first/two\n    - file: chapters/01_first/one.md\n",
    )
    assert [part.name for part in all_sections(project.root)] == ["01_first/two", "01_first/one"]


def test_a_listed_page_that_is_missing_is_named(project):
    (project.root / "chapters/01_first/two.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"chapters/01_first/two\.md"):
        all_sections(project.root)


@pytest.mark.parametrize(
    ("path", "old", "new", "reruns"),
    [
        ("chapters/01_first/one.md", "first = 1", "first = 2", {"one"}),
        ("chapters/01_first/one.md", "ipython3\nfirst", "ipython3\n:tags: [parameters]\n\nfirst", {"one"}),
        ("chapters/01_first/one.md", "name: python3", "name: other", {"one"}),
        ("chapters/01_first/one.md", "Some prose.", "Better prose.", set()),
        ("chapters/01_first/one.md", "first", "---\nmystnb: {image: {alt: words}}\n---\nfirst", set()),
        ("course_lib/__init__.py", "42", "43", {"one", "two"}),
        ("course_lib/exercises/__init__.py", "", "x = 1", {"one", "two"}),
        ("course_lib/exercises/ch01_first/__init__.py", "", "x = 1", {"one", "two"}),
        ("course_lib/exercises/ch01_first/one.py", "[]", "[1]", {"one"}),
        ("course_lib/exercises/ch01_first/two/__init__.py", "[]", "[1]", {"two"}),
        ("course_lib/layers/new.py", None, "x = 1", {"one", "two"}),
        ("course_lib/exercises/ch01_first/two/quiz.json", None, "[]", {"two"}),
        ("course_lib/exercises/ch02_second/other.py", None, "x = 1", set()),
        ("course_lib/cli.py", None, "x = 1", set()),
        ("course_lib/__pycache__/thing.pyc", None, "x", set()),
        ("requirements.txt", "2.4.6", "2.4.7", {"one", "two"}),
        ("constraints.txt", None, "scipy==1.0", {"one", "two"}),
    ],
)
def test_what_makes_a_section_run_again(project, path, old, new, reruns):
    before = {name: state(project, name) for name in ("one", "two")}
    text = new if old is None else (project.root / path).read_text().replace(old, new, 1)
    project.write(path, text)
    assert {name for name in before if state(project, name) != before[name]} == reruns, path


@pytest.mark.parametrize(
    ("text", "extensions"),
    [
        ("", []),
        ("# nothing yet\n", []),
        ("title: A book\n", []),
        ("parse:\n", []),
        ("parse:\n  myst_enable_extensions:\n", []),
        ("parse:\n  myst_enable_extensions: [colon_fence]\n", ["colon_fence"]),
    ],
)
def test_an_empty_configuration_turns_nothing_on(project, text, extensions):
    project.write("_config.yml", text)
    assert markdown_extensions(project.root) == extensions
    assert len(all_sections(project.root)) == 2
    assert state(project, "one")
