"""Agreement of two maps of classes, such as the true and the predicted class of every pixel."""

from typing import Any

import torch

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike


def mean_iou(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    average: str | None = "macro",
) -> Any:
    """Intersection over union of each class, TP / (TP + FP + FN), averaged over the classes that occur.

    The maps hold class numbers 0 ... num_classes - 1 (default: as far as they go) and have one shape, such as
    (n, h, w). Pixels whose true class is ``ignore_index`` count nowhere. All pixels are counted together, not
    picture by picture. ``average="micro"`` adds up the counts of all classes first; None gives the IoU of
    every class, (num_classes,), NaN for one that occurs in neither map.

    Raises:
        ValueError: different shapes, or numbers that are no classes.
    """
    owner = "mean_iou"
    checks.one_of(owner, "average", average, ("macro", "micro", None))
    device = inputs.device_of(y_pred, y_true)
    true, predicted = (
        inputs.finite(owner, name, x, device) for name, x in (("y_true", y_true), ("y_pred", y_pred))
    )
    if true.shape != predicted.shape:
        raise ValueError(
            f"{owner}: y_true and y_pred must have one shape, "
            f"got {tuple(true.shape)} and {tuple(predicted.shape)}"
        )
    if ignore_index is not None:
        kept = true != ignore_index
        true, predicted = true[kept], predicted[kept]
    if true.numel() == 0:
        raise ValueError(f"{owner}: y_true must have a pixel that counts, got none")
    if num_classes is None:
        num_classes = int(max(true.max(), predicted.max())) + 1
    checks.positive_integer(owner, "num_classes", num_classes)
    for name, x in (("y_true", true), ("y_pred", predicted)):
        wrong = (x < 0) | (x >= num_classes) | (x != x.floor())
        if wrong.any():
            raise ValueError(
                f"{owner}: {name} must hold classes 0 to {num_classes - 1}, got {inputs.first(x, wrong):g}"
            )
    codes = [x.long().reshape(-1) for x in (true, predicted, true[true == predicted])]
    in_true, in_predicted, in_both = (torch.bincount(x, minlength=num_classes).double() for x in codes)
    union = in_true + in_predicted - in_both
    if average == "micro":
        return float(in_both.sum() / union.sum())
    iou = in_both / union
    return inputs.hand_back(iou, y_true, y_pred) if average is None else float(iou.nanmean())
