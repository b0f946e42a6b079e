"""Two sets of features compared: how far apart their distributions are, and how alike what they represent."""

import math
from typing import Any

import torch
from torch import Tensor

from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn_undefined


def frechet_distance(mu1: ArrayLike, sigma1: ArrayLike, mu2: ArrayLike, sigma2: ArrayLike) -> float:
    """Squared Frechet distance of two Gaussians: |mu1 - mu2|^2 + tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^1/2).

    Means are (d,) and covariances (d, d); these may be singular. With roots A = sigma1^1/2 and
    B = sigma2^1/2, the eigenvalues of sigma1 sigma2 are the squared singular values of A B, so that the
    trace of its root is their sum: two symmetric roots and no square root of a tiny, noisy eigenvalue.

    Raises:
        ValueError: shapes that do not fit, NaN, or a covariance that is not symmetric or has a negative
            eigenvalue (beyond rounding).

    Source: Dowson & Landau (1982), The Frechet distance between multivariate normal distributions; for
    pictures, Heusel et al. (2017), GANs trained by a two time-scale update rule (FID).
    """
    owner = "frechet_distance"
    device = inputs.device_of(mu1, sigma1, mu2, sigma2)
    means = [inputs.finite(owner, name, x, device) for name, x in (("mu1", mu1), ("mu2", mu2))]
    if means[0].ndim != 1 or means[0].shape != means[1].shape:
        raise ValueError(
            f"{owner}: mu1 and mu2 must have one shape (d,), "
            f"got {tuple(means[0].shape)} and {tuple(means[1].shape)}"
        )
    roots = [
        _root(owner, name, inputs.finite(owner, name, x, device), len(means[0]))
        for name, x in (("sigma1", sigma1), ("sigma2", sigma2))
    ]
    return _distance(means[0] - means[1], *roots)


def frechet_distance_of_samples(features1: ArrayLike, features2: ArrayLike) -> float:
    """``frechet_distance`` of the means and covariances (divided by n - 1) of features (n1, d) and (n2, d).

    Needs no covariance: if X is centred and X = Q R, then sigma = R^T R / (n - 1). With few examples the
    distance comes out too large, so compare only distances of equally many.

    Raises:
        ValueError: not (n, d) with one d and n of 2 or more, or NaN.
    """
    owner = "frechet_distance_of_samples"
    device = inputs.device_of(features1, features2)
    found = [_features(owner, f"features{i}", x, device, 2) for i, x in ((1, features1), (2, features2))]
    if found[0].shape[1] != found[1].shape[1]:
        raise ValueError(
            f"{owner}: features1 and features2 must have as many columns, "
            f"got {found[0].shape[1]} and {found[1].shape[1]}"
        )
    factors = []
    for x in found:
        centred = (x - x.mean(dim=0)) / math.sqrt(len(x) - 1)
        factors.append(torch.linalg.qr(centred, mode="r")[1] if len(x) > x.shape[1] else centred)
    return _distance(found[0].mean(dim=0) - found[1].mean(dim=0), *factors)


def linear_cka(x: ArrayLike, y: ArrayLike, *, debiased: bool = False) -> float:
    """Similarity of two representations of the same n examples, x (n, p) and y (n, q): 0 to 1.

    |Y^T X|^2 / (|X^T X| |Y^T Y|) with centred columns and Frobenius norms. It does not change if a
    representation is rotated, reflected, shifted or scaled as a whole, but does under other linear maps.
    Works with p by q matrices, or if examples are fewer than features with the n by n ones, X X^T.

    With few examples and many features even unrelated representations look alike; ``debiased`` estimates each
    product without bias (Song et al., 2012), and may fall below 0. NaN, with a warning, if one of them is
    constant.

    Raises:
        ValueError: not (n, p) and (n, q) with one n, of 2 or more (``debiased``: 4), or NaN.

    Source: Kornblith et al. (2019), Similarity of neural network representations revisited, section 3.
    """
    device = inputs.device_of(x, y)
    least = 4 if debiased else 2
    x, y = (_features("linear_cka", name, value, device, least) for name, value in (("x", x), ("y", y)))
    inputs.same_length("linear_cka", x=x, y=y)
    x, y = (_centred(each) for each in (x, y))
    product = _debiased_product if debiased else _product
    below = math.sqrt(max(product(x, x), 0.0)) * math.sqrt(max(product(y, y), 0.0))
    if not below > 0:
        warn_undefined("linear_cka: a constant representation is like no other, so that the result is NaN")
        return math.nan
    return product(x, y) / below


def _product(x: Tensor, y: Tensor) -> float:
    """|Y^T X|^2, which is tr(X X^T Y Y^T): the cheaper of both."""
    if len(x) ** 2 < x.shape[1] * y.shape[1]:
        return float(((x @ x.T) * (y @ y.T)).sum())
    return float((y.T @ x).square().sum())


def _debiased_product(x: Tensor, y: Tensor) -> float:
    """The same from pairs of different examples only, up to the factor n (n - 3), for centred x and y.

    Song et al. (2012), Feature selection via dependence maximization, equation 5: the diagonals of X X^T and
    Y Y^T are left out. As their rows sum to zero, the diagonals are all it takes to correct the product.
    """
    n, p, q = len(x), x.square().sum(dim=1), y.square().sum(dim=1)  # the diagonals
    return _product(x, y) - float(p @ q) * n / (n - 2) + float(p.sum() * q.sum()) / ((n - 1) * (n - 2))


def _centred(x: Tensor) -> Tensor:
    """Take off the columns' means, and scale so that no square overflows; what is only rounding becomes 0."""
    centred = x - x.mean(dim=0)
    largest, noise = centred.abs().max(), 8 * torch.finfo(x.dtype).eps * x.abs().max()
    return centred / largest if largest > noise else torch.zeros_like(x)


def _root(owner: str, name: str, covariance: Tensor, d: int) -> Tensor:
    """Symmetric square root of a covariance (d, d); eigenvalues within rounding of zero count as zero."""
    if covariance.shape != (d, d):
        raise ValueError(f"{owner}: {name} must have shape ({d}, {d}), got {tuple(covariance.shape)}")
    if not torch.allclose(covariance, covariance.T, rtol=1e-6, atol=1e-6 * float(covariance.abs().max())):
        raise ValueError(f"{owner}: {name} must be symmetric, got one that is not")
    values, vectors = torch.linalg.eigh((covariance + covariance.T) / 2)
    scale = float(values.abs().max())
    if values.min() < -1e-6 * scale:
        raise ValueError(f"{owner}: {name} must have no negative eigenvalue, got {float(values.min()):g}")
    noise = d * torch.finfo(values.dtype).eps * scale
    return vectors * torch.where(values > noise, values, 0.0).sqrt() @ vectors.T


def _distance(difference: Tensor, factor1: Tensor, factor2: Tensor) -> float:
    """Distance for covariances F^T F: the trace of F^T F is |F|^2."""
    shared = torch.linalg.svdvals(factor1 @ factor2.T).sum()
    spread = factor1.square().sum() + factor2.square().sum() - 2 * shared
    return float(difference @ difference + spread.clamp(min=0.0))


def _features(owner: str, name: str, x: Any, device: torch.device, least: int) -> Tensor:
    found = inputs.finite(owner, name, x, device)
    if found.ndim != 2 or len(found) < least or found.shape[1] == 0:
        raise ValueError(
            f"{owner}: {name} must have shape (n, features), n {least} or more, got {tuple(found.shape)}"
        )
    return found
