"""What the sections cost and what they print, from the record that the executor leaves."""

import json
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 1500  # MiB: what a section may take at its peak


def notebook_of(section: str) -> nbformat.NotebookNode:
    path = ROOT / "_build/executed" / f"{section.removeprefix('chapters/')}.ipynb"
    return nbformat.read(path, as_version=4)


def test_a_section_keeps_to_its_memory(html, section):
    status = json.loads((ROOT / "_build/executed/status.json").read_text(encoding="utf-8"))
    assert status[section.removeprefix("chapters/")]["peak_mib"] <= MOST_MEMORY


def test_a_section_has_outputs_that_are_compared(html, section):
    checked = [c for c in notebook_of(section).cells if "nbval-check-output" in c.metadata.get("tags", [])]
    assert checked, "no cell is tagged nbval-check-output"
    assert all(cell.outputs for cell in checked), "a compared cell prints nothing"


def test_a_section_shows_no_warnings(html, section):
    told = [
        output.text
        for cell in notebook_of(section).cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert told == []


def test_no_output_names_a_place_on_the_machine_that_built_the_book(html, section):
    text = json.dumps([cell.get("outputs", []) for cell in notebook_of(section).cells])
    for place in (str(ROOT), str(Path.home()) + "/", "/tmp/"):
        assert place not in text
