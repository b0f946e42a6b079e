"""Noise added in training: cheap augmentation, and for a linear model the same as weight decay."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks


class GaussianNoise(nn.Module):
    """y = x + std * e in training, with each entry of e drawn from N(0, 1); y = x in evaluation.

    The draws come from ``generator`` if there is one (on the device of x), else from PyTorch's global
    generator. The noise is a constant to the gradient: dy/dx = 1. For a linear model and squared errors, the
    noise adds std^2 |w|^2 to the expected error, as weight decay does.

    Source: Sietsma & Dow (1991), Creating artificial neural networks that generalize; Bishop (1995), Training
    with noise is equivalent to Tikhonov regularization.

    Raises:
        ValueError: a negative std, or a generator of another device than the input's.
        TypeError: a std that is no number, a generator that is none, or an input that is no floating-point
            tensor.
    """

    def __init__(self, std: float, generator: torch.Generator | None = None) -> None:
        super().__init__()
        checks.finite_number("GaussianNoise", "std", std, at_least=0)
        if generator is not None and not isinstance(generator, torch.Generator):
            raise TypeError(f"GaussianNoise: generator must be a torch.Generator, got {generator!r}")
        self.std, self.generator = std, generator

    def forward(self, x: Tensor) -> Tensor:
        """Add noise to x of any shape."""
        checks.float_tensor("GaussianNoise", x)
        if not self.training or self.std == 0:
            return x
        if self.generator is not None and self.generator.device.type != x.device.type:
            where, expected = self.generator.device.type, x.device.type
            raise ValueError(
                f"GaussianNoise: generator must be on the input's device, {expected}, got one on {where}"
            )
        return x + torch.empty_like(x).normal_(0, self.std, generator=self.generator)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"std={self.std}"
