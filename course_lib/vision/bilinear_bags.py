"""The sum that RoIAlign is, and its transpose: each output is a bag of input pixels with weights.

Bilinear sampling works on rows and columns apart, so that a bag is described by two short lists: rows with
weights and columns with weights. The weight of a pixel is the product.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

PIXELS_AT_ONCE = 2**22  # of all bags together, to bound the memory


@dataclass(frozen=True)
class Bags:
    """k regions of ph x pw bags of r x s pixels each, in maps (n, h, w).

    Attributes:
        maps: (k,) the map of each region.
        rows, row_weights: (k, ph, r).
        columns, column_weights: (k, pw, s).
        shape: (n, h, w).
    """

    maps: Tensor
    rows: Tensor
    row_weights: Tensor
    columns: Tensor
    column_weights: Tensor
    shape: tuple[int, int, int]

    def pull(self, pixels: Tensor) -> Tensor:
        """Weighted sum of each bag: pixels (n h w, c) -> (k ph pw, c)."""
        if not pixels.shape[1]:  # some processors' embedding_bag refuses empty rows
            k, ph, _ = self.rows.shape
            return pixels.new_zeros(k * ph * self.columns.shape[1], 0)
        sums = [
            F.embedding_bag(indices, pixels, mode="sum", per_sample_weights=weights)
            for indices, weights in self._chunks()
        ]
        return sums[0] if len(sums) == 1 else torch.cat([pixels[:0], *sums])

    def push(self, sums: Tensor) -> Tensor:
        """The transpose of ``pull``, (k ph pw, c) -> (n h w, c): each pixel is a bag of those who used it."""
        n, h, w = self.shape
        pixels, start = sums.new_zeros(n * h * w, sums.shape[1]), 0
        if not sums.shape[1]:
            return pixels
        first = torch.arange(n * h * w, device=sums.device)
        for indices, weights in self._chunks():
            used, order = indices.flatten().sort()
            user = start + torch.div(order, indices.shape[1], rounding_mode="floor")
            pixels += F.embedding_bag(
                user,
                sums,
                torch.searchsorted(used, first),
                mode="sum",
                per_sample_weights=weights.flatten().index_select(0, order),
            )
            start += len(indices)
        return pixels

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels of each bag and their weights, both (bags, r s), for some regions at a time."""
        _, h, w = self.shape
        (k, ph, r), (_, pw, s) = self.rows.shape, self.columns.shape
        step = max(1, PIXELS_AT_ONCE // (ph * pw * r * s))
        for start in range(0, k, step):
            part = slice(start, start + step)
            rows = (self.maps[part, None, None] * h + self.rows[part]) * w
            indices = rows[:, :, None, :, None] + self.columns[part, None, :, None, :]
            weights = self.row_weights[part, :, None, :, None] * self.column_weights[part, None, :, None, :]
            yield indices.reshape(-1, r * s), weights.reshape(-1, r * s)


class Pull(torch.autograd.Function):
    """``Bags.pull`` with gradients for the pixels, of any order."""

    @staticmethod
    def forward(ctx: FunctionCtx, pixels: Tensor, bags: Bags) -> Tensor:
        """Pixels (n h w, c) -> (k ph pw, c)."""
        ctx.bags = bags  # type: ignore[attr-defined]
        return bags.pull(pixels)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:
        """The operation is linear: its gradient is the transpose."""
        return Push.apply(grad, ctx.bags), None  # type: ignore[attr-defined]


class Push(torch.autograd.Function):
    """``Bags.push`` with gradients for the sums, of any order."""

    @staticmethod
    def forward(ctx: FunctionCtx, sums: Tensor, bags: Bags) -> Tensor:
        """Sums (k ph pw, c) -> (n h w, c)."""
        ctx.bags = bags  # type: ignore[attr-defined]
        return bags.push(sums.contiguous())

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:
        """And the gradient of the transpose is the operation."""
        return Pull.apply(grad.contiguous(), ctx.bags), None  # type: ignore[attr-defined]
