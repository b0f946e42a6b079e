"""Run every section with other seeds than the book's, and say which claims do not survive: ``make nightly``.

    python tools/nightly.py [--seeds 1 2 3] [--sections SECTION ...] [--blob ADDRESS]

Each section sets ``seed`` in its cell tagged ``parameters``. It is run with every seed, in a kernel of its
own and on past every error, as many runs at a time as there are cores. The report, ``_build/nightly.md``, is
a table of sections and seeds and, of each cell that fails, the prose beside it and the assertion with its
message. What a section prints may differ from seed to seed; what it asserts may not fail. The exit status is
0 if all holds.

Left out is what ``make test`` does: there nbval runs each student edition once more with the book's seed,
from nothing, in the order of its cells, and compares what it prints.
"""

import argparse
import multiprocessing
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from execute import chosen, cores, write_atomically
from nbformat import NotebookNode
from newest import Onward, Prose, entry, failures
from run_section import Run, code_cells, run_section
from sections import Section, all_sections

SEEDS = [1, 2, 3]  # the book's is 0
SETS_SEED = re.compile(r"^seed\s*=.*$", re.M)

# The cells of a section that failed: each with what to show of it, and the seeds with which just that came.
Broken = dict[int | None, dict[tuple[str, ...], list[int]]]


@dataclass(frozen=True)
class Seeded(Onward):
    """A section with another seed in its cell of parameters, on the same line as the book's."""

    seed: int

    def read(self) -> NotebookNode:
        """The section as a notebook without outputs."""
        notebook = super().read()
        cell = parameters(self, notebook)
        cell.source = SETS_SEED.sub(f"seed = {self.seed}", cell.source)
        return notebook


def parameters(section: Section, notebook: NotebookNode) -> NotebookNode:
    """The cell that sets a section's seed.

    Raises:
        ValueError: there is none.
    """
    for cell in code_cells(notebook):
        if "parameters" in cell.metadata.get("tags", []) and SETS_SEED.search(cell.source):
            return cell
    raise ValueError(f"{section.name}: no cell tagged parameters sets seed")


def run_all(sections: list[Section], seeds: list[int]) -> Iterator[tuple[Section, int, Run]]:
    """Run each section with each seed, side by side; the runs in order, as they come."""
    pairs = list(product(sections, seeds))
    seeded = [Seeded(section.root, section.name, seed) for section, seed in pairs]
    with ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for (section, seed), run in zip(pairs, pool.map(run_section, seeded), strict=True):
            yield section, seed, run


def report(root: Path, seeds: list[int], names: list[str], blob: str = "") -> tuple[str, bool]:
    """Run a book's sections (those named; none: all) with these seeds; the report, and whether all holds.

    Raises:
        ValueError: a section is named that is not in the book, or one sets no seed.
    """
    sections = chosen(all_sections(root), names)
    for section in sections:
        parameters(section, section.read())  # what is missing is told before hours of work
    prose = Prose(root)
    results: dict[Section, Broken] = {section: {} for section in sections}
    for section, seed, run in run_all(sections, seeds):
        found = list(failures(section.read(), run))
        verdict = f"{len(found)} FAILED" if found else "holds"
        print(f"{section.name}, seed {seed}: {run.seconds:.1f} s, {verdict}", flush=True)
        for cell, shown in found:
            results[section].setdefault(cell, {}).setdefault(tuple(shown), []).append(seed)
    holding = sum(not broken for broken in results.values())
    head = f"{holding} of {len(sections)} sections hold with the seeds {listed(seeds)}."
    entries = [text for section in sections for text in details(section, results[section], prose, blob)]
    return "\n".join([f"{head}\n", *table(results, seeds), "", *entries]), holding == len(sections)


def listed(seeds: list[int]) -> str:
    """Seeds in a row."""
    return ", ".join(map(str, seeds))


def table(results: dict[Section, Broken], seeds: list[int]) -> Iterator[str]:
    """The lines of a table of sections and seeds: how many cells failed."""
    yield f"| section | {' | '.join(f'seed {seed}' for seed in seeds)} |"
    yield f"|---|{'---|' * len(seeds)}"
    for section, broken in results.items():
        failed = [seed for shown in broken.values() for alike in shown.values() for seed in alike]
        counts = [failed.count(seed) for seed in seeds]
        verdicts = [f"**{count} failed**" if count else "holds" for count in counts]
        yield f"| {section.name} | {' | '.join(verdicts)} |"


def details(section: Section, broken: Broken, prose: Prose, blob: str) -> Iterator[str]:
    """What the report says of each cell of a section that failed, with all its seeds."""
    source = section.read()
    for cell in sorted(broken, key=lambda number: number or 0):
        shown = [
            line for lines, seeds in broken[cell].items() for line in (f"@@ seed {listed(seeds)} @@", *lines)
        ]
        yield entry(section, source, cell, shown, prose, blob)


def main() -> int:
    """Write the report; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, metavar="SEED")
    parser.add_argument("--sections", nargs="+", default=[], metavar="SECTION", help="none: all")
    parser.add_argument("--blob", default="", help="where the web shows this commit's files: links go there")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    try:
        text, holds = report(root, arguments.seeds, arguments.sections, arguments.blob)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    write_atomically(root / "_build/nightly.md", text)
    print(f"{text.splitlines()[0]} See _build/nightly.md.")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
