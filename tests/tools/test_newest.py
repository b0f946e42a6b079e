"""The report on the newest versions: which cells it names, with which sentences, and what it leaves out."""

import importlib.metadata
import sys
from concurrent.futures import ThreadPoolExecutor

import execute
import newest
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from run_section import Run, code_cells
from sections import Section, fingerprint

BLOB = "https://example.org/course/blob/0123abc"
BOOK = "@book{adams1979, author = {Adams, Douglas}, title = {A Guide}, year = {1979}, publisher = {Pan}}\n"

FAILS = """\
# A claim that fails

Words that are far away.

The answer, as [the guide](differs.md) and
{ref}`the other section <differs>` have it, is

$$
a = 41
$$

where $a$ is whole.

```{code-cell} ipython3
import course_lib
assert course_lib.answer == 41, "it is another"
later = 1
```

It was found by {cite:t}`adams1979`. So it holds.

More words.

```{code-cell} ipython3
print(later)
```

## Another subject

```{code-cell} ipython3
:tags: [raises-exception]

1 / 0
```

```{code-cell} ipython3
raise ValueError("and this")
```
"""

DIFFERS = """\
(differs)=
# An output that differs

Here is the answer.

```{code-cell} ipython3
:tags: [nbval-check-output]

import course_lib
print("The answer is")
print(course_lib.answer)
```

So it is 41.

```{code-cell} ipython3
print(course_lib.answer)
```
"""

HOLDS = """\
# A section that holds

```{code-cell} ipython3
:tags: [nbval-check-output]

print(6 * 7)
```
"""

REPORT = f"""\
Claims that no longer hold: 3

### [chapters/01_first/fails.md, line 25]({BLOB}/chapters/01_first/fails.md?plain=1#L25)

> The answer, as the guide and the other section have it, is $a = 41$ where $a$ is whole.

> It was found by Adams (1979). So it holds.

````diff
  import course_lib
! assert course_lib.answer == 41, "it is another"
! AssertionError: it is another
````

### [chapters/01_first/fails.md, line 47]({BLOB}/chapters/01_first/fails.md?plain=1#L47)

````diff
  raise ValueError("and this")
! raise ValueError("and this")
! ValueError: and this
````

### [chapters/01_first/differs.md, line 17]({BLOB}/chapters/01_first/differs.md?plain=1#L17)

> Here is the answer.

> So it is 41.

````diff
  import course_lib
-41
+42
````

### Newer than the pinned versions

- numpy {importlib.metadata.version("numpy")}, pinned: 1.0"""


@pytest.fixture
def book(project):
    """A function that makes a book of sections, as executed with the pinned versions."""
    front = (project.root / "chapters/01_first/one.md").read_text().partition("# Section")[0]
    project.write("_config.yml", "parse: {myst_enable_extensions: [dollarmath]}\n")
    project.write("references.bib", BOOK)
    project.write("requirements.txt", "# Pins\nnumpy==1.0  # arrays\ntorch==9999.0\n")

    def make(**sections):
        toc = [f"- file: chapters/01_first/{name}\n" for name in sections]
        project.write("_toc.yml", "".join(["format: jb-book\nroot: intro\nchapters:\n", *toc]))
        for name, (text, *printed) in sections.items():
            project.write(f"chapters/01_first/{name}.md", front + text)
            section = Section(project.root, f"01_first/{name}")
            notebook = section.read()
            for cell, line in zip(code_cells(notebook), printed, strict=False):
                cell.outputs = [new_output("stream", name="stdout", text=line)]
            notebook.metadata["executed"] = {"fingerprint": fingerprint(section, section.read())}
            execute.store(section, notebook)
        return project.root

    return make


def test_the_report_names_the_sentences_that_no_longer_hold(book):
    root = book(
        fails=(FAILS, "", "1\n"), differs=(DIFFERS, "The answer is\n41\n", "41\n"), holds=(HOLDS, "42\n")
    )
    text, holds = newest.report(root, BLOB)
    assert text == REPORT
    assert not holds


