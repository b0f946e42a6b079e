"""Ours against the best alternative at hand, timed side by side in one run: what ``course bench`` prints.

A module of this package that defines ``ROWS`` is a family of layers with its comparisons; the others are the
machinery.
"""

from course_lib.benchmarks.contest import Contest, Row, layer_rows
from course_lib.benchmarks.measure import Result, measure
from course_lib.benchmarks.registry import rows

__all__ = ["Contest", "Result", "Row", "layer_rows", "measure", "rows"]
