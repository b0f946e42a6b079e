"""What readers who do not see the page need and the theme leaves out: names, and lists that are lists."""

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx


def name_toggles(contents: BeautifulSoup) -> BeautifulSoup:
    """Name the buttons of the sidebar that fold a chapter in and out after their chapter.

    They show an arrow alone, and a screen reader would say "button", twelve times.
    """
    for toggle in contents.select("li.has-children > details > summary"):
        chapter = toggle.find_parent("li").find("a")
        toggle["aria-label"] = f"Sections of {' '.join(chapter.get_text().split())}"
    return contents


def name_sidebar(
    app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Have every page make its sidebar with names."""
    made = context.get("generate_toctree_html")
    if made is not None:
        context["generate_toctree_html"] = lambda *kind, **options: name_toggles(made(*kind, **options))


def list_references(
    app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Make references items of their list, as WAI-ARIA has it: docutils calls them by another role."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app: Sphinx) -> None:
    """Called by the extension of the book."""
    app.connect("html-page-context", name_sidebar, priority=900)  # after the theme has made its own
    app.connect("html-page-context", list_references)
