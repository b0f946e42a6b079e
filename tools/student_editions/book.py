"""The book as its configuration describes it: pages in order, chapter numbers, addresses."""

import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml

from student_editions.citations import Bibliography
from student_editions.errors import StudentEditionError
from student_editions.parsing import EXTENSIONS

SECTION_NAME = re.compile(r"chapters/(\d\d_\w+/\w+)")


@dataclass(frozen=True)
class Page:
    """A page of the book: `chapters/01_neural_networks/neurons`; its chapter's number, () if it has none."""

    docname: str
    source: Path
    chapter: tuple[int, ...]

    @property
    def is_section(self) -> bool:
        """Whether readers run it: a notebook in a chapter's folder (its index page is none)."""
        return bool(SECTION_NAME.fullmatch(self.docname)) and not self.docname.endswith("/index")

    @property
    def section(self) -> str:
        """The section's name in course_lib: `01_neural_networks/neurons`."""
        match = SECTION_NAME.fullmatch(self.docname)
        if match is None:
            raise StudentEditionError(f"{self.docname} is not a section of a chapter")
        return match[1]

    def notebook(self) -> nbformat.NotebookNode:
        """The page as jupytext reads it."""
        return jupytext.read(self.source, fmt="md:myst")


class Book:
    """The pages of the table of contents and what `_config.yml` says of the book's addresses."""

    def __init__(self, root: Path):
        self.root = root
        self.config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")) or {}
        self.bibliography = Bibliography(root / "references.bib")
        self.pages = _pages(root, yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8")))

    @property
    def sections(self) -> list[Page]:
        """The pages that get a student edition."""
        return [page for page in self.pages.values() if page.is_section]

    @property
    def extensions(self) -> list[str]:
        """The MyST extensions the book is written with."""
        return (self.config.get("parse") or {}).get("myst_enable_extensions") or list(EXTENSIONS)

    @property
    def repository(self) -> str:
        """Address of the repository, without a trailing slash or .git; "" where none is configured."""
        url = (self.config.get("repository") or {}).get("url") or ""
        return url.rstrip("/").removesuffix(".git")

    def code_url(self, path: str) -> str:
        """Address of a file of the repository; "" where no repository is configured."""
        branch = (self.config.get("repository") or {}).get("branch") or "main"
        return f"{self.repository}/blob/{branch}/{path}" if self.repository else ""

    def page_url(self, docname: str) -> str:
        """Address of a page of the built book; "" where none is configured."""
        base = (self.config.get("html") or {}).get("baseurl") or ""
        return f"{base.rstrip('/')}/{docname}.html" if base else ""

    def edition_url(self, page: Page) -> str:
        """Where a link between student editions leads: to Colab (repository on GitHub), else to the file."""
        path = f"notebooks/{page.section}.ipynb"
        if self.repository.startswith("https://github.com/"):
            return self.code_url(path).replace(
                "https://github.com/", "https://colab.research.google.com/github/"
            )
        return f"../{page.section}.ipynb"


def _pages(root: Path, toc: dict) -> dict[str, Page]:
    pages: dict[str, Page] = {}
    counter = 0

    def visit(entry: dict, chapter: tuple[int, ...], numbered: bool, top: bool) -> None:
        nonlocal counter
        if "file" in entry:
            if top and numbered:
                counter += 1
                chapter = (counter,)
            docname = entry["file"].removesuffix(".md")
            source = root / f"{docname}.md"
            if not source.exists():
                raise StudentEditionError(f"_toc.yml lists {docname}, but {source.name} is not there")
            pages[docname] = Page(docname, source, chapter)
        for tree in [entry, *entry.get("parts", []), *entry.get("subtrees", [])]:
            inner = bool(_options(entry, tree).get("numbered", numbered))
            for child in [*tree.get("chapters", []), *tree.get("sections", []), *tree.get("entries", [])]:
                visit(child, chapter, inner, top and "file" not in entry)

    root_options = toc.get("options") or toc.get("defaults") or {}
    visit({"file": toc["root"]}, (), False, False)
    visit({k: v for k, v in toc.items() if k != "root"}, (), bool(root_options.get("numbered")), True)
    return pages


def _options(entry: dict, tree: dict) -> dict:
    return {**(entry.get("options") or {}), **(tree.get("options") or {}), **tree}
