"""Pages made from data: the map of the course from its ledger, the data sheets from ``course_lib.data``."""

import dataclasses
import re
import sys
from itertools import groupby
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

ORACLES = {
    "torch": "PyTorch",
    "sklearn": "scikit-learn",
    "onnx": "the ONNX test cases",
    "tv": "torchvision's published counts and names",
    "pyg": "PyTorch Geometric",
    "paper": "a published number",
    "proof": "an identity or closed form",
}


def table(title: str, header: list[str], rows: list[list[nodes.Node]], widths: list[int]) -> nodes.table:
    """A table with a caption, a header row, and first cells that head their rows (for screen readers)."""
    group = nodes.tgroup(cols=len(header))
    for i, width in enumerate(widths):
        column = nodes.colspec(colwidth=width)
        if i == 0:
            column["stub"] = 1
        group += column
    heading = nodes.row("", *[nodes.entry("", nodes.paragraph("", text)) for text in header])
    group += nodes.thead("", heading)
    group += nodes.tbody("", *[nodes.row("", *[nodes.entry("", cell) for cell in row]) for row in rows])
    return nodes.table("", nodes.title("", title), group, classes=["course-table"])


def text(words: str) -> nodes.paragraph:
    """A cell of plain words."""
    return nodes.paragraph("", words)


def link_to_page(docname: str, words: str, known: bool) -> nodes.paragraph:
    """A cell with a link to a page of the book, or its name alone while it is not written."""
    if not known:
        return text(words)
    reference = addnodes.pending_xref(
        "",
        nodes.inline("", words),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{docname}",
        refexplicit=True,
        refwarn=True,
    )
    return nodes.paragraph("", "", reference)


def code_names(words: str) -> nodes.paragraph:
    """A cell of names from ``course_lib`` in code type; other words stay words."""
    paragraph = nodes.paragraph()
    for i, part in enumerate(words.split(", ")):
        is_name = re.fullmatch(r"[a-z_]+(\.\w+)*", part) and part != "used"
        paragraph += [nodes.Text(", ")] if i else []
        paragraph += nodes.literal("", part) if is_name else nodes.Text(part)
    return paragraph


def as_words(name: str) -> str:
    """``02_convolutional_networks`` or ``receptive_field`` as a person writes it."""
    words = re.sub(r"^\d+_", "", name).replace("_", " ")
    return words[:1].upper() + words[1:]


class CourseMap(SphinxDirective):
    """``{course-map}``: ``chapters/ledger.yml``, a table a chapter, with links to the sections that exist."""

    def run(self) -> list[nodes.Node]:
        """Build the tables."""
        ledger = yaml.safe_load((Path(self.env.srcdir) / "chapters/ledger.yml").read_text(encoding="utf-8"))
        sections = {row["section"] for row in ledger.values()}
        # The map is made again when the ledger, the table of contents or the set of written sections changes.
        self.env.metadata[self.env.docname]["course_files"] = [
            "chapters/ledger.yml",
            "_toc.yml",
            *(f"chapters/{section}.md" for section in sorted(sections)),
        ]
        works = sum(row.get("status") == "works" for row in ledger.values())
        result: list[nodes.Node] = [text(f"{works} of {len(ledger)} rows work.")]
        for chapter, rows in groupby(ledger.items(), key=lambda item: item[1]["section"].split("/")[0]):
            result.append(self.chapter(chapter, list(rows)))
        return result

    def chapter(self, chapter: str, rows: list[tuple[str, dict]]) -> nodes.section:
        """One chapter: heading and table."""
        number = int(chapter.split("_")[0])
        heading = nodes.section(ids=[f"map-{chapter}"], names=[f"map-{chapter}"])
        heading += nodes.title("", as_words(chapter))
        cells = []
        for key, row in rows:
            docname, section = f"chapters/{row['section']}", as_words(row["section"].split("/")[1])
            cells.append(
                [
                    text(row.get("title", as_words(key))),
                    link_to_page(docname, section, docname in self.env.found_docs),
                    code_names(row["symbol"]),
                    text(ORACLES[row["oracle"]]),
                    text(row.get("status", "planned")),
                ]
            )
        header = ["Idea", "Section", "In course_lib", "Checked against", "Status"]
        heading += table(f"Chapter {number}: {as_words(chapter)}", header, cells, [24, 20, 26, 18, 12])
        return heading


class DataSheets(SphinxDirective):
    """``{data-sheets}``: every data set that ``course_lib.data`` knows, from its own description."""

    def run(self) -> list[nodes.Node]:
        """Build a heading and a list of terms and definitions for each data set."""
        root = Path(self.env.srcdir)
        files = [
            path.relative_to(root).as_posix()
            for folder in ("course_lib/data", "course_lib/visualize")
            for path in sorted((root / folder).rglob("*.py"))
        ]
        self.env.metadata[self.env.docname]["course_files"] = files
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))  # the book's own library, also where it is not installed
        from course_lib import data

        return [self.sheet(dataclasses.asdict(sheet)) for sheet in data.sheets()]

    def sheet(self, fields: dict) -> nodes.section:
        """One data set: its name and its filled-in fields."""
        name = fields.pop("name")
        answers = [
            nodes.definition_list_item(
                "", nodes.term("", as_words(field)), nodes.definition("", self.answer(value))
            )
            for field, value in fields.items()
            if value
        ]
        heading = nodes.section(ids=[f"data-{name}"], names=[f"data-{name}"])
        heading += nodes.title("", name)
        if fields["kind"] != "downloaded":  # those may not be here, and the book is built without a network
            heading += self.contact_sheet(name, fields["what"])
        heading += nodes.definition_list("", *answers)
        return heading

    def contact_sheet(self, name: str, what: str) -> nodes.figure:
        """A picture of some examples."""
        from course_contact_sheets import drawn

        uri = drawn(Path(self.env.srcdir), name)
        image = nodes.image("", uri=uri, alt=f"Some examples of {name}. {what}", loading="lazy")
        return nodes.figure("", image, nodes.caption("", f"Some examples of {name}."))

    def answer(self, value: object) -> nodes.Element:
        """A field's value: sentences as a list, anything else on one line."""
        if isinstance(value, list | tuple) and all(isinstance(item, str) and " " in item for item in value):
            return nodes.bullet_list("", *[nodes.list_item("", text(item)) for item in value])
        return text(self.words(value))

    def words(self, value: object) -> str:
        """Lists and tables of values in one line."""
        if isinstance(value, dict):
            return "; ".join(f"{key}: {self.words(item)}" for key, item in value.items())
        if isinstance(value, list | tuple):
            return ", ".join(self.words(item) for item in value)
        return str(value)


def visit_entry(translator: HTML5Translator, cell: nodes.entry) -> None:
    """Open a cell; if it heads a column or a row, say so to those who hear the table."""
    begun = len(translator.body)
    type(translator).visit_entry(translator, cell)
    scope = "col" if isinstance(cell.parent.parent, nodes.thead) else "row"
    translator.body[begun] = translator.body[begun].replace("<th", f'<th scope="{scope}"', 1)


def depart_entry(translator: HTML5Translator, cell: nodes.entry) -> None:
    """Close a cell."""
    type(translator).depart_entry(translator, cell)


def setup(app: Sphinx) -> None:
    """Called by the extension of the book."""
    app.add_directive("course-map", CourseMap)
    app.add_directive("data-sheets", DataSheets)
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
