"""Precision, recall, F1 and support of every class in one table."""

from collections.abc import Sequence
from typing import Any

from course_lib.layers import checks
from course_lib.metrics import labels as label_lists
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn
from course_lib.metrics.precision_recall import precision_recall_fscore_support

HEADERS = ("precision", "recall", "f1-score", "support")


def classification_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    target_names: Sequence[str] | None = None,
    sample_weight: ArrayLike | None = None,
    digits: int = 2,
    output_dict: bool = False,
    zero_division: str | float = "warn",
) -> str | dict[str, Any]:
    """Return the table as text, or with ``output_dict`` as {class or average: {column: value}}.

    Below the classes stand the accuracy (or, if ``labels`` leaves out a class that occurs, the micro
    average), the macro and the weighted average. ``target_names`` names the classes, with ``digits`` digits
    after the point. Text and dictionary are scikit-learn's, to the letter (but a support stays a whole number
    even if no prediction is right).

    Raises:
        ValueError: as ``precision_recall_fscore_support``; not as many ``target_names`` as classes.
    """
    owner = "classification_report"
    checks.non_negative_integer(owner, "digits", digits)
    found = label_lists.read(owner, y_true, y_pred, sample_weight)
    wanted = found.classes if labels is None else label_lists.listed(owner, labels)
    names = _names(owner, target_names, wanted, given=labels is not None)
    options: dict[str, Any] = {
        "labels": wanted,
        "sample_weight": sample_weight,
        "zero_division": zero_division,
    }
    columns = precision_recall_fscore_support(y_true, y_pred, average=None, **options)
    rows = list(zip(names, *(column.tolist() for column in columns), strict=False))
    support = sum(columns[3].tolist())
    pooled = "accuracy" if set(wanted) >= set(found.classes) else "micro avg"
    averages = []
    for name, average in ((pooled, "micro"), ("macro avg", "macro"), ("weighted avg", "weighted")):
        scores = precision_recall_fscore_support(y_true, y_pred, average=average, **options)[:3]
        averages.append((name, *scores, support))
    return _dictionary(rows, averages) if output_dict else _text(rows, averages, digits)


def _names(owner: str, target_names: Sequence[str] | None, wanted: list, given: bool) -> list[str]:
    if target_names is None:
        return [str(label) for label in wanted]
    if len(target_names) != len(wanted):
        message = f"{owner}: target_names must have {len(wanted)} names, one a class, got {len(target_names)}"
        if not given:
            raise ValueError(f"{message}; list all classes in labels")
        warn(message)
    return [str(name) for name in target_names]


def _dictionary(rows: list[tuple], averages: list[tuple]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name, *values in (*rows, *averages):
        report[name] = {header: float(value) for header, value in zip(HEADERS, values, strict=True)}
    if averages[0][0] == "accuracy":
        report["accuracy"] = report["accuracy"]["precision"]
    return report


def _text(rows: list[tuple], averages: list[tuple], digits: int) -> str:
    width = max(*(len(row[0]) for row in (*rows, averages[-1])), digits)

    def line(name: str, *cells: object) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells) + "\n"

    def numbers(name: str, precision: float, recall: float, f1: float, support: float) -> str:
        shown = [f"{value:.{digits}f}" for value in (precision, recall, f1)]
        if name == "accuracy":  # precision and recall are the same number
            shown[:2] = ["", ""]
        return line(name, *shown, support)

    body = "".join(numbers(*row) for row in rows)
    return line("", *HEADERS) + "\n" + body + "\n" + "".join(numbers(*row) for row in averages)
