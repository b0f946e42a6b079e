"""What the book's labels point at, numbered as the built book numbers them."""

import re
from collections import Counter
from dataclasses import dataclass

from markdown_it.token import Token

from student_editions.book import Book, Page
from student_editions.errors import StudentEditionError
from student_editions.parsing import make_parser, read_directive

ROLE_TARGET = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
NUMBERED_DIRECTIVES = {
    "math": "equation",
    "figure": "figure",
    "table": "table",
    "list-table": "table",
    "exercise": "exercise",
    "exercise-start": "exercise",
}
VERBATIM = {"code-block", "code", "code-cell", "literalinclude", "raw", "math"}


@dataclass(frozen=True)
class Target:
    """What a label names: a heading, an equation, a figure, a table or an exercise, and where it stands."""

    page: Page
    kind: str
    number: str = ""
    title: str = ""


def role_target(content: str) -> tuple[str, str]:
    """A role's text ("" if it has none) and target: `the unit <neurons>` -> ("the unit", "neurons")."""
    match = ROLE_TARGET.fullmatch(content.strip())
    return (match[1], match[2].strip()) if match else ("", content.strip())


class Labels:
    """Every label of the book, each page's title, and the labels each page refers to."""

    def __init__(self, book: Book):
        self.targets: dict[str, Target] = {}
        self.titles: dict[str, str] = {}
        self.used: dict[str, set[str]] = {}
        self._counts: Counter[tuple[str, tuple[int, ...]]] = Counter()
        self._md = make_parser(book.extensions)
        for page in book.pages.values():
            self.used[page.docname] = set()
            self._read(page)

    def target(self, label: str) -> Target:
        """The target of a label, or an error that names the label."""
        if label not in self.targets:
            raise StudentEditionError(f"no label {label!r} in the book")
        return self.targets[label]

    def _read(self, page: Page) -> None:
        for cell in page.notebook().cells:
            if cell.cell_type == "markdown":
                self._read_markdown(page, cell.source)
            elif figure := cell.metadata.get("mystnb", {}).get("figure"):
                self._refer(page, self._md.parse(figure.get("caption", "")))
                if figure.get("caption"):
                    self._number(page, "figure", figure.get("name"))

    def _read_markdown(self, page: Page, text: str) -> None:
        tokens = self._md.parse(text)
        self._refer(page, tokens)
        waiting: list[str] = []
        for token, following in zip(tokens, [*tokens[1:], None], strict=False):
            if token.type == "myst_target":
                waiting.append(token.content)
            elif token.type == "heading_open" and following is not None:
                self.titles.setdefault(page.docname, following.content)
                self._place(waiting, Target(page, "heading", title=following.content))
                waiting = []
            elif token.type == "math_block_label":
                self._number(page, "equation", token.info)
            elif token.type == "amsmath" and token.meta["numbered"] != "*":
                self._number(page, "equation", None)
            elif token.type in ("fence", "colon_fence"):
                self._read_directive(page, token)

    def _read_directive(self, page: Page, token: Token) -> None:
        directive = read_directive(token)
        if directive is None:
            return
        kind = NUMBERED_DIRECTIVES.get(directive.name)
        label = directive.options.get("label") or directive.options.get("name")
        if kind == "equation" and not label:
            kind = None
        if kind == "figure" and not directive.body:
            kind = None
        if kind and "nonumber" not in directive.options:
            self._number(page, kind, label, directive.argument if kind in ("exercise", "table") else "")
        if directive.name not in VERBATIM:
            self._read_markdown(page, directive.body)

    def _number(self, page: Page, kind: str, label: str | None, title: str = "") -> None:
        self._counts[kind, page.chapter] += 1
        number = ".".join(map(str, (*page.chapter, self._counts[kind, page.chapter])))
        self._place([label] if label else [], Target(page, kind, number, title))

    def _place(self, labels: list[str], target: Target) -> None:
        for label in labels:
            if label in self.targets:
                raise StudentEditionError(
                    f"{target.page.source}: the label {label!r} is used twice in the book"
                )
            self.targets[label] = target

    def _refer(self, page: Page, tokens: list[Token]) -> None:
        for child in (child for token in tokens for child in token.children or []):
            if child.type == "myst_role" and child.meta["name"] in ("ref", "numref"):
                self.used[page.docname].add(role_target(child.content)[1])
            elif child.type == "link_open" and (href := str(child.attrGet("href") or "")).startswith("#"):
                self.used[page.docname].add(href[1:])
