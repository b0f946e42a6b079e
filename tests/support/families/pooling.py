"""Max, average, Lp, mixed, stochastic and spectral pooling, and unpooling."""

import math

import torch
from torch.nn import functional as F

from course_lib import layers

MAPS = torch.zeros(2, 3, 6, 6)
SMALL = torch.zeros(2, 3, 3, 3)
SWITCHES = torch.zeros(2, 3, 3, 3, dtype=torch.int64)


def unpool(indices=SWITCHES, output_size=None, x=SMALL, **options):
    """Undo a pooling of 6x6 to 3x3."""
    return layers.MaxUnpool2d(2, **options)(x, indices, output_size)


BAD_CALLS = [
    (ValueError, lambda: layers.MaxPool2d(0), "MaxPool2d: kernel_size must be 1 or more, got 0"),
    (TypeError, lambda: layers.MaxPool2d(2.0), "MaxPool2d: kernel_size must be one integer or two, got 2.0"),
    (
        ValueError,
        lambda: layers.MaxPool2d((1, 2, 3)),
        "kernel_size must be one integer or two, got (1, 2, 3)",
    ),
    (TypeError, lambda: layers.MaxPool2d("2"), "MaxPool2d: kernel_size must be one integer or two, got '2'"),
    (ValueError, lambda: layers.MaxPool2d(2, 0), "MaxPool2d: stride must be 1 or more, got 0"),
    (ValueError, lambda: layers.MaxPool2d(2, (1, -1)), "MaxPool2d: stride must be 1 or more, got (1, -1)"),
    (ValueError, lambda: layers.MaxPool2d(2, padding=-1), "MaxPool2d: padding must be 0 or more, got -1"),
    (
        ValueError,
        lambda: layers.MaxPool2d(2, padding=2),
        "padding must be at most half of kernel_size 2, got 2",
    ),
    (ValueError, lambda: layers.MaxPool2d(2, dilation=0), "MaxPool2d: dilation must be 1 or more, got 0"),
    (TypeError, lambda: layers.MaxPool2d(2)([[1.0]]), "MaxPool2d: input must be a torch.Tensor, got list"),
    (
        ValueError,
        lambda: layers.MaxPool2d(2)(torch.zeros(4, 4)),
        "MaxPool2d: input must be (N, C, H, W) or (C, H, W), got shape (4, 4)",
    ),
    (
        ValueError,
        lambda: layers.MaxPool2d(7)(MAPS),
        "MaxPool2d: input, with its padding, must be at least as large as a window of 7x7, "
        "got shape (2, 3, 6, 6)",
    ),
    (ValueError, lambda: layers.MaxPool2d(3, dilation=3)(MAPS), "at least as large as a window of 7x7"),
    (
        ValueError,
        lambda: layers.MaxPool2d(2)(torch.zeros(2, 0, 4, 4)),
        "MaxPool2d: input must have no empty dimension but N, got shape (2, 0, 4, 4)",
    ),
    (ValueError, lambda: layers.max_pool2d(MAPS, -2), "max_pool2d: kernel_size must be 1 or more, got -2"),
    (
        TypeError,
        lambda: layers.max_pool2d(MAPS.bool(), 2),
        "max_pool2d: input must have a dtype of real numbers, got torch.bool",
    ),
    (
        TypeError,
        lambda: layers.AvgPool2d(None),
        "AvgPool2d: kernel_size must be one integer or two, got None",
    ),
    (
        ValueError,
        lambda: layers.AvgPool2d(3, padding=2),
        "AvgPool2d: padding must be at most half of kernel_size 3, got 2",
    ),
    (
        ValueError,
        lambda: layers.AvgPool2d(2, divisor_override=0),
        "AvgPool2d: divisor_override must be 1 or more, got 0",
    ),
    (
        TypeError,
        lambda: layers.avg_pool2d(MAPS, 2, divisor_override=1.5),
        "avg_pool2d: divisor_override must be an integer, got 1.5",
    ),
    (
        TypeError,
        lambda: layers.AvgPool2d(2)(MAPS.long()),
        "AvgPool2d: input must have a floating-point dtype, got torch.int64",
    ),
    (ValueError, lambda: layers.AvgPool2d(7)(MAPS), "AvgPool2d: input, with its padding, must be at least"),
    (
        ValueError,
        lambda: layers.AdaptiveAvgPool2d(0),
        "AdaptiveAvgPool2d: output_size must be 1 or more, got [0, 0]",
    ),
    (
        TypeError,
        lambda: layers.AdaptiveAvgPool2d((None, 2.5)),
        "AdaptiveAvgPool2d: output_size must be one integer or two, got",
    ),
    (
        ValueError,
        lambda: layers.AdaptiveAvgPool2d((1, 2, 3)),
        "AdaptiveAvgPool2d: output_size must be one integer or two, got [1, 2, 3]",
    ),
    (
        ValueError,
        lambda: layers.AdaptiveAvgPool2d(2)(torch.zeros(4, 4)),
        "AdaptiveAvgPool2d: input must be (N, C, H, W) or (C, H, W)",
    ),
    (TypeError, lambda: layers.adaptive_avg_pool2d(MAPS.int(), 2), "must have a floating-point dtype"),
    (ValueError, lambda: layers.AdaptiveMaxPool2d(-1), "AdaptiveMaxPool2d: output_size must be 1 or more"),
    (TypeError, lambda: layers.adaptive_max_pool2d(None, 2), "input must be a torch.Tensor, got NoneType"),
    (ValueError, lambda: layers.LPPool2d(0, 2), "LPPool2d: norm_type must be greater than 0, got 0"),
    (ValueError, lambda: layers.LPPool2d(-2, 2), "LPPool2d: norm_type must be greater than 0, got -2"),
    (
        ValueError,
        lambda: layers.LPPool2d(-math.inf, 2),
        "LPPool2d: norm_type must be greater than 0, got -inf",
    ),
    (ValueError, lambda: layers.LPPool2d(math.nan, 2), "LPPool2d: norm_type must be a number, got nan"),
    (TypeError, lambda: layers.LPPool2d("2", 2), "LPPool2d: norm_type must be a number, got '2'"),
    (
        ValueError,
        lambda: layers.lp_pool2d(MAPS, 2, 7),
        "lp_pool2d: input, with its padding, must be at least",
    ),
    (
        TypeError,
        lambda: layers.lp_pool2d(MAPS.int(), 2, 2),
        "lp_pool2d: input must have a floating-point dtype",
    ),
    (ValueError, lambda: layers.MixedPool2d(2, alpha=1.5), "MixedPool2d: alpha must be from 0 to 1, got 1.5"),
    (TypeError, lambda: layers.MixedPool2d(2, alpha="a"), "MixedPool2d: alpha must be a number, got 'a'"),
    (
        ValueError,
        lambda: layers.MixedPool2d(2, mixing="random"),
        "MixedPool2d: mixing must be one of 'fixed', 'learned', 'drawn', got 'random'",
    ),
    (
        ValueError,
        lambda: layers.mixed_pool2d(MAPS, 2, alpha=-1),
        "mixed_pool2d: alpha must be from 0 to 1, got -1",
    ),
    (TypeError, lambda: layers.mixed_pool2d(MAPS.int(), 2), "mixed_pool2d: input must have a floating-point"),
    (
        TypeError,
        lambda: layers.StochasticPool2d(2, generator=0),
        "StochasticPool2d: generator must be a torch.Generator or None, got 0",
    ),
    (ValueError, lambda: layers.StochasticPool2d(2, 2, 2), "StochasticPool2d: padding must be at most half"),
    (
        ValueError,
        lambda: layers.stochastic_pool2d(MAPS.to("meta"), 2, generator=torch.Generator()),
        "stochastic_pool2d: generator must be on the input's device, meta, got one on cpu",
    ),
    (TypeError, lambda: layers.StochasticPool2d(2)(MAPS.int()), "input must have a floating-point dtype"),
    (ValueError, lambda: layers.SpectralPool2d(0), "SpectralPool2d: output_size must be 1 or more, got 0"),
    (TypeError, lambda: layers.SpectralPool2d(None), "output_size must be one integer or two, got None"),
    (
        ValueError,
        lambda: layers.SpectralPool2d(3, way="dct"),
        "SpectralPool2d: way must be one of 'matrix', 'fft', got 'dct'",
    ),
    (
        ValueError,
        lambda: layers.spectral_pool2d(MAPS, (6, 7)),
        "spectral_pool2d: output_size must be at most the input's, (6, 6), got (6, 7)",
    ),
    (
        TypeError,
        lambda: layers.SpectralPool2d(3)(MAPS.cfloat()),
        "SpectralPool2d: input must have a floating",
    ),
    (
        ValueError,
        lambda: unpool(SWITCHES[:1]),
        "MaxUnpool2d: indices must have the shape of input, (2, 3, 3, 3), got (1, 3, 3, 3)",
    ),
    (
        TypeError,
        lambda: unpool(SWITCHES.int()),
        "MaxUnpool2d: indices must be of torch.int64, got torch.int32",
    ),
    (TypeError, lambda: unpool(None), "MaxUnpool2d: indices must be a torch.Tensor, got NoneType"),
    (
        ValueError,
        lambda: unpool(SWITCHES + 36),
        "MaxUnpool2d: indices must be from 0 to 35 in a plane of 6x6, got 36 to 36",
    ),
    (
        ValueError,
        lambda: unpool(SWITCHES - 1),
        "indices must be from 0 to 35 in a plane of 6x6, got -1 to -1",
    ),
    (
        ValueError,
        lambda: unpool(output_size=(6, 8)),
        "MaxUnpool2d: output_size must be less than a stride, (2, 2), from (6, 6), got (6, 8)",
    ),
    (
        ValueError,
        lambda: unpool(output_size=(6,)),
        "output_size must end with a height and a width, got (6,)",
    ),
    (
        ValueError,
        lambda: layers.MaxUnpool2d(2, padding=1)(SMALL[..., :1, :1], SWITCHES[..., :1, :1]),
        "MaxUnpool2d: output_size must end with a height and a width, got (0, 0)",
    ),
    (TypeError, lambda: unpool(x=SMALL.int()), "MaxUnpool2d: input must have a floating-point dtype"),
]


