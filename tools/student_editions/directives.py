"""Directives as plain Markdown: boxes, folded text, formulas, exercises, pictures."""

import re
from collections.abc import Callable
from typing import Protocol

from student_editions.errors import StudentEditionError
from student_editions.inline import InlineWriter, anchor
from student_editions.parsing import Directive

BOXES = {
    "attention": "Attention",
    "caution": "Caution",
    "danger": "Danger",
    "error": "Error",
    "hint": "Hint",
    "important": "Important",
    "note": "Note",
    "seealso": "See also",
    "tip": "Tip",
    "warning": "Warning",
}
DROPPED = ("exercise-end", "solution", "bibliography", "contents", "tableofcontents", "index", "toctree")
COMMENT = re.compile(r"(?<!\\)%.*")


class Blocks(Protocol):
    """What a directive needs of the page it stands on."""

    inline: InlineWriter

    def convert(self, text: str, quoted: bool = False) -> str:
        """Markdown blocks, rewritten; formulas on one line each if they will stand in a quotation."""
        ...

    def convert_line(self, text: str) -> str:
        """A line of text, rewritten."""
        ...


def render(directive: Directive, page: Blocks, quoted: bool) -> str:
    """The plain form of a directive, or an error that names it."""
    if directive.name in DROPPED:
        return ""
    handler = HANDLERS.get(directive.name)
    if handler is None:
        raise StudentEditionError(f"the directive {{{directive.name}}} has no plain form")
    return handler(directive, page, quoted)


def quote(text: str) -> str:
    """A Markdown quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def math(content: str, number: str = "", quoted: bool = False) -> str:
    """A display formula, tagged with its number.

    In a quotation it is folded to one line: notebooks take the quotation marks for a part of the formula.
    """
    content = content.strip("\n")
    if "\\\\" in content and "\\begin{" not in content:
        content = f"\\begin{{split}}\n{content}\n\\end{{split}}"  # as Sphinx does
    if number:
        content = f"{content} \\tag{{{number}}}"
    if quoted:
        return "$$" + " ".join(COMMENT.sub("", line).strip() for line in content.split("\n")) + "$$"
    return f"$$\n{content}\n$$"


def details(summary: str, body: str) -> str:
    """Folded text."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def _box(directive: Directive, page: Blocks, quoted: bool) -> str:
    if directive.name in BOXES:
        title, body = BOXES[directive.name], "\n\n".join(filter(None, [directive.argument, directive.body]))
    else:
        title, body = page.convert_line(directive.argument), directive.body
    if directive.name == "dropdown" or "dropdown" in directive.options.get("class", ""):
        return details(_as_html(title) or "Details", page.convert(body, quoted))
    heading = f"**{title}**" if title else ""
    return quote("\n\n".join(filter(None, [heading, page.convert(body, quoted=True)])))


def _as_html(title: str) -> str:
    """A summary line is HTML: code and emphasis in tags."""
    title = re.sub(r"`([^`]+)`", r"<code>\1</code>", title)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", title)


def _math(directive: Directive, page: Blocks, quoted: bool) -> str:
    label = directive.options.get("label", "")
    number = page.inline.labels.target(label).number if label else ""
    return math("\n".join(filter(None, [directive.argument, directive.body])), number, quoted)


def _exercise(directive: Directive, page: Blocks, quoted: bool) -> str:
    label = directive.options.get("label")
    if not label:
        raise StudentEditionError(f"the exercise {directive.argument!r} has no :label:")
    number = page.inline.labels.target(label).number if "nonumber" not in directive.options else ""
    title = ": ".join(filter(None, [f"Exercise {number}".strip(), page.convert_line(directive.argument)]))
    mark = f"{mark}\n\n" if (mark := _mark(label, page)) else ""
    return "\n\n".join(filter(None, [f"{mark}### {title}", page.convert(directive.body)]))


def _figure(directive: Directive, page: Blocks, quoted: bool) -> str:
    picture = f"![{directive.options.get('alt', '')}]({page.inline.image_data(directive.argument)})"
    return "\n\n".join(filter(None, [picture, caption(directive.options.get("name"), directive.body, page)]))


def caption(label: str | None, text: str, page: Blocks) -> str:
    """A figure's caption with the number that its label has."""
    if not text.strip():
        return ""
    if not label:
        raise StudentEditionError(f"a figure with a caption has no name: {text.strip()[:60]!r}")
    number = page.inline.labels.target(label).number
    return f"{_mark(label, page)}**Fig. {number}.** {page.convert(text.strip())}"


def _mark(label: str, page: Blocks) -> str:
    """An anchor, if the page itself links to the label."""
    used = page.inline.labels.used[page.inline.page.docname]
    return f'<a id="{anchor(label)}"></a>' if label in used else ""


def _table(directive: Directive, page: Blocks, quoted: bool) -> str:
    label = directive.options.get("name") or directive.options.get("label") or ""
    number = f"**Table {page.inline.labels.target(label).number}.** " if label else ""
    return f"{number}{page.convert_line(directive.argument)}\n\n{page.convert(directive.body, quoted)}"


def _code(directive: Directive, page: Blocks, quoted: bool) -> str:
    return f"```{directive.argument}\n{directive.body}\n```"


def _raw(directive: Directive, page: Blocks, quoted: bool) -> str:
    return directive.body if directive.argument == "html" else ""


Handler = Callable[[Directive, Blocks, bool], str]
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys((*BOXES, "admonition", "dropdown", "sidebar", "margin"), _box),
    "math": _math,
    "exercise": _exercise,
    "exercise-start": _exercise,
    "figure": _figure,
    "image": _figure,
    "table": _table,
    "code-block": _code,
    "code": _code,
    "epigraph": lambda directive, page, quoted: quote(page.convert(directive.body, quoted=True)),
    "raw": _raw,
}
