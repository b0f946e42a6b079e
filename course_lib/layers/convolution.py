"""Convolution of images, called as in ``torch.nn``, and four ways to compute it."""

from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.convolution_base import (
    Convolution,
    check_bias,
    check_image,
    check_weight,
    padding_of,
)
from course_lib.layers.convolution_ways import Pair, conv2d_fft, conv2d_im2col, conv2d_loops, spans

WAYS = {"im2col": conv2d_im2col, "fft": conv2d_fft, "loops": conv2d_loops}  # besides "native"


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair | str = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    *,
    way: str = "native",
) -> Tensor:
    """Slide every kernel over the image, and sum the products at every place.

    Shapes: input (N, C_in, H, W), or (C_in, H, W) for one image; weight (C_out, C_in / groups, K_h, K_w);
    bias (C_out,) -> (N, C_out, H_out, W_out), H_out = floor((H + 2 P - D (K_h - 1) - 1) / S) + 1. Arguments
    and result are torch.nn.functional.conv2d's; ``Conv2d`` explains them.

    ``way`` says how it is computed, with the same values and gradients: "native" by PyTorch's kernel,
    "im2col" as a matrix product, "fft" as a product of spectra, "loops" window by window.

    Raises:
        ValueError: an argument out of range, or shapes that do not fit together.
        TypeError: an argument of the wrong type, an input or weight that is no float tensor.
    """
    stride = checks.pair("conv2d", "stride", stride)
    padding = padding_of("conv2d", padding, stride)
    dilation = checks.pair("conv2d", "dilation", dilation)
    checks.positive_integer("conv2d", "groups", groups)
    check_weight("conv2d", weight, "(C_out, C_in / groups, K_h, K_w)", groups)
    check_bias("conv2d", bias, len(weight))
    _check_way("conv2d", way)
    check_image("conv2d", input, weight, weight.shape[1] * groups)
    return _convolve("conv2d", input, weight, bias, stride, padding, dilation, groups, way)


class Conv2d(Convolution):
    """A bank of learned kernels: the same few weights at every place of the image.

    y[n, o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] x[n, c, i S + u D - P, j S + v D - P].

    Shapes: x (N, in_channels, H, W), or (in_channels, H, W) for one image ->
    y (N, out_channels, H_out, W_out), H_out = floor((H + 2 P - D (K - 1) - 1) / S) + 1;
    ``weight`` (out_channels, in_channels / groups, K_h, K_w); ``bias`` (out_channels,), or None with
    ``bias=False``. Sizes are one integer, or two for height and width.
    In NumPy, with its backward pass: ``course_lib.reference.convolution``.
    Source: LeCun et al. (1989), Backpropagation applied to handwritten zip code recognition.

    Args:
        in_channels: channels of x.
        out_channels: channels of y, the number of kernels.
        kernel_size: K, the rows and columns of a kernel.
        stride: S, how far the kernel moves on.
        padding: P, entries added at each side; or "valid" for none, or "same" for as many as keep the size
            at stride 1 (an odd one goes below or to the right).
        dilation: D, how far apart the entries are that the kernel looks at.
        groups: into how many parts the channels are split, each with kernels of its own; with in_channels of
            them, the convolution is depthwise.
        bias: whether a number is added to every channel of y.
        padding_mode: what is added at the sides: "zeros", "reflect" (the image mirrored at its edge),
            "replicate" (its edge repeated) or "circular" (the image wrapped around).
        device: where the parameters live.
        dtype: of the parameters.
        way: how it is computed, with the same result; see ``conv2d``.

    Raises:
        ValueError: an argument out of range, or an input of another shape, or too small for the kernel.
        TypeError: an argument of the wrong type, an input that is no float tensor, or float64 where weight is
            not.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Device = None,
        dtype: Dtype = None,
        *,
        way: str = "native",
    ) -> None:
        _check_way("Conv2d", way)
        sizes = (in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups)
        super().__init__(*sizes, bias, padding_mode, device, dtype)
        self.way = way

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to input (N, in_channels, H, W) or (in_channels, H, W)."""
        weight, padding = self.weight, self.padding
        check_image("Conv2d", input, weight, self.in_channels)
        if self.padding_mode != "zeros":
            sides = _sides(padding, weight, self.dilation)
            input, padding = _framed("Conv2d", input, sides, self.padding_mode), (0, 0)
        options = (self.stride, padding, self.dilation, self.groups, self.way)
        return _convolve("Conv2d", input, weight, self.bias, *options)


def _check_way(owner: str, way: str) -> None:
    checks.one_of(owner, "way", way, ("native", *WAYS))


def _convolve(
    owner: str,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair | str,
    dilation: Pair,
    groups: int,
    way: str,
) -> Tensor:
    """Check that the kernel fits into the padded image, and convolve."""
    left, right, top, bottom = sides = _sides(padding, weight, dilation)
    span_h, span_w = spans(weight, dilation)
    h, w = x.shape[-2:]
    if h + top + bottom < span_h or w + left + right < span_w or h == 0 or w == 0:
        expected = f"at least {span_h} x {span_w} with its padding, the reach of the kernel"
        raise ValueError(f"{owner}: input must be {expected}, got shape {tuple(x.shape)}")
    if way == "native":
        return F.conv2d(x, weight, bias, stride, padding, dilation, groups)
    y = WAYS[way](F.pad(x if x.ndim == 4 else x[None], sides), weight, stride, dilation, groups)
    y = y if bias is None else y + bias[:, None, None].to(y.dtype)
    return y if x.ndim == 4 else y[0]


def _sides(padding: Pair | str, weight: Tensor, dilation: Pair) -> tuple[int, int, int, int]:
    """How many entries are added left, right, above and below: the order of torch.nn.functional.pad."""
    if isinstance(padding, tuple):
        return padding[1], padding[1], padding[0], padding[0]
    if padding == "valid":
        return 0, 0, 0, 0
    rows, columns = (span - 1 for span in spans(weight, dilation))
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2


def _framed(owner: str, x: Tensor, sides: tuple[int, int, int, int], mode: str) -> Tensor:
    """The image with its padding around it, taken from the image itself."""
    largest = {"reflect": (x.shape[-1] - 1, x.shape[-2] - 1), "circular": (x.shape[-1], x.shape[-2])}
    if mode in largest and (max(sides[:2]) > largest[mode][0] or max(sides[2:]) > largest[mode][1]):
        limit = "less than" if mode == "reflect" else "at most"
        raise ValueError(
            f"{owner}: padding must be {limit} the size of the input for padding_mode={mode!r}, "
            f"got {sides} left, right, above and below for shape {tuple(x.shape)}"
        )
    return F.pad(x, sides, mode=mode)