def two_dimensional(attributes, x):
    """Maps (N, C, H, W), padding at the start and end of each direction, a layer's options, and dilation."""
    x = torch.from_numpy(x)
    kernel = attributes["kernel_shape"]
    directions = len(kernel)
    stride = attributes.get("strides", [1] * directions)
    dilation = attributes.get("dilations", [1] * directions)
    pads = attributes.get("pads", [0] * 2 * directions)
    sides = list(zip(pads[:directions], pads[directions:], strict=True))
    same = attributes.get("auto_pad", b"NOTSET").decode()
    if same.startswith("SAME"):
        sides = []
        for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True):
            total = max(0, (math.ceil(size / s) - 1) * s + d * (k - 1) + 1 - size)
            less, more = total // 2, total - total // 2
            sides.append((less, more) if same == "SAME_UPPER" else (more, less))
    if directions == 1:
        x, kernel, stride, dilation, sides = (
            x.unsqueeze(2),
            [1, *kernel],
            [1, *stride],
            [1, *dilation],
            [(0, 0), *sides],
        )
    return x, sides, {"kernel_size": tuple(kernel), "stride": tuple(stride)}, tuple(dilation)


def of_original_rank(attributes, y):
    return (y.squeeze(2) if len(attributes["kernel_shape"]) == 1 else y).numpy()


