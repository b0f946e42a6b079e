"""The book on paper: one PDF that opens, with an outline, and links that stay in it."""

import pdf
import pytest
from pypdf import PdfReader

TEXT = """(one)=
# Section one

## A heading that is so long that on paper it needs a second line and a little more than that, too

See {doc}`../../intro`, {ref}`two` and [elsewhere](https://example.org/).

### Below it

```{code-block} python
a_long_line = [1, 2, 3]  # and what is said of it goes on, further than any sheet of paper is wide enough for
```

## Another
"""


@pytest.fixture
def printed(executed_project):
    executed_project.dress()
    one = executed_project.root / "chapters/01_first/one.md"
    one.write_text(one.read_text().replace("# Section one\n", TEXT, 1))
    two = executed_project.root / "chapters/01_first/two.md"
    two.write_text(two.read_text().replace("# Section two\n", "(two)=\n# Section two\n", 1))
    target = executed_project.root / "book.pdf"
    number = pdf.print_book(executed_project.root, target)
    reader = PdfReader(target)
    assert len(reader.pages) == number >= 3
    return reader


def titles(reader, outline):
    """The outline as nested lists of titles and numbers of pages."""
    return [
        titles(reader, each)
        if isinstance(each, list)
        else (each.title, reader.get_destination_page_number(each))
        for each in outline
    ]


def links(page):
    return [note.get_object()["/A"] for note in page.get("/Annots", []) if "/A" in note.get_object()]


def test_the_outline_names_pages_and_headings(printed):
    found = titles(printed, printed.outline)
    names = [each[0] for each in found if isinstance(each, tuple)]
    assert [name.lstrip("0123456789. ") for name in names] == ["A small book", "Section one", "Section two"]
    under_one = found[found.index(next(each for each in found if each[0] == names[1])) + 1]
    long = "A heading that is so long that on paper it needs a second line and a little more than that, too"
    assert [each[0] for each in under_one if isinstance(each, tuple)] == [long, "Another"]
    assert next(each for each in under_one if isinstance(each, list))[0][0] == "Below it"
    numbers = [each[1] for each in found if isinstance(each, tuple)]
    assert numbers == sorted(numbers)
    assert numbers[0] == 0


def test_links_within_the_book_stay_in_it(printed):
    inside = [each for page in printed.pages for each in links(page) if each["/S"] == "/GoTo"]
    outside = [each["/URI"] for page in printed.pages for each in links(page) if each["/S"] == "/URI"]
    assert len(inside) >= 2
    assert "https://example.org/" in outside
    assert not [address for address in outside if address.startswith(("file:", "http://127"))]


def test_nothing_is_cut_off_on_paper(printed):
    text = " ".join("".join(page.extract_text() for page in printed.pages).split())
    assert "is wide enough for" in text
    assert printed.metadata.title == "Deep Learning for Computer Vision, from Scratch"
