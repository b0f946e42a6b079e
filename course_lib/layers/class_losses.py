"""Losses for classes: how surprised are the predicted probabilities by what came?

They take logits, numbers of any size that softmax or the sigmoid would make probabilities, and compute the
logarithm of the whole: log-sum-exp never overflows, and log 0 never comes up. The gradient for the logits is
then p - t, probability less target, however confident the mistake. On reductions and what is not supported
see ``losses``; ``course_lib.reference.losses`` has the same losses in NumPy, with their gradients.
"""

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.layers.losses import REDUCTIONS, Loss, check_pair, check_reduction, kernels


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """BCEWithLogitsLoss as a function, as ``torch.nn.functional.binary_cross_entropy_with_logits``."""
    owner = "binary_cross_entropy_with_logits"
    check_reduction(owner, reduction, size_average, reduce)
    return _binary(owner, input, target, weight, reduction, pos_weight)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """NLLLoss as a function, as ``torch.nn.functional.nll_loss``."""
    check_reduction("nll_loss", reduction, size_average, reduce)
    return _negative_log_likelihood("nll_loss", input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """CrossEntropyLoss as a function, as ``torch.nn.functional.cross_entropy``."""
    check_reduction("cross_entropy", reduction, size_average, reduce)
    checks.probability("cross_entropy", "label_smoothing", label_smoothing)
    return _cross_entropy("cross_entropy", input, target, weight, ignore_index, reduction, label_smoothing)


class BCEWithLogitsLoss(Loss):
    """-(t log s(x) + (1 - t) log(1 - s(x))), averaged, with s the sigmoid: one yes-or-no question an entry.

    t is in [0, 1]. ``weight`` multiplies the loss of each entry and ``pos_weight`` its first term, the price
    of missing a yes (for n_no / n_yes, rare yeses count as much as noes); both broadcast to x, and are
    buffers.

    Shapes: x and t the same, any; the loss is (), or of that shape with ``reduction="none"``.

    Raises:
        ValueError: an unknown reduction, x and t of different shapes, or weights that do not broadcast to x.
        TypeError: x or t that is no floating-point tensor, or just one of them float64.
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare the logits ``input`` with ``target``, of the same shape."""
        return _binary("BCEWithLogitsLoss", input, target, self.weight, self.reduction, self.pos_weight)


class NLLLoss(Loss):
    """-x_t, averaged: the negative log-likelihood of classes t under log-probabilities x (a log_softmax).

    Shapes, ``weight`` and ``ignore_index`` are those of CrossEntropyLoss, which needs no log_softmax before
    it.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_ignore_index("NLLLoss", ignore_index)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Look up the log-probabilities ``input`` (n, c, ...) at the classes ``target`` (n, ...)."""
        return _negative_log_likelihood(
            "NLLLoss", input, target, self.weight, self.ignore_index, self.reduction
        )


class CrossEntropyLoss(Loss):
    """-sum_c q_c log softmax(x)_c, averaged: how surprised the softmax of the logits x is by the target.

    The target is a class t, and q is 1 there and 0 elsewhere, or it is probabilities, and q are those.
    ``label_smoothing`` = e mixes in the uniform distribution over the C classes, q <- (1 - e) q + e / C, so
    that the best logits are finite. ``weight`` (c,), a buffer, multiplies q_c: rare classes can count more.
    Classes equal to ``ignore_index`` count nothing (probabilities have no such mark). The mean over classes
    divides by the sum of their weights (so with all ignored it is NaN), the mean over probabilities by the
    number of positions.

    Shapes: x (c,), (n, c) or (n, c, d1, ...), classes (), (n,) or (n, d1, ...) of dtype int64, probabilities
    as x; the loss is (), or as classes with ``reduction="none"``.

    Source: Bridle (1990); label smoothing: Szegedy et al. (2016), Rethinking the Inception architecture,
    section 7.

    Raises:
        ValueError: an unknown reduction, a label_smoothing outside 0 ... 1, shapes that do not fit, or (on
            the CPU; a GPU says it later and worse) a class outside 0 ... c - 1.
        TypeError: logits that are no floating-point tensor, or a target that is neither classes nor
            probabilities.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_ignore_index("CrossEntropyLoss", ignore_index)
        checks.probability("CrossEntropyLoss", "label_smoothing", label_smoothing)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compare logits (n, c, ...) with classes (n, ...) or probabilities (n, c, ...)."""
        options = self.weight, self.ignore_index, self.reduction, self.label_smoothing
        return _cross_entropy("CrossEntropyLoss", input, target, *options)


def _binary(
    owner: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    pos_weight: Tensor | None,
) -> Tensor:
    check_pair(owner, input, target)
    if weight is not None:
        _check_broadcast(owner, "weight", weight, input)
    if pos_weight is not None:
        _check_broadcast(owner, "pos_weight", pos_weight, input)
    return torch.binary_cross_entropy_with_logits(input, target, weight, pos_weight, REDUCTIONS[reduction])


def _check_broadcast(owner: str, name: str, value: Tensor, x: Tensor) -> None:
    sizes = zip(reversed(value.shape), reversed(x.shape), strict=False)
    if value.ndim > x.ndim or any(size not in (1, wanted) for size, wanted in sizes):
        shape = tuple(x.shape)
        raise ValueError(f"{owner}: {name} must broadcast to input's {shape}, got {tuple(value.shape)}")


def _negative_log_likelihood(
    owner: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str
) -> Tensor:
    checks.float_tensor(owner, input)
    x = input.contiguous()  # PyTorch's backward pass of images raises an error for channels_last
    try:
        return kernels.nll_loss_nd(x, target, weight, REDUCTIONS[reduction], ignore_index)
    except (IndexError, RuntimeError, TypeError, ValueError):
        _explain(owner, input, target, weight, ignore_index)
        raise


def _cross_entropy(
    owner: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    if isinstance(target, Tensor) and target.is_floating_point():
        check_pair(owner, input, target)
        if ignore_index >= 0:
            raise ValueError(f"{owner}: ignore_index must be negative with probabilities, got {ignore_index}")
    number = REDUCTIONS[reduction]
    try:
        return kernels.cross_entropy_loss(input, target, weight, number, ignore_index, label_smoothing)
    except (IndexError, RuntimeError, TypeError, ValueError):
        _explain(owner, input, target, weight, ignore_index)
        raise


def _explain(owner: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> None:
    """Say what a kernel has complained of: it makes all checks itself, and twice would take long."""
    checks.float_tensor(owner, input)
    checks.tensor(owner, target, "target")
    shape = tuple(input.shape)
    if not shape:
        raise ValueError(f"{owner}: input must be (N, C, ...) or (C), got shape ()")
    classes = shape[min(1, len(shape) - 1)]
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"{owner}: weight must have shape ({classes},), got {tuple(weight.shape)}")
    if weight is not None and weight.dtype != input.dtype:
        raise TypeError(f"{owner}: weight must have the dtype of input, {input.dtype}, got {weight.dtype}")
    if target.is_floating_point() and target.shape == input.shape:
        return
    if target.dtype != torch.int64:
        raise TypeError(f"{owner}: target must hold classes of dtype torch.int64, got {target.dtype}")
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if target.shape != expected:
        got = f"{tuple(target.shape)} for input {shape}"
        raise ValueError(
            f"{owner}: target must have input's shape without the classes, {expected}, got {got}"
        )
    used = target[target != ignore_index]
    if ((used < 0) | (used >= classes)).any():
        raise ValueError(
            f"{owner}: target must hold classes 0 ... {classes - 1} or ignore_index={ignore_index}, "
            f"got {used.min()} ... {used.max()}"
        )


def _check_ignore_index(owner: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{owner}: ignore_index must be an integer, got {value!r}")
