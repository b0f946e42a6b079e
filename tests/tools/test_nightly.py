"""Every section with other seeds: which claims do not survive, with which seeds, and what the report says."""

import re
import subprocess
import sys
from pathlib import Path

import nightly
import pytest
from nbformat.v4 import new_output
from run_section import Run
from sections import Section, all_sections

ROOT = Path(__file__).resolve().parents[2]

HOLDS = """\
# A section that holds

```{code-cell} ipython3
:tags: [parameters]

seed = 0
most = 5
```

```{code-cell} ipython3
:tags: [nbval-check-output]

assert seed < most
print(seed)
```
"""

BREAKS = """\
# A section whose claim is an accident

```{code-cell} ipython3
:tags: [parameters]

seed = 0  # the book's
runs = 3
```

The number is never two.

```{code-cell} ipython3
found = seed
assert found != 2, f"it is {found}"
later = runs
```

So much for that.

```{code-cell} ipython3
print(later)
```

## Another subject

```{code-cell} ipython3
:tags: [raises-exception]

1 / 0
```

```{code-cell} ipython3
assert seed == 0, "not the book's"
```
"""

REPORT = """\
1 of 2 sections hold with the seeds 2.

| section | seed 2 |
|---|---|
| 01_first/one | **2 failed** |
| 01_first/two | holds |

### [chapters/01_first/one.md, line 23](chapters/01_first/one.md#L23)

> The number is never two.

> So much for that.

````diff
  found = seed
@@ seed 2 @@
! assert found != 2, f"it is {found}"
! AssertionError: it is 2
````

### [chapters/01_first/one.md, line 43](chapters/01_first/one.md#L43)

````diff
  assert seed == 0, "not the book's"
@@ seed 2 @@
! assert seed == 0, "not the book's"
! AssertionError: not the book's
````
"""


@pytest.fixture
def book(project):
    """The small project with one section whose claims break with the seed, and one whose claims do not."""
    front = (project.root / "chapters/01_first/one.md").read_text().partition("# Section")[0]
    project.write("_config.yml", "parse: {myst_enable_extensions: [dollarmath]}\n")
    project.write("chapters/01_first/one.md", front + BREAKS)
    project.write("chapters/01_first/two.md", front + HOLDS)
    return project


def run_nightly(book, *arguments: str) -> subprocess.CompletedProcess:
    """Run the program as `make nightly` does."""
    program = [sys.executable, ROOT / "tools/nightly.py", "--root", book.root]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)


def test_the_report_names_what_does_not_survive_another_seed(book):
    told = run_nightly(book, "--seeds", "2")
    assert told.returncode == 1, told.stderr
    assert (book.root / "_build/nightly.md").read_text(encoding="utf-8") == REPORT
    one, two, last = told.stdout.splitlines()
    assert re.fullmatch(r"01_first/one, seed 2: \d+\.\d s, 2 FAILED", one)
    assert re.fullmatch(r"01_first/two, seed 2: \d+\.\d s, holds", two)
    assert last == "1 of 2 sections hold with the seeds 2. See _build/nightly.md."


def simulated(section: nightly.Seeded) -> Run:
    """A run in which the last cell of a section fails with an odd seed."""
    notebook = section.read()
    if section.seed % 2:
        error = new_output("error", ename="AssertionError", evalue="odd", traceback=["AssertionError: odd"])
        notebook.cells[-1].outputs = [error]
    return Run(1.0, 1.0, "", notebook, "")


class OneAfterTheOther:
    """Stands for the pool of processes."""

    def __init__(self, *_, **__):
        self.map = map

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def simulation(book, monkeypatch):
    """A function that calls the program here, with runs that take no time."""
    monkeypatch.setattr(nightly, "ProcessPoolExecutor", OneAfterTheOther)
    monkeypatch.setattr(nightly, "run_section", simulated)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["nightly.py", "--root", str(book.root), *arguments])
        return nightly.main()

    return call


def test_the_exit_status_is_0_where_all_holds_and_1_where_not(simulation, book):
    report = book.root / "_build/nightly.md"
    assert simulation("--seeds", "2", "4") == 0
    assert report.read_text().startswith("2 of 2 sections hold with the seeds 2, 4.\n")
    assert "###" not in report.read_text()
    assert simulation("--seeds", "2", "3") == 1
    assert report.read_text().startswith("0 of 2 sections hold with the seeds 2, 3.\n")


def test_by_default_there_are_three_seeds_and_none_is_the_books(simulation, book):
    simulation()
    text = (book.root / "_build/nightly.md").read_text()
    assert "| 01_first/one | **1 failed** | holds | **1 failed** |" in text
    assert "@@ seed 1, 3 @@" in text, "what is the same with several seeds is said once"
    assert len(nightly.SEEDS) == 3
    assert 0 not in nightly.SEEDS


def test_sections_can_be_named_and_links_lead_to_the_web(simulation, book, capsys):
    assert simulation("--seeds", "1", "--sections", "01_first/two", "--blob", "https://example.org/b") == 1
    text = (book.root / "_build/nightly.md").read_text()
    assert "01_first/one" not in text
    assert "](https://example.org/b/chapters/01_first/two.md?plain=1#L" in text
    with pytest.raises(SystemExit, match=r"no such section in _toc\.yml: 01_first/ten"):
        simulation("--sections", "01_first/ten")


@pytest.mark.parametrize(
    ("old", "new"), [("seed = 0", "sead = 0"), (":tags: [parameters]", ":tags: [other]")], ids=["name", "tag"]
)
def test_a_section_without_a_seed_is_named_before_anything_runs(simulation, book, old, new, capsys):
    source = book.root / "chapters/01_first/two.md"
    source.write_text(source.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=r"01_first/two: no cell tagged parameters sets seed"):
        simulation()
    assert capsys.readouterr().out == ""


def test_a_seed_moves_no_line_and_changes_nothing_else(book):
    plain = Section(book.root, "01_first/one").read()
    seeded = nightly.Seeded(book.root, "01_first/one", 7).read()
    assert seeded.metadata["source_map"] == plain.metadata["source_map"]
    pairs = [(a.source, b.source) for a, b in zip(plain.cells, seeded.cells, strict=True)]
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    assert differing == [("seed = 0  # the book's\nruns = 3", "seed = 7\nruns = 3")]


def test_a_kernel_that_dies_is_reported_at_its_cell(simulation, book, monkeypatch):
    failure = (
        "FAILED 01_first/two, code cell 2 of 2 (two.md, line 19)\n\n  | x\n\n    DeadKernelError: died\n"
    )
    monkeypatch.setattr(nightly, "run_section", lambda section: Run(1.0, 1.0, "", None, failure))
    assert simulation("--seeds", "5", "--sections", "01_first/two") == 1
    text = (book.root / "_build/nightly.md").read_text()
    assert "| 01_first/two | **1 failed** |" in text
    assert "@@ seed 5 @@\n! DeadKernelError: died\n" in text


def test_every_section_of_the_book_sets_its_seed():
    for section in all_sections(ROOT):
        cells = re.findall(
            r"^:tags: \[parameters\]\n(.*?)^```", section.source.read_text("utf-8"), re.M | re.S
        )
        assert [len(nightly.SETS_SEED.findall(cell)) for cell in cells] == [1], section.name
