"""What `make lab` sets: a section saved in JupyterLab keeps the words and lines of its author.

Jupytext writes front matter and cell options anew: without ``course``, with its own version, captions broken
elsewhere. And JupyterLab saves every two minutes, so that whoever only runs a section would rewrite it.
"""

import re
from pathlib import Path

import yaml
from jupytext.myst import dump_yaml_blocks

FRONT = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
OPTIONS = re.compile(
    r"^`{3,}\{code-cell\}[^\n]*\n(---\n.*?^---\n|(?::[^\n]*\n)+\n?)", re.DOTALL | re.MULTILINE
)


def in_its_own_words(old: str, new: str) -> str:
    """Return ``new``, which jupytext wrote, with front matter and cell options as they stand in ``old``."""
    front = FRONT.match(old)
    text = FRONT.sub(lambda _: front[0], new, count=1)
    for options in OPTIONS.findall(old):
        lines = (line.removeprefix(":") for line in options.splitlines(keepends=True) if line != "---\n")
        rewritten = dump_yaml_blocks(yaml.safe_load("".join(lines)))
        text = text.replace(f"\n{rewritten}", f"\n{options}")
    return text


def keep_as_written(model: dict, path: str, contents_manager: object, **_: object) -> None:
    """Put the author's writing back into a section that jupytext wrote and that is about to be saved."""
    file = Path(contents_manager.root_dir, path.strip("/"))
    if model["type"] != "file" or file.suffix != ".md" or not file.is_file():
        return
    old = file.read_text(encoding="utf-8")
    fronts = FRONT.match(old), FRONT.match(model["content"])
    # Jupytext puts its version into the front matter. Without it, this comes from the text editor.
    if all(fronts) and ["jupytext_version" in front[0] for front in fronts] == [False, True]:
        model["content"] = in_its_own_words(old, model["content"])


c.ContentsManager.pre_save_hook = keep_as_written  # noqa: F821 (Jupyter's, where this file is read)
