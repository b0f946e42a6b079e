"""Gradients of gradients: kernels have none, so where they are wanted PyTorch's operations step in."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def differentiable(
    function: Callable[..., Tensor], inputs: tuple[Any, ...], grad: Tensor
) -> tuple[Tensor | None, ...]:
    """dE/dinput for each of ``inputs`` from ``grad`` = dE/doutput, with a graph; None where none is needed.

    ``function`` computes the kernel's output by operations that PyTorch can differentiate as often as it
    takes. Call it in ``backward`` when ``torch.is_grad_enabled()``, which is what ``create_graph=True`` means
    there.
    """
    needed = [isinstance(each, Tensor) and each.requires_grad for each in inputs]
    # A view of each, so that a tensor that comes twice gets two gradients.
    apart = [each.view_as(each) if wanted else each for each, wanted in zip(inputs, needed, strict=True)]
    wanted = [each for each, wanted in zip(apart, needed, strict=True) if wanted]
    found = iter(torch.autograd.grad(function(*apart), wanted, grad, create_graph=True, allow_unused=True))
    return tuple(next(found) if wanted else None for wanted in needed)
