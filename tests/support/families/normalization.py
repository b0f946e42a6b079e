"""Normalizing layers: ONNX's operators, and calls that must fail."""

import torch
from torch import nn

from course_lib import layers


def tensors(inputs, *names):
    return [torch.tensor(inputs[name]) for name in names]


def batch_normalization(attributes, inputs):
    x, weight, bias, mean, var = tensors(inputs, "x", "s", "bias", "mean", "var")
    eps = attributes.get("epsilon", 1e-5)
    if not attributes.get("training_mode", 0):
        return [layers.batch_norm(x, mean, var, weight, bias, eps=eps).numpy()]
    old = attributes.get("momentum", 0.9)  # how much of the running statistics is kept
    batch_mean, batch_var = torch.zeros_like(mean), torch.zeros_like(var)
    y = layers.batch_norm(x, batch_mean, batch_var, weight, bias, training=True, momentum=1.0, eps=eps)
    m = x.numel() / x.shape[1]
    batch_var *= (m - 1) / m  # ONNX's running variance divides by m
    return [
        y.numpy(),
        (old * mean + (1 - old) * batch_mean).numpy(),
        (old * var + (1 - old) * batch_var).numpy(),
    ]


def layer_normalization(attributes, inputs):
    x, weight, bias = tensors(inputs, "X", "W", "B")
    axis = attributes.get("axis", -1) % x.ndim
    dims, eps = tuple(range(axis, x.ndim)), attributes.get("epsilon", 1e-5)
    layer = layers.LayerNorm(x.shape[axis:], eps)
    layer.load_state_dict({"weight": weight, "bias": bias})
    # Mean and 1 / sqrt(variance + eps), read off what the layer does to x: x_hat = (x - mean) * inverse.
    x_hat = layers.layer_norm(x, x.shape[axis:], eps=eps)
    inverse = (x_hat.amax(dims, True) - x_hat.amin(dims, True)) / (x.amax(dims, True) - x.amin(dims, True))
    mean = (x - x_hat / inverse).mean(dims, keepdim=True)
    return [layer(x).detach().numpy(), mean.numpy(), inverse.numpy()]


def group_normalization(attributes, inputs):
    x, weight, bias = tensors(inputs, "x", "scale", "bias")
    layer = layers.GroupNorm(attributes["num_groups"], x.shape[1], attributes.get("epsilon", 1e-5))
    layer.load_state_dict({"weight": weight, "bias": bias})
    return [layer(x).detach().numpy()]


def instance_normalization(attributes, inputs):
    x, weight, bias = tensors(inputs, "x", "s", "bias")
    layer = layers.InstanceNorm2d(x.shape[1], attributes.get("epsilon", 1e-5), affine=True)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return [layer(x).detach().numpy()]


def mean_variance_normalization(attributes, inputs):
    """Over all but the channels, its default, this is batch normalization without weights."""
    assert attributes.get("axes", [0, 2, 3]) == [0, 2, 3]
    (x,) = tensors(inputs, "X")
    return [layers.batch_norm(x, None, None, training=True, eps=1e-9).numpy()]


def lrn(attributes, inputs):
    (x,) = tensors(inputs, "x")
    options = {"alpha": attributes.get("alpha", 1e-4), "beta": attributes.get("beta", 0.75)}
    return [layers.LocalResponseNorm(attributes["size"], k=attributes.get("bias", 1.0), **options)(x).numpy()]


ONNX = {
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "InstanceNormalization": instance_normalization,
    "MeanVarianceNormalization": mean_variance_normalization,
    "LRN": lrn,
}


def images(generator):
    return [torch.randn(4, 6, 5, 5, generator=generator)]


def channels_last(generator):
    return [x.contiguous(memory_format=torch.channels_last) for x in images(generator)]


def randomized(layer):
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    return layer


