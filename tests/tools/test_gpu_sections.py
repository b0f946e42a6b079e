"""The sections that can use a GPU, on two devices and with every profile: what the report says."""

import re
import subprocess
import sys
from pathlib import Path

import gpu_sections
import pytest

ROOT = Path(__file__).resolve().parents[2]

ABLE = """\
:tags: [parameters]

size = 3
device = "cpu"
"""

CHOICE = 'assert size < 9 or device == "cpu", f"{size} do not fit"'
PROFILES = "course:\n  profiles:\n    full: {size: 9, device: auto}\n"


@pytest.fixture
def with_devices(project):
    project.add("able", ABLE, CHOICE)
    page = project.root / "chapters/01_first/able.md"
    page.write_text(page.read_text().replace("kernelspec:", f"{PROFILES}kernelspec:", 1))
    return project


def test_each_profile_runs_on_each_device_and_a_failure_is_told(with_devices):
    text, whole = gpu_sections.report(with_devices.root, ["cpu", "cuda"], [])
    assert not whole
    assert "| section | profile | cpu, s | cuda, s |" in text
    assert re.search(r"\| 01_first/able \| default \| \d+\.\d \| \d+\.\d \|", text), text
    assert re.search(r"\| 01_first/able \| full \| \d+\.\d \| \*\*failed\*\* \|", text), text
    assert "Without a device to choose: 01_first/one, 01_first/two" in text
    assert "full on cuda: FAILED 01_first/able, code cell 2" in text
    assert "9 do not fit" in text


def test_the_report_is_written(with_devices):
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "tools/gpu_sections.py", "--root", with_devices.root),
            *("--devices", "cpu", "--sections", "01_first/able"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert (with_devices.root / "_build/gpu_sections.md").read_text() in done.stdout
    assert "Without a device to choose: none" in done.stdout


def test_a_section_that_is_not_there_is_named(project):
    with pytest.raises(ValueError, match=r"no such section in _toc\.yml: 01_first/three"):
        gpu_sections.report(project.root, ["cpu"], ["01_first/three"])
