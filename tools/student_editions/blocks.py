"""The blocks of a page's Markdown cells, turned into plain Markdown; solutions left out."""

import re

from markdown_it.token import Token

from student_editions import directives
from student_editions.book import Book, Page
from student_editions.errors import StudentEditionError
from student_editions.inline import InlineWriter, anchor
from student_editions.labels import Labels
from student_editions.parsing import make_parser, read_directive

CONTAINER = re.compile(r"[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*")
ANCHOR_BEFORE_BREAK = re.compile(r"((?:<a id=\"[^\"]*\"></a>\s*)+)\x00")
CELL_BREAK = "\x00"  # never in a source: where a Markdown cell is split


class PageWriter:
    """Rewrites the Markdown of one page, cell by cell, in order."""

    def __init__(self, book: Book, labels: Labels, page: Page):
        self.inline = InlineWriter(book, labels, page)
        self.in_solution = False
        self._md = make_parser(book.extensions)
        self._env: dict = {}
        for cell in page.notebook().cells:  # footnotes may be explained in a later cell
            if cell.cell_type == "markdown":
                self._md.parse(cell.source, self._env)

    def cells(self, text: str) -> list[str]:
        """The plain Markdown cells that a Markdown cell becomes: one a heading, none if all is a solution."""
        text = ANCHOR_BEFORE_BREAK.sub(rf"{CELL_BREAK}\1", self._convert(text, top=True, quoted=False))
        return [cell for part in text.split(CELL_BREAK) if (cell := part.strip("\n"))]

    def convert(self, text: str, quoted: bool = False) -> str:
        """Blocks inside a directive."""
        return self._convert(text, top=False, quoted=quoted).strip("\n")

    def convert_line(self, text: str) -> str:
        """One line of text (a title)."""
        return self.inline.rewrite(text, self._md.parseInline(text, self._env)[0].children or [])

    def _convert(self, text: str, top: bool, quoted: bool) -> str:
        lines: list[str | None] = list(text.split("\n"))
        tokens = self._md.parse(text, self._env)
        if top:
            tokens = self._without_solutions(tokens, lines)
        self._rewrite_inline(tokens, lines)
        for token in tokens:
            if token.map is None:
                continue
            if token.type == "heading_open" and top and token.level == 0:
                lines[token.map[0]] = f"{CELL_BREAK}{lines[token.map[0]]}"
            elif token.type == "dd_open":
                _definition(lines, token.map[0])
            elif token.type == "dt_open":
                lines[token.map[0]] = f"- **{(lines[token.map[0]] or '').strip()}**:"
            elif token.type == "footnote_reference_open":
                self._footnote(token, lines)
            elif (plain := self._block(token, top, quoted or _in_quotation(token, lines))) is not None:
                _replace(lines, token, plain)
        return _joined(lines)

    def _without_solutions(self, tokens: list[Token], lines: list[str | None]) -> list[Token]:
        kept, hidden_from = [], 0
        for token in tokens:
            directive = read_directive(token)
            name = directive.name if directive else ""
            if name in ("solution-start", "solution-end") and (token.level or token.map is None):
                raise StudentEditionError(f"{{{name}}} must stand at the top level of the text")
            if name == "solution-start" and token.map:
                if self.in_solution:
                    raise StudentEditionError("a solution starts inside a solution")
                self.in_solution, hidden_from = True, token.map[0]
            elif name == "solution-end" and token.map:
                if not self.in_solution:
                    raise StudentEditionError("a solution ends that has not begun")
                self.in_solution = False
                lines[hidden_from : token.map[1]] = [None] * (token.map[1] - hidden_from)
            elif not self.in_solution:
                kept.append(token)
        if self.in_solution:
            lines[hidden_from:] = [None] * (len(lines) - hidden_from)
        return kept

    def _rewrite_inline(self, tokens: list[Token], lines: list[str | None]) -> None:
        for token in tokens:
            if token.type != "inline" or token.map is None:
                continue
            plain = self.inline.rewrite(token.content, token.children or [])
            if plain == token.content:
                continue
            first = token.map[0]
            source = token.content.split("\n")
            new = plain.split("\n")
            new = [*new[: len(source) - 1], " ".join(new[len(source) - 1 :])]
            for offset, old in enumerate(source):
                line = lines[first + offset] or ""
                if old not in line:
                    raise StudentEditionError(f"cannot find {old!r} again in the line {line!r}")
                # a role that spans two lines becomes one: the line that it leaves empty goes
                lines[first + offset] = line.replace(old, new[offset], 1) if offset < len(new) else None

    def _block(self, token: Token, top: bool, quoted: bool) -> str | None:
        """The plain form of a block; None where the source already is plain."""
        if token.type == "myst_target":
            used = token.content in self.inline.labels.used[self.inline.page.docname]
            return f'<a id="{anchor(token.content)}"></a>\n' if used else ""
        if token.type == "math_block_label":
            return directives.math(token.content, self.inline.labels.target(token.info).number, quoted)
        if token.type == "math_block":
            return directives.math(token.content, quoted=quoted)
        if token.type == "amsmath" and quoted:
            return " ".join(line.strip() for line in token.content.split("\n"))
        if token.type in ("myst_line_comment", "myst_block_break"):
            return ""
        directive = read_directive(token)
        if directive is None and token.type == "colon_fence":
            raise StudentEditionError("a ::: that opens nothing (no code cell can stand inside a ::: block)")
        if directive is None:
            return None
        plain = directives.render(directive, self, quoted)
        starts_cell = top and token.level == 0 and directive.name in ("exercise", "exercise-start")
        return f"{CELL_BREAK}{plain}" if starts_cell else plain

    def _footnote(self, token: Token, lines: list[str | None]) -> None:
        first, last = token.map or [0, 0]
        label = token.meta["label"]
        explained = (lines[first] or "").replace(f"[^{label}]:", self.inline.footnote_mark(label), 1)
        lines[first] = f"\n{explained}" if first and lines[first - 1] else explained
        for number in range(first + 1, last):
            line = lines[number]
            lines[number] = None if line is None else line.removeprefix("    ")


def _joined(lines: list[str | None]) -> str:
    """The lines that are left, without the second blank line where something between two is gone."""
    kept: list[str] = []
    gone = False
    for line in lines:
        if line is None:
            gone = True
        elif not (gone and not line and (not kept or not kept[-1])):
            kept.append(line)
            gone = gone and not line
    return "\n".join(kept)


def _in_quotation(token: Token, lines: list[str | None]) -> bool:
    container = CONTAINER.match(lines[token.map[0]] or "") if token.map and token.level else None
    return container is not None and ">" in container[0]


def _definition(lines: list[str | None], first: int) -> None:
    """Take the mark off the first line of a definition (which may start one line after its map says)."""
    number = next(i for i in range(first, len(lines)) if (lines[i] or "").lstrip().startswith((":", "~")))
    line = lines[number] or ""
    mark = len(line) - len(line.lstrip())
    lines[number] = f"{line[:mark]} {line[mark + 1 :]}"


def _replace(lines: list[str | None], token: Token, plain: str) -> None:
    first, last = token.map or [0, 0]
    if token.type == "amsmath":
        last = first + token.content.count("\n") + 1  # its map leaves the last line out
    opening = CONTAINER.match(lines[first] or "")
    indent = opening[0] if opening and token.level else ""
    following = re.sub(r"[^>\s]", " ", indent)
    new = plain.split("\n")
    lines[first] = "\n".join([indent + new[0], *((following + line).rstrip() for line in new[1:])])
    lines[first + 1 : last] = [None] * (last - first - 1)
    if not plain and not token.level:
        lines[first] = None
