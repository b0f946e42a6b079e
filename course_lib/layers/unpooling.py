"""Max unpooling, called as in ``torch.nn``: what was pooled goes back to where it came from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.windows import Pair, Size, Windows, options, planes


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put each entry at its index in a plane that is 0 elsewhere: see ``MaxUnpool2d``."""
    return _unpooled("max_unpool2d", input, indices, kernel_size, stride, padding, output_size)


class MaxUnpool2d(nn.Module):
    """Put each entry of x back at its index, the switch of max pooling, in a plane that is 0 elsewhere.

    x and ``indices`` (N, C, h, w) or (C, h, w) -> y (..., H, W), H = (h - 1) stride - 2 padding +
    kernel_size. It inverts ``MaxPool2d(return_indices=True)`` but for the entries that won no window, which
    become 0. Pooling leads from several H to one h; ``output_size``, whose last two numbers count, says
    which is meant: less than one stride from the above. Where indices repeat (windows overlapped), one of
    them is kept.
    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 2.1.

    Raises:
        ValueError: shapes that differ, a size out of range, or on the CPU an index outside the plane.
        TypeError: x no float tensor, or indices not of int64.
    """

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        super().__init__()
        windows = options("MaxUnpool2d", kernel_size, stride, padding)
        self.kernel_size, self.stride, self.padding = windows.kernel, windows.stride, windows.padding

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Apply the layer to input and indices of one shape."""
        sizes = (self.kernel_size, self.stride, self.padding)
        return _unpooled("MaxUnpool2d", input, indices, *sizes, output_size)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _unpooled(
    owner: str,
    x: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Tensor:
    planes(owner, x)
    checks.float_tensor(owner, x)
    checks.tensor(owner, indices, "indices")
    if indices.dtype != torch.int64:
        raise TypeError(f"{owner}: indices must be of torch.int64, got {indices.dtype}")
    if indices.shape != x.shape:
        raise ValueError(
            f"{owner}: indices must have the shape of input, {tuple(x.shape)}, got {tuple(indices.shape)}"
        )
    windows = options(owner, kernel_size, stride, padding)
    height, width = _size(owner, x, windows, output_size)
    flat = x.new_zeros(*x.shape[:-2], height * width)
    try:
        flat = flat.scatter(-1, indices.flatten(-2), x.flatten(-2))
    except RuntimeError as error:
        if 0 <= int(indices.min()) <= int(indices.max()) < height * width:
            raise
        raise ValueError(
            f"{owner}: indices must be from 0 to {height * width - 1} in a plane of {height}x{width}, "
            f"got {int(indices.min())} to {int(indices.max())}"
        ) from error
    return flat.unflatten(-1, (height, width))


def _size(owner: str, x: Tensor, windows: Windows, output_size: Sequence[int] | None) -> Pair:
    """Return the size of the planes: the least that pooling leads from, or the one that was chosen."""
    least = [
        (windows_in - 1) * stride - 2 * padding + kernel
        for windows_in, kernel, stride, padding in zip(x.shape[-2:], *windows[:3], strict=True)
    ]
    chosen = least if output_size is None else list(output_size)[-2:]
    if len(chosen) != 2 or min(chosen) < 1:
        raise ValueError(f"{owner}: output_size must end with a height and a width, got {tuple(chosen)}")
    for size, usual, stride in zip(chosen, least, windows.stride, strict=True):
        if not usual - stride < size < usual + stride:
            raise ValueError(
                f"{owner}: output_size must be less than a stride, {windows.stride}, from {tuple(least)}, "
                f"got {tuple(chosen)}"
            )
    return chosen[0], chosen[1]
