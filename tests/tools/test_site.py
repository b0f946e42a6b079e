"""The book as a web site: words lead to the glossary, wrong addresses to a page, and others see a card."""

from xml.etree import ElementTree

import build
import pytest
from bs4 import BeautifulSoup

GLOSSARY = """---
not_linked: [gate]
---

# Glossary

```{glossary}
gate
  Lets things through. {ref}`two`

learning rate
step size
  What the *gradient* is multiplied by. {ref}`two`

loss
  The number that training makes small. {ref}`one`

GAN
  Two networks that play. {ref}`two`
```
"""

PROSE = """(one)=
# One on the loss

The loss falls when GANs learn, at a gate. `learning rate` is code, a [learning rate](#one) a link.
The step sizes of a GAN matter; the step size most. *Learning
rates* too, but no glossaries and no floss.

- A learning rate in a list.
"""


@pytest.fixture
def site(executed_project):
    """Build the small project with a glossary; a function that reads one of its pages."""
    project = executed_project
    project.dress()
    project.write("glossary.md", GLOSSARY)
    toc = project.root / "_toc.yml"
    toc.write_text(toc.read_text() + "- file: glossary\n")
    source = project.root / "chapters/01_first/one.md"
    source.write_text(source.read_text().replace("# Section one\n", PROSE, 1))
    other = project.root / "chapters/01_first/two.md"
    other.write_text(
        other.read_text().replace("# Section two\n", "(two)=\n# Two\n\nThe learning rate here.\n", 1)
    )

    def read(name):
        build.build(project.root)
        html = (project.root / f"_build/html/{name}.html").read_text(encoding="utf-8")
        return BeautifulSoup(html, "html.parser")

    read.project = project
    return read


def words(page):
    return [(a.get_text(), a["href"], a["title"]) for a in page.select("main a.glossary-word")]


def test_the_first_mention_of_a_word_leads_to_the_glossary_and_says_what_it_means(site):
    page = site("chapters/01_first/one")
    assert words(page) == [
        ("GANs", "../../glossary.html#term-GAN", "Two networks that play."),
        ("step sizes", "../../glossary.html#term-step-size", "What the gradient is multiplied by."),
        ("Learning\nrates", "../../glossary.html#term-learning-rate", "What the gradient is multiplied by."),
    ]
    glossary = site("glossary")
    for _, address, _ in words(page):
        assert glossary.find(id=address.partition("#")[2]), "the link leads somewhere"
    assert words(glossary) == []
    assert words(site("chapters/01_first/two")) == [], "a section explains its own words"


def test_a_changed_meaning_is_told_in_every_section(site):
    assert words(site("chapters/01_first/one"))[0][2] == "Two networks that play."
    glossary = site.project.root / "glossary.md"
    glossary.write_text(GLOSSARY.replace("that play", "that compete"))
    assert words(site("chapters/01_first/one"))[0][2] == "Two networks that compete."


def test_the_index_lists_the_words(site):
    entries = [a.get_text() for a in site("genindex").select("table.indextable a")]
    assert entries == ["GAN", "gate", "learning rate", "loss", "step size"]


def test_a_wrong_address_gets_a_page_with_links_from_the_root(site):
    page = site("404")
    assert "no such page" in page.select_one("article").get_text()
    links = [a["href"] for a in page.select(".bd-sidebar-primary a[href]") if not a["href"].startswith("#")]
    assert "/chapters/01_first/one.html" in links
    sheets = [link["href"] for link in page.select("link[rel=stylesheet]")]
    assert sheets
    assert all(address.startswith("/_static/") for address in sheets)


def test_a_published_book_has_a_sitemap_and_cards(site, monkeypatch):
    assert not site("intro").select("meta[property^='og:']"), "a book on disk has no address"
    assert not (site.project.root / "_build/html/sitemap.xml").exists()
    monkeypatch.setenv("BOOK_URL", "https://example.org/course")
    (site.project.root / "intro.md").write_text("# A small book\n\nOther words.\n")
    page = site("intro")
    told = {meta["property"]: meta["content"] for meta in page.select("meta[property^='og:']")}
    assert told["og:url"] == "https://example.org/course/intro.html"
    assert told["og:description"] == "Other words."
    card = site.project.root / "_build/html" / told["og:image"].removeprefix("https://example.org/course/")
    assert card.read_bytes().startswith(b"\x89PNG")
    tree = ElementTree.parse(site.project.root / "_build/html/sitemap.xml")
    listed = sorted(place.text for place in tree.findall(".//{*}loc"))
    pages = ["chapters/01_first/one", "chapters/01_first/two", "glossary", "intro"]
    assert set(listed) >= {f"https://example.org/course/{name}.html" for name in pages}
    assert not [place for place in listed if "404" in place or "search" in place]
    assert page.select_one("link[rel=canonical]")["href"] == "https://example.org/course/intro.html"
    assert site("404").select_one("link[rel=stylesheet]")["href"].startswith("/course/_static/")
