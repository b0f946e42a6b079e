"""Records of runs that take longer than a section may: what came out, on which machine, by which tool."""

import json
from importlib import resources
from typing import Any

from course_lib.layers import checks

NAMES = ("sequence_race",)


def recorded(name: str) -> dict[str, Any]:
    """Return what a tool has measured and stored; each record tells its settings, machine and versions.

    Args:
        name: "sequence_race": five nets on three tasks, from sequence to sequence
            (``tools/race_sequences.py``).

    Raises:
        ValueError: there is no such record.
    """
    checks.one_of("recorded", "name", name, NAMES)
    file = resources.files("course_lib.training").joinpath("records", f"{name}.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))
