"""Every link that leads into the book arrives; every address outside it is well formed."""

import re
from collections import defaultdict
from pathlib import Path
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from pybtex.database import BibliographyData, parse_file

ROOT = Path(__file__).resolve().parents[2]

# Characters of RFC 3986, with which an address is written as it is sent.
WRITTEN = re.compile(r"(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", re.ASCII)
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
TRACKS = re.compile(r"utm_\w+|fbclid|gclid|dclid|msclkid|igshid|mc_[ce]id|ref|ref_\w+|spm|si|trk|source")
ARXIV = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?")
DOI = re.compile(r"10\.\d{4,9}/[!-~]*[\w>)]", re.ASCII)  # of this century or the last, which allowed < and >
THIS_MACHINE = ("127.0.0.1", "localhost")
ADDRESS = re.compile(r"https?://[^\s<>\"'`{}\\|]*", re.I)
# An address without its scheme, which no reader can follow: example.org/posts/it
BARE = re.compile(r"(?<![\w/@.-])(?:[\w-]+\.)+(?:com|org|net|edu|io|ai|dev)/\S+")


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
    pages = {name for name in documents if name.startswith("chapters/")}
    assert pages | {"map.html", "data_sheets.html", "status.html"} <= reached


def fault(address: str) -> str:
    """What is wrong with the form of an address outside the book; nothing, if nothing is."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host in THIS_MACHINE:
        return ""
    if host.endswith("doi.org"):
        path = address.removeprefix("https://doi.org/")
        return "" if DOI.fullmatch(path) else "a DOI is written https://doi.org/10.xxxx/..."
    faults = {
        "https, not http": parts.scheme != "https",
        "no host, or none that can be": parts.netloc != host or not HOST.fullmatch(host),
        "a character that is not written so": not WRITTEN.fullmatch(address),
        "an empty folder": "//" in parts.path,
        "punctuation at its end": address[-1] in ".,;:!?'*_&=" or address.count("(") != address.count(")"),
        "it tracks the reader": any(TRACKS.fullmatch(key) for key in parse_qs(parts.query, True)),
        "arXiv is linked as https://arxiv.org/abs/...": host.endswith("arxiv.org")
        and not (
            host == "arxiv.org" and not parts.query and ARXIV.fullmatch(parts.path.removeprefix("/abs/"))
        ),
    }
    return next((what for what, found in faults.items() if found), "")


def addresses(text: str) -> list[str]:
    """The addresses in a text, each up to the bracket that closes around it."""
    found = []
    for address in ADDRESS.findall(text):
        while address.count(")") > address.count("("):
            address = address[: address.rindex(")")]
        found.append(address)
    return found


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://example.org", ""),
        ("https://en.wikipedia.org/wiki/Kernel_(image_processing)#Edge_handling", ""),
        ("https://arxiv.org/abs/1904.06991", ""),
        ("https://arxiv.org/abs/cond-mat/9901023", ""),
        ("https://doi.org/10.1007/BF00332918", ""),
        ("https://doi.org/10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2", ""),
        ("http://127.0.0.1:9", ""),
        ("https://example.org/search?q=convolution&page=2", ""),
        ("http://example.org/", "https"),
        ("https://", "no host"),
        ("https://localhost.", "no host"),
        ("https://someone@example.org/", "no host"),
        ("https://example.org/a b", "a character"),
        ("https://example.org/%zz", "a character"),
        ("https://example.org/a//b", "an empty folder"),
        ("https://example.org/a.", "punctuation"),
        ("https://example.org/a)", "punctuation"),
        ("https://example.org/?utm_source=x", "it tracks"),
        ("https://example.org/?fbclid=&q=1", "it tracks"),
        ("https://arxiv.org/pdf/1904.06991", "arXiv"),
        ("https://www.arxiv.org/abs/1904.06991", "arXiv"),
        ("https://arxiv.org/abs/1904.6991x", "arXiv"),
        ("http://doi.org/10.1007/BF00332918", "a DOI"),
        ("https://dx.doi.org/10.1007/BF00332918", "a DOI"),
        ("https://doi.org/10.1007/BF00332918.", "a DOI"),
    ],
)
def test_a_fault_of_an_address_is_named(address, told):
    assert fault(address).startswith(told)
    assert bool(fault(address)) == bool(told)


def test_addresses_end_where_the_text_goes_on():
    text = "[a](https://a.org/x_(y)), ([b](https://b.org)). <https://c.org/z>, 'https://d.org'"
    assert addresses(text) == ["https://a.org/x_(y)", "https://b.org", "https://c.org/z", "https://d.org"]


def test_addresses_in_the_sources_are_well_formed():
    sources = [*ROOT.glob("*.md"), *ROOT.glob("*.cff"), *ROOT.glob("chapters/**/*.md")]
    wrong = []
    for path in sources:
        text = path.read_text(encoding="utf-8")
        found = {address: fault(address) for address in addresses(text)}
        found |= dict.fromkeys(re.findall(r"\]\((\s*https?:[^)\s]*\s[^)]*)\)", text), "a space")
        wrong += [f"{path.relative_to(ROOT)}: {address}: {what}" for address, what in found.items() if what]
    assert len(sources) > 70
    assert wrong == []


def test_addresses_in_the_built_pages_are_well_formed(documents):
    pages = defaultdict(set)
    for name, document in documents.items():
        for link in document.select("a[href]"):
            if re.match(r"(?i)\s*(https?:|//)", link["href"]):
                pages[link["href"]].add(name)
    wrong = [
        f"{min(names)}: {address}: {fault(address)}" for address, names in pages.items() if fault(address)
    ]
    assert len(pages) > 100, "the bibliography leads to its papers"
    assert wrong == []


@pytest.fixture(scope="module")
def references() -> BibliographyData:
    return parse_file(ROOT / "references.bib", bib_format="bibtex")


def test_the_bibliography_names_papers_in_one_form(references):
    wrong = []
    for key, entry in references.entries.items():
        fields = entry.fields
        if "doi" in fields and not DOI.fullmatch(fields["doi"]):
            wrong.append(f"{key}: a doi is 10.xxxx/..., without the address: {fields['doi']}")
        if "eprint" in fields and not ARXIV.fullmatch(fields["eprint"]):
            wrong.append(f"{key}: no number of arXiv: {fields['eprint']}")
        if "url" in fields and fault(fields["url"]):
            wrong.append(f"{key}: {fault(fields['url'])}: {fields['url']}")
        for name in ("howpublished", "note"):
            text = fields.get(name, "")
            wrong += [f"{key}: {fault(address)}: {address}" for address in addresses(text) if fault(address)]
            wrong += [f"{key}: without https://: {found}" for found in BARE.findall(text)]
    assert wrong == []


def test_the_bibliography_has_a_work_once(references):
    works = defaultdict(set)
    for key, entry in references.entries.items():
        fields = entry.fields
        works["title " + re.sub(r"\W|_", "", re.sub(r"\\.", "", fields["title"])).lower()].add(key)
        if "doi" in fields:
            works[f"doi {fields['doi'].lower()}"].add(key)
        told = " ".join(fields.get(name, "") for name in ("eprint", "note", "howpublished", "journal", "url"))
        for number in re.findall(r"\b\d{4}\.\d{4,5}\b", told):
            works[f"arXiv {number}"].add(key)
    assert len(works) > len(references.entries)
    assert {work: keys for work, keys in works.items() if len(keys) > 1} == {}
