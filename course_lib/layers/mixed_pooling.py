"""Mixed pooling: between average and max pooling, at a point that is set, learned or drawn."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.pooling import maxima, means
from course_lib.layers.windows import Size, options, windows

MIXINGS = ("fixed", "learned", "drawn")


def mixed_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    alpha: float | Tensor = 0.5,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """alpha max + (1 - alpha) mean of each window; alpha may be a tensor and gets a gradient then."""
    if not isinstance(alpha, Tensor):
        checks.probability("mixed_pool2d", "alpha", alpha)
    slid = windows("mixed_pool2d", input, kernel_size, stride, padding, ceil_mode=ceil_mode)
    highest, mean = maxima(input, slid), means("mixed_pool2d", input, slid, count_include_pad)
    return alpha * highest + (1 - alpha) * mean


class MixedPool2d(nn.Module):
    """alpha max + (1 - alpha) mean of each window: x (N, C, H, W) or (C, H, W) -> (..., H_out, W_out).

    alpha = 0 is ``AvgPool2d``, alpha = 1 ``MaxPool2d``; the other arguments are theirs. ``mixing`` says where
    alpha comes from:

    - "fixed": it stays as given.
    - "learned": it is a parameter, ``alpha``: one number for the whole layer, that starts as given and that
      nothing keeps within 0 and 1. Source: Lee, Gallagher & Tu (2016), Generalizing pooling functions in
      convolutional neural networks: mixed, gated, and tree, section 3.1.
    - "drawn": in training each call draws, with PyTorch's global generator, whether the whole layer takes the
      max (with probability alpha) or the mean. Evaluation takes what is expected, the mixture with alpha.
      Source: Yu, Wang, Chen & Wei (2014), Mixed pooling for convolutional neural networks. They draw 0 or 1
      too, but test with the one that was drawn more often.

    Raises:
        ValueError: alpha not from 0 to 1, an unknown mixing, a size out of range, x smaller than a window.
        TypeError: an argument of the wrong type, or an input that is no float tensor.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        alpha: float = 0.5,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        mixing: str = "fixed",
    ) -> None:
        super().__init__()
        options("MixedPool2d", kernel_size, stride, padding)
        checks.probability("MixedPool2d", "alpha", alpha)
        checks.one_of("MixedPool2d", "mixing", mixing, MIXINGS)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.mixing = mixing
        self.alpha = nn.Parameter(torch.tensor(float(alpha))) if mixing == "learned" else alpha

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        sizes = (self.kernel_size, self.stride, self.padding)
        slid = windows("MixedPool2d", input, *sizes, ceil_mode=self.ceil_mode)
        highest, mean = maxima(input, slid), means("MixedPool2d", input, slid, self.count_include_pad)
        if self.mixing == "drawn" and self.training:
            return torch.where(torch.rand((), device=input.device) < self.alpha, highest, mean)
        return self.alpha * highest + (1 - self.alpha) * mean

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        alpha = "" if self.mixing == "learned" else f"alpha={self.alpha:g}, "
        sizes = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        return f"{sizes}, {alpha}mixing={self.mixing!r}"