def layer_can_pad(sides, kernel):
    return all(first == last and 2 * first <= k for (first, last), k in zip(sides, kernel, strict=True))


def padded(x, sides, value):
    return F.pad(x, [*sides[1], *sides[0]], value=value)


def run_max_pool(attributes, inputs):
    """Only storage_order tells that a case wants the indices; ONNX counts them through the whole batch."""
    x, sides, options, dilation = two_dimensional(attributes, inputs["x"])
    wants_indices = "storage_order" in attributes
    if not layer_can_pad(sides, options["kernel_size"]):
        x, sides = padded(x, sides, -math.inf), [(0, 0), (0, 0)]
    layer = layers.MaxPool2d(
        **options,
        padding=tuple(first for first, _ in sides),
        dilation=dilation,
        return_indices=wants_indices,
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )
    if not wants_indices:
        return [of_original_rank(attributes, layer(x))]
    y, indices = layer(x)
    height, width = x.shape[2:]
    if attributes["storage_order"] == 1:  # column by column
        indices = indices % width * height + indices // width
    planes = torch.arange(x.shape[0] * x.shape[1]).view(*x.shape[:2], 1, 1)
    return [y.numpy(), (indices + planes * height * width).numpy()]


def run_average_pool(attributes, inputs):
    x, sides, options, _ = two_dimensional(attributes, inputs["x"])
    include = bool(attributes.get("count_include_pad", 0))
    ceil_mode = bool(attributes.get("ceil_mode", 0))
    if layer_can_pad(sides, options["kernel_size"]):
        padding = tuple(first for first, _ in sides)
        layer = layers.AvgPool2d(**options, padding=padding, ceil_mode=ceil_mode, count_include_pad=include)
        return [of_original_rank(attributes, layer(x))]
    layer = layers.AvgPool2d(**options, ceil_mode=ceil_mode)
    y = layer(padded(x, sides, 0.0))
    if not include:  # the mean of all entries, over the mean of a mask of those that count
        y = y / layer(padded(torch.ones_like(x), sides, 0.0))
    return [of_original_rank(attributes, y)]


def run_lp_pool(attributes, inputs):
    x, sides, options, _ = two_dimensional(attributes, inputs["x"])
    layer = layers.LPPool2d(attributes["p"], **options)
    return [of_original_rank(attributes, layer(padded(x.abs(), sides, 0.0)))]


