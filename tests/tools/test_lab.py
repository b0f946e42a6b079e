"""`make lab`: in JupyterLab, a section opens as a notebook with a double click."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "@jupyterlab/docmanager-extension:plugin"


@pytest.fixture
def lab(project, tmp_path):
    """JupyterLab as `make lab` starts it, without a window and on a small project: a function to ask it."""
    plan = subprocess.run(["make", "--dry-run", "lab"], cwd=ROOT, capture_output=True, text=True, check=True)
    config = re.search(r'JUPYTER_CONFIG_PATH="([^"]+)"', plan.stdout)
    assert config, plan.stdout
    runtime = tmp_path / "runtime"
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    options = [
        "--notebook-dir=chapters",
        "--no-browser",
        "--port=0",
        "--ServerApp.token=secret",
        "--allow-root",
    ]
    server = subprocess.Popen(
        [Path(sys.executable).with_name("jupyter"), "lab", *options],
        cwd=project.root,
        env=os.environ | own | {"JUPYTER_CONFIG_PATH": config[1], "JUPYTER_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(path: str) -> dict:
        deadline = time.monotonic() + 120
        while True:
            assert server.poll() is None, "JupyterLab ended"
            try:
                (told,) = runtime.glob("jpserver-*.json")
                url = json.loads(told.read_text())["url"]
                with urllib.request.urlopen(f"{url}{path}?token=secret", timeout=60) as answer:
                    return json.load(answer)
            except (ValueError, urllib.error.URLError):  # not up yet
                assert time.monotonic() < deadline, "JupyterLab does not answer"
                time.sleep(0.1)

    yield ask
    server.terminate()
    server.wait(timeout=60)


def test_a_section_opens_as_a_notebook(lab):
    settings = lab(f"lab/api/settings/{urllib.parse.quote(PLUGIN)}")
    viewers = settings["schema"]["properties"]["defaultViewers"]["default"]
    assert viewers["markdown"] == "Jupytext Notebook", "what a double click opens a .md with"
    section = lab("api/contents/01_first/one.md")
    assert section["type"] == "notebook"
    assert [cell["cell_type"] for cell in section["content"]["cells"]].count("code") == 2
    names = {extension["name"] for extension in lab("lab/api/extensions")}
    assert "jupyterlab-myst" in names or "jupyterlab_myst" in names, names
