"""What the pooling kernels share: where windows are, and which windows an entry is in.

Forward, a program has a block of windows, and steps through the entries of all of them together. Backward, it
has a block of entries, and steps through the windows that each may be in: every gradient is written once, by
one program, so that nothing is added atomically and two runs agree to the last bit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from course_lib.kernels.precision import numbering
from course_lib.reference.windows import output_size

BLOCK = 256  # windows, or entries, of a program
Size = int | Sequence[int]


class Layout(NamedTuple):
    """Windows over the planes of x (..., H, W): how many, on how many rows and columns, of which sizes."""

    fits: tuple[int, int]
    plane: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def shape(self, x: Tensor) -> torch.Size:
        """(..., H_out, W_out)."""
        return torch.Size((*x.shape[:-2], *self.fits))

    def forward(self, x: Tensor) -> tuple[tuple[int], dict[str, Any]]:
        """The grid over windows, and the arguments that all pooling kernels have."""
        windows = self.shape(x).numel()
        return (triton.cdiv(windows, BLOCK),), {"count": windows, **self._arguments(x)}

    def backward(self, x: Tensor) -> tuple[tuple[int], dict[str, Any]]:
        """The grid over entries of x, and the same arguments."""
        return (triton.cdiv(x.numel(), BLOCK),), {"count": x.numel(), **self._arguments(x)}

    def _arguments(self, x: Tensor) -> dict[str, Any]:
        (rows, columns), (height, width) = self.fits, self.plane
        sizes = {"rows": rows, "columns": columns, "height": height, "width": width}
        (k_h, k_w), (s_h, s_w), (p_h, p_w) = self.kernel, self.stride, self.padding
        return {
            **sizes,
            "K_H": k_h,
            "K_W": k_w,
            "S_H": s_h,
            "S_W": s_w,
            "P_H": p_h,
            "P_W": p_w,
            "NUMBERING": numbering(x.numel(), self.shape(x).numel()),
            "BLOCK": BLOCK,
        }


def layout(
    owner: str, x: Tensor, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool
) -> Layout:
    """Windows over x (..., H, W), counted as ``torch.nn`` does.

    Raises:
        ValueError: an input of fewer than 2 dimensions, or smaller than a window.
    """
    kernel, sides = _pair(kernel_size), _pair(padding)
    steps = kernel if stride is None else _pair(stride)
    if x.ndim < 2:
        raise ValueError(f"{owner}: input must be (..., H, W), got shape {tuple(x.shape)}")
    plane = x.shape[-2], x.shape[-1]
    rows, columns = (
        output_size(size, k, s, p, 1, ceil_mode)
        for size, k, s, p in zip(plane, kernel, steps, sides, strict=True)
    )
    if rows < 1 or columns < 1:
        raise ValueError(f"{owner}: input must hold a window of {kernel}, got shape {tuple(x.shape)}")
    return Layout((rows, columns), plane, kernel, steps, sides)


def _pair(value: Size) -> tuple[int, int]:
    rows, columns = (value, value) if isinstance(value, int) else value
    return rows, columns


@triton.jit
def window(
    at: tl.tensor, rows: tl.tensor, columns: tl.tensor, height: tl.tensor, width: tl.tensor,
    S_H: tl.constexpr, S_W: tl.constexpr, P_H: tl.constexpr, P_W: tl.constexpr,
) -> Any:  # fmt: skip
    """Windows by number: where their planes begin, their first row and their first column."""
    plane = at // columns // rows
    top, left = at // columns % rows * S_H - P_H, at % columns * S_W - P_W
    return plane * (height * width), top, left


@triton.jit
def entry(
    number: tl.tensor, first: tl.tensor, top: tl.tensor, left: tl.tensor, there: tl.tensor, height: tl.tensor,
    width: tl.tensor, K_W: tl.constexpr,
) -> Any:  # fmt: skip
    """One entry of each window: where it is, and whether it is within the plane."""
    row, column = top + number // K_W, left + number % K_W
    inside = there & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return first + row * width + column, inside


@triton.jit
def covering(
    number: tl.tensor, at: tl.tensor, rows: tl.tensor, columns: tl.tensor, height: tl.tensor,
    width: tl.tensor, K_H: tl.constexpr, K_W: tl.constexpr, S_H: tl.constexpr, S_W: tl.constexpr,
    P_H: tl.constexpr, P_W: tl.constexpr,
) -> Any:  # fmt: skip
    """One of the windows that entries of x may be in, counted back from the last one.

    Returns the window's number, whether it is one and holds the entry, and which of its entries that is.
    """
    ACROSS: tl.constexpr = (K_W + S_W - 1) // S_W
    plane, h, w = at // width // height, at // width % height + P_H, at % width + P_W
    i, j = h // S_H - number // ACROSS, w // S_W - number % ACROSS
    row, column = h - i * S_H, w - j * S_W
    holds = (i >= 0) & (i < rows) & (j >= 0) & (j < columns) & (row < K_H) & (column < K_W)
    return (plane * rows + i) * columns + j, holds, row * K_W + column


@triton.jit
def extent(
    at: tl.tensor, size: tl.tensor, fits: tl.tensor, KERNEL: tl.constexpr, STRIDE: tl.constexpr,
    PADDING: tl.constexpr, PADDED: tl.constexpr,
) -> Any:  # fmt: skip
    """How many rows (or columns) of window ``at`` % fits count: those within the plane, or the padded one."""
    first = at % fits * STRIDE - PADDING
    if PADDED:
        return tl.minimum(first + KERNEL, size + PADDING) - first
    return tl.minimum(first + KERNEL, size) - tl.maximum(first, 0)
