"""Losses for numbers: how far are predictions from targets? Those for classes: ``class_losses``.

A loss has a value for each entry; ``reduction="mean"`` averages them, "sum" adds them, "none" leaves them as
they are. Input and target have one shape: a column (n, 1) against a row (n,), which PyTorch would stretch to
(n, n) with a warning, raises ValueError. ``size_average`` and ``reduce``, which torch.nn has replaced by
``reduction``, are not supported. ``course_lib.reference.losses`` has the same losses in NumPy, with their
gradients.
"""

from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks

REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}  # with the numbers PyTorch's kernels know them by
kernels: Any = torch._C._nn  # what torch.nn.functional calls, at twice the time for a small batch


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)^2, reduced, as ``torch.nn.functional.mse_loss``.

    ``weight``, of input's shape, multiplies each entry; the mean then divides by the sum of the weights.
    """
    check_reduction("mse_loss", reduction, size_average, reduce)
    check_pair("mse_loss", input, target)
    if weight is not None:
        return _weighted("mse_loss", (input - target).square(), weight, reduction)
    return kernels.mse_loss(input, target, REDUCTIONS[reduction])


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|, reduced, as ``torch.nn.functional.l1_loss``; ``weight`` as in ``mse_loss``."""
    check_reduction("l1_loss", reduction, size_average, reduce)
    check_pair("l1_loss", input, target)
    if weight is not None:
        return _weighted("l1_loss", (input - target).abs(), weight, reduction)
    return kernels.l1_loss(input, target, REDUCTIONS[reduction])


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """SmoothL1Loss as a function, as ``torch.nn.functional.smooth_l1_loss``."""
    check_reduction("smooth_l1_loss", reduction, size_average, reduce)
    checks.finite_number("smooth_l1_loss", "beta", beta, at_least=0)
    check_pair("smooth_l1_loss", input, target)
    return _smooth_l1(input, target, reduction, beta)


def _smooth_l1(input: Tensor, target: Tensor, reduction: str, beta: float) -> Tensor:
    if beta == 0:
        return kernels.l1_loss(input, target, REDUCTIONS[reduction])
    return kernels.smooth_l1_loss(input, target, REDUCTIONS[reduction], beta)


class Loss(nn.Module):
    """What the losses share: ``reduction``."""

    def __init__(
        self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        check_reduction(type(self).__name__, reduction, size_average, reduce)
        self.reduction = reduction


class MSELoss(Loss):
    """(x - t)^2, averaged over all entries: the loss of regression.

    Its gradient 2 (x - t) / m grows with the error, so that one outlier outweighs many. It is the negative
    log-likelihood of normal noise. Through a saturated sigmoid it learns slowly: use BCEWithLogitsLoss there.

    Shapes: x and t the same, any; the loss is (), or of that shape with ``reduction="none"``.

    Raises:
        ValueError: an unknown reduction, or x and t of different shapes.
        TypeError: x or t that is no floating-point tensor, or just one of them float64.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare ``input`` with ``target``, of the same shape."""
        check_pair("MSELoss", input, target)
        return kernels.mse_loss(input, target, REDUCTIONS[self.reduction])


class L1Loss(Loss):
    """|x - t|, averaged over all entries: an outlier pulls no harder than others.

    Minimized by the median, where MSELoss is by the mean. The gradient does not shrink near the target.
    Shapes and errors are those of MSELoss.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare ``input`` with ``target``, of the same shape."""
        check_pair("L1Loss", input, target)
        return kernels.l1_loss(input, target, REDUCTIONS[self.reduction])


class SmoothL1Loss(Loss):
    """d^2 / (2 beta) for d = |x - t| < beta, else d - beta / 2, averaged over all entries.

    The gradient is (x - t) / beta, clipped to [-1, 1]: gentle near the target, and no outlier pulls harder
    than ``beta`` does. Detectors regress boxes with it. ``beta=0`` is L1Loss. Shapes are those of MSELoss.

    Source: Girshick (2015), Fast R-CNN, equation 3, where beta is 1.

    Raises:
        ValueError: an unknown reduction, a negative beta, or x and t of different shapes.
        TypeError: x or t that is no floating-point tensor, or just one of them float64.
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        checks.finite_number("SmoothL1Loss", "beta", beta, at_least=0)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare ``input`` with ``target``, of the same shape."""
        check_pair("SmoothL1Loss", input, target)
        return _smooth_l1(input, target, self.reduction, self.beta)


def check_reduction(owner: str, reduction: str, size_average: bool | None, reduce: bool | None) -> None:
    """Raise unless ``reduction`` is known and its two predecessors are not used."""
    if size_average is not None or reduce is not None:
        raise ValueError(
            f"{owner}: size_average and reduce must be None (not supported: use reduction), "
            f"got {size_average!r} and {reduce!r}"
        )
    if reduction not in REDUCTIONS:
        checks.one_of(owner, "reduction", reduction, tuple(REDUCTIONS))


def check_pair(owner: str, input: Tensor, target: Tensor) -> None:
    """Raise unless input and target are floating-point tensors of one shape, both float64 or neither."""
    checks.float_tensor(owner, input)
    checks.float_tensor(owner, target, "target")
    if input.shape != target.shape:
        raise ValueError(
            f"{owner}: target must have the shape of input, {tuple(input.shape)}, got {tuple(target.shape)}"
        )
    if input.dtype != target.dtype and torch.float64 in (input.dtype, target.dtype):
        raise TypeError(f"{owner}: target must have the dtype of input, {input.dtype}, got {target.dtype}")


def _weighted(owner: str, each: Tensor, weight: Tensor, reduction: str) -> Tensor:
    if weight.shape != each.shape:
        raise ValueError(
            f"{owner}: weight must have the shape of input, {tuple(each.shape)}, got {tuple(weight.shape)}"
        )
    each = each * weight
    if reduction == "none":
        return each
    return each.sum() if reduction == "sum" else each.sum() / weight.sum()
