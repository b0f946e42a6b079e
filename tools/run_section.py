"""Run one section of the book in a kernel of its own, and say precisely what failed, if anything did."""

import os
import re
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from sections import Section, fingerprint

CELL_TIMEOUT = 600  # seconds: ten times what a whole section may take; what runs longer hangs

# As many processes run at a time as there are cores, each on one: threads that wait for a core wait busily,
# and two processes of two threads on two cores take many times as long as two of one.
ONE_CORE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
KERNEL_ENVIRONMENT = ONE_CORE | {"COURSE_BOOK": "1", "PYTHONHASHSEED": "0"}


@dataclass
class Run:
    """What came of executing a section: its notebook, or the reason why there is none."""

    seconds: float
    peak_mib: float
    fingerprint: str
    notebook: nbformat.NotebookNode | None
    failure: str


class CellFailed(Exception):
    """A notebook came to a stop: at which code cell, counted from 0 (None: before the first), and why."""

    def __init__(self, cell: int | None, reason: str) -> None:
        super().__init__(cell, reason)
        self.cell, self.reason = cell, reason


def run_section(section: Section) -> Run:
    """Execute one section; called in a process of its own, whose children's memory is the section's."""
    search_path = [str(section.root), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update(KERNEL_ENVIRONMENT, PYTHONPATH=os.pathsep.join(search_path))
    os.environ.pop("MPLBACKEND", None)  # the kernel draws into the notebook
    source = section.read()
    made_from = fingerprint(section, source)  # now: the library may be edited while the section runs
    notebook, failure = None, ""
    start = time.perf_counter()
    for last_try in (False, True):
        try:
            notebook = with_outputs(source, run_notebook(source, section.source.parent))
        except CellFailed as stop:
            # A kernel is told ports that were free, and another program may be the first to take one.
            if stop.cell is None and "Address already in use" in stop.reason and not last_try:
                continue
            failure = describe_failure(section, source, stop)
        break
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Run(seconds, peak / (2**20 if sys.platform == "darwin" else 2**10), made_from, notebook, failure)


def run_notebook(source: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, to its end.

    Raises:
        CellFailed: a cell raised an error (untagged with ``raises-exception``), hung, or ended the kernel.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    crash = ""
    with tempfile.TemporaryDirectory() as scratch:
        given, taken, messages = (Path(scratch, name) for name in ("given.ipynb", "taken.ipynb", "messages"))
        nbformat.write(source, given)
        # What a kernel says on the terminal is of interest only if it dies.
        os.dup2(os.open(messages, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
        try:
            papermill.execute_notebook(
                given,
                taken,
                cwd=folder,
                kernel_name=source.metadata.get("kernelspec", {}).get("name", "python3"),
                progress_bar=False,
                execution_timeout=CELL_TIMEOUT,
            )
        except PapermillExecutionError:
            pass  # also raised for an error shown on purpose: the notebook tells which it was
        except Exception as error:  # no such kernel, a dead one, a cell that hangs
            crash = f"{messages.read_text()}\n{type(error).__name__}: {error}"
        if not taken.exists():
            raise CellFailed(None, crash)
        executed = nbformat.read(taken, as_version=4)
    for i, cell in reversed(list(enumerate(code_cells(executed)))):
        # After a crash papermill calls every cell completed; the last one that it started is to blame.
        if cell.metadata["papermill"]["status"] == "failed" or (
            crash and cell.metadata["papermill"]["start_time"]
        ):
            errors = [line for output in cell.outputs for line in output.get("traceback", [])]
            raise CellFailed(i, crash or "\n".join(errors))
    if crash:
        raise CellFailed(None, crash)
    return executed


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The code cells of a notebook, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def with_outputs(source: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The source notebook with the outputs of an execution, and nothing else of it.

    The cache finds a notebook by its kernel, its code and the metadata of its cells: what papermill adds to
    them would hide it.
    """
    notebook = nbformat.from_dict(source)
    for cell, result in zip(code_cells(notebook), code_cells(executed), strict=True):
        cell.outputs, cell.execution_count = result.outputs, result.execution_count
    if "language_info" in executed.metadata:
        notebook.metadata["language_info"] = executed.metadata["language_info"]
    return notebook


def describe_failure(section: Section, source: nbformat.NotebookNode, stop: CellFailed) -> str:
    """Where and why a section failed: its name, the cell, the line in the file, the code, the error."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stop.reason).strip()
    error = "\n".join(f"    {line}" for line in plain.splitlines()[-20:])
    file = section.source.relative_to(section.root)
    if stop.cell is None:
        return f"FAILED {section.name} ({file})\n\n{error}\n"
    numbered = zip(source.cells, source.metadata["source_map"], strict=True)
    starts = [line for cell, line in numbered if cell.cell_type == "code"]
    lines = code_cells(source)[stop.cell].source.splitlines()
    code = "\n".join(f"  | {line}" for line in lines[:15] + ["..."] * (len(lines) > 15))
    place = f"code cell {stop.cell + 1} of {len(starts)} ({file}, line {starts[stop.cell]})"
    return f"FAILED {section.name}, {place}\n\n{code}\n\n{error}\n"
