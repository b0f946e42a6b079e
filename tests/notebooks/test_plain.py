"""A student edition is a plain notebook: nothing in it needs MyST, papermill or jupytext."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
import student
from student_editions.parsing import make_parser

PARSER = make_parser(
    ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "substitution", "tasklist"]
)
MYST_BLOCKS = {
    "myst_target",
    "myst_line_comment",
    "myst_block_break",
    "colon_fence",
    "math_block_label",
    "dl_open",
}
MYST_INLINE = {"myst_role", "footnote_ref", "substitution_inline"}


def leftovers(text):
    """What a MyST parser still finds in plain Markdown that only MyST has."""
    found = []
    for token in PARSER.parse(text):
        if token.type in MYST_BLOCKS or (token.type == "fence" and token.info.startswith("{")):
            found.append((token.type, token.info or token.content))
        found += [(c.type, c.content) for c in token.children or [] if c.type in MYST_INLINE]
        found += [
            ("link", c.attrs["href"])
            for c in token.children or []
            if c.type == "link_open" and re.search(r"\.md(#|$)|^project:", str(c.attrs["href"]))
        ]
    return found


def assert_plain(notebook, name):
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.nbformat_minor >= 5, f"{name}: cells without ids"
    assert set(notebook.metadata) == {"kernelspec", "language_info", "course"}, name
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids), f"{name}: cell ids are used twice"
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "cellView", "jupyter"}, f"{name}: {cell.metadata}"
        assert set(cell.metadata.get("tags", [])) <= {"parameters", "raises-exception"}, (
            f"{name}: {cell.metadata}"
        )
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        else:
            assert leftovers(cell.source) == [], f"{name}: {cell.source[:200]}"
    anchors = set(re.findall(r'<a id="([^"]+)">', text_of(notebook)))
    links = set(re.findall(r"\]\(#([^)]+)\)", text_of(notebook)))
    assert links <= anchors, f"{name}: links that lead nowhere: {links - anchors}"


def text_of(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def test_leftovers_are_seen():
    text = (
        "(label)=\n# A\n\n{ref}`a` [b](c.md)[^n]\n\n```{note}\n```\n\n:::{tip}\n:::\n\n"
        "$$\na\n$$ (b)\n\n[^n]: x"
    )
    kinds = {kind for kind, _ in leftovers(text)}
    assert kinds == {
        "myst_target",
        "myst_role",
        "link",
        "footnote_ref",
        "fence",
        "colon_fence",
        "math_block_label",
    }


def test_student_edition_is_plain(edition, edition_path):
    assert_plain(edition, edition_path.name)


@pytest.mark.parametrize("name", ["01_things/first", "01_things/second", "02_more/third"])
def test_every_construct_becomes_plain(fixture_book, name):
    assert_plain(nbformat.read(fixture_book / f"notebooks/{name}.ipynb", as_version=4), name)


def test_student_edition_says_its_section(edition, edition_path):
    course = edition.metadata.course
    assert course.section == f"{edition_path.parent.name}/{edition_path.stem}"
    assert edition.cells[0].source.startswith(f"# {course.title}\n")
    assert isinstance(course.seconds, int | float)
    assert "tags: [parameters]" in edition_path.read_text() or any(
        cell.metadata.get("tags") == ["parameters"] for cell in edition.cells
    )


# Pieces of plain Markdown that must be in the student edition of the small book's main section.
PIECES = (Path(__file__).parent / "fixtures/expected.md").read_text()
EXPECTED = [tuple(piece.strip("\n").split("\n", 1)) for piece in PIECES.split("=== ")[1:]]


@pytest.mark.parametrize(("what", "plain"), EXPECTED, ids=[what for what, _ in EXPECTED])
def test_construct(first, what, plain):
    assert plain in text_of(first)


def test_comments_and_unused_labels_vanish(first):
    assert "nobody should see" not in text_of(first)
    assert 'id="first"' not in text_of(first)


def test_references_are_those_cited_in_order(first):
    last = first.cells[-1].source
    assert last.startswith(
        "## References\n\n- A. Many, B. Others, and C. More. Three of CNN. In *Proceedings*. 2015."
    )
    assert "*Two Authors*. Press, 1969." in last
    assert "Jörg von Twos" in last
    assert "[doi:10.1000/xyz\\_1](https://doi.org/10.1000/xyz_1)" in last
    assert "Nobody Cites This" not in text_of(first), "cited in a solution only"


def test_title_comes_first_and_says_what_this_is(first):
    assert first.cells[0].source.startswith("# First *things*\n\n> This is the student edition")
    assert "[page in the book](https://book.example/chapters/01_things/first.html)" in first.cells[0].source


def test_cells_keep_what_is_of_use(first):
    cells = {cell.source.split("\n")[0]: cell.metadata for cell in first.cells if cell.cell_type == "code"}
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}}
    assert cells["size = 3"] == {"tags": ["parameters"]}
    assert cells["1 / 0"] == {"tags": ["raises-exception"]}
    assert cells["from IPython.display import HTML"] == folded, "hide-input"
    assert cells['quiz("01_things/first")'] == folded, "remove-input"
    assert first.metadata.course == {
        "section": "01_things/first",
        "title": "First *things*",
        "minutes": 5,
        "seconds": 1,
        "profiles": {"full": {"size": 9}},
    }


def test_without_addresses_there_are_no_links_to_them(fixture_book, tmp_path):
    root = shutil.copytree(fixture_book, tmp_path / "book")
    config = root / "_config.yml"
    config.write_text(
        config.read_text()
        .replace("https://book.example/", '""')
        .replace("https://github.com/someone/course", '""')
    )
    assert student.main([], root) == 0
    text = (root / "notebooks/01_things/first.ipynb").read_text()
    assert "github" not in text
    assert "book.example" not in text
    source = text_of(nbformat.reads(text, as_version=4))
    assert "[Second things](../01_things/second.ipynb)" in source
    assert "`course_lib/layers/things.py`, not in" in source
    assert "\nThings, and [words]" in source, "a page without an address is just named"


def test_file_is_written_as_jupyter_writes_it(fixture_book):
    text = (fixture_book / "notebooks/01_things/first.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    assert nbformat.writes(notebook) == text.rstrip("\n")
    assert text.endswith("}\n")
    assert isinstance(json.loads(text)["cells"][0]["source"], list), "one line a line: diffs can be read"
