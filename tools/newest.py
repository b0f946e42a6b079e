"""Say which sentences of the book no longer hold with the versions that are installed here.

    python tools/newest.py [--blob ADDRESS] > report.md

First `tools/execute.py` executes the sections in an environment with the pinned versions. This program, run
by the Python of another, executes them there, on past every error, and compares. Each cell that fails, or
prints something else where its output is tagged, is reported with the prose beside it, which rests on it. A
NameError after a failure is the failure's echo, and left out. The exit status is 0 if all holds.
"""

import argparse
import difflib
import importlib.metadata
import multiprocessing
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

from execute import cores, stored
from nbformat import NotebookNode
from packaging.version import Version
from rerun import TAG
from run_section import Run, code_cells, run_section
from sections import Section, all_sections
from student_editions.blocks import PageWriter
from student_editions.book import Book
from student_editions.labels import Labels
from student_editions.parsing import make_parser, read_directive

MAY_RAISE = "raises-exception"
FORMULAS = ("math_block", "math_block_label", "amsmath")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PIN = re.compile(r"^([\w.-]+)==([^\s;#]+)", re.M)


class Onward(Section):
    """A section that runs on past its errors: each of its cells says that it may raise one."""

    def read(self) -> NotebookNode:
        """The section as a notebook without outputs."""
        notebook = super().read()
        for cell in code_cells(notebook):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), MAY_RAISE]
        return notebook


class Prose:
    """The book's prose in plain words, and what of it stands beside a cell."""

    def __init__(self, root: Path) -> None:
        self.book = Book(root)
        self.labels = Labels(self.book)
        self.parser = make_parser(self.book.extensions)

    def beside(self, section: Section, cell: int) -> list[str]:
        """The paragraphs before and after a code cell, none where a heading or an exercise comes first."""
        flow = self.flow(section)
        at = flow.index(cell)
        sides = (reversed(flow[:at]), flow[at + 1 :])
        nearest = [next((part for part in side if not isinstance(part, int)), None) for side in sides]
        return [paragraph for paragraph in nearest if paragraph]

    def flow(self, section: Section) -> list[str | int | None]:
        """Paragraphs, numbers of code cells, and None where another subject begins, in their order."""
        writer = PageWriter(self.book, self.labels, self.book.pages[f"chapters/{section.name}"])
        flow: list[str | int | None] = []
        for cell in section.read().cells:
            if cell.cell_type == "code":
                flow.append(sum(isinstance(part, int) for part in flow))
                continue
            tokens = self.parser.parse(cell.source)
            for before, token in zip([None, *tokens], tokens, strict=False):
                directive = read_directive(token)
                if token.type == "heading_open" or (directive and directive.name == "exercise-start"):
                    flow.append(None)
                elif token.type in FORMULAS:
                    _go_on(flow, f"${token.content.strip()}$")
                elif token.type == "inline" and before and before.type == "paragraph_open":
                    _go_on(flow, LINK.sub(r"\1", writer.convert_line(token.content)))
        return flow


def _go_on(flow: list[str | int | None], text: str) -> None:
    """Add a paragraph; a formula, or a small letter, goes on with the sentence that stands before it."""
    text = " ".join(text.split())
    if flow and isinstance(flow[-1], str) and (text.startswith("$") or text[:1].islower()):
        flow[-1] += f" {text}"
    else:
        flow.append(text)


