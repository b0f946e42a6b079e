"""The book as a web site: a way to the index and a page for wrong addresses always; a sitemap and social
cards where its address is known.

The address is the environment variable ``BOOK_URL``, such as ``https://example.org/course/``; whoever
publishes the book knows it, and the book read from disk has none.
"""

import os
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx

NOT_FOUND = """
<h1>There is no such page</h1>
<p>The address may be mistyped, or the page has another name now.
The contents at the side and the search lead to every page that there is.</p>
"""


def lead_to_index(
    app: Sphinx, docname: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Lead from the foot of every page to the index: the theme makes it and leads nowhere near it."""
    address = context["pathto"]("genindex")
    context["theme_extra_footer"] = f'<p><a href="{address}">Index of all terms</a></p>'


def setup(app: Sphinx) -> None:
    """Called by the extension of the book."""
    app.connect("html-page-context", lead_to_index, priority=900)  # after the theme has set its options
    address = os.environ.get("BOOK_URL", "")
    if address and not address.endswith("/"):
        address += "/"
    app.setup_extension("notfound.extension")
    # A server shows this page at whatever address was asked for, so its links must start at the root.
    app.config.notfound_urls_prefix = urlsplit(address).path or "/"
    app.config.notfound_context = {"title": "There is no such page", "body": NOT_FOUND}
    if address:
        app.config.html_baseurl = address
        app.setup_extension("sphinx_sitemap")
        app.config.sitemap_url_scheme = "{link}"
        app.config.sitemap_excludes = ["404.html", "search.html", "genindex.html"]
        app.setup_extension("sphinxext.opengraph")
        app.config.ogp_site_url = address
        app.config.ogp_enable_meta_description = True
