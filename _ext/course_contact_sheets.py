"""Contact sheets of the data sets, drawn once and kept until the library changes."""

import hashlib
import io
from pathlib import Path

FOLDER = "_build/contact_sheets"
SOURCES = ("course_lib/data", "course_lib/visualize")


def drawn(root: Path, name: str) -> str:
    """Return the path, from the book's folder, of a picture of the data set; draw it if it is not there."""
    file = root / FOLDER / f"{name}-{_state(root)}.png"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        for stale in file.parent.glob(f"{name}-*.png"):
            stale.unlink()
        unfinished = file.with_suffix(".part")
        unfinished.write_bytes(_picture(name))
        unfinished.replace(file)
    return file.relative_to(root).as_posix()


def _picture(name: str) -> bytes:
    """The contact sheet as a PNG of few colours, which weighs a third of one of all."""
    import matplotlib.pyplot as plt
    from PIL import Image

    from course_lib import visualize

    figure = visualize.contact_sheet(name)
    whole, small = io.BytesIO(), io.BytesIO()
    figure.savefig(whole, format="png", dpi=110)
    plt.close(figure)
    Image.open(whole).convert("RGB").quantize(160).save(small, format="png", optimize=True)
    return small.getvalue()


def _state(root: Path) -> str:
    """A hash of what the pictures are made from."""
    found = hashlib.sha256()
    for source in SOURCES:
        for path in sorted((root / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]
