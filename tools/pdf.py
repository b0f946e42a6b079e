"""Print the built book into one PDF, with an outline of chapters, sections and headings: `make pdf`.

    python tools/pdf.py [FILE]

Chromium prints page by page, as it would for a reader who presses print; pypdf puts the pages together.
Links from one page of the book to another lead to its place in the PDF.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import yaml
from build import build
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, Fit, IndirectObject, NameObject

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = "article :is(h2, h3, h4)"  # below the page's title, which is its entry
PAPER = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "15mm")}


def entries(toc: dict, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Every page of a table of contents, in reading order, with its depth: 0 a chapter, 1 a section."""
    if "root" in toc:
        yield toc["root"].removesuffix(".md"), 0
    for key in ("parts", "chapters", "sections"):
        for entry in toc.get(key, []):
            if "file" in entry:
                yield entry["file"].removesuffix(".md"), depth
            yield from entries(entry, depth + ("file" in entry))


def printed(page: Page, path: Path) -> PdfReader:
    """A page of the built book, printed."""
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.wait_for_load_state("networkidle")
    return PdfReader(io.BytesIO(page.pdf(**PAPER, print_background=True, outline=True, tagged=True)))


def bind(html: Path, toc: dict, page: Page) -> PdfWriter:
    """All pages of a book, one after the other, with one outline."""
    book, starts = PdfWriter(), {}
    above: list[IndirectObject | None] = [None]
    for name, depth in entries(toc):
        path = html / f"{name}.html"
        leaves = printed(page, path)
        first = starts[path] = len(book.pages)
        book.append(leaves, import_outline=False)
        title = page.title().rpartition(" — ")[0] or page.title()
        del above[depth + 1 :]
        above.append(book.add_outline_item(title=title, page_number=first, parent=above[depth]))
        headings = page.eval_on_selector_all(HEADINGS, "all => all.map(h => h.firstChild.textContent)")
        words = {"".join(heading.split()): heading for heading in headings}
        add_headings(book, leaves, leaves.outline, first, above[-1], words)
    for leaf in book.pages:
        for note in leaf.get("/Annots", ArrayObject()):
            lead_inside(book, note.get_object(), starts)
    return book


def add_headings(
    book: PdfWriter,
    leaves: PdfReader,
    outline: list,
    first: int,
    above: IndirectObject | None,
    words: dict[str, str],
) -> None:
    """Hang the headings of a printed page under its entry.

    ``words`` gives them as they are written: the printed ones lack a space wherever a line was broken.
    """
    last = above
    for item in outline:
        if isinstance(item, list):
            add_headings(book, leaves, item, first, last, words)
        elif heading := words.get("".join(str(item.title).split())):
            number = leaves.get_destination_page_number(item)
            place = Fit.fit() if item.top is None else Fit.xyz(left=0, top=item.top)
            at = first + (number or 0)
            last = book.add_outline_item(title=heading, page_number=at, parent=above, fit=place)


def lead_inside(book: PdfWriter, note: DictionaryObject, starts: dict[Path, int]) -> None:
    """Turn a link to a file of the book into one to the page of the PDF where it begins."""
    action = note.get("/A")
    address = urlsplit(str(action.get_object().get("/URI", "")) if action else "")
    if address.scheme == "file" and (start := starts.get(Path(unquote(address.path)))) is not None:
        target = ArrayObject([book.pages[start].indirect_reference, NameObject("/Fit")])
        note[NameObject("/A")] = DictionaryObject(
            {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): target}
        )


def print_book(root: Path, target: Path) -> int:
    """Build a book if need be and print it; the number of pages."""
    build(root)
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    with sync_playwright() as playwright:
        options = [*browser.OPTIONS, "--allow-file-access-from-files"]
        chromium = playwright.chromium.launch(executable_path=browser.browser(), args=options)
        book = bind(root / "_build/html", toc, chromium.new_page(color_scheme="light"))
        chromium.close()
    book.add_metadata({"/Title": yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["title"]})
    book.compress_identical_objects()
    with target.open("wb") as file:
        book.write(file)
    return len(book.pages)


def main() -> None:
    """Print the book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "_build/book.pdf")
    target = parser.parse_args().file
    print(f"{target}: {print_book(ROOT, target)} pages", file=sys.stderr)


if __name__ == "__main__":
    main()
