"""The sections of the book: which there are, what their cells are, and when they must be executed again."""

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig


@dataclass(frozen=True)
class Section:
    """A section of the book, such as ``01_neural_networks/neurons``, in a project's root folder."""

    root: Path
    name: str

    @property
    def source(self) -> Path:
        """The MyST notebook the section is written in."""
        return self.root / "chapters" / f"{self.name}.md"

    @property
    def executed(self) -> Path:
        """The executed notebook, which the book shows, and with which a second run is compared."""
        return self.root / "_build/executed" / f"{self.name}.ipynb"

    def read(self) -> nbformat.NotebookNode:
        """The section as a notebook without outputs.

        It is read with the book's own reader and syntax, so that the book finds exactly this notebook in its
        cache, and so that ``metadata.source_map`` holds the line on which each cell starts.
        """
        syntax = MdParserConfig(enable_extensions=set(markdown_extensions(self.root)))
        return read_myst_markdown_notebook(self.source.read_text("utf-8"), syntax, add_source_map=True)


def markdown_extensions(root: Path) -> list[str]:
    """The extensions of Markdown that a book's configuration turns on."""
    config = root / "_config.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else None
    return ((settings or {}).get("parse") or {}).get("myst_enable_extensions") or []


def listed_files(toc: dict) -> list[str]:
    """Every page named in a table of contents, in reading order."""
    pages = [toc["file"]] if "file" in toc else []
    for key in ("parts", "chapters", "sections", "subtrees", "entries"):
        for entry in toc.get(key, []):
            pages += listed_files(entry)
    return pages


def all_sections(root: Path) -> list[Section]:
    """Every page of ``_toc.yml`` below ``chapters/`` that is a notebook, in reading order.

    Raises:
        FileNotFoundError: a page is listed that does not exist.
    """
    sections = []
    for page in listed_files(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))):
        path = root / f"{page.removesuffix('.md')}.md"
        if not path.exists():
            raise FileNotFoundError(f"_toc.yml lists {page}, but there is no {path.relative_to(root)}")
        if is_myst_markdown_notebook(path.read_text(encoding="utf-8")):
            sections.append(Section(root, page.removeprefix("chapters/").removesuffix(".md")))
    return sections


def library_files(section: Section) -> list[Path]:
    """The files of ``course_lib`` that a section can depend on.

    All but the exercises of other sections and the command line, which no section imports.
    """
    library = section.root / "course_lib"
    chapter, stem = section.name.split("/")

    def matters(path: Path) -> bool:
        folder, *inside = path.relative_to(library).parts
        if folder == "exercises" and inside[0].startswith("ch"):
            return inside[0] == f"ch{chapter}" and inside[1].removesuffix(".py") in (stem, "__init__")
        return folder not in ("cli", "cli.py")

    files = (path for path in sorted(library.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return [path for path in files if matters(path)]


def fingerprint(section: Section, notebook: nbformat.NotebookNode) -> str:
    """Changes exactly when a section's outputs may: code, tags, kernel, library, versions, the way to run.

    Prose, captions and alt text are not in it: a new sentence costs no execution.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(notebook.metadata.get("kernelspec"), sort_keys=True).encode())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            digest.update(json.dumps([cell.source, cell.metadata.get("tags", [])]).encode())
    pins = [section.root / name for name in ("requirements.txt", "constraints.txt")]
    for path in [*library_files(section), *filter(Path.exists, pins)]:
        digest.update(path.relative_to(section.root).as_posix().encode())
        digest.update(path.read_bytes())
    digest.update(Path(__file__).with_name("run_section.py").read_bytes())
    digest.update(platform.python_version().encode())
    return digest.hexdigest()
