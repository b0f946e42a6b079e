"""Warnings of metrics, which name the line that called the metric."""

import sys
import warnings


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the first caller outside this package."""
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("course_lib.metrics"):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


def warn_undefined(message: str) -> None:
    """Warn that a metric is 0/0, with scikit-learn's own category: filters written for it work here too.

    It is imported only now: that takes a second, which nobody should wait for who does not need it.
    """
    from sklearn.exceptions import UndefinedMetricWarning

    warn(message, UndefinedMetricWarning)
