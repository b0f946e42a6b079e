"""Ours against the best alternative at hand, timed side by side in one run: what ``course bench`` prints.

A module of this package that defines ``ROWS`` is a family of layers with its comparisons; the others are the
machinery.
"""

from course_lib.benchmarks.contest import Contest, Row, layer_rows
from course_lib.benchmarks.limits import Roofs, Work, measure_roofs
from course_lib.benchmarks.measure import Result, measure
from course_lib.benchmarks.records import gpu_records
from course_lib.benchmarks.registry import rows

__all__ = [
    "Contest",
    "Result",
    "Roofs",
    "Row",
    "Work",
    "gpu_records",
    "layer_rows",
    "measure",
    "measure_roofs",
    "rows",
]
