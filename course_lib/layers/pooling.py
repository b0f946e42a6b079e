"""Max and average pooling, called as in ``torch.nn`` and ``torch.nn.functional``.

Each layer makes one number of each window of an image, x (N, C, H, W) or (C, H, W) -> (..., H_out, W_out),

    H_out = floor((H + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1,

or ceil with ``ceil_mode=True``, where windows may hang over the edge but must start inside. ``kernel_size``,
``stride`` (None: kernel_size, so that windows lie side by side), ``padding`` (at most half of the kernel) and
``dilation`` are an integer for both directions or two. The same in NumPy, with the backward passes, is
``course_lib.reference.pooling``. A size that does not fit raises ValueError, an argument or input of the
wrong type TypeError.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.layers import checks, separable
from course_lib.layers.windows import Pair, Size, Windows, options, planes, windows

AdaptiveSize = int | None | Sequence[int | None]


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Each window's largest entry, and with ``return_indices`` its index i W + j in its plane.

    Outside the input is -inf. Of equal entries the first, row by row, is taken and gets the whole gradient.
    """
    slid = windows("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    return _maxima("max_pool2d", input, slid, return_indices)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Each window's mean, or its sum over ``divisor_override``.

    The padding is 0 and counts as entries unless ``count_include_pad`` is false.
    """
    _check_divisor("avg_pool2d", divisor_override)
    slid = windows("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    return means("avg_pool2d", input, slid, count_include_pad, divisor_override)


def adaptive_avg_pool2d(input: Tensor, output_size: AdaptiveSize) -> Tensor:
    """The means over a grid of output_size cells that cover the input; None keeps a direction as it is."""
    _check_grid("adaptive_avg_pool2d", output_size)
    return _cell_means("adaptive_avg_pool2d", input, output_size)


def adaptive_max_pool2d(
    input: Tensor, output_size: AdaptiveSize, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest entries of those cells, and with ``return_indices`` where they stand."""
    _check_grid("adaptive_max_pool2d", output_size)
    return _cell_maxima("adaptive_max_pool2d", input, output_size, return_indices)


class MaxPool2d(nn.Module):
    """Max pooling: each window's largest entry, and with ``return_indices=True`` also its index.

    Outside the input is -inf. The first of equal entries, row by row, is taken and gets the whole gradient.
    The index counts row by row through the plane, i W + j: ``MaxUnpool2d`` puts values back there.
    Source: Riesenhuber & Poggio (1999), the MAX operation; windows that overlap: Krizhevsky, Sutskever &
    Hinton (2012), section 3.4.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        options("MaxPool2d", kernel_size, stride, padding, dilation)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        sizes = (self.kernel_size, self.stride, self.padding, self.dilation)
        slid = windows("MaxPool2d", input, *sizes, self.ceil_mode)
        return _maxima("MaxPool2d", input, slid, self.return_indices)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(nn.Module):
    """Average pooling: each window's mean, or its sum over ``divisor_override``.

    The padding is 0 and counts as entries unless ``count_include_pad`` is false; what hangs over even the
    padding, with ``ceil_mode``, never counts. The entries of a window share its gradient evenly.
    Source: LeCun et al. (1998), Gradient-based learning applied to document recognition, section II.
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        options("AvgPool2d", kernel_size, stride, padding)
        _check_divisor("AvgPool2d", divisor_override)
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        sizes = (self.kernel_size, self.stride, self.padding)
        slid = windows("AvgPool2d", input, *sizes, ceil_mode=self.ceil_mode)
        return means("AvgPool2d", input, slid, self.count_include_pad, self.divisor_override)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(nn.Module):
    """Average pooling to a given size: (N, C, H, W) of any H and W -> (N, C, *output_size).

    Cell i of h along H covers the rows floor(i H / h) ... ceil((i + 1) H / h) - 1. ``output_size`` is an
    integer for both directions or two; None keeps a direction as it is. ``AdaptiveAvgPool2d(1)`` is global
    average pooling: Lin, Chen & Yan (2014), Network in network, section 3.2.
    """

    def __init__(self, output_size: AdaptiveSize) -> None:
        super().__init__()
        _check_grid("AdaptiveAvgPool2d", output_size)
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        return _cell_means("AdaptiveAvgPool2d", input, self.output_size)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(nn.Module):
    """Max pooling to a given size: the largest entries of ``AdaptiveAvgPool2d``'s cells.

    With ``return_indices=True`` it returns also where they stand, as ``MaxPool2d`` does.
    """

    def __init__(self, output_size: AdaptiveSize, return_indices: bool = False) -> None:
        super().__init__()
        _check_grid("AdaptiveMaxPool2d", output_size)
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        return _cell_maxima("AdaptiveMaxPool2d", input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"output_size={self.output_size}"


def _maxima(owner: str, x: Tensor, windows: Windows, return_indices: bool) -> Tensor | tuple[Tensor, Tensor]:
    if x.is_complex() or x.dtype == torch.bool:
        raise TypeError(f"{owner}: input must have a dtype of real numbers, got {x.dtype}")
    return F.max_pool2d_with_indices(x, *windows) if return_indices else maxima(x, windows)


def maxima(x: Tensor, windows: Windows) -> Tensor:
    """Each window's largest entry: by PyTorch's kernel where its backward pass needs the indices."""
    needs_indices = x.requires_grad and torch.is_grad_enabled()
    if not needs_indices and separable.pays(x, windows):
        return separable.window_max(x, windows)
    return torch.max_pool2d(x, *windows)


def means(
    owner: str, x: Tensor, windows: Windows, count_include_pad: bool, divisor_override: int | None = None
) -> Tensor:
    """Each window's mean, by PyTorch's kernel where the windows are too few to pay for two passes."""
    checks.float_tensor(owner, x)
    if separable.pays(x, windows):
        divisor = windows.divisor(x, count_include_pad) if divisor_override is None else divisor_override
        return separable.window_sum(x, windows) / divisor
    kernel, stride, padding, _, ceil_mode = windows
    return F.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _cell_means(owner: str, x: Tensor, output_size: AdaptiveSize) -> Tensor:
    planes(owner, x)
    checks.float_tensor(owner, x)
    grid = _grid(x, output_size)
    return torch.mean(x, (-2, -1), True) if grid == (1, 1) else F.adaptive_avg_pool2d(x, grid)


def _cell_maxima(
    owner: str, x: Tensor, output_size: AdaptiveSize, return_indices: bool
) -> Tensor | tuple[Tensor, Tensor]:
    planes(owner, x)
    checks.float_tensor(owner, x)
    y, indices = F.adaptive_max_pool2d_with_indices(x, _grid(x, output_size))
    return (y, indices) if return_indices else y


def _check_divisor(owner: str, divisor_override: int | None) -> None:
    if divisor_override is not None:
        checks.positive_integer(owner, "divisor_override", divisor_override)


def _grid(x: Tensor, output_size: AdaptiveSize) -> Pair:
    if isinstance(output_size, int):  # asked first, for Sequence takes longer to ask for
        return output_size, output_size
    rows, columns = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    return x.shape[-2] if rows is None else rows, x.shape[-1] if columns is None else columns


def _check_grid(owner: str, output_size: AdaptiveSize) -> None:
    sizes = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    checks.pair(owner, "output_size", [1 if size is None else size for size in sizes])
