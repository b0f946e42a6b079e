"""All rows of the benchmark, family by family."""

import importlib
import pkgutil

from course_lib import benchmarks
from course_lib.benchmarks.contest import Row


def rows() -> dict[str, list[Row]]:
    """Return {family: rows}: a family is a module of this package that defines ``ROWS``."""
    found = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        family = importlib.import_module(f"{benchmarks.__name__}.{module.name}")
        if hasattr(family, "ROWS"):
            found[module.name] = list(family.ROWS)
    return found
