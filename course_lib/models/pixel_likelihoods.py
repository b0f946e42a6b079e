"""What a decoder's numbers say about pixels: a probability of ink, or a mean with noise around it."""

import math
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from course_lib import layers
from course_lib.layers import checks


class PixelLikelihood(Protocol):
    """p(x | z) for pixels that are independent once z is known."""

    def log_prob(self, decoded: Tensor, x: Tensor) -> Tensor:
        """log p(x | z) of each picture: decoded and x (..., *shape) of one shape (n, ...) -> (n,)."""

    def mean(self, decoded: Tensor) -> Tensor:
        """E[x | z], of the shape of decoded."""


@dataclass(frozen=True)
class BernoulliPixels:
    """Each pixel is 1 with probability sigmoid(decoded), else 0: the decoder gives logits.

    Of grey pixels between 0 and 1 ``log_prob`` is the negative cross-entropy, which is no log-probability of
    anything (Loaiza-Ganem & Cunningham, 2019): train with it if you like, but compare likelihoods on pixels
    that are 0 or 1.

    Raises:
        ValueError: decoded and x of two shapes, or without a batch; pixels outside 0 ... 1.
        TypeError: no float tensors.
    """

    def log_prob(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Sum over pixels of x log s + (1 - x) log(1 - s), with s the sigmoid of decoded."""
        _check_pair("BernoulliPixels", decoded, x)
        if x.numel():
            low, high = x.detach().aminmax()
            if not (low >= 0 and high <= 1):
                raise ValueError(
                    f"BernoulliPixels: x must lie from 0 to 1, got {low.item():g} to {high.item():g}"
                )
        loss = layers.binary_cross_entropy_with_logits(decoded, x, reduction="none")
        return -loss.flatten(1).sum(dim=1)

    def mean(self, decoded: Tensor) -> Tensor:
        """The probability of ink."""
        return decoded.sigmoid()


@dataclass(frozen=True)
class GaussianPixels:
    """Each pixel is normal around decoded, with one standard deviation for all.

    With a fixed ``std`` the negative log-likelihood is the squared error over 2 std^2, plus a constant: std
    says how much a pixel may be off, and so how the two terms of the bound weigh against each other.

    Raises:
        ValueError: a std of 0 or less; decoded and x of two shapes, or without a batch.
        TypeError: a std that is no number, no float tensors.
    """

    std: float = 0.1

    def __post_init__(self) -> None:
        checks.finite_number("GaussianPixels", "std", self.std, above=0)

    def log_prob(self, decoded: Tensor, x: Tensor) -> Tensor:
        """Sum over pixels of the log-density of N(decoded, std^2) at x."""
        _check_pair("GaussianPixels", decoded, x)
        squares = ((x - decoded) / self.std).square()
        constant = 2 * math.log(self.std) + math.log(2 * math.pi)
        return -(squares + constant).flatten(1).sum(dim=1) / 2

    def mean(self, decoded: Tensor) -> Tensor:
        """What was decoded."""
        return decoded


BERNOULLI = BernoulliPixels()


def _check_pair(owner: str, decoded: Tensor, x: Tensor) -> None:
    checks.float_tensor(owner, decoded, "decoded")
    checks.float_tensor(owner, x, "x")
    if decoded.shape != x.shape or x.ndim < 2:
        raise ValueError(
            f"{owner}: decoded and x must have one shape (n, ...), got {tuple(decoded.shape)} and "
            f"{tuple(x.shape)}"
        )
