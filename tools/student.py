"""Student editions: `python tools/student.py` writes notebooks/, `--check` fails if one is not up to date."""

import argparse
import sys
from pathlib import Path

from student_editions.book import Book
from student_editions.errors import StudentEditionError
from student_editions.labels import Labels
from student_editions.notebook import student_edition

ROOT = Path(__file__).resolve().parent.parent


def student_editions(root: Path) -> dict[Path, str]:
    """Where each student edition belongs and what it says, for every section of `_toc.yml`."""
    book = Book(root)
    labels = Labels(book)
    folder = root / "notebooks"
    return {folder / f"{page.section}.ipynb": student_edition(book, labels, page) for page in book.sections}


def stale(root: Path, editions: dict[Path, str]) -> list[str]:
    """A line for each student edition that is missing, out of date, or of a section that is no more."""
    problems = []
    for path, text in editions.items():
        if not path.exists():
            problems.append(f"missing: {path.relative_to(root)}")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"stale: {path.relative_to(root)}")
    return problems + [f"left over: {path.relative_to(root)}" for path in left_over(root, editions)]


def left_over(root: Path, editions: dict[Path, str]) -> list[Path]:
    """Student editions whose section is no longer in the book."""
    return sorted(
        path
        for path in (root / "notebooks").rglob("*.ipynb")
        if path not in editions and ".ipynb_checkpoints" not in path.parts
    )


def write(root: Path, editions: dict[Path, str]) -> list[str]:
    """Bring notebooks/ up to date; a line for each file that changed."""
    changed = stale(root, editions)
    for path, text in editions.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for path in left_over(root, editions):
        path.unlink()
    return changed


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the student editions of all sections to notebooks/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is not up to date")
    check = parser.parse_args(arguments).check
    try:
        editions = student_editions(root)
    except StudentEditionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    changed = stale(root, editions) if check else write(root, editions)
    for line in changed:
        print(line if check else f"wrote ({line})", file=sys.stderr if check else sys.stdout)
    if check and changed:
        print("Run `make notebooks` and commit what it writes.", file=sys.stderr)
        return 1
    print(f"{len(editions)} student editions are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
