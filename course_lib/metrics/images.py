"""How close a picture comes to the true one: peak signal-to-noise ratio and structural similarity.

Names, arguments, defaults and conventions are those of ``skimage.metrics``. Pictures are tensors or arrays of
any number of dimensions, here (h, w), or (h, w, c) with ``channel_axis=-1``, (c, h, w) with 0.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.metrics import inputs
from course_lib.metrics.inputs import ArrayLike
from course_lib.metrics.notices import warn


def peak_signal_noise_ratio(
    image_true: ArrayLike, image_test: ArrayLike, *, data_range: float | None = None
) -> float:
    """10 log10(data_range^2 / mean squared error), in decibels; infinity for equal pictures.

    ``data_range`` is the distance from the lowest to the highest possible value. Default: 255 for uint8, and
    for floats 1, or 2 if image_true has negative values.

    Raises:
        ValueError: different shapes, no pixel, or floats outside [-1, 1] without ``data_range``.
    """
    owner = "peak_signal_noise_ratio"
    true, test, dtypes = _read(owner, {"image_true": image_true, "image_test": image_test})
    if data_range is None:
        if dtypes[0] != dtypes[1]:
            warn(f"{owner}: dtypes differ, so that data_range is taken from image_true's, {dtypes[0]}")
        low, high = _dtype_range(dtypes[0])
        if true.min() < low or true.max() > high:
            raise ValueError(
                f"{owner}: data_range must be given for values outside [{low}, {high}], "
                f"got {float(true.min()):g} to {float(true.max()):g}"
            )
        data_range = high if true.min() >= 0 else high - low
    checks.finite_number(owner, "data_range", data_range, above=0.0)
    error = float((true - test).square().mean())
    return 10 * math.log10(data_range**2 / error) if error > 0 else math.inf


def structural_similarity(
    im1: ArrayLike,
    im2: ArrayLike,
    *,
    win_size: int | None = None,
    gradient: bool = False,
    data_range: float | None = None,
    channel_axis: int | None = None,
    gaussian_weights: bool = False,
    full: bool = False,
    **kwargs: Any,
) -> Any:
    """Mean over all windows of the similarity of means, variances and structure: 1 for equal pictures.

    The windows have ``win_size`` (odd; default 7) pixels a side, or with ``gaussian_weights`` a Gaussian of
    ``sigma`` (default 1.5, 11 pixels: the paper's). ``data_range`` is needed for floats. Channels are
    compared one by one and averaged. With ``gradient`` and ``full`` the result is a tuple: also the gradient
    by im1, and the similarity of every window, both of the pictures' shape. Further keywords: ``K1=0.01`` and
    ``K2=0.03``, which keep small means and variances from dividing by zero, ``sigma``, and
    ``use_sample_covariance=True`` (divide by n - 1; the paper: False).

    Raises:
        ValueError: different shapes, pictures smaller than a window, an even window, no ``data_range`` for
            floats, negative K1, K2 or sigma.
        TypeError: an unknown keyword.

    Source: Wang, Bovik, Sheikh & Simoncelli (2004), Image quality assessment: from error visibility to
    structural similarity. The gradient: Avanaki (2009), Exact global histogram specification.
    """
    owner = "structural_similarity"
    options = {"K1": 0.01, "K2": 0.03, "sigma": 1.5, "use_sample_covariance": True} | kwargs
    if len(options) > 4:
        raise TypeError(
            f"{owner}: keywords must be among K1, K2, sigma, use_sample_covariance, got {[*kwargs]}"
        )
    for name in ("K1", "K2", "sigma"):
        checks.finite_number(owner, name, options[name], at_least=0.0)
    x, y, dtypes = _read(owner, {"im1": im1, "im2": im2})
    if data_range is None:
        data_range = _whole_range(owner, dtypes)
    checks.finite_number(owner, "data_range", data_range, above=0.0)
    window, kernel = _window(owner, win_size, gaussian_weights, options["sigma"])
    if channel_axis is not None and not -x.ndim <= channel_axis < x.ndim:
        raise ValueError(f"{owner}: channel_axis must be an axis of {tuple(x.shape)}, got {channel_axis}")
    x, y = (each[None] if channel_axis is None else each.movedim(channel_axis, 0) for each in (x, y))
    sides = x.shape[1:]
    if not sides or min(sides) < window:
        raise ValueError(
            f"{owner}: im1 must be at least a window of {window} pixels wide in each dimension "
            f"(see win_size and channel_axis), got {tuple(sides)}"
        )
    n = window ** len(sides)
    if n == 1 and options["use_sample_covariance"]:
        raise ValueError(f"{owner}: win_size must be 3 or more with use_sample_covariance, got 1")
    constants = [(options[name] * data_range) ** 2 for name in ("K1", "K2")]
    found = _compare(x, y, kernel, constants, n / (n - 1) if options["use_sample_covariance"] else 1.0)
    margin = (window - 1) // 2
    mean = float(found.similarity[:, *(slice(margin, side - margin) for side in sides)].mean())
    maps = [_gradient(found, kernel)] if gradient else []
    maps += [found.similarity] if full else []
    kept = torch.float32 if dtypes[0] in (torch.float32, torch.float16, torch.bfloat16) else torch.float64
    shaped = [each[0] if channel_axis is None else each.movedim(0, channel_axis) for each in maps]
    return (mean, *(inputs.hand_back(each.to(kept), im1, im2) for each in shaped)) if maps else mean


class _Comparison(NamedTuple):
    """Two pictures (c, ...), and around each pixel: means, and luminance and structure as a1 a2 / (b1 b2)."""

    x: Tensor
    y: Tensor
    mean_x: Tensor
    mean_y: Tensor
    a1: Tensor
    a2: Tensor
    b1: Tensor
    b2: Tensor

    @property
    def similarity(self) -> Tensor:
        return self.a1 * self.a2 / (self.b1 * self.b2)


def _compare(
    x: Tensor, y: Tensor, kernel: list[float], constants: Sequence[float], bessel: float
) -> _Comparison:
    """Compute the paper's equation 13 around each pixel."""
    c1, c2 = constants
    shift = (x.mean() + y.mean()) / 2  # near zero, E[x^2] - E[x]^2 loses digits only far below c2
    u, v = x - shift, y - shift
    mean_u, mean_v, squares, product = _blur(torch.stack([u, v, u * u + v * v, u * v]), kernel)
    variances = bessel * (squares - mean_u * mean_u - mean_v * mean_v)
    covariance = bessel * (product - mean_u * mean_v)
    mean_x, mean_y = mean_u + shift, mean_v + shift
    a1, a2 = 2 * mean_x * mean_y + c1, 2 * covariance + c2
    b1, b2 = mean_x * mean_x + mean_y * mean_y + c1, variances + c2
    return _Comparison(x, y, mean_x, mean_y, a1, a2, b1, b2)


def _gradient(found: _Comparison, kernel: list[float]) -> Tensor:
    """Gradient by x of the mean similarity over all windows of a channel, as scikit-image defines it."""
    x, y, mean_x, mean_y, a1, a2, b1, b2 = found
    rest = (mean_x * (a2 - a1) - mean_y * (b2 - b1) * found.similarity) / (b1 * b2)
    by_x, by_y, rest = _blur(torch.stack([a1 / (b1 * b2), found.similarity / b2, rest]), kernel)
    return 2 / x[0].numel() * (by_x * x - by_y * y + rest)


def _window(
    owner: str, win_size: int | None, gaussian_weights: bool, sigma: float
) -> tuple[int, list[float]]:
    """Return the side of the window and the weights along it."""
    if gaussian_weights:
        radius = int(3.5 * sigma + 0.5)  # as far as the paper's 11 pixels for sigma 1.5
        weights = [math.exp(-0.5 * (d / sigma) ** 2) if d else 1.0 for d in range(-radius, radius + 1)]
        size = 2 * radius + 1 if win_size is None else win_size
    else:
        size = 7 if win_size is None else win_size
    checks.positive_integer(owner, "win_size", size)
    if size % 2 == 0:
        raise ValueError(f"{owner}: win_size must be odd, got {size}")
    if not gaussian_weights:
        weights = [1.0] * size
    return size, [weight / sum(weights) for weight in weights]


def _blur(x: Tensor, kernel: list[float]) -> Tensor:
    """Weighted mean along the axes from 2 on; beyond its edge a picture is mirrored, edge pixel included.

    One shifted sum a weight: several times as fast as conv1d, which is slow in float64.
    """
    radius = len(kernel) // 2
    for axis in range(2, x.ndim):
        side = x.shape[axis]
        place = torch.arange(-radius, side + radius, device=x.device) % (2 * side)
        mirrored = x.index_select(axis, torch.where(place < side, place, 2 * side - 1 - place))
        x = mirrored.narrow(axis, 0, side) * kernel[0]
        for i, weight in enumerate(kernel[1:], start=1):
            x.add_(mirrored.narrow(axis, i, side), alpha=weight)
    return x


def _read(owner: str, images: dict[str, ArrayLike]) -> tuple[Tensor, Tensor, list[torch.dtype]]:
    device = inputs.device_of(*images.values())
    came = [inputs.numbers(owner, name, x, device) for name, x in images.items()]
    x, y = (inputs.finite(owner, name, x, device) for name, x in zip(images, came, strict=True))
    if x.shape != y.shape or x.numel() == 0:
        raise ValueError(
            f"{owner}: {' and '.join(images)} must have one shape, and a pixel, "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    return x, y, [each.dtype for each in came]


def _dtype_range(dtype: torch.dtype) -> tuple[float, float]:
    """Lowest and highest value a pixel of this dtype means."""
    if dtype.is_floating_point:
        return -1.0, 1.0
    if dtype == torch.bool:
        return 0.0, 1.0
    limits = torch.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _whole_range(owner: str, dtypes: Sequence[torch.dtype]) -> float:
    if any(dtype.is_floating_point for dtype in dtypes):
        raise ValueError(f"{owner}: data_range must be given for pictures of floats, got None")
    low, high = _dtype_range(dtypes[0])
    if dtypes[0] not in (torch.uint8, torch.bool):
        warn(f"{owner}: data_range is taken from the dtype {dtypes[0]}: {high - low:g}")
    return high - low
