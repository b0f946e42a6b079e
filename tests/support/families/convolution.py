"""Convolution, its transpose, unfolding, and initializers."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_lib import layers

IMAGE = torch.zeros(2, 4, 6, 6)
WEIGHT = torch.zeros(8, 4, 3, 3)


def conv(*arguments, **options):
    """Run a convolution of 4 to 8 channels."""
    return layers.Conv2d(4, 8, *(arguments or (3,)), **options)(IMAGE)


def conv_transpose(*arguments, x=IMAGE, **options):
    """Run a transposed convolution of 4 to 8 channels."""
    return layers.ConvTranspose2d(4, 8, *(arguments or (3,)), **options)(x)


BAD_CALLS = [
    (ValueError, lambda: layers.Conv2d(0, 1, 3), "Conv2d: in_channels must be 1 or more, got 0"),
    (TypeError, lambda: layers.Conv2d(1, 2.0, 3), "Conv2d: out_channels must be an integer, got 2.0"),
    (ValueError, lambda: conv(0), "Conv2d: kernel_size must be 1 or more, got 0"),
    (ValueError, lambda: conv((3, 3, 3)), "Conv2d: kernel_size must be one integer or two, got (3, 3, 3)"),
    (TypeError, lambda: conv(3.0), "Conv2d: kernel_size must be one integer or two, got 3.0"),
    (ValueError, lambda: conv(stride=0), "Conv2d: stride must be 1 or more, got 0"),
    (ValueError, lambda: conv(stride=(1, -1)), "Conv2d: stride must be 1 or more, got (1, -1)"),
    (ValueError, lambda: conv(padding=-1), "Conv2d: padding must be 0 or more, got -1"),
    (ValueError, lambda: conv(padding="full"), "Conv2d: padding must be one of 'same', 'valid', got 'full'"),
    (TypeError, lambda: conv(padding=None), "Conv2d: padding must be one integer or two, got None"),
    (
        ValueError,
        lambda: conv(padding="same", stride=2),
        "Conv2d: stride must be 1 for padding='same', got (2, 2)",
    ),
    (ValueError, lambda: conv(dilation=0), "Conv2d: dilation must be 1 or more, got 0"),
    (ValueError, lambda: conv(groups=0), "Conv2d: groups must be 1 or more, got 0"),
    (TypeError, lambda: conv(groups=True), "Conv2d: groups must be an integer, got True"),
    (ValueError, lambda: conv(groups=3), "Conv2d: in_channels must be a multiple of groups=3, got 4"),
    (
        ValueError,
        lambda: layers.Conv2d(4, 6, 3, groups=4),
        "Conv2d: out_channels must be a multiple of groups=4, got 6",
    ),
    (
        ValueError,
        lambda: conv(padding_mode="mirror"),
        "padding_mode must be one of 'zeros', 'reflect', 'replicate', 'circular', got 'mirror'",
    ),
    (
        ValueError,
        lambda: conv(way="winograd"),
        "Conv2d: way must be one of 'native', 'im2col', 'fft', 'loops', got 'winograd'",
    ),
    (
        ValueError,
        lambda: layers.Conv2d(3, 1, 1)(IMAGE),
        "Conv2d: input must have shape (N, 3, H, W) or (3, H, W), got (2, 4, 6, 6)",
    ),
    (ValueError, lambda: layers.Conv2d(6, 1, 1)(IMAGE[0, 0]), "or (6, H, W), got (6, 6)"),
    (ValueError, lambda: layers.Conv2d(2, 1, 1)(IMAGE[None]), "or (2, H, W), got (1, 2, 4, 6, 6)"),
    (
        ValueError,
        lambda: conv(4, dilation=2),
        "input must be at least 7 x 7 with its padding, the reach of the kernel, got shape (2, 4, 6, 6)",
    ),
    (
        ValueError,
        lambda: conv(9, padding=1, padding_mode="reflect"),
        "Conv2d: input must be at least 9 x 9 with its padding, the reach of the kernel",
    ),
    (
        ValueError,
        lambda: layers.Conv2d(4, 8, 1, padding=1)(IMAGE[:, :, :0]),
        "input must be at least 1 x 1 with its padding, the reach of the kernel, got shape (2, 4, 0, 6)",
    ),
    (
        ValueError,
        lambda: conv(padding=(6, 0), padding_mode="reflect"),
        "padding must be less than the size of the input for padding_mode='reflect', got (0, 0, 6, 6)",
    ),
    (
        ValueError,
        lambda: conv(padding=7, padding_mode="circular"),
        "Conv2d: padding must be at most the size of the input for padding_mode='circular', got (7, 7, 7, 7)",
    ),
    (TypeError, lambda: layers.Conv2d(1, 1, 1)([[[1.0]]]), "Conv2d: input must be a torch.Tensor, got list"),
    (
        TypeError,
        lambda: layers.Conv2d(4, 1, 1)(IMAGE.long()),
        "Conv2d: input must have a floating-point dtype, got torch.int64",
    ),
    (
        TypeError,
        lambda: layers.Conv2d(4, 1, 1)(IMAGE.double()),
        "Conv2d: input must have the dtype of weight, torch.float32, got torch.float64",
    ),
    (TypeError, lambda: layers.conv2d(IMAGE, 3.0), "conv2d: weight must be a torch.Tensor, got float"),
    (
        ValueError,
        lambda: layers.conv2d(IMAGE, WEIGHT[0]),
        "conv2d: weight must be (C_out, C_in / groups, K_h, K_w), got shape (4, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.conv2d(IMAGE, WEIGHT[:3, :2], groups=2),
        "conv2d: weight must be (C_out, C_in / groups, K_h, K_w) without empty dimensions, "
        "the first a multiple of groups=2, got shape (3, 2, 3, 3)",
    ),
    (ValueError, lambda: layers.conv2d(IMAGE, WEIGHT[..., :0]), "empty dimensions"),
    (
        ValueError,
        lambda: layers.conv2d(IMAGE, WEIGHT, groups=2),
        "conv2d: input must have shape (N, 8, H, W) or (8, H, W), got (2, 4, 6, 6)",
    ),
    (
        ValueError,
        lambda: layers.conv2d(IMAGE, WEIGHT, torch.zeros(8, 1)),
        "conv2d: bias must have shape (8,), got (8, 1)",
    ),
    (
        TypeError,
        lambda: layers.conv2d(IMAGE, WEIGHT, torch.zeros(8).long()),
        "conv2d: bias must have a floating-point dtype, got torch.int64",
    ),
    (ValueError, lambda: layers.conv2d(IMAGE, WEIGHT, way="Loops"), "conv2d: way must be one of 'native'"),
    (
        ValueError,
        lambda: layers.conv2d(IMAGE, WEIGHT, stride=(1,)),
        "conv2d: stride must be one integer or two",
    ),
    (ValueError, lambda: conv_transpose(0), "ConvTranspose2d: kernel_size must be 1 or more, got 0"),
    (
        TypeError,
        lambda: conv_transpose(padding="same"),
        "ConvTranspose2d: padding must be one integer or two, got 'same'",
    ),
    (
        ValueError,
        lambda: conv_transpose(padding_mode="reflect"),
        "ConvTranspose2d: padding_mode must be one of 'zeros', got 'reflect'",
    ),
    (
        ValueError,
        lambda: conv_transpose(groups=3),
        "ConvTranspose2d: in_channels must be a multiple of groups=3, got 4",
    ),
    (
        ValueError,
        lambda: conv_transpose(output_padding=-1),
        "ConvTranspose2d: output_padding must be 0 or more, got -1",
    ),
    (
        ValueError,
        lambda: conv_transpose(stride=2, output_padding=2),
        "ConvTranspose2d: output_padding must be less than stride (2, 2) or dilation (1, 1), got (2, 2)",
    ),
    (
        ValueError,
        lambda: conv_transpose(padding=4),
        "ConvTranspose2d: input must be large enough to leave an output when the padding is cut off, "
        "got shape (2, 4, 6, 6) for an output 0 x 0",
    ),
    (
        ValueError,
        lambda: layers.ConvTranspose2d(4, 8, 3, stride=2)(IMAGE, output_size=(15, 13)),
        "ConvTranspose2d: output_size must be from (13, 13) to (14, 14) for an input of shape (2, 4, 6, 6), "
        "got (15, 13)",
    ),
    (
        ValueError,
        lambda: layers.ConvTranspose2d(4, 8, 3, stride=2)(IMAGE, output_size=(8, 13, 13)),
        "ConvTranspose2d: output_size must be (H_out, W_out) or the 4 sizes of the output, got [8, 13, 13]",
    ),
    (
        ValueError,
        lambda: conv_transpose(x=IMAGE[:, 1:]),
        "ConvTranspose2d: input must have shape (N, 4, H, W) or (4, H, W), got (2, 3, 6, 6)",
    ),
    (TypeError, lambda: conv_transpose(x=IMAGE.double()), "must have the dtype of weight, torch.float32"),
    (
        ValueError,
        lambda: layers.conv_transpose2d(IMAGE, WEIGHT),
        "conv_transpose2d: input must have shape (N, 8, H, W) or (8, H, W), got (2, 4, 6, 6)",
    ),
    (
        ValueError,
        lambda: layers.conv_transpose2d(IMAGE, WEIGHT[:4], torch.zeros(3)),
        "conv_transpose2d: bias must have shape (4,), got (3,)",
    ),
    (
        ValueError,
        lambda: layers.conv_transpose2d(IMAGE, WEIGHT[:4], dilation=-2),
        "conv_transpose2d: dilation must be 1 or more, got -2",
    ),
    (ValueError, lambda: layers.unfold(IMAGE[0, 0], 3), "unfold: input must be (N, C, H, W) or (C, H, W)"),
    (
        ValueError,
        lambda: layers.unfold(IMAGE, (3, 8)),
        "unfold: input must be at least 3 x 8 with its padding, got shape (2, 4, 6, 6)",
    ),
    (TypeError, lambda: layers.unfold(IMAGE.long(), 3), "unfold: input must have a floating-point dtype"),
    (
        ValueError,
        lambda: layers.fold(torch.zeros(2, 36, 15), 6, 3),
        "fold: input must have shape (..., C * 9, 4 * 4), got (2, 36, 15)",
    ),
    (ValueError, lambda: layers.fold(torch.zeros(2, 35, 16), 6, 3), "(..., C * 9, 4 * 4), got (2, 35, 16)"),
    (
        ValueError,
        lambda: layers.fold(torch.zeros(2, 4, 9, 16), 6, 3),
        "fold: input must be (N, C K_h K_w, L)",
    ),
    (
        ValueError,
        lambda: layers.calculate_gain("swish"),
        "calculate_gain: nonlinearity must be one of 'leaky_relu', 'sigmoid', 'tanh', 'relu', 'selu'",
    ),
    (
        ValueError,
        lambda: layers.calculate_gain("leaky_relu", True),
        "calculate_gain: param must be a number, the negative slope, got True",
    ),
    (
        ValueError,
        lambda: layers.fan_in_and_fan_out(torch.zeros(3)),
        "fan_in_and_fan_out: tensor must have 2 dimensions or more, got shape (3,)",
    ),
    (ValueError, lambda: layers.uniform_(torch.zeros(3), 2, 1), "uniform_: b must be 2 or more, got 1"),
    (TypeError, lambda: layers.uniform_(np.zeros(3)), "uniform_: tensor must be a torch.Tensor, got ndarray"),
    (
        TypeError,
        lambda: layers.normal_(torch.zeros(3).long()),
        "normal_: tensor must have a floating-point dtype, got torch.int64",
    ),
    (ValueError, lambda: layers.normal_(torch.zeros(3), 0, -1), "normal_: std must be 0 or more, got -1"),
    (ValueError, lambda: layers.normal_(torch.zeros(3), math.inf), "normal_: mean must be finite, got inf"),
    (
        ValueError,
        lambda: layers.trunc_normal_(torch.zeros(3), a=2.0),
        "a must be less than b, got 2.0 and 2.0",
    ),
    (ValueError, lambda: layers.trunc_normal_(torch.zeros(3), std=0), "std must be greater than 0, got 0"),
    (TypeError, lambda: layers.constant_(torch.zeros(3), "1"), "constant_: val must be a number, got '1'"),
    (TypeError, lambda: layers.zeros_([1.0]), "zeros_: tensor must be a torch.Tensor, got list"),
    (TypeError, lambda: layers.ones_(None), "ones_: tensor must be a torch.Tensor, got NoneType"),
    (ValueError, lambda: layers.eye_(torch.zeros(3)), "eye_: tensor must be (rows, columns), got shape (3,)"),
    (
        ValueError,
        lambda: layers.dirac_(torch.zeros(3, 3)),
        "dirac_: tensor must be (O, C, K) or (O, C, K, K)",
    ),
    (
        ValueError,
        lambda: layers.dirac_(WEIGHT.clone(), groups=3),
        "dirac_: groups must divide the 8 output channels, got 3",
    ),
    (
        ValueError,
        lambda: layers.xavier_uniform_(torch.zeros(3)),
        "xavier_uniform_: tensor must have 2 dimensions or more, got shape (3,)",
    ),
    (
        ValueError,
        lambda: layers.xavier_normal_(torch.zeros(2, 2), -1.0),
        "xavier_normal_: gain must be 0 or more",
    ),
    (
        ValueError,
        lambda: layers.kaiming_normal_(torch.zeros(2, 2), mode="fan"),
        "kaiming_normal_: mode must be one of 'fan_in', 'fan_out', got 'fan'",
    ),
    (
        ValueError,
        lambda: layers.kaiming_uniform_(torch.zeros(2, 2), nonlinearity="tank"),
        "calculate_gain: nonlinearity must be one of",
    ),
    (
        ValueError,
        lambda: layers.lecun_normal_(torch.zeros(2)),
        "lecun_normal_: tensor must have 2 dimensions",
    ),
    (ValueError, lambda: layers.orthogonal_(torch.zeros(2)), "orthogonal_: tensor must have 2 dimensions"),
    (ValueError, lambda: layers.orthogonal_(torch.zeros(2, 2), math.nan), "gain must be a number, got nan"),
]


def run_conv(attributes, inputs):
    """Conv: what is asymmetric in its padding is added beforehand."""
    x, w, *b = map(torch.tensor, inputs.values())
    stride, dilation = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    top, left, bottom, right = _pads(attributes, x.shape[2:], w.shape[2:], stride, dilation)
    if (top, left) == (bottom, right):
        layer_padding = (top, left)
    else:
        x, layer_padding = F.pad(x, (left, right, top, bottom)), (0, 0)
    groups = attributes.get("group", 1)
    layer = layers.Conv2d(
        x.shape[1], len(w), w.shape[2:], stride, layer_padding, dilation, groups, bias=bool(b), dtype=x.dtype
    )
    layer.load_state_dict({"weight": w} | ({"bias": b[0]} if b else {}))
    return [layer(x).detach().numpy()]


def _pads(attributes, size, kernel, stride, dilation):
    """Rows and columns added: top, left, bottom, right."""
    auto = attributes.get("auto_pad", b"NOTSET")
    if auto in (b"NOTSET", b"VALID"):
        return tuple(attributes.get("pads", [0, 0, 0, 0]))
    total = [
        max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    ]
    less, more = [n // 2 for n in total], [n - n // 2 for n in total]
    return (*less, *more) if auto == b"SAME_UPPER" else (*more, *less)


def run_conv_integer(attributes, inputs):
    """ConvInteger: Conv2d of integers less their zero points, exact in float64."""
    x, w, x_zero, *w_zero = (torch.tensor(array, dtype=torch.float64) for array in inputs.values())
    w_zero = w_zero[0].reshape(-1, 1, 1, 1) if w_zero else 0
    [y] = run_conv(attributes, {"x": (x - x_zero).numpy(), "w": (w - w_zero).numpy()})
    return [y.astype(np.int32)]


def run_conv_transpose(attributes, inputs):
    """ConvTranspose: the whole output, less its padding; a signal is an image of height 1."""
    x, w, *b = map(torch.tensor, inputs.values())
    flat = x.ndim == 3
    if flat:
        x, w = x.unsqueeze(2), w.unsqueeze(2)
    stride, dilation = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    extra, groups = attributes.get("output_padding", [0, 0]), attributes.get("group", 1)
    whole = [
        (n - 1) * s + d * (k - 1) + 1
        for n, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    size = attributes.get("output_shape")
    if attributes.get("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
        size = [n * s for n, s in zip(x.shape[2:], stride, strict=True)]
    if size:
        extra = [max(0, n - m) for n, m in zip(size, whole, strict=True)]
        cut = [max(0, m - n) for n, m in zip(size, whole, strict=True)]
        top, left = [n - n // 2 if attributes.get("auto_pad") == b"SAME_LOWER" else n // 2 for n in cut]
        bottom, right = cut[0] - top, cut[1] - left
    else:
        top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    layer = layers.ConvTranspose2d(
        x.shape[1], w.shape[1] * groups, w.shape[2:], stride, 0, extra, groups, bool(b), dilation
    )
    layer.load_state_dict({"weight": w} | ({"bias": b[0]} if b else {}))
    y = layer(x)
    y = y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]
    return [(y.squeeze(2) if flat else y).detach().numpy()]


def run_col2im(attributes, inputs):
    """Col2Im: fold."""
    columns, size, kernel = (torch.tensor(array) for array in inputs.values())
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    assert (top, left) == (bottom, right)
    dilation, stride = attributes.get("dilations", [1, 1]), attributes.get("strides", [1, 1])
    return [layers.fold(columns, size.tolist(), kernel.tolist(), dilation, (top, left), stride).numpy()]


ONNX = {
    "Conv": run_conv,
    "ConvInteger": run_conv_integer,
    "ConvTranspose": run_conv_transpose,
    "Col2Im": run_col2im,
}
NOT_OURS = {
    "test_convtranspose_3d": "volumes: the layer is for images, which have two dimensions besides channels",
    "test_col2im_5d": "volumes: fold is for images, which have two dimensions besides channels",
}


def _images(*shape):
    return lambda generator: [torch.randn(*shape, generator=generator)]


def _with_kernel(shape, kernel, bias):
    return lambda generator: [torch.randn(*each, generator=generator) for each in (shape, kernel, (bias,))]


ON_DEVICES = {
    "Conv2d": (lambda: layers.Conv2d(3, 4, 3, stride=2, padding=1), _images(2, 3, 9, 8)),
    "Conv2d, same, dilation and groups": (
        lambda: layers.Conv2d(4, 6, (2, 3), padding="same", dilation=2, groups=2),
        _images(2, 4, 7, 8),
    ),
    "Conv2d, depthwise, one image": (lambda: layers.Conv2d(4, 4, 3, groups=4, bias=False), _images(4, 7, 8)),
    "ConvTranspose2d": (
        lambda: layers.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
        _images(2, 4, 5, 4),
    ),
    "conv_transpose2d, dilation": (
        lambda: lambda x, w, b: layers.conv_transpose2d(x, w, b, dilation=(1, 2), padding=1),
        _with_kernel((2, 3, 5, 4), (3, 2, 3, 2), 2),
    ),
    "unfold": (lambda: lambda x: layers.unfold(x, (2, 3), (1, 2), 1, 2), _images(2, 3, 6, 8)),
    "fold": (lambda: lambda x: layers.fold(x, (6, 5), (2, 3), 1, 1, 2), _images(2, 12, 12)),
}
for _mode in ("reflect", "replicate", "circular"):
    ON_DEVICES[f"Conv2d, {_mode}"] = (
        lambda mode=_mode: layers.Conv2d(2, 3, 3, padding=(1, 2), padding_mode=mode),
        _images(2, 2, 6, 5),
    )
for _way in ("im2col", "fft", "loops"):
    ON_DEVICES[f"conv2d by {_way}"] = (
        lambda way=_way: lambda x, w, b: layers.conv2d(x, w, b, (2, 1), 1, (1, 2), 2, way=way),
        _with_kernel((2, 4, 6, 7), (6, 2, 3, 2), 6),
    )
