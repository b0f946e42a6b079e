"""Three more ways to convolve: window by window, as one matrix product, and by multiplying spectra.

Each takes images x (N, C, H, W) with their padding already around them, and a weight
(C_out, C / groups, K_h, K_w), and gives (N, C_out, H_out, W_out) equal to torch.nn.functional.conv2d's, with
gradients of every order. How they are called by name: ``course_lib.layers.conv2d(..., way=...)``.
"""

import itertools

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.layers import checks

Pair = tuple[int, int]


def conv2d_loops(x: Tensor, weight: Tensor, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """Multiply each window of the image by each kernel, and sum: the definition, one output place a turn."""
    (s_h, s_w), (d_h, d_w) = stride, dilation
    span_h, span_w = spans(weight, dilation)
    x = x.unflatten(1, (groups, 1, -1))  # (N, G, 1, C/G, H, W)
    weight = weight.unflatten(0, (groups, -1))  # (G, C_out/G, C/G, K_h, K_w)
    rows = []
    for top in range(0, x.shape[-2] - span_h + 1, s_h):
        row = []
        for left in range(0, x.shape[-1] - span_w + 1, s_w):
            window = x[..., top : top + span_h : d_h, left : left + span_w : d_w]
            row.append((window * weight).sum(dim=(-3, -2, -1)))  # (N, G, C_out/G)
        rows.append(torch.stack(row, dim=-1))
    return torch.stack(rows, dim=-2).flatten(1, 2)


def conv2d_im2col(x: Tensor, weight: Tensor, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """Write every window as a column and every kernel as a row: the convolution is one matrix product.

    It pays with memory: with stride 1, each entry of the image is copied K_h K_w times.
    Source: Chellapilla, Puri & Simard (2006), High performance convolutional neural networks for document
    processing.
    """
    k_h, k_w = weight.shape[2:]
    columns = unfold(x, (k_h, k_w), dilation, stride=stride)  # (N, C K_h K_w, L = H_out W_out)
    columns = columns.unflatten(1, (groups, -1))  # (N, G, C/G K_h K_w, L)
    kernels = weight.flatten(1).unflatten(0, (groups, -1))  # (G, C_out/G, C/G K_h K_w)
    y = kernels @ columns  # (N, G, C_out/G, L)
    return y.flatten(1, 2).unflatten(2, places(x, weight, stride, dilation))


def conv2d_fft(x: Tensor, weight: Tensor, stride: Pair, dilation: Pair, groups: int) -> Tensor:
    """Multiply spectra: a convolution is a product of Fourier transforms.

    Its cost hardly depends on the kernel's size. A cross-correlation takes the conjugate of the kernel's
    spectrum. The transform wraps around the image, which spoils only places where the kernel sticks out: they
    are cut off. Rounding errors spread over the whole image, and so does an infinity or a NaN. Half precision
    is computed in float32. Source: Mathieu, Henaff & LeCun (2014), Fast training of convolutional networks
    through FFTs.
    """
    if len(x) == 0:  # which some libraries of transforms refuse
        return conv2d_im2col(x, weight, stride, dilation, groups)
    size = x.shape[-2:]
    precise = torch.promote_types(x.dtype, torch.float32)
    kernel = weight.new_zeros(*weight.shape[:2], *spans(weight, dilation))
    kernel[..., :: dilation[0], :: dilation[1]] = weight  # its entries dilation apart, zeros between
    image_spectrum = torch.fft.rfft2(x.to(precise)).unflatten(1, (groups, -1))  # (N, G, C/G, H, W/2 + 1)
    kernel_spectrum = torch.fft.rfft2(kernel.to(precise), s=size).unflatten(0, (groups, -1))
    spectrum = torch.einsum("ngchw,gochw->ngohw", image_spectrum, kernel_spectrum.conj())
    y = torch.fft.irfft2(spectrum, s=size).flatten(1, 2).to(x.dtype)  # (N, C_out, H, W)
    h_out, w_out = places(x, weight, (1, 1), dilation)
    return y[..., : h_out : stride[0], : w_out : stride[1]]


def unfold(
    input: Tensor,
    kernel_size: int | Pair,
    dilation: int | Pair = 1,
    padding: int | Pair = 0,
    stride: int | Pair = 1,
) -> Tensor:
    """Every window of an image as a column ("im2col"): (N, C, H, W) -> (N, C K_h K_w, L = H_out W_out).

    Windows come row by row, as do the entries of a window in its column, after its channels. One image
    (C, H, W) gives (C K_h K_w, L). Called as torch.nn.functional.unfold.

    Raises:
        ValueError: a size out of range, an input of another rank, or one that no window fits into.
        TypeError: an argument that is no integer or two, an input that is no float tensor.
    """
    checks.float_tensor("unfold", input)
    checks.rank("unfold", input, "(N, C, H, W)", "(C, H, W)")
    (k_h, k_w), (d_h, d_w), (p_h, p_w), (s_h, s_w) = _arguments(
        "unfold", kernel_size, dilation, padding, stride
    )
    span_h, span_w = d_h * (k_h - 1) + 1, d_w * (k_w - 1) + 1
    padded = F.pad(input, (p_w, p_w, p_h, p_h))
    if padded.shape[-2] < span_h or padded.shape[-1] < span_w:
        expected = f"at least {span_h} x {span_w} with its padding"
        raise ValueError(f"unfold: input must be {expected}, got shape {tuple(input.shape)}")
    windows = padded.unfold(-2, span_h, s_h).unfold(-2, span_w, s_w)  # a view: nothing is copied so far
    windows = windows[..., ::d_h, ::d_w]  # (..., C, H_out, W_out, K_h, K_w)
    windows = windows.movedim((-4, -3), (-2, -1))  # (..., C, K_h, K_w, H_out, W_out)
    return windows.flatten(-5, -3).flatten(-2)


def fold(
    input: Tensor,
    output_size: int | Pair,
    kernel_size: int | Pair,
    dilation: int | Pair = 1,
    padding: int | Pair = 0,
    stride: int | Pair = 1,
) -> Tensor:
    """Add the columns of ``unfold`` up to an image again ("col2im"): (N, C K_h K_w, L) -> (N, C, H, W).

    ``output_size`` is (H, W). An entry is added once for every window that holds it: it is the transpose of
    ``unfold``, not its inverse. Columns (C K_h K_w, L) give one image (C, H, W). Called as
    torch.nn.functional.fold.

    Raises:
        ValueError: a size out of range, or columns whose shape does not fit the other arguments.
        TypeError: an argument that is no integer or two, an input that is no float tensor.
    """
    checks.float_tensor("fold", input)
    checks.rank("fold", input, "(N, C K_h K_w, L)", "(C K_h K_w, L)")
    h, w = checks.pair("fold", "output_size", output_size)
    (k_h, k_w), (d_h, d_w), (p_h, p_w), (s_h, s_w) = _arguments(
        "fold", kernel_size, dilation, padding, stride
    )
    h_out = (h + 2 * p_h - d_h * (k_h - 1) - 1) // s_h + 1
    w_out = (w + 2 * p_w - d_w * (k_w - 1) - 1) // s_w + 1
    if h_out < 1 or w_out < 1 or input.shape[-1] != h_out * w_out or input.shape[-2] % (k_h * k_w):
        expected = f"(..., C * {k_h * k_w}, {h_out} * {w_out})"
        raise ValueError(f"fold: input must have shape {expected}, got {tuple(input.shape)}")
    windows = input.unflatten(-1, (h_out, w_out)).unflatten(-3, (-1, k_h, k_w))
    image = input.new_zeros(*windows.shape[:-4], h + 2 * p_h, w + 2 * p_w)
    for u, v in itertools.product(range(k_h), range(k_w)):
        top, left = u * d_h, v * d_w
        image[..., top : top + s_h * h_out : s_h, left : left + s_w * w_out : s_w] += windows[..., u, v, :, :]
    return image[..., p_h : p_h + h, p_w : p_w + w]


def spans(weight: Tensor, dilation: Pair) -> Pair:
    """How many rows and columns of the image a kernel reaches over: D (K - 1) + 1."""
    _, _, k_h, k_w = weight.shape
    return dilation[0] * (k_h - 1) + 1, dilation[1] * (k_w - 1) + 1


def places(x: Tensor, weight: Tensor, stride: Pair, dilation: Pair) -> Pair:
    """H_out and W_out: in how many places the kernel fits into a padded image."""
    span_h, span_w = spans(weight, dilation)
    return (x.shape[-2] - span_h) // stride[0] + 1, (x.shape[-1] - span_w) // stride[1] + 1


def _arguments(
    owner: str, kernel_size: int | Pair, dilation: int | Pair, padding: int | Pair, stride: int | Pair
) -> tuple[Pair, Pair, Pair, Pair]:
    return (
        checks.pair(owner, "kernel_size", kernel_size),
        checks.pair(owner, "dilation", dilation),
        checks.pair(owner, "padding", padding, at_least=0),
        checks.pair(owner, "stride", stride),
    )
