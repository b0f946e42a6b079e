"""Sphinx extension of the book: a section's buttons, tables made from data, pages rebuilt when they must be.

A section of the book, say ``01_neural_networks/neurons``, is three files: the page's source
(``chapters/01_neural_networks/neurons.md``), the executed notebook the page shows
(``_build/executed/01_neural_networks/neurons.ipynb``) and the student edition that a reader downloads
or opens in Colab (``notebooks/01_neural_networks/neurons.ipynb``).
"""

import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import course_access
import course_glossary
import course_site
import course_status
import course_tables
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

COLAB = {
    "type": "link",
    "text": "Colab",
    "tooltip": "Open the student edition in Colab",
    "icon": "_static/images/logo_colab.png",
    "label": "launch-colab",
}
DOWNLOAD = {
    "type": "link",
    "text": "Notebook (.ipynb)",
    "tooltip": "Download the student edition of this section",
    "icon": "fas fa-code",
    "label": "download-student-edition",
}


def edition_of(docname: str) -> str:
    """Path of a section's student edition, from the root of the repository."""
    return f"notebooks/{docname.removeprefix('chapters/')}.ipynb"


def has_edition(app: Sphinx, docname: str) -> bool:
    """Whether a page is a section with a student edition at hand."""
    return docname.startswith("chapters/") and (Path(app.srcdir) / edition_of(docname)).is_file()


def colab_url(app: Sphinx, docname: str) -> str | None:
    """Address that opens a section's student edition in Colab; None without a GitHub repository."""
    theme = app.config.html_theme_options
    repository = urlsplit(theme.get("repository_url") or "")
    if repository.hostname != "github.com":
        return None
    owner_and_name = repository.path.strip("/").removesuffix(".git")
    branch = theme.get("repository_branch") or "main"
    return f"https://colab.research.google.com/github/{owner_and_name}/blob/{branch}/{edition_of(docname)}"


def set_buttons(
    app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Put the student edition into a section's header: as a download, and in Colab.

    The theme's own Colab button leads to the page's source, which Colab cannot open; it stays unconfigured.
    """
    if not has_edition(app, docname):
        return
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            group["buttons"].insert(0, DOWNLOAD | {"url": context["pathto"](edition_of(docname), 1)})
    if url := colab_url(app, docname):
        context["header_buttons"].insert(0, COLAB | {"url": url})


def drop_thebe(
    app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Leave out the scripts of Thebe: Jupyter Book adds them to every page, twice, which is an error."""

    def is_thebe(script) -> bool:
        return "thebe" in str(getattr(script, "filename", "")) or "THEBE" in str(
            script.attributes.get("body")
        )

    context["script_files"] = [script for script in context["script_files"] if not is_thebe(script)]


def copy_editions(app: Sphinx, error: Exception | None) -> None:
    """Copy the student editions into the built book, where the download buttons point."""
    if error is not None or app.builder.format != "html":
        return
    for docname in app.env.found_docs:
        if has_edition(app, docname):
            target = Path(app.outdir) / edition_of(docname)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(app.srcdir) / edition_of(docname), target)


def files_behind(app: Sphinx, docname: str) -> dict[str, int | None]:
    """Files other than its source that a page is made from, and when each was written (None: missing)."""
    paths = list(app.env.metadata[docname].get("course_files", []))
    if docname.startswith("chapters/"):
        paths += [edition_of(docname), f"_build/executed/{docname.removeprefix('chapters/')}.ipynb"]
    found = {path: Path(app.srcdir) / path for path in paths}
    return {path: file.stat().st_mtime_ns if file.exists() else None for path, file in found.items()}


def outdated_pages(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages to read again although their source is unchanged: Sphinx itself looks at sources alone."""
    known = getattr(env, "course_files_behind", {})
    return [name for name in known if name in env.found_docs and known[name] != files_behind(app, name)]


def remember_files(app: Sphinx, doctree: nodes.document) -> None:
    """Note, as a page is read, which files it is made from and how old they are."""
    if not hasattr(app.env, "course_files_behind"):
        app.env.course_files_behind = {}
    app.env.course_files_behind[app.env.docname] = files_behind(app, app.env.docname)


def drop_repeated_ids(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """sphinx-exercise gives the body of every exercise the same id; an id may stand once in a page."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [i for i in section["ids"] if i not in ("exercise-content", "solution-content")]


def plain_anchors(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give exercises anchors without a slash, which may not stand in the selectors the search looks for."""

    def plain(anchor: str) -> str:
        return f"exercise-{anchor.replace('/', '-')}" if "/" in anchor else anchor

    # Sphinx looks an exercise's number up under its anchor.
    numbers = app.env.toc_fignumbers.get(docname, {}).get("exercise", {})
    numbers.update({plain(anchor): number for anchor, number in numbers.items()})
    for node in doctree.findall(nodes.Element):
        if node.get("type") in ("exercise", "solution"):
            node["ids"] = [plain(name) for name in node["ids"]]
        elif isinstance(node, nodes.reference):
            if "refid" in node:
                node["refid"] = plain(node["refid"])
            page, mark, anchor = node.get("refuri", "").partition("#")
            if node.get("internal") and mark:
                node["refuri"] = f"{page}#{plain(anchor)}"


def forget_pages_with_warnings(app: Sphinx, error: Exception | None) -> None:
    """Let a build with warnings leave nothing to build upon.

    Sphinx warns about a page only when it reads it. A second build would find the page read and pass.
    """
    if error is None and app._warncount:
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)


def unstamp(app: Sphinx) -> None:
    """Withdraw the claim of ``tools/build.py`` that the pages are up to date, as they begin to change."""
    (Path(app.outdir).parent / "built").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict:
    """Register everything; the builder calls this."""
    # What a section does while it is executed for the static book: no progress bars, no live widgets.
    os.environ.setdefault("COURSE_BOOK", "1")

    course_tables.setup(app)
    course_status.setup(app)
    course_access.setup(app)
    course_glossary.setup(app)
    course_site.setup(app)
    app.connect("builder-inited", unstamp)
    app.connect("env-get-outdated", outdated_pages)
    app.connect("doctree-read", remember_files)
    app.connect("doctree-resolved", drop_repeated_ids)
    app.connect("doctree-resolved", plain_anchors)
    app.connect("html-page-context", set_buttons, priority=900)  # after the theme has made its own
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_editions)
    app.connect("build-finished", forget_pages_with_warnings, priority=900)

    # A change of this extension changes every page: Sphinx compares configuration values between builds.
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    app.add_config_value("course_book_code", hashlib.sha256(code).hexdigest(), "env")
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
