"""The project's own documents: their text, and what stands in their blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "students.md", "instructors.md")
TEXT = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
FENCED = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def blocks(language: str, *names: str) -> list[str]:
    """The blocks of a language in some documents, or in all."""
    return [
        text for name in names or DOCUMENTS for kind, text in FENCED.findall(TEXT[name]) if kind == language
    ]


def commands(*names: str) -> list[str]:
    """Every line of the console blocks once, without its comment."""
    lines = (line for block in blocks("console", *names) for line in block.splitlines())
    return list(dict.fromkeys(re.sub(r"\s+#.*", "", line).strip() for line in lines if line.strip()))


def spans(*names: str) -> set[str]:
    """What stands in code type in the running text of documents."""
    return {span for name in names for span in SPAN.findall(FENCED.sub("", TEXT[name]))}
