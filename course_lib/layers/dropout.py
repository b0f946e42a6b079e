"""Dropout: units are silenced at random in training, so that none can rely on another.

A unit is dropped with probability p, and what is kept is divided by 1 - p: the mean over all masks is the
input itself, and evaluation needs no scaling (the paper kept with probability p and scaled at test time
instead). In evaluation the layers give back their input. The masks are PyTorch's: the same seed drops the
same units. Under a GPU's fused kernels they differ from those of the CPU.

Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), Dropout, sections 4 and 10.
"""

import torch
from torch import Tensor, nn

from course_lib.layers import checks


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop each entry with probability p, as ``torch.nn.functional.dropout``.

    Raises:
        ValueError: p outside 0 ... 1, or ``inplace=True``.
    """
    _check_arguments("dropout", p, inplace)
    checks.float_tensor("dropout", input)
    return torch.dropout(input, p, training)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Drop each channel of each example with probability p, as ``torch.nn.functional.dropout2d``.

    Raises:
        ValueError: p outside 0 ... 1, ``inplace=True``, or an input that is not (N, C, H, W) or (N, C, L).
    """
    _check_arguments("dropout2d", p, inplace)
    _check_channels("dropout2d", input)
    return torch.feature_dropout(input, p, training)


class _Dropout(nn.Module):
    """What both layers share: p and the switch to evaluation."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        _check_arguments(type(self).__name__, p, inplace)
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """y = x mask / (1 - p) in training, an entry of the mask 0 with probability p, else 1; then y = x.

    x has any shape. ``p=0`` is the identity, ``p=1`` gives zeros. In a recurrent net, draw one mask and use
    it at each step.

    Raises:
        ValueError: p outside 0 ... 1, or ``inplace=True``.
        TypeError: an input that is no tensor, or not of a floating-point dtype.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of x."""
        checks.float_tensor("Dropout", x)
        return torch.dropout(x, self.p, self.training)


class Dropout2d(_Dropout):
    """Dropout of whole channels of x (n, c, h, w) or (n, c, t), since neighbouring pixels say the same.

    Source: Tompson et al. (2015), Efficient object localization using convolutional networks, section 3.2.

    Raises:
        ValueError: p outside 0 ... 1, ``inplace=True``, or an input of another rank.
        TypeError: an input that is no tensor, or not of a floating-point dtype.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop channels of x."""
        _check_channels("Dropout2d", x)
        return torch.feature_dropout(x, self.p, self.training)


def _check_arguments(owner: str, p: float, inplace: bool) -> None:
    checks.probability(owner, "p", p)
    checks.not_inplace(owner, inplace)


def _check_channels(owner: str, x: Tensor) -> None:
    checks.float_tensor(owner, x)
    checks.rank(owner, x, "(N, C, H, W)", "(N, C, L)")