def said(cell: NotebookNode) -> list[str]:
    """What a cell printed and showed as text, line by line; not its pictures, and no warnings."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}\n")
        elif output.output_type != "stream":
            parts.append(output.data.get("text/plain", "") + "\n")
        elif output.name == "stdout":
            parts.append(output.text)
    return "".join(parts).splitlines()


def told(error: NotebookNode) -> list[str]:
    """The line of a cell that failed, and the last line of its error."""
    trace = COLOUR.sub("", "\n".join(error.traceback)).rstrip()
    at = re.search(r"^-+> \d+ (.*)$", trace, re.M)
    return [f"! {line.strip()}" for line in [*(at.groups() if at else ()), trace.split("\n")[-1]]]


def failures(source: NotebookNode, run: Run) -> Iterator[tuple[int | None, list[str]]]:
    """Each cell that fails, and what to show of it; of a dead kernel the last one."""
    if run.notebook is None:
        at = re.search(r"code cell (\d+) of", run.failure)
        yield int(at[1]) - 1 if at else None, [f"! {run.failure.strip().splitlines()[-1].strip()}"]
        return
    failed = False
    for number, (was, now) in enumerate(zip(code_cells(source), code_cells(run.notebook), strict=True)):
        if error := unwanted(was, now):
            if not (failed and error.ename == "NameError"):
                yield number, told(error)
            failed = True


def unwanted(source: NotebookNode, run: NotebookNode) -> NotebookNode | None:
    """The error of a cell that is not to raise one."""
    if MAY_RAISE in source.metadata.get("tags", []):
        return None
    return next((output for output in run.outputs if output.output_type == "error"), None)


def changes(before: NotebookNode, run: Run) -> Iterator[tuple[int | None, list[str]]]:
    """Each cell that fails, then each that says something else, and what to show of it."""
    yield from failures(before, run)
    cells = zip(code_cells(before), code_cells(run.notebook), strict=True) if run.notebook else ()
    for number, (was, now) in enumerate(cells):
        if TAG in was.metadata.get("tags", []) and not unwanted(was, now) and said(was) != said(now):
            lines = list(difflib.unified_diff(said(was), said(now), n=0, lineterm=""))[2:]
            yield number, [line for line in lines if not line.startswith("@@")]


def entry(
    section: Section, before: NotebookNode, cell: int | None, shown: list[str], prose: Prose, blob: str
) -> str:
    """What the report says of a cell: where it is, the sentences, its first line and what came."""
    file = section.source.relative_to(section.root).as_posix()
    line, quoted = 1, []
    if cell is not None:
        numbered = zip(before.cells, before.metadata["source_map"], strict=True)
        line = [start for each, start in numbered if each.cell_type == "code"][cell]
        quoted = [f"> {paragraph}\n" for paragraph in prose.beside(section, cell)]
        shown = [f"  {code_cells(before)[cell].source.strip().splitlines()[0]}", *shown]
    address = f"{blob}/{file}?plain=1#L{line}" if blob else f"{file}#L{line}"
    return "\n".join([f"### [{file}, line {line}]({address})\n", *quoted, "````diff", *shown, "````\n"])


def newer(root: Path) -> list[tuple[str, str, str]]:
    """Name, pinned and installed version of every pinned package that is newer here."""
    pins = [pin for file in root.glob("*.txt") for pin in PIN.findall(file.read_text(encoding="utf-8"))]
    found = []
    for name, pin in sorted({(name.lower().replace("_", "-"), pin) for name, pin in pins}):
        with suppress(importlib.metadata.PackageNotFoundError):  # what no section needs may be missing
            here = importlib.metadata.version(name).partition("+")[0]  # without the build: 2.13.0+cpu
            if Version(here) > Version(pin):
                found.append((name, pin, here))
    return found


def report(root: Path, blob: str = "") -> tuple[str, bool]:
    """Execute every section of a book here; the report, and whether all holds.

    Raises:
        FileNotFoundError: a section has not been executed with the pinned versions, or not as it is now.
    """
    sections = all_sections(root)
    before = {section: notebook for section in sections if (notebook := stored(section))}
    if missing := [section.name for section in sections if section not in before]:
        raise FileNotFoundError(f"not executed with the pinned versions: {', '.join(missing)}")
    prose, entries = Prose(root), []
    with ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        runs = pool.map(run_section, [Onward(root, section.name) for section in sections])
        for section, run in zip(sections, runs, strict=True):
            found = sorted(changes(before[section], run), key=lambda each: each[0] or 0)
            print(f"{section.name} {run.seconds:.1f} s, {len(found)} changed", file=sys.stderr, flush=True)
            entries += [entry(section, before[section], *each, prose, blob) for each in found]
    head = f"Claims that no longer hold: {len(entries)}" if entries else f"All {len(sections)} sections hold."
    versions = [f"- {name} {here}, pinned: {pin}" for name, pin, here in newer(root)] or ["None."]
    text = "\n".join([f"{head}\n", *entries, "### Newer than the pinned versions\n", *versions])
    return text, not entries


def main() -> int:
    """Print the report; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--blob", default="", help="where the web shows this commit's files: links go there")
    arguments = parser.parse_args()
    try:
        text, holds = report(arguments.root.resolve(), arguments.blob)
    except FileNotFoundError as error:
        sys.exit(str(error))
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
