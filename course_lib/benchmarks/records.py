"""Records of ``course bench``: written as JSON, and those that come with the course read again."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from course_lib.benchmarks.limits import Roofs, name_of
from course_lib.benchmarks.measure import Result

FOLDER: Traversable = resources.files("course_lib.benchmarks").joinpath("records")


def record(
    machine: Mapping[str, str], results: Mapping[str, Sequence[Result]], roofs: Roofs | None
) -> dict[str, Any]:
    """Return what a run found, as JSON holds it: the machine with its versions and rates, and the rows.

    Of each row: seconds of every contestant, how many times as fast as each rival ours was, and ``limit``,
    the least seconds by ``bytes`` and ``multiply_adds`` at the machine's rates; None where these are not
    counted.
    """
    rates = {"bandwidth": roofs.bandwidth, "multiply_adds": roofs.multiply_adds} if roofs else None
    rows = [{"family": family, **_row(result)} for family, each in results.items() for result in each]
    return {"machine": dict(machine), "rates": rates, "rows": rows}


def _row(result: Result) -> dict[str, Any]:
    row = result.row
    return {
        "row": row.name,
        "against": row.against,
        "to_reach": row.bar,
        "share_to_reach": row.share,
        "met": result.met,
        "seconds": result.seconds,
        "speed": result.speed,
        "quartiles": result.spread,
        "dtype": name_of(row.dtype),
        "bytes": row.work.moved(row.dtype) if row.work else None,
        "multiply_adds": row.work.multiply_adds if row.work else None,
        "limit": result.limit,
    }


def write(file: Path, found: Mapping[str, Any]) -> None:
    """Write a record."""
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def gpu_records() -> list[dict[str, Any]]:
    """Return the records of GPUs that come with this copy of the course, in the order of their files' names.

    They lie in ``course_lib/benchmarks/records``; where none was made, there is none.
    """
    if not FOLDER.is_dir():
        return []
    files = sorted(
        (file for file in FOLDER.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return [each for each in found if each["rates"] and each["machine"]["device"] not in ("cpu", "mps")]
