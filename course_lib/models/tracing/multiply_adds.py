"""How many multiply-adds an operator of PyTorch's core does: convolutions and matrix products."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import Tensor

Count = Callable[[Sequence[Any], Tensor], int]


def multiply_adds(operator: str, args: Sequence[Any], output: Any) -> int:
    """Multiply-adds of one call of an operator such as "convolution", with the arguments ATen gives it.

    A bias, a normalization, an activation, a pooling counts 0. What is multiplied with padding counts.
    """
    count = COUNTS.get(operator)
    return 0 if count is None else count(args, output[0] if isinstance(output, list | tuple) else output)


def _convolution(args: Sequence[Any], output: Tensor) -> int:
    x, weight, transposed = args[0], args[1], args[6]
    # Each entry of the output (of the input, if transposed) is where one kernel is laid.
    places = x if transposed else output
    return places.shape[0] * prod(places.shape[2:]) * prod(weight.shape)


def _product(first: int) -> Count:
    """A matrix (or vector) product whose first factor is argument ``first``: its last dimension is summed."""

    def count(args: Sequence[Any], output: Tensor) -> int:
        return output.numel() * args[first].shape[-1]

    return count


def _sum_of_products(args: Sequence[Any], output: Tensor) -> int:
    return args[1].shape[0] * output.numel() * args[1].shape[-1]


def _attention(args: Sequence[Any], output: Tensor) -> int:
    query, key, value = (each.shape for each in args[:3])  # (..., l, e), (..., s, e), (..., s, e_v)
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


COUNTS: dict[str, Count] = {
    "convolution": _convolution,
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "linear"), _product(0)),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _product(1)),
    "addbmm": _sum_of_products,
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
        ),
        _attention,
    ),
}
