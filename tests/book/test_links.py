"""Every link of the book that leads into the book arrives."""

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup


@pytest.fixture(scope="module")
def documents(html: Path) -> dict[str, BeautifulSoup]:
    """Every HTML file of the book, parsed, by its path."""
    names = [path.relative_to(html) for path in html.rglob("*.html")]
    return {
        str(name): BeautifulSoup((html / name).read_text(encoding="utf-8"), "html.parser")
        for name in names
        if name.parts[0] != "_static"
    }


def anchors(document: BeautifulSoup) -> set[str]:
    return {element["id"] for element in document.select("[id]")} | {
        element["name"] for element in document.select("a[name]")
    }


def test_links_within_the_book_arrive(html, documents):
    targets = {name: anchors(document) for name, document in documents.items()}
    broken = []
    for name, document in documents.items():
        for link in document.select("a[href]"):
            address = urlsplit(urljoin(f"http://book/{name}", link["href"]))
            if address.netloc != "book" or link["href"].startswith("javascript:"):
                continue
            path = unquote(address.path).lstrip("/") or "index.html"
            arrives = (html / path).is_file()
            if arrives and path in targets and address.fragment:
                arrives = unquote(address.fragment) in targets[path]
            if not arrives:
                broken.append(f"{name}: {link['href']}")
    assert broken == []


def test_the_book_is_reached_from_its_front_page(documents):
    assert "intro.html" in str(documents["index.html"])
    reached, waiting = set(), ["intro.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in documents:
            continue
        reached.add(name)
        for link in documents[name].select("a[href]"):
            waiting.append(urlsplit(urljoin(f"http://book/{name}", link["href"])).path.lstrip("/"))
    pages = {name for name in documents if name.startswith("chapters/")} | {"map.html", "data_sheets.html"}
    assert pages <= reached
