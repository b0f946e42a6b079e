"""Finds the sections of the course: in the project's chapters, or in student notebooks lying around."""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from course_lib.cli.output import MISUSED, fail

_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A section: its name such as ``01_neural_networks/neurons``, and the file it is in."""

    name: str
    title: str
    path: Path
    seconds: float | None = None
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The short name, unique in the course: ``neurons``."""
        return self.name.split("/")[-1]

    @property
    def chapter(self) -> str:
        """The chapter's folder: ``01_neural_networks``."""
        return self.name.split("/")[0]


def project_folder(start: Path) -> Path | None:
    """The project's root, seen from a folder inside it; None outside."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if (each / "_toc.yml").exists() and (each / "chapters").is_dir():
            return each
    return None


def find_all(here: Path | None = None) -> list[Section]:
    """The sections of the project around a folder, in the book's order; else those of the notebooks in it."""
    here = here or Path.cwd()
    root = project_folder(here)
    if root is None:
        found = filter(None, map(from_notebook, sorted([*here.glob("*.ipynb"), *here.glob("*/*.ipynb")])))
        return list({section.name: section for section in found}.values())
    order = re.findall(r"chapters/(\w+/\w+)", (root / "_toc.yml").read_text(encoding="utf-8"))
    files = [root / "chapters" / f"{name}.md" for name in order]
    return [section for path in files if path.exists() and (section := from_markdown(path))]


def from_markdown(path: Path) -> Section | None:
    """The section in a MyST notebook; None for a page that is no notebook."""
    text = path.read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    front = yaml.safe_load(match[1]) if match else {}
    if not isinstance(front, dict) or "kernelspec" not in front:
        return None
    title = _TITLE.search(text)
    name = f"{path.resolve().parent.name}/{path.stem}"
    return _section(name, title[1] if title else path.stem, path, front.get("course"))


def from_notebook(path: Path) -> Section | None:
    """The section a student notebook says it is; None for any other notebook."""
    try:
        course = json.loads(path.read_text(encoding="utf-8"))["metadata"]["course"]
        return _section(course["section"], course.get("title") or path.stem, path, course)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _section(name: str, title: str, path: Path, course: Any) -> Section:
    course = course if isinstance(course, dict) else {}
    return Section(name, title, path, course.get("seconds"), course.get("profiles") or {})


def find(name: str) -> Section:
    """The section of that name, short name or file. Ends the command, naming similar ones, if none is."""
    path = Path(name)
    if path.suffix in (".md", ".ipynb") and path.exists():
        section = from_markdown(path) if path.suffix == ".md" else from_notebook(path)
        if section is None:
            fail(f"{name} is no section of the course", MISUSED)
        return section
    sections = find_all()
    wanted = name.strip("/").removeprefix("chapters/").removesuffix(".md")
    for section in sections:
        if wanted in (section.name, section.stem):
            return section
    known = [section.name if "/" in wanted else section.stem for section in sections]
    fail(f"there is no section {name!r}{suggestion(wanted, known)}", MISUSED)


def suggestion(wanted: str, known: Iterable[str]) -> str:
    """The end of an error message: what may have been meant, or else what there is."""
    names = list(dict.fromkeys(known))
    if close := difflib.get_close_matches(wanted, names, n=2, cutoff=0.5):
        return f"; did you mean {' or '.join(close)}?"
    if not names:
        return ": no sections here (go to the course's folder, or to that of your notebooks)"
    return f"; `course list` names them all ({', '.join(names[:8])}{', ...' if len(names) > 8 else ''})"


def of_chapter(sections: list[Section], chapter: str) -> list[Section]:
    """The sections of a chapter, named by its number or its folder; ends the command if there is none."""
    wanted = chapter.strip("/").removeprefix("chapters/")
    wanted = wanted.zfill(2) if wanted.isdigit() else wanted
    found = [s for s in sections if wanted in (s.chapter, s.chapter[:2], s.chapter[3:])]
    if not found:
        fail(f"there is no chapter {chapter!r}{suggestion(wanted, (s.chapter for s in sections))}", MISUSED)
    return found
