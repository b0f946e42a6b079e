"""Noise in training: cheap augmentation, for linear models weight decay, and work for autoencoders."""

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
        checks.generator("GaussianNoise", generator)
        self.std, self.generator = std, generator

    def forward(self, x: Tensor) -> Tensor:
        """Add noise to x of any shape."""
        checks.float_tensor("GaussianNoise", x)
        if not self.training or self.std == 0:
            return x
        checks.generator("GaussianNoise", self.generator, like=x)
        return x + torch.empty_like(x).normal_(0, self.std, generator=self.generator)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"std={self.std}"


class MaskingNoise(nn.Module):
    """In training, each entry of x becomes 0 with probability p; in evaluation y = x.

    Unlike ``Dropout``, what is left is not scaled up by 1 / (1 - p): what a denoising autoencoder reads is a
    damaged picture, not an estimate of the whole one. The draws come from ``generator`` if there is one (on
    the device of x), else from PyTorch's global generator. dy/dx is 1 where x was kept, else 0.

    Source: Vincent, Larochelle, Bengio & Manzagol (2008), Extracting and composing robust features with
    denoising autoencoders, section 2.3.

    Raises:
        ValueError: p outside 0 ... 1, or a generator of another device than the input's.
        TypeError: a p that is no number, a generator that is none, or an input that is no floating-point
            tensor.
    """

    def __init__(self, p: float = 0.25, generator: torch.Generator | None = None) -> None:
        super().__init__()
        checks.probability("MaskingNoise", "p", p)
        checks.generator("MaskingNoise", generator)
        self.p, self.generator = p, generator

    def forward(self, x: Tensor) -> Tensor:
        """Blank entries of x of any shape."""
        checks.float_tensor("MaskingNoise", x)
        if not self.training or self.p == 0:
            return x
        checks.generator("MaskingNoise", self.generator, like=x)
        # float32 draws: in half precision there are too few different ones to tell 0.1 from 0.1003
        draws = torch.empty(x.shape, device=x.device).uniform_(generator=self.generator)
        return x.masked_fill(draws < self.p, 0.0)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"p={self.p}"
