"""A student edition: a section's cells without its solutions, in plain Markdown, and a cell that installs."""

import hashlib
import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from student_editions.blocks import PageWriter
from student_editions.book import Book, Page
from student_editions.directives import caption
from student_editions.errors import StudentEditionError
from student_editions.labels import Labels

TITLE = re.compile(r"((?:<a id=[^>]*></a>\s*)*)# (.+)")
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
KEPT_TAGS = ("parameters", "raises-exception")
HIDING_TAGS = ("hide-input", "hide-cell", "remove-input", "remove-cell")
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}

INSTALL = """\
# Installs the course's library where it is missing (on Colab, say); otherwise does nothing.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("course_lib") is None:
    source = os.environ.get("COURSE_LIB_SOURCE", "{source}")
    if not source:
        raise ModuleNotFoundError(
            "course_lib is not installed, and this notebook does not know where to get it. "
            "Set the environment variable COURSE_LIB_SOURCE to what pip should install "
            "(the course's folder, or git+https://...), or run in a terminal: pip install PATH_OF_THE_COURSE"
        )
    print(f"Installing course_lib from {{source}} ...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", source]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"pip could not install course_lib from {{source}}:\\n{{done.stderr[-3000:]}}")
    importlib.invalidate_caches()
    print("Done.")"""


def student_edition(book: Book, labels: Labels, page: Page) -> str:
    """The text of a section's student notebook, the same for the same sources."""
    source, writer = page.notebook(), PageWriter(book, labels, page)
    cells: list[nbformat.NotebookNode] = []
    for number, cell in enumerate(source.cells, start=1):
        try:
            cells += _plain_cells(writer, cell)
        except StudentEditionError as error:
            first_line = next(iter(cell.source.strip().split("\n")), "")
            where = f"{page.source}: cell {number} ({first_line[:60]!r})"
            raise StudentEditionError(f"{where}: {error}") from error
    if writer.in_solution:
        raise StudentEditionError(f"{page.source}: a solution has no {{solution-end}}")
    opening_match = TITLE.match(cells[0].source) if cells else None
    if opening_match is None:
        raise StudentEditionError(f"{page.source}: a section begins with its title (# ...)")
    title, rest = opening_match[2], cells[0].source[opening_match.end() :].strip("\n")
    opening = [new_markdown_cell(f"{opening_match[0]}\n\n{_introduction(book, page)}"), _install_cell(book)]
    if rest:
        opening.append(new_markdown_cell(rest))
    cells = [*opening, *cells[1:]]
    if writer.inline.cited:
        references = book.bibliography.reference_list(writer.inline.cited)
        cells.append(new_markdown_cell(f"## References\n\n{references}"))
    for number, cell in enumerate(cells):
        cell.id = hashlib.sha256(f"{page.section} {number}".encode()).hexdigest()[:12]
    notebook = new_notebook(cells=cells, metadata=_metadata(page, source, title))
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def _plain_cells(writer: PageWriter, cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    if cell.cell_type == "markdown":
        return [new_markdown_cell(text) for text in writer.cells(cell.source)]
    if writer.in_solution:
        return []
    if cell.cell_type != "code":
        raise StudentEditionError(f"a {cell.cell_type} cell has no plain form")
    plain = new_code_cell(cell.source)
    tags = cell.metadata.get("tags", [])
    if kept := [tag for tag in tags if tag in KEPT_TAGS]:
        plain.metadata["tags"] = kept
    if any(tag in HIDING_TAGS for tag in tags):
        plain.metadata.update(FOLDED)
    figure = cell.metadata.get("mystnb", {}).get("figure") or {}
    text = caption(figure.get("name"), figure.get("caption", ""), writer)
    return [plain, new_markdown_cell(text)] if text else [plain]


def _introduction(book: Book, page: Page) -> str:
    url = book.page_url(page.docname)
    solutions = f" The [page in the book]({url}) shows all results and solutions." if url else ""
    return (
        "> This is the student edition of a section of the course. Run the cells, and write your answers "
        f"into the exercises: each `check(...)` then says what is right and what went wrong.{solutions}"
    )


def _install_cell(book: Book) -> nbformat.NotebookNode:
    source = f"git+{book.repository}" if book.repository else ""
    return new_code_cell(INSTALL.format(source=source), metadata=dict(FOLDED))


def _metadata(page: Page, source: nbformat.NotebookNode, title: str) -> dict:
    course = dict(source.metadata.get("course", {}))
    return {
        "kernelspec": KERNELSPEC,
        "language_info": {"name": "python"},
        "course": {"section": page.section, "title": title, **course},
    }
