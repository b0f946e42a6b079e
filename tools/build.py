"""Build the book: execute what has changed, then let Jupyter Book write ``_build/html``.

    python tools/build.py

Warnings are errors. The builder's own words are shown only when it fails. A build in which nothing has
changed since the last good one ends at once.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from execute import SectionFailed, execute, write_atomically
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent

# What a book is made from. Anything else may change without a new build.
INPUTS = ["_config.yml", "_toc.yml", "references.bib", "requirements.txt", "constraints.txt", "*.md"]
INPUT_FOLDERS = ["_ext", "_static", "chapters", "course_lib", "notebooks", "tools"]


class BookFailed(Exception):
    """The builder warned or failed; the message is what it said."""


def state_of_inputs(root: Path) -> str:
    """A hash of everything the book is made from, names and contents."""
    files = [path for pattern in INPUTS for path in root.glob(pattern)]
    files += [path for folder in INPUT_FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('BOOK_URL', '')}".encode())
    for path in sorted(set(files)):
        if path.suffix != ".pyc" and ".ipynb_checkpoints" not in path.parts:
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_built(root: Path) -> bool:
    """Whether the book stands there as these inputs make it.

    The stamp is written after a good build and removed by the book's extension as any build begins.
    """
    stamp = root / "_build/built"
    pages = root / "_build/html/index.html"
    return pages.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == state_of_inputs(root)


def run_jupyter_book(root: Path) -> None:
    """Write the pages from the executed notebooks.

    Raises:
        BookFailed: with all that the builder said.
    """
    program = Path(sys.executable).with_name("jupyter-book")
    result = subprocess.run(
        [program, "build", root, "--warningiserror", "--keep-going", "--nitpick", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    if result.returncode:
        raise BookFailed(f"FAILED jupyter-book build\n\n{result.stdout}")


def build(root: Path) -> None:
    """Bring the executed notebooks and the pages up to date, printing progress.

    Raises:
        SectionFailed: a cell failed.
        BookFailed: the builder failed or warned.
    """
    (root / "_build").mkdir(exist_ok=True)
    with FileLock(root / "_build/.building"):
        if is_built(root):
            print("nothing has changed: _build/html is up to date", flush=True)
            return
        state = state_of_inputs(root)
        execute(root)
        start = time.perf_counter()
        print("writing the pages ...", flush=True)
        run_jupyter_book(root)
        write_atomically(root / "_build/built", state)
        print(f"_build/html written in {time.perf_counter() - start:.1f} s: open _build/html/index.html")


def main() -> int:
    """Build the project's book; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT)
    try:
        build(parser.parse_args().root.resolve())
    except (SectionFailed, BookFailed, FileNotFoundError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
