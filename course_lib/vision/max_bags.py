"""The maximum of each of many bags of pixels of different sizes, which is what RoI pooling takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Bags:
    """Bags of pixels, the largest first, so that those that still have an n-th pixel come first.

    Attributes:
        order: (bags,) which bag each one is.
        pixels: the pixels of all bags, one bag after the other, in the order they were given in.
        starts: (bags,) where in ``pixels`` each bag starts, in the order of falling sizes.
        longer: how many bags have more than 0, 1, 2, ... pixels.
    """

    order: Tensor
    pixels: Tensor
    starts: Tensor
    longer: list[int]

    @classmethod
    def of(cls, pixels: Tensor, sizes: Tensor) -> "Bags":
        """Sort bags of these ``sizes`` (bags,). It makes a GPU wait once."""
        order = sizes.argsort(descending=True)
        longer = len(sizes) - torch.bincount(sizes).cumsum(0)
        return cls(order, pixels, (sizes.cumsum(0) - sizes)[order], longer[:-1].tolist())

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        """The first pixel of each bag, the second one of those that have one, and so on."""
        for nth, count in enumerate(self.longer):
            yield count, self.pixels.index_select(0, self.starts[:count] + nth)


class Maximum(torch.autograd.Function):
    """The maximum of each bag, 0 for an empty one: values (pixels, c) -> (bags, c)."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, bags: Bags) -> Tensor:
        """Go through the first pixels of all bags, the second ones, and so on."""
        best = values.new_zeros(len(bags.order), values.shape[1])
        buffer = torch.empty_like(best)  # fresh memory at every step would take most of the time
        for nth, (count, pixels) in enumerate(bags):
            found = torch.index_select(values, 0, pixels, out=buffer[:count] if nth else best[:count])
            if nth:
                torch.maximum(best[:count], found, out=best[:count])
        ctx.bags = bags
        ctx.save_for_backward(values, best)
        return torch.empty_like(best).index_copy_(0, bags.order, best)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """The gradient goes to the first of the pixels that have the maximum."""
        (values, best), bags = ctx.saved_tensors, ctx.bags
        filled = bags.longer[0] if bags.longer else 0
        nth_is_best = torch.zeros_like(best[:filled], dtype=torch.int32)
        buffer = torch.empty_like(best)
        for nth, (count, pixels) in reversed(list(enumerate(bags))):
            found = torch.index_select(values, 0, pixels, out=buffer[:count])
            nth_is_best[:count].masked_fill_(found == best[:count], nth)
        source = bags.pixels[bags.starts[:filled, None] + nth_is_best]
        return torch.zeros_like(values).scatter_add_(0, source, grad[bags.order[:filled]]), None
