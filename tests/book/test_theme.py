"""Ways to find something, light and dark."""

import re
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

# Words that a reader may look for, and the section that teaches each.
TAUGHT = {
    "perceptron": "01_neural_networks/neurons",
    "XOR": "01_neural_networks/multilayer_perceptrons",
    "gradient descent": "01_neural_networks/gradient_descent",
    "chain rule": "01_neural_networks/backpropagation",
    "equivariance": "02_convolutional_networks/images_and_invariance",
    "cross-correlation": "02_convolutional_networks/convolution",
    "max pooling": "02_convolutional_networks/pooling",
    "receptive field": "02_convolutional_networks/receptive_field",
    "He initialization": "02_convolutional_networks/initialization",
    "overfitting": "03_regularization/overfitting",
    "weight decay": "03_regularization/weight_penalties",
    "dropout": "03_regularization/dropout",
    "confusion matrix": "04_metrics/confusion_matrix",
    "ROC curve": "04_metrics/curves_and_calibration",
    "saddle point": "05_optimization/challenges",
    "Nesterov": "05_optimization/momentum",
    "RMSprop": "05_optimization/adaptive_methods",
    "denoising": "08_autoencoders/denoising",
    "mode collapse": "09_generative_models/adversarial_networks",
    "diffusion": "09_generative_models/diffusion",
    "LSTM": "10_transformers/lstm_and_gru",
    "beam search": "10_transformers/sequence_to_sequence",
    "self-attention": "10_transformers/attention",
    "BERT": "10_transformers/language_models",
    "RLHF": "10_transformers/alignment",
    "Laplacian": "11_graph_networks/graphs",
    "message passing": "11_graph_networks/spatial_convolution",
    "intersection over union": "12_detection/boxes_and_metrics",
    "selective search": "12_detection/region_proposals",
    "RoIAlign": "12_detection/mask_rcnn",
}


@pytest.fixture(scope="module")
def book(html, contents) -> dict[str, str]:
    """Every page of the table of contents as it is written, in reading order."""
    return {page: (html / f"{page}.html").read_text(encoding="utf-8") for page in contents}


def part(written: str, tag: str, marked: str) -> BeautifulSoup:
    """What a tag with a class holds: to parse the whole of every page takes minutes."""
    begin = re.search(rf'<{tag} [^>]*class="[^"]*{marked}', written)
    assert begin, f"no {tag} is marked {marked}"
    return BeautifulSoup(written[begin.start() : written.index(f"</{tag}>", begin.start())], "html.parser")


def lead(page: str, link: str) -> str:
    """The page that a link of a page leads to, as the table of contents names it."""
    return unquote(urlsplit(urljoin(f"http://book/{page}.html", link)).path).strip("/").removesuffix(".html")


@pytest.mark.parametrize("word", ["perceptron", "softmax", "learning rate", "chain rule"])
def test_search_finds(open_page, word):
    shown = open_page(f"search.html?q={word.replace(' ', '+')}")
    shown.page.wait_for_selector("#search-results ul.search li a", timeout=20_000)
    hits = shown.page.locator("#search-results ul.search > li > a").all_inner_texts()
    assert hits, word
    assert shown.elsewhere == shown.errors == []


def test_search_leads_to_the_section_that_teaches_a_word(open_page):
    page = open_page("search.html").page
    page.wait_for_function("Search.hasIndex()")
    hits = page.evaluate(
        "all => all.map(q => Search._performSearch(...Search._parseQuery(q)).map(hit => hit[0]).reverse())",
        list(TAUGHT),
    )
    first = {word: list(dict.fromkeys(found))[:3] for word, found in zip(TAUGHT, hits, strict=True)}
    missed = {
        word: first[word] for word, section in TAUGHT.items() if f"chapters/{section}" not in first[word]
    }
    assert missed == {}, "not among the first three pages: one is the glossary, which leads on"


