"""The numbers that describe a convolution, which its kernels are compiled for."""

from typing import NamedTuple

from torch import Tensor

Pair = tuple[int, int]


class Sizes(NamedTuple):
    """Each of height and width."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    places: Pair  # of the output

    @classmethod
    def of(
        cls,
        owner: str,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: int | Pair,
        padding: int | Pair,
        dilation: int | Pair,
        groups: int,
    ) -> "Sizes":
        """Of an image x (N, C, H, W), weight (C_out, C / groups, K_h, K_w) and bias (C_out,).

        Raises:
            ValueError: shapes that do not fit together, a window that does not fit into the image.
        """
        fits = x.ndim == weight.ndim == 4 and groups > 0 and weight.numel() > 0
        fits = fits and x.shape[1] == weight.shape[1] * groups and len(weight) % groups == 0
        if not fits or not (bias is None or bias.shape == (len(weight),)):
            shapes = [None if each is None else tuple(each.shape) for each in (x, weight, bias)]
            expected = f"(N, C, H, W), (C_out, C / {groups}, K_h, K_w) and (C_out,)"
            raise ValueError(f"{owner}: input, weight and bias must have shapes {expected}, got {shapes}")
        kernel = weight.shape[2], weight.shape[3]
        stride, padding, dilation = _pair(stride), _pair(padding), _pair(dilation)
        numbers = zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
        h, w = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in numbers)
        if h < 1 or w < 1:
            raise ValueError(f"{owner}: input must hold the kernel, got {tuple(x.shape)}, kernel {kernel}")
        return cls(kernel, stride, padding, dilation, (h, w))

    def constants(self) -> dict[str, int]:
        """What the kernels know when they are compiled: KH, KW, SH, SW, PH, PW, DH and DW."""
        pairs = {"K": self.kernel, "S": self.stride, "P": self.padding, "D": self.dilation}
        return {name + side: pair[i] for name, pair in pairs.items() for i, side in enumerate("HW")}


def _pair(value: int | Pair) -> Pair:
    return (value, value) if isinstance(value, int) else value
