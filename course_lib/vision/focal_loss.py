"""The focal loss: cross-entropy in which what is easy counts little, called as in ``torchvision.ops``."""

import torch
from torch import Tensor

from course_lib import layers
from course_lib.layers import checks as layer_checks

REDUCTIONS = ("none", "mean", "sum")


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Return a_t (1 - p_t)^gamma times the binary cross-entropy of logits ``inputs``, of any shape.

    ``targets``, of the same shape, are 0 or 1 (or between). p_t is the probability given to what is right,
    and a_t is ``alpha`` for what is 1 and 1 - ``alpha`` for what is 0; a negative ``alpha`` means no weights.
    With ``gamma`` 0 and no weights it is binary cross-entropy.

    Source: Lin, Goyal, Girshick, He & Dollar (2017), Focal loss for dense object detection, equation 5.

    Raises:
        ValueError: another shape of targets, an alpha above 1, a negative gamma, an unknown reduction.
        TypeError: what is no floating-point tensor, or no number.
    """
    owner = "sigmoid_focal_loss"
    layer_checks.float_tensor(owner, inputs, "inputs")
    layer_checks.float_tensor(owner, targets, "targets")
    if inputs.shape != targets.shape:
        expected, got = tuple(inputs.shape), tuple(targets.shape)
        raise ValueError(f"{owner}: targets must have the shape of inputs, {expected}, got {got}")
    layer_checks.finite_number(owner, "alpha", alpha)
    if alpha > 1:
        raise ValueError(f"{owner}: alpha must be at most 1, got {alpha}")
    layer_checks.finite_number(owner, "gamma", gamma, at_least=0)
    layer_checks.one_of(owner, "reduction", reduction, REDUCTIONS)
    entropy = layers.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    p = torch.sigmoid(inputs)
    wrong = p + targets - 2 * p * targets  # 1 - p_t, which does not cancel where p is tiny
    loss = entropy * wrong**gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()
