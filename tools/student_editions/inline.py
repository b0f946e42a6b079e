"""Roles, links and footnote marks inside a line of text, turned into plain Markdown."""

import base64
import html
import mimetypes
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from markdown_it.token import Token

from student_editions.book import Book, Page
from student_editions.errors import StudentEditionError
from student_editions.labels import Labels, Target, role_target

NAMES = {"figure": "Fig.", "table": "Table", "exercise": "Exercise", "equation": "Equation"}
IMAGE_LIMIT = 300_000
LIBRARY_FILE = re.compile(r"course_lib(/\w+)+(\.py)?")


def anchor(label: str) -> str:
    """The id that a label's anchor gets: letters, digits and dashes."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", label).strip("-").lower()


class InlineWriter:
    """Rewrites the inline constructs of one page; remembers what it cites."""

    def __init__(self, book: Book, labels: Labels, page: Page):
        self.book, self.labels, self.page = book, labels, page
        self.cited: list[str] = []
        self.footnotes: dict[str, int] = {}
        self._roles: dict[str, Callable[[str], str]] = {
            "ref": self._ref,
            "numref": self._numref,
            "eq": self._eq,
            "doc": self._doc,
            "math": lambda text: f"${text}$",
            "abbr": lambda text: text,
            "kbd": lambda text: f"<kbd>{html.escape(text)}</kbd>",
            "sub": lambda text: f"<sub>{text}</sub>",
            "sup": lambda text: f"<sup>{text}</sup>",
            "code": lambda text: f"`{text}`",
        }
        self._handlers: dict[str, Callable[[Token, str, str], str]] = {
            "myst_role": self._role,
            "link_open": self._link,
            "image": self._image,
            "code_inline": self._code,
            "math_inline": lambda token, source, inner: source.replace("\n", " "),
            "footnote_ref": lambda token, source, inner: self.footnote_mark(token.meta["label"]),
        }

    def rewrite(self, text: str, tokens: list[Token]) -> str:
        """`text` with its constructs replaced; `tokens` are the inline tokens of exactly this text."""
        if any(token.type == "substitution_inline" for token in tokens):
            raise StudentEditionError("substitutions ({{ ... }}) have no plain form")
        found = [token for token in tokens if token.type in self._handlers and "span" in token.meta]
        return self._rewrite(text, found, 0, len(text))

    def footnote_mark(self, label: str) -> str:
        """The raised number of a footnote, counted in the order of first mention."""
        return f"<sup>[{self.footnotes.setdefault(label, len(self.footnotes) + 1)}]</sup>"

    def link(self, text: str, target: Target, label: str) -> str:
        """A link to a label of this page or of another; just the text where there is nothing to link to."""
        if target.page == self.page:
            return f"[{text}](#{anchor(label)})"
        return self.page_link(text, target.page)

    def page_link(self, text: str, page: Page) -> str:
        """A link to a page: to its student edition, else to the built book, else just the text."""
        url = self.book.edition_url(page) if page.is_section else self.book.page_url(page.docname)
        return f"[{text}]({url})" if url else text

    def _rewrite(self, text: str, tokens: list[Token], start: int, end: int) -> str:
        parts, position = [], start
        for token in tokens:
            first, last = token.meta["span"]
            if first < position or last > end:
                continue  # inside a construct already written, or outside this stretch
            inner_end = token.meta["label_end"]
            inner = self._rewrite(text, tokens, first + 1, inner_end) if inner_end > first else ""
            parts += [text[position:first], self._handlers[token.type](token, text[first:last], inner)]
            position = last
        return "".join([*parts, text[position:end]])

    def _role(self, token: Token, source: str, inner: str) -> str:
        name, content = token.meta["name"], token.content
        if name == "cite" or name.startswith("cite:"):
            return self._cite(name, content)
        if name not in self._roles:
            raise StudentEditionError(f"the role {{{name}}} has no plain form in {Path(__file__).name}")
        return self._roles[name](content)

    def _cite(self, name: str, content: str) -> str:
        keys = [key.strip() for key in content.split(",")]
        self.cited += [key for key in keys if key not in self.cited]
        if name in ("cite:t", "cite:ts"):
            return self.book.bibliography.textual(keys)
        if name in ("cite", "cite:p", "cite:ps"):
            return self.book.bibliography.parenthetical(keys)
        raise StudentEditionError(f"the role {{{name}}} has no plain form; use {{cite:t}} or {{cite:p}}")

    def _ref(self, content: str) -> str:
        text, label = role_target(content)
        target = self.labels.target(label)
        default = target.title if target.kind == "heading" else f"{NAMES[target.kind]} {target.number}"
        return self.link(text or default, target, label)

    def _numref(self, content: str) -> str:
        text, label = role_target(content)
        target = self.labels.target(label)
        if not target.number:
            raise StudentEditionError(f"{{numref}} to {label!r}, which has no number; use {{ref}}")
        text = re.sub(r"%s|\{number\}", target.number, text).replace("{name}", target.title)
        return self.link(text or f"{NAMES[target.kind]} {target.number}", target, label)

    def _eq(self, content: str) -> str:
        target = self.labels.target(content.strip())
        text = f"({target.number})"
        if target.page == self.page:
            return text
        return f"{text} of {self.page_link(self._title(target.page), target.page)}"

    def _doc(self, content: str) -> str:
        text, name = role_target(content)
        page = self._page(name)
        return self.page_link(text or self._title(page), page)

    def _title(self, page: Page) -> str:
        return self.labels.titles.get(page.docname, page.docname)

    def _page(self, name: str) -> Page:
        folder = "" if name.startswith("/") else posixpath.dirname(self.page.docname)
        docname = posixpath.normpath(posixpath.join(folder, name.lstrip("/"))).removesuffix(".md")
        if docname not in self.book.pages:
            raise StudentEditionError(f"a link to {name!r}, which is no page of _toc.yml")
        return self.book.pages[docname]

    def _link(self, token: Token, source: str, inner: str) -> str:
        href = str(token.attrGet("href") or "")
        if href.startswith(("http://", "https://", "mailto:")):
            tail = source[token.meta["label_end"] - token.meta["span"][0] :]
            return source if source.startswith("<") else f"[{inner}{tail}"
        path, _, label = href.removeprefix("project:").partition("#")
        inner = "" if source.startswith("<") else inner
        if label:
            target = self.labels.target(label)
            return self.link(inner or target.title or f"{NAMES[target.kind]} {target.number}", target, label)
        if path.endswith(".md"):
            return self.page_link(inner or self._title(self._page(path)), self._page(path))
        return self._file_link(inner or f"`{path}`", path)

    def _file_link(self, text: str, path: str) -> str:
        file = (self.page.source.parent / path).resolve()
        if not file.exists() or not file.is_relative_to(self.book.root.resolve()):
            raise StudentEditionError(f"a link to {path!r}, which is no label, page or file of the project")
        url = self.book.code_url(file.relative_to(self.book.root.resolve()).as_posix())
        return f"[{text}]({url})" if url else text

    def _code(self, token: Token, source: str, inner: str) -> str:
        """A file of course_lib named in backticks links to it where the repository has an address."""
        path = token.content
        exists = LIBRARY_FILE.fullmatch(path) and (self.book.root / path).exists()
        url = self.book.code_url(path) if exists else ""
        return f"[{source}]({url})" if url else source

    def _image(self, token: Token, source: str, inner: str) -> str:
        src = str(token.attrGet("src") or "")
        if src.startswith(("http://", "https://", "data:", "attachment:")):
            return source
        alt = "".join(child.content for child in token.children or [])
        return f"![{alt}]({self.image_data(src)})"

    def image_data(self, src: str) -> str:
        """A picture of the project as a data address, so that the notebook needs no file beside it."""
        folder = self.book.root if src.startswith("/") else self.page.source.parent
        file = folder / src.lstrip("/")
        if not file.exists():
            raise StudentEditionError(f"the picture {src!r} is not there")
        content, kind = file.read_bytes(), mimetypes.guess_type(file.name)[0] or "image/png"
        if len(content) > IMAGE_LIMIT:
            raise StudentEditionError(f"the picture {src!r} is over {IMAGE_LIMIT:,} bytes: too large")
        return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
