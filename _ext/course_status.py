"""The page that says how the sections fared when they were last executed, from the executor's record."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from course_tables import table, text
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RECORD = "_build/executed/status.json"  # what tools/execute.py writes of each section that is up to date
HEADER = ["Section", "Seconds", "Peak, MiB", "Executed", "Exercises", "Mistakes", "Quiz questions"]
WIDTHS = [34, 10, 10, 13, 11, 11, 11]


@dataclass
class Row:
    """A section: the record of its execution (None: not executed as it stands), and how much it asks."""

    name: str
    record: dict | None
    exercises: int
    mistakes: int
    questions: int


class CourseStatus(SphinxDirective):
    """``{course-status}``: what each section took, when and with what, and how much it asks of a reader."""

    def run(self) -> list[nodes.Node]:
        """Build the sentence on all sections, the table of versions and the table of sections."""
        # The record bears the fingerprints of the sections, and so changes with their exercises, too.
        self.env.metadata[self.env.docname]["course_files"] = [RECORD, "_toc.yml"]
        root = Path(self.env.srcdir)
        file = root / RECORD
        records = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if str(root) not in sys.path:
            sys.path.insert(0, str(root))  # the book's own library, also where it is not installed
        names = [page.removeprefix("chapters/") for page in self.env.external_site_map if is_section(page)]
        rows = [row(name, records.get(name)) for name in names]
        green = [each.record for each in rows if each.record]
        words = nodes.strong("", f"{len(green)} of {len(rows)} sections are green.")
        return [nodes.paragraph("", "", words), *settings(green), sections(rows)]


def is_section(page: str) -> bool:
    """Whether a page of the table of contents is a section, as ``chapters/01_neural_networks/neurons`` is."""
    folder, *inside = page.split("/")
    return folder == "chapters" and len(inside) == 2 and inside[1] != "index"


def row(name: str, record: dict | None) -> Row:
    """A section's record, with the counts from the package of its exercises."""
    from course_lib.exercises import registry

    if name not in registry.sections():
        return Row(name, record, 0, 0, 0)
    exercises = registry.of_section(name)
    mistakes = sum(len(exercise.mistakes) for exercise in exercises)
    return Row(name, record, len(exercises), mistakes, len(registry.quiz_of(name)))


def settings(records: list[dict]) -> list[nodes.Node]:
    """The machine and the versions of the last execution, and how many sections ran with just these."""
    dated = [record for record in records if "date" in record]  # earlier records have neither
    if not dated:
        return []
    last = max(dated, key=lambda record: record["date"])
    alike = sum(record["with"] == last["with"] for record in dated)
    rows = [[text(name), text(version)] for name, version in last["with"].items()]
    title = f"The last execution: {alike} of {len(records)} sections ran with just this"
    when = [text("Last executed (UTC)"), text(last["date"])]
    return [table(title, ["What", "Which"], [when, *rows], [40, 60])]


def sections(rows: list[Row]) -> nodes.table:
    """The table of the sections, and their sums."""
    ran = [row.record for row in rows if row.record]
    cells = [
        [link(row.name), *figures(row.record), *map(count, (row.exercises, row.mistakes, row.questions))]
        for row in rows
    ]
    sums = [
        nodes.paragraph("", "", nodes.strong("", "All together")),
        count(f"{sum(record['seconds'] for record in ran):.1f}"),
        count(f"≤ {max((record['peak_mib'] for record in ran), default=0)}"),
        text(f"{len(ran)} of {len(rows)}"),
        *(count(sum(getattr(row, of) for row in rows)) for of in ("exercises", "mistakes", "questions")),
    ]
    return table("The sections", HEADER, [*cells, sums], WIDTHS)


def figures(record: dict | None) -> list[nodes.paragraph]:
    """Seconds, memory and day of an execution."""
    if record is None:
        return [count("–"), count("–"), text("no")]
    day = nodes.paragraph("", record.get("date", "yes"), classes=["text-nowrap"])
    return [count(f"{record['seconds']:.1f}"), count(record["peak_mib"]), day]


def count(number: float | str) -> nodes.paragraph:
    """A cell with a number, its digits below those of others."""
    return nodes.paragraph("", str(number), classes=["text-end"])


def link(section: str) -> nodes.paragraph:
    """A cell with a section's title, which leads there."""
    target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/chapters/{section}"}
    reference = addnodes.pending_xref("", nodes.inline(), refexplicit=False, refwarn=True, **target)
    return nodes.paragraph("", "", reference)


def setup(app: Sphinx) -> None:
    """Called by the extension of the book."""
    app.add_directive("course-status", CourseStatus)