def test_search_opens_from_the_keyboard_and_leads_to_its_page(open_page):
    page = open_page("intro.html").page
    page.keyboard.press("Control+k")
    page.keyboard.type("perceptron")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=perceptron*")
    page.wait_for_selector("#search-results ul.search li a", timeout=20_000)


def test_the_pages_follow_one_another_as_in_the_table_of_contents(book):
    order = list(book)
    wrong = []
    for before, page, after in zip([None, *order], order, [*order[1:], None], strict=False):
        ways = [
            re.search(rf'<a class="{way}"\s+href="([^"]*)"', book[page])
            for way in ("left-prev", "right-next")
        ]
        found = [lead(page, way[1]) if way else None for way in ways]
        if found != [before, after]:
            wrong.append(f"{page}: {found} rather than {[before, after]}")
    assert wrong == []


def test_every_page_tells_where_one_is(book):
    for page, written in book.items():
        current = part(written, "nav", "bd-links").select("li.current > a")
        path = [lead(page, link["href"]) if link["href"] != "#" else page for link in current]
        chapter = f"{page.rpartition('/')[0]}/index"
        expected = [chapter, page] if page.count("/") == 2 and page != chapter else [page]
        assert path == expected, page


def test_a_chapter_lists_its_sections(book):
    chapters = [page for page in book if page.endswith("/index")]
    assert len(chapters) == 12
    for chapter in chapters:
        sections = [
            page for page in book if page.startswith(chapter.removesuffix("index")) and page != chapter
        ]
        listed = [
            lead(chapter, link["href"])
            for link in part(book[chapter], "article", "bd-article").select("li a")
        ]
        ours = [page for page in dict.fromkeys(listed) if page in sections]
        assert ours == sections, f"{chapter} leads to {ours}"


def test_every_page_leads_to_the_index_and_the_index_to_the_words(book, html):
    for page, written in book.items():
        foot = part(written, "footer", "bd-footer-content")
        assert "genindex" in [lead(page, link["href"]) for link in foot.select("a")], page
    index = part((html / "genindex.html").read_text(encoding="utf-8"), "article", "bd-article")
    words = {link.get_text(): link["href"] for link in index.select("td li a")}
    assert len(words) >= 200
    for word in ("perceptron", "dropout", "backpropagation"):
        assert words[word].startswith("glossary.html#term-")


def test_a_wrong_address_shows_a_page_whose_links_arrive(html, contents):
    lost = BeautifulSoup((html / "404.html").read_text(encoding="utf-8"), "html.parser")
    links = [link["href"] for link in lost.select("a[href]") if not link["href"].startswith("#")]
    links += [
        link.get("href") or link.get("src") for link in lost.select("link[rel=stylesheet], script[src]")
    ]
    assert len(links) > len(contents)
    # The page is shown at any depth: only what begins at the root arrives.
    paths = [unquote(urlsplit(each).path) for each in links]
    wrong = [path for path in paths if path[:1] != "/" or not (html / (path[1:] or "index.html")).is_file()]
    assert wrong == []


def lightness(page, selector: str, of: str) -> float:
    """How light a colour of an element is, from 0 (black) to 255 (white)."""
    colour = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{of}")
    red, green, blue = (float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_is_light_or_dark_as_the_readers_system(open_page, scheme):
    page = open_page("intro.html", color_scheme=scheme).page
    assert page.locator("html").get_attribute("data-theme") == scheme
    ground, ink = lightness(page, "body", "backgroundColor"), lightness(page, "article p", "color")
    assert (ground > 200 and ink < 100) if scheme == "light" else (ground < 60 and ink > 180)


def test_the_reader_can_switch_and_the_choice_stays(open_page):
    page = open_page("intro.html", color_scheme="light").page
    seen = []
    for _ in range(3):
        page.locator("button.theme-switch-button").first.click()
        seen.append(page.locator("html").get_attribute("data-theme"))
    assert {"light", "dark"} <= set(seen)
    while page.locator("html").get_attribute("data-theme") != "dark":
        page.locator("button.theme-switch-button").first.click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert lightness(page, "body", "backgroundColor") < 60
