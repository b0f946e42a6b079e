"""Spectral pooling: an image made smaller by keeping its low frequencies alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.windows import Size, planes

WAYS = ("matrix", "fft")


def spectral_pool2d(input: Tensor, output_size: Size, *, way: str = "matrix") -> Tensor:
    """Crop the spectrum of the input to ``output_size``: see ``SpectralPool2d``."""
    size = checks.pair("spectral_pool2d", "output_size", output_size)
    checks.one_of("spectral_pool2d", "way", way, WAYS)
    return _pooled("spectral_pool2d", input, size, way)


class SpectralPool2d(nn.Module):
    """Crop the spectrum of x (N, C, H, W) or (C, H, W) to ``output_size`` = (h, w), and transform back.

    The discrete Fourier transform writes x as waves of u and v periods over its height and width, with |u|
    <= H/2 and |v| <= W/2. Those with |u| < h/2 and |v| < w/2 are kept, with their amplitude. A constant
    stays itself, and an image of such waves alone loses nothing: it is sampled at fewer points. The output
    need not be a whole fraction of the input, as it must with windows.

    If h is even and less than H, the frequency h/2 stands for both h/2 and -h/2 of x and takes their mean:
    y is real, but a wave of just this frequency keeps half its height. The same holds for w.

    ``way`` says how it is computed, with the same result: "fft" transforms, crops and transforms back;
    "matrix" multiplies from both sides with the matrices that this amounts to, which is faster for small
    images.
    Source: Rippel, Snoek & Adams (2015), Spectral representations for convolutional neural networks,
    algorithms 1 and 2.

    Raises:
        ValueError: output_size below 1 or above the input's, an unknown way, or an input of another rank.
        TypeError: output_size no integers, or an input that is no float tensor.
    """

    def __init__(self, output_size: Size, *, way: str = "matrix") -> None:
        super().__init__()
        checks.pair("SpectralPool2d", "output_size", output_size)
        checks.one_of("SpectralPool2d", "way", way, WAYS)
        self.output_size, self.way = output_size, way

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, C, H, W) or (C, H, W)."""
        size = checks.pair("SpectralPool2d", "output_size", self.output_size)
        return _pooled("SpectralPool2d", input, size, self.way)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"output_size={self.output_size}"


def _pooled(owner: str, x: Tensor, size: Sequence[int], way: str) -> Tensor:
    planes(owner, x)
    checks.float_tensor(owner, x)
    (height, width), (h, w) = x.shape[-2:], size
    if h > height or w > width:
        raise ValueError(f"{owner}: output_size must be at most the input's, {(height, width)}, got {(h, w)}")
    precise = x if x.dtype == torch.float64 else x.float()  # there is no transform in half precision
    if way == "fft" and len(x) > 0:  # no library transforms an empty batch
        return _cropped(_cropped(precise, -2, h), -1, w).to(x.dtype)
    rows, columns = (
        _cropped(torch.eye(whole, dtype=precise.dtype, device=x.device), 0, part)
        for whole, part in ((height, h), (width, w))
    )
    return (rows @ precise @ columns.T).to(x.dtype)


def _cropped(x: Tensor, dim: int, size: int) -> Tensor:
    """Crop the spectrum along one dimension to the frequencies 0 ... size/2, which imply the others."""
    kept = torch.fft.rfft(x, dim=dim, norm="forward").narrow(dim, 0, size // 2 + 1)
    if size % 2 == 0:  # the mean of two conjugates, size/2 and -size/2
        rest, last = kept.narrow(dim, 0, size // 2), kept.narrow(dim, size // 2, 1)
        kept = torch.cat([rest, last.real.to(last.dtype)], dim)
    return torch.fft.irfft(kept, size, dim=dim, norm="forward")
