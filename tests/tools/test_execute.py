"""The executor: what it runs, what it leaves behind, and what it says of a cell that fails."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import execute
import nbformat
import pytest
import run_section
import sections

TOOLS = Path(execute.__file__).parent


def executed(project, name: str) -> nbformat.NotebookNode:
    return nbformat.read(project.root / f"_build/executed/01_first/{name}.ipynb", as_version=4)


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def cached_uris(project) -> set[str]:
    from jupyter_cache import get_cache

    cache = get_cache(project.root / "_build/.jupyter_cache")
    return {Path(cache.get_cache_bundle(record.pk).record.uri).stem for record in cache.list_cache_records()}


def ran(capsys) -> set[str]:
    """The sections that the last execution ran, from what it printed."""
    return set(re.findall(r"^\[\d+/\d+\] 01_first/(\w+) \d+\.\d s", capsys.readouterr().out, re.M))


def test_a_changed_section_runs_again_alone(executed_project, capsys):
    project = executed_project
    execute.execute(project.root)
    assert ran(capsys) == set(), "nothing had changed"

    before = (project.root / "_build/executed/01_first/one.ipynb").stat().st_mtime_ns
    project.add("two", "print('changed')")
    execute.execute(project.root)
    assert ran(capsys) == {"two"}
    assert printed(executed(project, "two")) == "changed\n"
    assert printed(executed(project, "one")) == "42\n"
    assert (project.root / "_build/executed/01_first/one.ipynb").stat().st_mtime_ns == before
    assert cached_uris(project) == {"one", "two"}


def test_a_changed_library_runs_every_section_again(executed_project, capsys):
    project = executed_project
    project.write("course_lib/__init__.py", "answer = 43\n")
    execute.execute(project.root)
    assert ran(capsys) == {"one", "two"}
    assert printed(executed(project, "one")) == "43\n", "the section saw the changed library"


def test_changed_prose_is_kept_without_running_anything(executed_project, capsys):
    project = executed_project
    source = project.root / "chapters/01_first/two.md"
    source.write_text(source.read_text().replace("Some prose.", "Better prose."))
    execute.execute(project.root)
    assert ran(capsys) == set()
    notebook = executed(project, "two")
    assert "Better prose." in notebook.cells[0].source
    assert printed(notebook) == "two\n"
    assert cached_uris(project) == {"one", "two"}


def test_sections_run_side_by_side_as_the_book_wants_them(project):
    # Each waits for the other: one after the other, neither would end.
    wait = (
        "import os, pathlib, time\n"
        "pathlib.Path('{mine}').touch()\n"
        "while not os.path.exists('{other}'):\n"
        "    time.sleep(0.01)"
    )
    names = ("COURSE_BOOK", "PYTHONHASHSEED", "OMP_NUM_THREADS", "MPLBACKEND")
    show = f"print(*(os.environ.get(name) for name in {names}))"
    project.add("one", wait.format(mine="1", other="2"), show)
    project.add("two", wait.format(mine="2", other="1"), show)
    execute.execute(project.root, workers=2)
    for name in ("one", "two"):
        assert printed(executed(project, name)) == "1 0 1 module://matplotlib_inline.backend_inline\n"
    status = json.loads((project.root / "_build/executed/status.json").read_text())
    assert set(status) == {"01_first/one", "01_first/two"}
    assert all(entry["seconds"] > 0 and 30 < entry["peak_mib"] < 1500 for entry in status.values())


def test_a_failing_cell_is_named_and_leaves_nothing_behind(project, capsys):
    project.add("two", "x = 1", "print('so far')\ny = x + None", "print('never')")
    with pytest.raises(execute.SectionFailed) as failure:
        execute.execute(project.root)
    told = str(failure.value)
    assert "FAILED 01_first/two, code cell 2 of 3" in told
    source = (project.root / "chapters/01_first/two.md").read_text().splitlines()
    line = source.index("print('so far')")  # counted from 0: the line before, on which the cell begins
    assert f"chapters/01_first/two.md, line {line}" in told
    assert "| y = x + None" in told
    assert "TypeError: unsupported operand" in told
    assert "\x1b" not in told, "no colour codes"
    assert not (project.root / "_build/executed/01_first/two.ipynb").exists()
    assert cached_uris(project) == {"one"}, "the other section was finished and kept"

    capsys.readouterr()
    project.add("two", "print('mended')")
    execute.execute(project.root)
    assert ran(capsys) == {"two"}
    assert cached_uris(project) == {"one", "two"}


def test_a_section_that_failed_is_not_in_the_cache_with_its_old_outputs(
    executed_project, monkeypatch, capsys
):
    executed_project.add("two", "raise ValueError('now')")
    monkeypatch.setattr(sys, "argv", ["execute.py", "--root", str(executed_project.root)])
    assert execute.main() == 1
    told = capsys.readouterr().err
    assert "01_first/two, code cell 1 of 1" in told
    assert "ValueError: now" in told
    assert cached_uris(executed_project) == {"one"}


def test_nothing_more_starts_after_a_failure(project, capsys):
    project.add("one", "1 / 0")
    project.add("three", "print(3)")
    with pytest.raises(execute.SectionFailed):
        execute.execute(project.root, workers=1)
    assert "three" not in ran(capsys)


def test_a_damaged_or_missing_cache_is_made_again_without_running(executed_project, capsys):
    for path in (executed_project.root / "_build/.jupyter_cache").rglob("base.ipynb"):
        path.unlink()
    execute.execute(executed_project.root)
    assert ran(capsys) == set()
    assert cached_uris(executed_project) == {"one", "two"}
    shutil.rmtree(executed_project.root / "_build/.jupyter_cache")
    execute.execute(executed_project.root)
    assert ran(capsys) == set()
    assert cached_uris(executed_project) == {"one", "two"}


def test_a_section_no_longer_in_the_book_leaves_its_results(executed_project):
    toc = executed_project.root / "_toc.yml"
    toc.write_text(toc.read_text().replace("- file: chapters/01_first/two\n", ""))
    execute.execute(executed_project.root)
    assert not (executed_project.root / "_build/executed/01_first/two.ipynb").exists()
    assert cached_uris(executed_project) == {"one"}


def run_patched(project, name: str, timeout: int = 600) -> subprocess.CompletedProcess:
    """Run one section in a process as the executor does, with another time limit for a cell."""
    program = (
        "import sys, run_section, sections, pathlib\n"
        f"run_section.CELL_TIMEOUT = {timeout}\n"
        f"section = sections.Section(pathlib.Path({str(project.root)!r}), '01_first/{name}')\n"
        "print(run_section.run_section(section).failure or 'finished')"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("import os; os.kill(os.getpid(), 9)", "DeadKernelError"),
        ("import time; time.sleep(60)", "CellTimeoutError"),
        ("import sys; sys.exit()", "SystemExit"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("def f(:\n    pass", "SyntaxError"),
    ],
    ids=["killed", "hangs", "exits", "exits with 0", "does not parse"],
)
def test_every_way_to_fail_names_the_cell(project, cell, reason):
    project.add("two", "x = 1", cell, "print('never')")
    told = run_patched(project, "two", timeout=3).stdout
    assert "FAILED 01_first/two, code cell 2 of 3" in told
    assert reason in told


def test_an_error_shown_on_purpose_is_no_failure(project):
    project.add("two", ":tags: [raises-exception]\n\n1 / 0", "print('and on')")
    assert run_patched(project, "two").stdout == "finished\n"


def test_the_command_line_names_a_section_that_does_not_exist(project, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["execute.py", "--root", str(project.root), "01_first/none"])
    assert execute.main() == 1
    assert capsys.readouterr().err.strip() == "no such section in _toc.yml: 01_first/none"


@pytest.mark.parametrize(("taken", "runs"), [(0, 1), (1, 2), (5, 2)])
def test_a_kernel_whose_port_was_taken_is_started_once_more(executed_project, monkeypatch, taken, runs):
    """Another program may take a port between its being found free and the kernel's opening it."""
    root = executed_project.root
    section = next(each for each in sections.all_sections(root) if each.name.endswith("one"))
    started = []

    def run(source, folder):
        started.append(folder)
        if len(started) <= taken:
            raise run_section.CellFailed(None, "zmq.error.ZMQError: Address already in use (addr='...')")
        return nbformat.from_dict(source)

    monkeypatch.setattr(run_section, "run_notebook", run)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    found = run_section.run_section(section)
    assert len(started) == runs
    assert bool(found.notebook) == (taken < 2)
    assert ("Address already in use" in found.failure) == (taken >= 2)


def test_a_kernel_that_dies_of_anything_else_is_not_started_again(executed_project, monkeypatch):
    started = []

    def run(source, folder):
        started.append(folder)
        raise run_section.CellFailed(None, "ModuleNotFoundError: No module named 'ipykernel'")

    section = sections.all_sections(executed_project.root)[0]
    monkeypatch.setattr(run_section, "run_notebook", run)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert "ipykernel" in run_section.run_section(section).failure
    assert len(started) == 1
