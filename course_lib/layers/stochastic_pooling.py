"""Stochastic pooling: in training, each window is represented by one of its entries, drawn by its size."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.windows import Size, Windows, options, windows


def stochastic_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    training: bool = True,
    generator: torch.Generator | None = None,
) -> Tensor:
    """An entry drawn in each window, or with ``training=False`` their mean: see ``StochasticPool2d``."""
    checks.generator("stochastic_pool2d", generator)
    slid = windows("stochastic_pool2d", input, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return _drawn("stochastic_pool2d", input, slid, training, generator)


class StochasticPool2d(nn.Module):
    """In training an entry of each window, drawn with probability p_i = a_i / sum_k a_k.

    x (N, C, H, W) or (C, H, W) -> y (..., H_out, W_out). The activations are a = max(x, 0): the layer is
    made to follow a ReLU, and elsewhere negative entries are never drawn. A window without a positive entry
    gives 0, and padding has no chance. In evaluation y = sum_i p_i a_i, the mean of the draws. In training
    the gradient goes to the entry drawn. A window with an
    infinite entry gives infinity.

    ``generator`` draws (PyTorch's global one if None); it must live on x's device.
    Source: Zeiler & Fergus (2013), Stochastic pooling for regularization of deep convolutional neural
    networks, sections 3 and 3.1.

    Raises:
        ValueError: a size out of range, an input smaller than a window, or a generator of another device.
        TypeError: an argument of the wrong type, or an input that is no float tensor.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        options("StochasticPool2d", kernel_size, stride, padding)
        checks.generator("StochasticPool2d", generator)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.generator = padding, ceil_mode, generator

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        sizes = (self.kernel_size, self.stride, self.padding)
        slid = windows("StochasticPool2d", input, *sizes, ceil_mode=self.ceil_mode)
        return _drawn("StochasticPool2d", input, slid, self.training, self.generator)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _drawn(
    owner: str, x: Tensor, windows: Windows, training: bool, generator: torch.Generator | None
) -> Tensor:
    checks.float_tensor(owner, x)
    activations = windows.entries(x.relu())  # (k_h k_w, ..., H_out, W_out)
    relative = _relative(activations)
    if not training:
        probabilities = relative / relative.sum(0).clamp(min=torch.finfo(relative.dtype).tiny)
        return (probabilities * activations).sum(0)
    checks.generator(owner, generator, like=x)
    number, total = _draw(relative.detach(), generator)
    return activations.gather(0, number).squeeze(0) + 0 * total  # NaN in a window with a NaN


def _relative(activations: Tensor) -> Tensor:
    """Each window's entries as parts, from 0 to 1, of the largest: their sum cannot overflow, nor vanish."""
    limits = torch.finfo(activations.dtype)
    largest = activations.detach().amax(0).clamp(limits.tiny, limits.max)
    return (activations / largest).clamp(max=1)


def _draw(relative: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """The number of an entry of each window, (1, ..., H_out, W_out), drawn by its size, and their total.

    The sums of the first 1, 2, ... entries divide the way from 0 to the sum of all into pieces as long as the
    entries are large. A point of the way, each with the same chance, lies in the piece of the entry drawn.
    """
    ends = relative.to(torch.promote_types(relative.dtype, torch.float32)).cumsum(0)  # at least float32
    total = ends[-1]
    point = total * torch.rand(total.shape, generator=generator, dtype=total.dtype, device=total.device)
    return (ends[:-1] <= point).sum(0, keepdim=True), total.to(relative.dtype)