MODULES = {
    "BatchNorm2d": lambda: layers.BatchNorm2d(6),
    "BatchNorm2d in evaluation": lambda: layers.BatchNorm2d(6).eval(),
    "BatchNorm2d, average of all batches": lambda: layers.BatchNorm2d(6, momentum=None),
    "LayerNorm": lambda: layers.LayerNorm([6, 5, 5]),
    "GroupNorm": lambda: layers.GroupNorm(2, 6),
    "InstanceNorm2d": lambda: layers.InstanceNorm2d(6, affine=True),
    "LocalResponseNorm": lambda: layers.LocalResponseNorm(5, 0.1),
}
ON_DEVICES = {
    **{name: (lambda make=make: randomized(make()), images) for name, make in MODULES.items()},
    **{
        f"{name}, channels_last": (lambda make=make: randomized(make()), channels_last)
        for name, make in MODULES.items()
    },
    "BatchNorm1d": (
        lambda: randomized(layers.BatchNorm1d(6)),
        lambda generator: [torch.randn(8, 6, generator=generator)],
    ),
}

X = torch.zeros(2, 6, 3, 3)
ONES, FIVE = torch.ones(6), torch.ones(5)

BAD_CALLS = [
    (ValueError, lambda: layers.BatchNorm2d(0), "BatchNorm2d: num_features must be 1 or more, got 0"),
    (TypeError, lambda: layers.BatchNorm1d(2.0), "BatchNorm1d: num_features must be an integer, got 2.0"),
    (ValueError, lambda: layers.BatchNorm2d(6, eps=-1), "BatchNorm2d: eps must be 0 or more, got -1"),
    (
        ValueError,
        lambda: layers.BatchNorm2d(6, momentum=1.5),
        "BatchNorm2d: momentum must be from 0 to 1, got 1.5",
    ),
    (TypeError, lambda: layers.BatchNorm2d(6, momentum="0.1"), "BatchNorm2d: momentum must be a number"),
    (
        ValueError,
        lambda: layers.BatchNorm2d(6)(X[0]),
        "BatchNorm2d: input must be (N, C, H, W), got shape (6, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.BatchNorm1d(6)(X),
        "BatchNorm1d: input must be (N, C) or (N, C, L), got shape (2, 6, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.BatchNorm2d(5)(X),
        "BatchNorm2d: input must have num_features=5 in dimension 1, got shape (2, 6, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.BatchNorm1d(6)(torch.zeros(1, 6)),
        "BatchNorm1d: input must have more than one value a channel in training, got shape (1, 6)",
    ),
    (
        ValueError,
        lambda: layers.BatchNorm2d(6, track_running_stats=False).eval()(torch.zeros(1, 6, 1, 1)),
        "BatchNorm2d: input must have more than one value a channel",
    ),
    (
        ValueError,
        lambda: layers.BatchNorm2d(6, eps=0.0)(X),
        "eps must be greater than 0 in training, got 0.0",
    ),
    (TypeError, lambda: layers.BatchNorm2d(6)(X.numpy()), "input must be a torch.Tensor, got ndarray"),
    (TypeError, lambda: layers.BatchNorm2d(6)(X.long()), "a floating-point dtype, got torch.int64"),
    (
        TypeError,
        lambda: layers.BatchNorm2d(6)(X.double()),
        "BatchNorm2d: input must have the dtype of weight, torch.float32, got torch.float64",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(X, None, None),
        "batch_norm: running_mean and running_var must be given unless training, got None",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(X, FIVE, ONES),
        "batch_norm: running_mean must have shape (6,), got (5,)",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(X, ONES, ONES, weight=FIVE),
        "batch_norm: weight must have shape (6,), got (5,)",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(torch.zeros(6), ONES, ONES),
        "batch_norm: input must be (N, C, ...), got shape (6,)",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(torch.zeros(1, 6), None, None, training=True),
        "batch_norm: input must have more than one value a channel",
    ),
    (
        ValueError,
        lambda: layers.batch_norm(X, ONES, ONES, way="fast"),
        "way must be one of 'native', 'formula'",
    ),
    (ValueError, lambda: layers.LayerNorm(0), "LayerNorm: normalized_shape must be 1 or more, got 0"),
    (ValueError, lambda: layers.LayerNorm([]), "LayerNorm: normalized_shape must have one dimension or more"),
    (TypeError, lambda: layers.LayerNorm("6"), "LayerNorm: normalized_shape must be an integer, got '6'"),
    (TypeError, lambda: layers.LayerNorm(6.0), "LayerNorm: normalized_shape must be an integer, got 6.0"),
    (ValueError, lambda: layers.LayerNorm(6, eps=float("inf")), "LayerNorm: eps must be finite, got inf"),
    (
        ValueError,
        lambda: layers.LayerNorm([3, 4])(X),
        "LayerNorm: input must have shape (..., 3, 4), got (2, 6, 3, 3)",
    ),
    (ValueError, lambda: layers.LayerNorm([3, 3])(torch.zeros(3)), "shape (..., 3, 3), got (3,)"),
    (TypeError, lambda: layers.LayerNorm(3)(X.double()), "the dtype of weight, torch.float32, got"),
    (
        ValueError,
        lambda: layers.layer_norm(X, [3], weight=ONES),
        "layer_norm: weight must have shape (3,), got (6,)",
    ),
    (ValueError, lambda: layers.layer_norm(X, [3], way="loops"), "layer_norm: way must be one of"),
    (
        ValueError,
        lambda: layers.GroupNorm(4, 6),
        "GroupNorm: num_groups must divide num_channels=6, got 4",
    ),
    (ValueError, lambda: layers.GroupNorm(0, 6), "GroupNorm: num_groups must be 1 or more, got 0"),
    (TypeError, lambda: layers.GroupNorm(2, None), "GroupNorm: num_channels must be an integer, got None"),
    (
        ValueError,
        lambda: layers.GroupNorm(2, 4)(X),
        "GroupNorm: input must be (N, num_channels=4, ...), got shape (2, 6, 3, 3)",
    ),
    (ValueError, lambda: layers.GroupNorm(2, 6)(ONES), "GroupNorm: input must be (N, num_channels=6, ...)"),
    (
        TypeError,
        lambda: layers.GroupNorm(2, 6)(X.long()),
        "GroupNorm: input must have a floating-point dtype",
    ),
    (
        ValueError,
        lambda: layers.group_norm(X, 4),
        "group_norm: input must be (N, C, ...) with C a multiple of num_groups=4, got shape (2, 6, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.group_norm(X, 2, bias=FIVE),
        "group_norm: bias must have shape (6,), got (5,)",
    ),
    (
        ValueError,
        lambda: layers.InstanceNorm2d(6, track_running_stats=True),
        "InstanceNorm2d: track_running_stats=True is not supported",
    ),
    (
        ValueError,
        lambda: layers.InstanceNorm2d(6)(X[0, 0]),
        "InstanceNorm2d: input must be (N, C, H, W) or (C, H, W), got shape (3, 3)",
    ),
    (
        ValueError,
        lambda: layers.InstanceNorm2d(3)(X),
        "InstanceNorm2d: input must have num_features=3 in dimension 1, got shape (2, 6, 3, 3)",
    ),
    (
        ValueError,
        lambda: layers.InstanceNorm2d(6)(X[:, :, :1, :1]),
        "InstanceNorm2d: input must have more than one value a channel, got shape (2, 6, 1, 1)",
    ),
    (ValueError, lambda: layers.instance_norm(X, ONES, ONES), "instance_norm: running_mean, running_var"),
    (
        ValueError,
        lambda: layers.instance_norm(X[:, :, 0, 0]),
        "instance_norm: input must be (N, C, L, ...), got shape (2, 6)",
    ),
    (ValueError, lambda: layers.LocalResponseNorm(0), "LocalResponseNorm: size must be 1 or more, got 0"),
    (TypeError, lambda: layers.LocalResponseNorm(5.0), "LocalResponseNorm: size must be an integer, got 5.0"),
    (
        ValueError,
        lambda: layers.LocalResponseNorm(5, beta=float("nan")),
        "LocalResponseNorm: beta must be a number, got nan",
    ),
    (
        ValueError,
        lambda: layers.LocalResponseNorm(5)(X[0, 0]),
        "LocalResponseNorm: input must be (N, C, L, ...), got shape (3, 3)",
    ),
    (TypeError, lambda: layers.LocalResponseNorm(5)([1.0]), "input must be a torch.Tensor, got list"),
    (
        ValueError,
        lambda: layers.local_response_norm(X, 3, way="fft"),
        "local_response_norm: way must be one of 'native', 'loops', got 'fft'",
    ),
]
