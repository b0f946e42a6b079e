"""Python's own reference, which comes with every Python: real English and code to learn a language from."""

import torch

from course_lib.data.options import whole
from course_lib.data.registry import register
from course_lib.data.sheet import Sheet
from course_lib.data.streams import parts_of
from course_lib.data.text import TextDataset

# Topics that share no paragraph with the rest in any of Python 3.11 to 3.13. All others train.
_HELD_OUT = {"validation": ("string-methods", "typesmapping"), "test": ("debugger", "formatstrings")}
_BLOCKS = {"train": 2000, "validation": 250, "test": 300}
_SHORT = 40  # characters: shorter paragraphs, such as headings, may occur twice


@register(
    Sheet(
        name="python-docs",
        kind="embedded",
        what="The language reference that Python's own help() shows: some 400,000 characters of English "
        "with code in it.",
        source="pydoc_data.topics of the Python that runs the course; Python Software Foundation, The Python "
        "Language Reference.",
        licence="PSF License Version 2; code in it also Zero-Clause BSD",
        size="about 80 topics, 0.5 MB, inside Python",
        splits={"train": 2000, "validation": 250, "test": 300, "all": 2550},
        shape=(128,),
        values="int64, bytes of UTF-8, 0 to 255: 128 in a row",
        target="int64, the byte that follows each of them",
        options={"length": "128: bytes in an example"},
        pitfalls=(
            "The text is that of your Python: another version has other words, and numbers computed from it "
            "change in their last digits.",
            "Topics quote one another at length. A paragraph that was there before is left out, so that "
            "nothing in the validation or test topics stands in a training topic too.",
            "The held-out topics are about strings, mappings, the debugger and formats: another subject than "
            "the training text, so a model does worse there than on held-out pages of the same topics.",
            "Lines are broken after 70 characters, which a model learns as well.",
        ),
    )
)
def python_docs(split: str, *, length: int = 128) -> TextDataset:
    """Return ``x`` (n, length) and ``y`` (n, length), blocks that follow one another, and the whole text."""
    length = whole("length", length, at_least=1)
    texts = {part: "\n\n".join(paragraphs) for part, paragraphs in _paragraphs().items()}
    blocks = [_blocks(texts[part], part, length) for part in parts_of(split)]
    return TextDataset(
        torch.cat([x for x, _ in blocks]),
        torch.cat([y for _, y in blocks]),
        vocabulary=tuple(bytes([byte]) for byte in range(256)),
        text="\n\n".join(texts[part] for part in parts_of(split)),
    )


def _paragraphs() -> dict[str, list[str]]:
    """The paragraphs of each split, each paragraph in one split and once."""
    from pydoc_data.topics import topics

    held_out = [topic for names in _HELD_OUT.values() for topic in names]
    members = {"train": [topic for topic in sorted(topics) if topic not in held_out], **_HELD_OUT}
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for part, names in members.items():
        found[part] = []
        for paragraph in "\n\n".join(topics[name] for name in names).split("\n\n"):
            words = " ".join(paragraph.split())
            if words and (len(words) < _SHORT or words not in seen):
                found[part].append(paragraph.strip("\n"))
            seen.add(words)
    return found


def _blocks(text: str, part: str, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As many blocks as the sheet promises for 128 bytes, or the same number of bytes in others."""
    count = max(1, _BLOCKS[part] * 128 // length)
    raw = text.encode("utf-8")
    if count * length + 1 > len(raw):
        raise ValueError(f"length must be at most {len(raw) - 1} for {part!r}, got {length}")
    stream = torch.frombuffer(bytearray(raw[: count * length + 1]), dtype=torch.uint8).to(torch.int64)
    return stream[:-1].reshape(count, length), stream[1:].reshape(count, length)
