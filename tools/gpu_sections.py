"""Run the sections that can use a GPU on it and on a core of the CPU, with every profile: what each took.

    python tools/gpu_sections.py [--devices cpu cuda] [--sections SECTION ...]

A section can if its cell tagged ``parameters`` sets ``device``. Each runs with its default parameters and
with each of its profiles, one run after the other, in a kernel of its own. The report is
``_build/gpu_sections.md``: a table of seconds, from the start of the kernel on, then the sections that have
no device to choose, and what failed. The exit status is 0 if nothing did.
"""

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from execute import chosen, here, write_atomically
from nbformat import NotebookNode
from run_section import code_cells, run_section
from sections import Section, all_sections

from course_lib.cli.run import parameters_of

DEVICES = ["cpu", "cuda"]


@dataclass(frozen=True)
class Given(Section):
    """A section whose cell of parameters ends with other values."""

    values: tuple[tuple[str, Any], ...]

    def read(self) -> NotebookNode:
        """The section as a notebook without outputs."""
        notebook = super().read()
        for cell in code_cells(notebook):
            if "parameters" in cell.metadata.get("tags", []):
                cell.source += "".join(f"\n{name} = {value!r}" for name, value in self.values)
        return notebook


def profiles(section: Section) -> dict[str, dict[str, Any]]:
    """The profiles of a section by name, the one that changes nothing first."""
    return {"default": {}, **section.read().metadata.get("course", {}).get("profiles", {})}


def report(root: Path, devices: list[str], names: list[str]) -> tuple[str, bool]:
    """Run a book's sections (those named; none: all) on these devices; the report, and whether all ran.

    Raises:
        ValueError: a section is named that is not in the book.
    """
    import torch  # here: the processes that run the sections need none of it

    sections = chosen(all_sections(root), names)
    able = [section for section in sections if "device" in parameters_of(section.read())]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    machine = ", ".join(f"{name} {value}" for name, value in {"GPU": gpu, **here()}.items())
    lines = [f"{machine}\n", f"| section | profile | {' | '.join(f'{device}, s' for device in devices)} |"]
    lines.append(f"|---|---|{'---:|' * len(devices)}")
    failures = []
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for section in able:
            for profile, values in profiles(section).items():
                cells = []
                for device in devices:
                    given = Given(root, section.name, tuple((values | {"device": device}).items()))
                    run = pool.submit(run_section, given).result()
                    cells.append("**failed**" if run.failure else f"{run.seconds:.1f}")
                    failures += [f"{profile} on {device}: {run.failure}"] if run.failure else []
                    print(f"{section.name}, {profile}, {device}: {cells[-1]}", flush=True)
                lines.append(f"| {section.name} | {profile} | {' | '.join(cells)} |")
    others = ", ".join(section.name for section in sections if section not in able) or "none"
    return "\n".join([*lines, f"\nWithout a device to choose: {others}\n", *failures]), not failures


def main() -> int:
    """Write the report; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--devices", nargs="+", default=DEVICES, metavar="DEVICE")
    parser.add_argument("--sections", nargs="+", default=[], metavar="SECTION", help="none: all")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    try:
        text, whole = report(root, arguments.devices, arguments.sections)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    write_atomically(root / "_build/gpu_sections.md", text)
    print(text)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