def test_a_book_that_holds_is_said_to_hold(book, monkeypatch, capsys):
    root = book(one=(HOLDS, "42\n"), two=(HOLDS, "42\n"))
    monkeypatch.setattr(newest, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(newest, "run_section", lambda part: Run(1.0, 1.0, "", execute.stored(part), ""))
    monkeypatch.setattr(newest, "Onward", Section)
    monkeypatch.setattr(sys, "argv", ["newest.py", "--root", str(root)])
    assert newest.main() == 0
    assert capsys.readouterr().out.startswith("All 2 sections hold.\n")


def test_the_exit_status_tells_of_a_claim_that_does_not_hold(monkeypatch, capsys):
    monkeypatch.setattr(newest, "report", lambda root, blob: (f"Links to {blob}", False))
    monkeypatch.setattr(sys, "argv", ["newest.py", "--blob", BLOB])
    assert newest.main() == 1
    assert capsys.readouterr().out == f"Links to {BLOB}\n"


def test_there_is_nothing_to_compare_with_what_was_not_executed(book, monkeypatch):
    root = book(holds=(HOLDS, "42\n"))
    source = root / "chapters/01_first/holds.md"
    source.write_text(source.read_text().replace("6 * 7", "7 * 6"))
    monkeypatch.setattr(sys, "argv", ["newest.py", "--root", str(root)])
    with pytest.raises(SystemExit, match=r"not executed with the pinned versions: 01_first/holds"):
        newest.main()


@pytest.mark.parametrize(
    ("failure", "cell", "last"),
    [
        (
            "FAILED 01_first/x, code cell 2 of 3 (x.md, line 9)\n\n  | x\n\n    DeadKernelError: died\n",
            1,
            "died",
        ),
        ("FAILED 01_first/x (x.md)\n\n    NoSuchKernel: python4\n", None, "python4"),
    ],
    ids=["in a cell", "before the first"],
)
def test_a_kernel_that_dies_is_told_of(failure, cell, last):
    ((number, shown),) = newest.changes(new_notebook(), Run(1.0, 1.0, "", None, failure))
    assert number == cell
    assert len(shown) == 1
    assert shown[0].startswith("! ")
    assert shown[0].endswith(last)


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (["stream", "stdout", "a\nb\n"], ["stream", "stdout", "a\nb\n"], True),
        (["stream", "stdout", "a\n"], ["stream", "stdout", "b\n"], False),
        (["stream", "stderr", "a warning\n"], ["stream", "stderr", "another\n"], True),
        (["display_data", "image/png", "1"], ["display_data", "image/png", "2"], True),
        (["display_data", "text/plain", "1"], ["display_data", "text/plain", "2"], False),
        (["error", "KeyError", "'a'"], ["error", "KeyError", "'b'"], False),
    ],
    ids=["the same", "other words", "a warning", "a picture", "a value", "an error shown on purpose"],
)
def test_what_a_tagged_cell_says_is_compared_as_text(then, now, same):
    def executed(kind, name, what):
        values = {
            "stream": {"name": name, "text": what},
            "error": {"ename": name, "evalue": what, "traceback": []},
            "display_data": {"data": {name: what}},
        }
        tags = [newest.TAG, newest.MAY_RAISE]
        cell = new_code_cell("x", metadata={"tags": tags}, outputs=[new_output(kind, **values[kind])])
        return new_notebook(cells=[cell])

    run = Run(1.0, 1.0, "", executed(*now), "")
    assert (list(newest.changes(executed(*then), run)) == []) is same


def test_only_what_is_newer_than_its_pin_is_listed(tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text(
        "a==2.9 # why\nb_b==1.0\nPyYAML==2.0\nthe.d==3.0\nmissing==1.0\nf==1.0; x == 1 # y\n"
    )
    (tmp_path / "constraints.txt").write_text("B-B==1.0\npyyaml==2.0\ne==1.0.post1\n")
    here = {
        "a": "2.10",
        "b-b": "1.0+cpu",
        "pyyaml": "1.9",
        "the.d": "3.0.post1+cpu",
        "e": "1.0.post1",
        "f": "1.1",
    }

    def version(name):
        if name not in here:
            raise importlib.metadata.PackageNotFoundError(name)
        return here[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert newest.newer(tmp_path) == [
        ("a", "2.9", "2.10"),
        ("f", "1.0", "1.1"),
        ("the.d", "3.0", "3.0.post1"),
    ]


def test_the_entry_of_a_section_that_did_not_begin_points_at_its_first_line(book):
    root = book(holds=(HOLDS,))
    section = Section(root, "01_first/holds")
    entry = newest.entry(section, section.read(), None, ["! NoSuchKernel"], newest.Prose(root), "")
    assert entry.splitlines()[0] == "### [chapters/01_first/holds.md, line 1](chapters/01_first/holds.md#L1)"
    assert "! NoSuchKernel" in entry
