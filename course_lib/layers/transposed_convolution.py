"""Transposed convolution, the way from small images back to large ones, called as in ``torch.nn``."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.convolution_base import Convolution, check_bias, check_image, check_weight
from course_lib.layers.convolution_ways import Pair, spans


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    groups: int = 1,
    dilation: int | Pair = 1,
) -> Tensor:
    """Stamp a multiple of the kernel for every entry of the image, S apart, and add them up.

    Shapes: input (N, C_in, H, W), or (C_in, H, W) for one image; weight (C_in, C_out / groups, K_h, K_w);
    bias (C_out,) -> (N, C_out, H_out, W_out), H_out = (H - 1) S - 2 P + D (K_h - 1) + 1 + output_padding.
    Arguments and result are torch.nn.functional.conv_transpose2d's; ``ConvTranspose2d`` explains them.

    Raises:
        ValueError: an argument out of range, or shapes that do not fit together.
        TypeError: an argument of the wrong type, an input or weight that is no float tensor.
    """
    owner = "conv_transpose2d"
    stride, dilation = checks.pair(owner, "stride", stride), checks.pair(owner, "dilation", dilation)
    padding = checks.pair(owner, "padding", padding, at_least=0)
    output_padding = checks.pair(owner, "output_padding", output_padding, at_least=0)
    checks.positive_integer(owner, "groups", groups)
    check_weight(owner, weight, "(C_in, C_out / groups, K_h, K_w)", groups)
    check_bias(owner, bias, weight.shape[1] * groups)
    check_image(owner, input, weight, len(weight))
    return _stamp(owner, input, weight, bias, stride, padding, output_padding, groups, dilation)


class ConvTranspose2d(Convolution):
    """The transpose of a convolution's matrix, with a kernel learned for it: it makes images larger.

    Every entry of x stamps its multiple of the kernel onto y; the stamps lie S apart and add up where they
    overlap; P entries are then cut off at each side. It undoes what Conv2d with the same arguments does to
    the shape, not to the values. Where S does not divide K, some entries get more stamps than their
    neighbours: a checkerboard (Odena, Dumoulin & Olah, 2016).

    Shapes: x (N, in_channels, H, W), or (in_channels, H, W) for one image ->
    y (N, out_channels, H_out, W_out), H_out = (H - 1) S - 2 P + D (K - 1) + 1 + output_padding;
    ``weight`` (in_channels, out_channels / groups, K_h, K_w); ``bias`` (out_channels,), or None with
    ``bias=False``. Sizes are one integer, or two for height and width.
    In NumPy, with its backward pass: ``course_lib.reference.convolution``.
    Source: Zeiler, Krishnan, Taylor & Fergus (2010), Deconvolutional networks.

    Args:
        in_channels: channels of x.
        out_channels: channels of y.
        kernel_size: K, the rows and columns of a kernel.
        stride: S, how far apart the stamps of neighbouring entries lie.
        padding: P, entries cut off at each side.
        output_padding: rows and columns more, below and to the right; Conv2d with stride S makes the same
            shape of S different ones, and this says which of them is meant. Less than stride or dilation.
        groups: into how many parts the channels are split, each with kernels of its own.
        bias: whether a number is added to every channel of y.
        dilation: D, how far apart the entries of a stamp lie.
        padding_mode: "zeros", as there is nothing else.
        device: where the parameters live.
        dtype: of the parameters.

    Raises:
        ValueError: an argument out of range, or an input of another shape, or too small for the padding.
        TypeError: an argument of the wrong type, an input that is no float tensor, or float64 where weight is
            not.
    """

    transposed = True
    padding: Pair  # never "same" or "valid"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | Pair = 1,
        padding_mode: str = "zeros",
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        padding = checks.pair("ConvTranspose2d", "padding", padding, at_least=0)
        checks.one_of("ConvTranspose2d", "padding_mode", padding_mode, ["zeros"])
        sizes = (in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups)
        super().__init__(*sizes, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Apply the layer to input (N, in_channels, H, W) or (in_channels, H, W).

        ``output_size``, (H_out, W_out) or the whole shape of y, takes the place of ``output_padding``.
        """
        weight = self.weight
        check_image("ConvTranspose2d", input, weight, self.in_channels)
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        options = (self.stride, self.padding, extra, self.groups, self.dilation)
        return _stamp("ConvTranspose2d", input, weight, self.bias, *options)

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> Pair:
        """The output_padding that gives ``output_size``."""
        size = list(output_size)
        if len(size) == input.ndim:
            size = size[-2:]
        if len(size) != 2:
            expected = f"(H_out, W_out) or the {input.ndim} sizes of the output"
            raise ValueError(f"ConvTranspose2d: output_size must be {expected}, got {list(output_size)}")
        smallest = _size(input, self.weight, self.stride, self.padding, (0, 0), self.dilation)
        largest = [least + step - 1 for least, step in zip(smallest, self.stride, strict=True)]
        if any(not a <= b <= c for a, b, c in zip(smallest, size, largest, strict=True)):
            expected = f"from {smallest} to {tuple(largest)} for an input of shape {tuple(input.shape)}"
            raise ValueError(f"ConvTranspose2d: output_size must be {expected}, got {tuple(size)}")
        return size[0] - smallest[0], size[1] - smallest[1]


def _stamp(
    owner: str,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair,
    output_padding: Pair,
    groups: int,
    dilation: Pair,
) -> Tensor:
    """Check that there is something to compute, and compute it."""
    for extra, step, spread in zip(output_padding, stride, dilation, strict=True):
        if extra >= max(step, spread):
            expected = f"less than stride {stride} or dilation {dilation}"
            raise ValueError(f"{owner}: output_padding must be {expected}, got {output_padding}")
    h_out, w_out = _size(x, weight, stride, padding, output_padding, dilation)
    if h_out < 1 or w_out < 1 or 0 in x.shape[-2:]:
        expected = "large enough to leave an output when the padding is cut off"
        raise ValueError(
            f"{owner}: input must be {expected}, got shape {tuple(x.shape)} for an output {h_out} x {w_out}"
        )
    return F.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)


def _size(
    x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> Pair:
    """H_out and W_out."""
    (h, w), (span_h, span_w) = x.shape[-2:], spans(weight, dilation)
    return (
        (h - 1) * stride[0] - 2 * padding[0] + span_h + output_padding[0],
        (w - 1) * stride[1] - 2 * padding[1] + span_w + output_padding[1],
    )
