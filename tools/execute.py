"""Execute the sections of the book, in parallel, and put the results where the book finds them.

    python tools/execute.py [SECTION ...]

Each section runs in a kernel of its own, through papermill, with its default parameters. The executed
notebooks are kept in ``_build/executed`` together with the fingerprint of what they were made from, so that
only a section whose code, library or versions have changed runs again. From there they go into jupyter-cache,
where ``jupyter-book build .`` looks for them. A failing cell stops everything, and says where it is.
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import shutil
import sys
import tempfile
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from run_section import run_section, with_outputs
from sections import Section, all_sections, fingerprint

# What the record of an execution tells the version of: what the sections compute with, what ran them, and the
# book's builder.
TOLD = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-image",
    "matplotlib",
    "networkx",
    "papermill",
    "ipykernel",
    "jupyter-book",
)


class SectionFailed(Exception):
    """At least one section could not be executed; the message says which cell, where and why."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is either there and whole, or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def write_change(path: Path, text: str) -> None:
    """Write a file, leaving one untouched that holds this already: the book looks at its date."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_atomically(path, text)


def stored(section: Section) -> nbformat.NotebookNode | None:
    """The executed notebook of a section with today's prose, if it is still what an execution would give."""
    if not section.executed.exists():
        return None
    executed = nbformat.read(section.executed, as_version=4)
    source = section.read()
    record = executed.metadata.get("executed", {})
    if record.get("fingerprint") != fingerprint(section, source):
        return None
    notebook = with_outputs(source, executed)
    notebook.metadata["executed"] = record
    return notebook


def store(section: Section, notebook: nbformat.NotebookNode) -> None:
    """Keep an executed notebook."""
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # the same notebook is the same file
    write_change(section.executed, nbformat.writes(notebook))


def fill_cache(root: Path, notebooks: dict[Section, nbformat.NotebookNode]) -> None:
    """Make jupyter-cache hold exactly these notebooks, at any moment all of them or none."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    target = root / "_build/.jupyter_cache"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder, "cache")
        cache = get_cache(fresh)
        for section, notebook in notebooks.items():
            data = {"execution_seconds": notebook.metadata["executed"]["seconds"]}
            cache.cache_notebook_bundle(
                CacheBundleIn(notebook, str(section.source), data=data), check_validity=False, overwrite=True
            )
        cache.db.dispose()
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)


def write_status(root: Path, notebooks: dict[Section, nbformat.NotebookNode]) -> None:
    """Write the record of each section that is up to date to ``_build/executed/status.json``."""
    status = {section.name: notebook.metadata["executed"] for section, notebook in notebooks.items()}
    write_change(root / "_build/executed/status.json", json.dumps(status, indent=2, sort_keys=True) + "\n")


def prune(root: Path, sections: list[Section]) -> None:
    """Remove the executed notebooks of sections that are no longer in the book."""
    for path in (root / "_build/executed").rglob("*.ipynb"):
        if path not in {section.executed for section in sections}:
            path.unlink()


def execute(root: Path, only: list[str] | None = None, workers: int | None = None) -> None:
    """Bring every section of a book (or only those named) up to date, printing progress.

    Raises:
        SectionFailed: a cell failed. What was running has been finished and kept; nothing more was started.
        FileNotFoundError, ValueError: a section is listed or named that does not exist.
    """
    sections = all_sections(root)
    wanted = chosen(sections, only)
    notebooks = {section: notebook for section in sections if (notebook := stored(section))}
    due = [section for section in wanted if section not in notebooks]
    print(f"{len(sections)} sections, {len(due)} to execute", flush=True)
    failures = run_all(due, workers or cores(), notebooks)
    for section, notebook in notebooks.items():
        store(section, notebook)
    prune(root, sections)
    fill_cache(root, notebooks)
    write_status(root, notebooks)
    if failures:
        raise SectionFailed("\n".join(failures))


def chosen(sections: list[Section], names: list[str] | None) -> list[Section]:
    """Those of the sections that are named; all, where none is.

    Raises:
        ValueError: a name is none of theirs.
    """
    if unknown := set(names or []) - {section.name for section in sections}:
        raise ValueError(f"no such section in _toc.yml: {', '.join(sorted(unknown))}")
    return [section for section in sections if not names or section.name in names]


def here() -> dict[str, str]:
    """The machine and the versions that sections are executed with: they go into the record."""
    machine = {"Machine": f"{platform.system()} {platform.machine()}", "Cores": str(cores())}
    versions = {name: importlib.metadata.version(name) for name in TOLD}
    return machine | {"Python": platform.python_version()} | versions


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(due: list[Section], workers: int, notebooks: dict[Section, nbformat.NotebookNode]) -> list[str]:
    """Execute sections side by side, keeping each result as it comes; the failures, described."""
    if not due:
        return []
    failures = []
    # Not forked: a worker must not inherit the memory it is to measure.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(due)), context, max_tasks_per_child=1) as pool:
        runs: dict[Future, Section] = {pool.submit(run_section, section): section for section in due}
        for done, future in enumerate(as_completed(runs), start=1):
            if future.cancelled():
                continue
            section, run = runs[future], future.result()
            verdict = "FAILED" if run.failure else f"{run.peak_mib:.0f} MiB"
            print(f"[{done}/{len(due)}] {section.name} {run.seconds:.1f} s, {verdict}", flush=True)
            if run.notebook is None:
                failures.append(run.failure)
                for waiting in runs:
                    waiting.cancel()
                continue
            run.notebook.metadata["executed"] = {
                "fingerprint": run.fingerprint,
                "seconds": round(run.seconds, 1),
                "peak_mib": round(run.peak_mib),
                "date": datetime.now(UTC).date().isoformat(),
                "with": here(),
            }
            notebooks[section] = run.notebook
            store(section, run.notebook)
    return failures


def main() -> int:
    """Execute what the command line names; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("section", nargs="*", help="such as 01_neural_networks/neurons; none: all")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--workers", type=int, help="sections at a time; default: one a core")
    arguments = parser.parse_args()
    try:
        execute(arguments.root.resolve(), arguments.section, arguments.workers)
    except (SectionFailed, FileNotFoundError, ValueError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