def run_max_unpool(attributes, inputs):
    x, indices = torch.from_numpy(inputs["xT"]), torch.from_numpy(inputs["xI"])
    y = layers.MaxUnpool2d(tuple(attributes["kernel_shape"]), tuple(attributes["strides"]))(x, indices)
    height, width = inputs.get("output_shape", y.shape)[2:]  # to ONNX a frame: indices count without it
    return [F.pad(y, [0, width - y.shape[3], 0, height - y.shape[2]]).numpy()]


ONNX = {
    "MaxPool": run_max_pool,
    "AveragePool": run_average_pool,
    "GlobalAveragePool": lambda attributes, inputs: [
        layers.AdaptiveAvgPool2d(1)(torch.from_numpy(inputs["x"])).numpy()
    ],
    "GlobalMaxPool": lambda attributes, inputs: [
        layers.AdaptiveMaxPool2d(1)(torch.from_numpy(inputs["x"])).numpy()
    ],
    "LpPool": run_lp_pool,
    "MaxUnpool": run_max_unpool,
}
THREE = "pools volumes, (N, C, D, H, W): our layers pool images"
NOT_OURS = {
    "test_maxpool_3d_default": THREE,
    "test_maxpool_3d_dilations": THREE,
    "test_maxpool_3d_dilations_use_ref_impl": THREE,
    "test_maxpool_3d_dilations_use_ref_impl_large": THREE,
    "test_averagepool_3d_default": THREE,
    "test_averagepool_3d_dilations_small": THREE,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": THREE,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": THREE,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": THREE,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": THREE,
    "test_lppool_3d_default": THREE,
    "test_averagepool_2d_dilations": "dilates the windows, which torch.nn.AvgPool2d does not",
    "test_lppool_2d_dilations": "dilates the windows, which torch.nn.LPPool2d does not",
    "test_averagepool_2d_ceil_last_window_starts_on_pad": "its expected numbers are rounded to 4 decimals: "
    "tests/layers/test_pooling.py runs it",
    "test_maxpool_with_argmax_2d_precomputed_pads": "wants indices, but its attributes do not say so: "
    "tests/layers/test_pooling.py runs it",
}


def maps(n, c, h, w):
    """Draw maps without ties, whose maxima rounding cannot change."""
    return lambda generator: [
        torch.randperm(n * c * h * w, generator=generator).view(n, c, h, w) / (n * c * h * w) - 0.3
    ]


def switched(generator):
    (x,) = maps(2, 3, 4, 4)(generator)
    return F.max_pool2d(x, 2, return_indices=True)


ON_DEVICES = {
    "MaxPool2d": (lambda: layers.MaxPool2d(2), maps(2, 3, 8, 8)),
    "MaxPool2d, overlapping and dilated": (lambda: layers.MaxPool2d(3, 2, 1, 2), maps(2, 3, 9, 8)),
    "MaxPool2d, indices": (lambda: layers.MaxPool2d(2, return_indices=True), maps(2, 3, 8, 8)),
    "MaxUnpool2d": (lambda: layers.MaxUnpool2d(2), switched),
    "AvgPool2d": (lambda: layers.AvgPool2d(3, 2, 1, ceil_mode=True), maps(2, 3, 8, 7)),
    "AvgPool2d, many windows": (lambda: layers.AvgPool2d(2, 1), maps(8, 8, 16, 16)),
    "AdaptiveAvgPool2d": (lambda: layers.AdaptiveAvgPool2d((3, None)), maps(2, 3, 8, 7)),
    "global average": (lambda: layers.AdaptiveAvgPool2d(1), maps(2, 3, 8, 7)),
    "AdaptiveMaxPool2d": (lambda: layers.AdaptiveMaxPool2d(3), maps(2, 3, 8, 7)),
    "LPPool2d": (lambda: layers.LPPool2d(2, 2), maps(2, 3, 8, 8)),
    "LPPool2d, many windows": (
        lambda: layers.LPPool2d(3, 2, 1),
        lambda g: [maps(8, 8, 16, 16)(g)[0].abs() + 0.01],
    ),
    "LPPool2d, large p": (lambda: layers.LPPool2d(12, 3, 2, ceil_mode=True), maps(2, 3, 8, 8)),
    "MixedPool2d, learned": (lambda: layers.MixedPool2d(2, mixing="learned"), maps(2, 3, 8, 8)),
    "StochasticPool2d in evaluation": (lambda: layers.StochasticPool2d(2).eval(), maps(2, 3, 8, 8)),
    "SpectralPool2d": (lambda: layers.SpectralPool2d((4, 5)), maps(2, 3, 8, 9)),
    "SpectralPool2d, fft": (lambda: layers.SpectralPool2d((4, 5), way="fft"), maps(2, 3, 8, 9)),
}
