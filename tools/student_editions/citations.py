"""References of references.bib as text: author and year in a sentence, whole entries in a list."""

import re
from pathlib import Path

from pybtex.backends.plaintext import Backend
from pybtex.database import Entry, Person, parse_file
from pybtex.style.formatting.unsrt import Style

from student_editions.errors import StudentEditionError

SPECIAL = re.compile(r"([\\`*_\[\]<>])")
EMPHASIS = {"em": "*", "i": "*", "strong": "**", "b": "**", "tt": "`"}


class MarkdownBackend(Backend):
    """Markdown with only what must be escaped escaped (pybtex's own escapes every dash and full stop)."""

    def format_str(self, text: str) -> str:
        """Plain text."""
        return SPECIAL.sub(r"\\\1", text)

    def format_tag(self, tag_name: str, text: str) -> str:
        """Emphasis of any sort."""
        mark = EMPHASIS.get(tag_name, "")
        return f"{mark}{text}{mark}" if text else ""

    def format_href(self, url: str, text: str, external: bool = False) -> str:
        """A link."""
        return f"[{text}]({url})"


class Bibliography:
    """The entries of a .bib file (none where there is no file)."""

    def __init__(self, path: Path):
        self._entries = dict(parse_file(str(path)).entries) if path.exists() else {}

    def entry(self, key: str) -> Entry:
        """The entry of a key, or an error that names it."""
        if key not in self._entries:
            raise StudentEditionError(f"citation {key!r} is not in references.bib")
        return self._entries[key]

    def authors(self, key: str) -> str:
        """The authors as a sentence names them: one, two with "and", more as "et al."."""
        people = self.entry(key).persons.get("author") or self.entry(key).persons.get("editor") or []
        names = [_family_name(person) for person in people]
        if not names:
            return self.entry(key).fields.get("title", key)
        return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)

    def year(self, key: str) -> str:
        """The year of publication."""
        return self.entry(key).fields.get("year", "n.d.")

    def textual(self, keys: list[str]) -> str:
        """`{cite:t}`: Rosenblatt (1958)."""
        return ", ".join(f"{self.authors(key)} ({self.year(key)})" for key in keys)

    def parenthetical(self, keys: list[str]) -> str:
        """`{cite:p}`: (Rosenblatt, 1958)."""
        return "(" + "; ".join(f"{self.authors(key)}, {self.year(key)}" for key in keys) + ")"

    def reference_list(self, keys: list[str]) -> str:
        """A Markdown list of the cited entries, by author and year."""
        ordered = sorted(set(keys), key=lambda key: (self.authors(key).lower(), self.year(key), key))
        formatted = Style().format_entries([self.entry(key) for key in ordered])
        return "\n".join(f"- {entry.text.render(MarkdownBackend())}" for entry in formatted)


def _family_name(person: Person) -> str:
    return " ".join(str(name) for name in [*person.rich_prelast_names, *person.rich_last_names])
