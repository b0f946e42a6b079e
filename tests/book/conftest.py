"""The built book, served on this machine and read in Chromium; nothing may come from another host."""

import functools
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import browser
import build
import pytest
import yaml
from playwright.sync_api import Browser, Page, Request, Response, Route, sync_playwright
from sections import all_sections, listed_files

ROOT = Path(__file__).resolve().parents[2]


def pages() -> list[str]:
    """Every page of the table of contents, as its path below the book's root without ``.html``."""
    listed = listed_files(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    toc_root = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["root"]
    return [toc_root, *(page.removesuffix(".md") for page in listed)]


def section_pages() -> list[str]:
    """The pages that are sections: notebooks with code, figures and exercises."""
    return [f"chapters/{section.name}" for section in all_sections(ROOT)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes ``page`` once for each page, one that takes ``section`` once for each section.

    All tests of a page run before those of the next, so that one page need be open at a time.
    """
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", pages(), scope="module")
    if "section" in metafunc.fixturenames:
        metafunc.parametrize("section", section_pages(), scope="module")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def contents() -> list[str]:
    """Every page of the table of contents, in reading order."""
    return pages()


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built book, brought up to date if need be."""
    build.build(ROOT)
    return ROOT / "_build/html"


@pytest.fixture(scope="session")
def address(html: Path) -> Iterator[str]:
    """Where the book is served, with a slash at the end."""
    handler = functools.partial(QuietHandler, directory=str(html))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file: two cannot be driven at a time, and other tests have one, too."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser.browser(), args=browser.OPTIONS)
        yield opened
        opened.close()


@dataclass
class Visit:
    """A page open in the browser, and all it did."""

    page: Page
    elsewhere: list[str] = field(default_factory=list)  # requests to other hosts
    missing: list[str] = field(default_factory=list)  # requests to this host that failed
    errors: list[str] = field(default_factory=list)  # on the console, or thrown
    weights: dict[str, int] = field(default_factory=dict)  # bytes of what was fetched, by path

    def text(self, selector: str) -> str:
        """The visible text of the first element that a selector finds."""
        return self.page.locator(selector).first.inner_text()


Open = Callable[..., Visit]


def opener(chromium: Browser, address: str, opened: ExitStack) -> Open:
    """What opens pages of the book until ``opened`` is closed."""

    def open_one(path: str, width: int = 1280, late: str = "", **options) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        opened.callback(context.close)
        visit = Visit(context.new_page())

        def route(route: Route, request: Request) -> None:
            if request.url.startswith((address, "data:", "blob:")):
                if late and urlsplit(request.url).path.endswith(late):
                    time.sleep(2)
                route.continue_()
            else:
                visit.elsewhere.append(request.url)
                route.abort()

        def weigh(response: Response) -> None:
            if not response.url.startswith(address):
                return
            if response.status >= 400:
                visit.missing.append(f"{response.status} {response.url}")
            visit.weights[urlsplit(response.url).path] = int(response.headers.get("content-length", 0))

        visit.page.route("**/*", route)
        visit.page.on("response", weigh)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on(
            "console", lambda message: message.type == "error" and visit.errors.append(message.text)
        )
        visit.page.goto(address + path, wait_until="load")
        visit.page.evaluate("() => window.MathJax?.startup?.promise")
        visit.page.wait_for_load_state("networkidle")
        return visit

    return open_one


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Open]:
    """Opens a page of the book in a fresh window; options are Playwright's, such as ``color_scheme``.

    A request whose address ends in ``late`` is answered 2 s late.
    """
    with ExitStack() as opened:
        yield opener(chromium, address, opened)


@pytest.fixture(scope="module")
def visit(chromium: Browser, address: str) -> Iterator[Callable[[str], Visit]]:
    """Opens a page once for its tests, and closes it when another is asked for: each takes 100 MB."""
    with ExitStack() as opened:
        open_one = opener(chromium, address, opened)
        shown: dict[str, Visit] = {}

        def of(page: str) -> Visit:
            if page not in shown:
                opened.close()
                shown.clear()
                shown[page] = open_one(f"{page}.html")
            return shown[page]

        yield of
