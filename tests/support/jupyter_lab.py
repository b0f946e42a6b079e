"""JupyterLab as `make lab` starts it, on a folder of one's own, and its documents in a browser."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[2]
UNATTENDED = [
    "--no-browser",
    "--ip=127.0.0.1",
    "--port=0",
    "--IdentityProvider.token=secret",
    "--allow-root",
    "--expose-app-in-browser",
    # If even the test run is killed, the server ends by itself.
    "--ServerApp.shutdown_no_activity_timeout=300",
    "--MappingKernelManager.cull_idle_timeout=300",
]

# JupyterLab measures whether a cell's toolbar covers its text in a part of it that text which jupyterlab-myst
# has rendered does not have, and throws. The toolbar then stays where it is; nobody sees anything of it.
TOOLBAR = "_cellToolbarOverlapsContents"


def as_made() -> tuple[dict[str, str], list[str]]:
    """What `make lab` sets in the environment, and the options it gives to `jupyter lab`."""
    plan = subprocess.run(["make", "--dry-run", "lab"], cwd=ROOT, capture_output=True, text=True, check=True)
    words = next(shlex.split(line) for line in plan.stdout.splitlines() if "jupyter lab" in line)
    before = [word for word in words[: words.index("lab")] if "=" in word]
    return dict(word.split("=", 1) for word in before), words[words.index("lab") + 1 :]


@contextlib.contextmanager
def jupyter_lab(root: Path, state: Path) -> Iterator[str]:
    """Run JupyterLab in ``root`` with all that it keeps in ``state``; its address. No process outlives it."""
    settings, options = as_made()
    folders = {"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "COURSE_HOME"}
    own = {name: str(state / name) for name in folders}
    state.mkdir(parents=True)
    with (state / "log").open("w") as log:
        server = subprocess.Popen(
            [Path(sys.executable).with_name("jupyter"), "lab", *options, *UNATTENDED],
            cwd=root,
            env=os.environ | settings | own,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _address(server, state)
    finally:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        server.terminate()
        _, left = psutil.wait_procs(family, timeout=120)
        for process in left:
            process.kill()
        assert not left, f"JupyterLab left behind: {left}"


def _address(server: subprocess.Popen, state: Path) -> str:
    """Where the server answers, with a slash at the end, once it does."""
    deadline = time.monotonic() + 180
    while server.poll() is None and time.monotonic() < deadline:
        for told in (state / "JUPYTER_RUNTIME_DIR").glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # half written
                return json.loads(told.read_text())["url"]
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab does not start:\n{(state / 'log').read_text()[-3000:]}")


@dataclass
class Window:
    """A browser's tab with JupyterLab in it, and what it did that it should not."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(180_000)
        self.page.on("request", lambda request: self._belongs(request.url))
        self.page.on("websocket", lambda socket: self._belongs(socket.url))
        self.page.on(
            "pageerror",
            lambda error: TOOLBAR in error.stack or self.complaints.append(f"thrown: {error.stack}"),
        )
        self.page.on(
            "console",
            lambda message: message.type == "error" and self.complaints.append(f"console: {message.text}"),
        )

    def _belongs(self, url: str) -> None:
        """Note what is asked of another host."""
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.address).netloc:
            self.complaints.append(f"elsewhere: {url}")

    def browse(self, folder: str) -> None:
        """Show a folder in the list of files."""
        self.page.goto(f"{self.address}lab/tree/{folder}?token=secret")

    def double_click(self, path: str) -> "Document":
        """Open a file from the list of files."""
        self.page.locator(f".jp-DirListing-item:has-text('{Path(path).name}')").dblclick()
        document = Document(self.page, path)
        document.wait_for_kernel()
        return document

    def menu(self, name: str, entry: str) -> None:
        """Choose an entry of a menu."""
        self.page.locator(f".lm-MenuBar-itemLabel:text-is('{name}')").click()
        self.page.locator(f".lm-Menu-itemLabel:text-is('{entry}')").click()


@dataclass
class Document:
    """A notebook open in JupyterLab. Only cells in view are in the page, so their model is asked as well."""

    page: Page
    path: str

    def _told(self, expression: str) -> str:
        """JavaScript for an expression in ``panel``, the document's tab; null while there is none."""
        find = f"[...jupyterapp.shell.widgets('main')].find(w => w.context?.path === {json.dumps(self.path)})"
        return f"() => {{ const panel = window.jupyterapp && {find}; return panel ? ({expression}) : null; }}"

    def tell(self, expression: str) -> object:
        """The value of a JavaScript expression in ``panel``; of a promise, what it comes to."""
        return self.page.evaluate(self._told(expression))

    def wait(self, expression: str) -> None:
        """Wait until the expression is true."""
        self.page.wait_for_function(self._told(expression), polling=200)

    def wait_for_kernel(self) -> None:
        """Wait until its kernel has nothing to do."""
        self.wait("panel.context.isReady && panel.sessionContext.session?.kernel?.status === 'idle'")

    @property
    def cells(self) -> list[dict]:
        """The cells as they would be saved."""
        return self.tell("panel.content.model.sharedModel.toJSON().cells")

    def index(self, text: str) -> int:
        """The number of the first cell in which a text occurs."""
        return next(number for number, cell in enumerate(self.cells) if text in cell["source"])

    def show(self, number: int) -> Locator:
        """Scroll to a cell and choose it."""
        self.tell("jupyterapp.shell.activateById(panel.id)")
        self.wait("panel.isVisible && panel.content.node.offsetHeight")  # hidden, it cannot be scrolled
        self.tell(f"panel.content.activeCellIndex = {number}")
        scroll = f"panel.content.scrollToItem({number}, 'start').catch(() => null)"
        self.wait(f"panel.content.widgets[{number}].node.offsetHeight || void {scroll}")
        return self.page.locator(f"#{self.tell('panel.id')} .jp-Cell[data-windowed-list-index='{number}']")

    def write(self, number: int, source: str) -> None:
        """Replace what stands in a cell, with the keyboard."""
        self.show(number).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)
        self.wait(f"panel.content.model.cells.get({number}).sharedModel.source === {json.dumps(source)}")

    def run(self, number: int) -> Locator:
        """Run a cell with the keyboard; its outputs, once it has run."""
        cell = self.show(number)
        self.tell(f"panel.content.model.cells.get({number}).sharedModel.execution_count = null")
        cell.locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+Enter")
        self.wait(f"panel.content.model.cells.get({number}).executionCount !== null")
        return cell.locator(".jp-OutputArea-output")

    def save(self) -> None:
        """Save with the keyboard."""
        self.page.keyboard.press("ControlOrMeta+s")
        self.wait("!panel.context.model.dirty")
