"""The windows of a pooling layer: arguments checked, windows counted, entries gathered.

Terms as in ``course_lib.reference.windows``, where each window's rows and columns are written out.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks

Size = int | Sequence[int]
Pair = tuple[int, int]


class Windows(NamedTuple):
    """The windows over the last two dimensions of a tensor, for height and width."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    ceil_mode: bool

    def reach(self, dim: int) -> int:
        """How many rows (dim 0) or columns (dim 1) lie between a window's first and last, both counted."""
        return self.dilation[dim] * (self.kernel[dim] - 1) + 1

    def fits(self, x: Tensor) -> Pair:
        """How many windows fit in each direction: 0 or less means that x is too small."""
        return self._fits(x.shape[-2], 0), self._fits(x.shape[-1], 1)

    def _fits(self, size: int, dim: int) -> int:
        stride, padding = self.stride[dim], self.padding[dim]
        room = size + 2 * padding - self.reach(dim)
        if not self.ceil_mode:
            return room // stride + 1
        last = -(-room // stride)
        return last if last * stride >= size + padding else last + 1  # none starts in the padding at the end

    def pad(self, x: Tensor, value: float) -> Tensor:
        """Put ``value`` around x, as far as the windows reach."""
        if not self.ceil_mode and self.padding == (0, 0):
            return x
        sides, fits = [], self.fits(x)
        for dim in (1, 0):  # F.pad begins with the last
            before = self.padding[dim]
            covered = (fits[dim] - 1) * self.stride[dim] + self.reach(dim)
            sides += [before, max(0, covered - before - x.shape[dim - 2])]
        return F.pad(x, sides, value=value)

    def entries(self, x: Tensor) -> Tensor:
        """Each window's entries, row by row: (..., H, W), padded with 0 -> (k_h k_w, ..., H_out, W_out)."""
        return _Entries.apply(self.pad(x, 0.0), self)

    def views(self, x: Tensor) -> list[Tensor]:
        """The first entries of all windows within x, (..., H_out, W_out), the second ones and so on."""
        return [view for rows in self.lines(x, 0) for view in self.lines(rows, 1)]

    def lines(self, x: Tensor, dim: int) -> list[Tensor]:
        """The first rows (dim 0) or columns (dim 1) of all windows within x, the second ones and so on."""
        stride, dilation = self.stride[dim], self.dilation[dim]
        last = (x.shape[dim - 2] - self.reach(dim)) // stride * stride  # where the last window starts
        steps = [
            slice(first, first + last + 1, stride)
            for first in range(0, dilation * self.kernel[dim], dilation)
        ]
        return [x[..., step, :] if dim == 0 else x[..., step] for step in steps]

    def divisor(self, x: Tensor, count_include_pad: bool) -> Tensor | int:
        """How many entries count in each window's mean: one number, or (H_out, W_out) where they differ."""
        if not self.ceil_mode and (count_include_pad or self.padding == (0, 0)):
            return self.kernel[0] * self.kernel[1]
        counts = []
        for dim, (size, fits) in enumerate(zip(x.shape[-2:], self.fits(x), strict=True)):
            kernel, padding = self.kernel[dim], self.padding[dim]
            start, end = (-padding, size + padding) if count_include_pad else (0, size)
            firsts = range(-padding, fits * self.stride[dim] - padding, self.stride[dim])
            counts.append([min(first + kernel, end) - max(first, start) for first in firsts])
        rows, columns = counts
        return torch.tensor(rows, dtype=x.dtype, device=x.device)[:, None] * torch.tensor(
            columns, dtype=x.dtype, device=x.device
        )


def windows(
    owner: str,
    x: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Check what a pooling operation was given and return its windows over x.

    Raises:
        TypeError: x is no tensor, or a size no integer.
        ValueError: a size is too small, the padding more than half of the kernel, or x smaller than a window.
    """
    planes(owner, x)
    found = options(owner, kernel_size, stride, padding, dilation, ceil_mode)
    if min(found.fits(x)) < 1:
        raise ValueError(
            f"{owner}: input, with its padding, must be at least as large as a window of "
            f"{found.reach(0)}x{found.reach(1)}, got shape {tuple(x.shape)}"
        )
    return found


def planes(owner: str, x: Tensor) -> None:
    """Raise unless x is (N, C, H, W) or (C, H, W), where N alone may be 0."""
    checks.tensor(owner, x)
    if x.ndim not in (3, 4):
        checks.rank(owner, x, "(N, C, H, W)", "(C, H, W)")
    if not x.numel() and 0 in x.shape[-3:]:
        raise ValueError(f"{owner}: input must have no empty dimension but N, got shape {tuple(x.shape)}")


def options(
    owner: str,
    kernel_size: Size,
    stride: Size | None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Check the arguments that describe windows, and return them for height and width."""
    sizes = (kernel_size, stride, padding, dilation)
    return _options(owner, *(tuple(s) if isinstance(s, list) else s for s in sizes), ceil_mode)


@functools.lru_cache(maxsize=256, typed=True)
def _options(
    owner: str, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> Windows:
    kernel = checks.pair(owner, "kernel_size", kernel_size)
    found = Windows(
        kernel,
        kernel if stride is None else checks.pair(owner, "stride", stride),
        checks.pair(owner, "padding", padding, at_least=0),
        checks.pair(owner, "dilation", dilation),
        bool(ceil_mode),
    )
    if any(2 * each > size for each, size in zip(found.padding, kernel, strict=True)):
        raise ValueError(
            f"{owner}: padding must be at most half of kernel_size {kernel_size!r}, got {padding!r}"
        )
    return found


class _Entries(torch.autograd.Function):
    """The entries of the windows within x."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, windows: Windows) -> Tensor:
        return torch.stack(windows.views(x))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Windows], output: Tensor) -> None:
        x, ctx.windows = inputs
        ctx.size = x.shape[-2:]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Assembled.apply(grads[0], ctx.windows, ctx.size), None


class _Assembled(torch.autograd.Function):
    """The transpose: zeros of ``size``, with each entry added where it is from."""

    generate_vmap_rule = True

    @staticmethod
    def forward(entries: Tensor, windows: Windows, size: Sequence[int]) -> Tensor:
        x = entries.new_zeros(*entries.shape[1:-2], *size)
        for view, entry in zip(windows.views(x), entries, strict=True):
            view += entry
        return x

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Windows, Sequence[int]], output: Tensor) -> None:
        _, ctx.windows, _ = inputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _Entries.apply(grads[0], ctx.windows), None, None
