"""Dropout, DropConnect and noise: ONNX's Dropout, and calls that must fail."""

import torch

from course_lib import layers


def dropout(attributes, inputs):
    """The output; a mask, where a case asks for one, is compared in tests/layers/test_dropout.py."""
    p = float(inputs.get("r", attributes.get("ratio", 0.5)))
    layer = layers.Dropout(p).train(bool(inputs.get("t", False)))
    return [layer(torch.tensor(inputs["x"])).numpy()]


ONNX = {"Dropout": dropout}
NUMPYS = "in training the masks are drawn with NumPy's generator from ONNX's seed, ours with PyTorch's"
MASK = "asks for the mask too, which the layer does not return: see tests/layers/test_dropout.py"
NOT_OURS = {
    "test_training_dropout": NUMPYS,
    "test_training_dropout_default": NUMPYS,
    "test_training_dropout_mask": NUMPYS,
    "test_training_dropout_default_mask": NUMPYS,
    "test_dropout_default_mask": MASK,
    "test_dropout_default_mask_ratio": MASK,
    "test_training_dropout_zero_ratio_mask": MASK,
}


def images(generator):
    return [torch.randn(3, 4, 5, 5, generator=generator)]


ON_DEVICES = {
    "Dropout in evaluation": (lambda: layers.Dropout().eval(), images),
    "Dropout, p = 0": (lambda: layers.Dropout(0.0), images),
    "Dropout, p = 1": (lambda: layers.Dropout(1.0), images),
    "Dropout2d, p = 1": (lambda: layers.Dropout2d(1.0), images),
    "Dropout2d in evaluation": (lambda: layers.Dropout2d().eval(), images),
    "DropConnect in evaluation": (lambda: layers.DropConnect(5, 3).eval(), images),
    "DropConnect, p = 0": (lambda: layers.DropConnect(5, 3, p=0.0), images),
    "DropConnect, p = 1": (lambda: layers.DropConnect(5, 3, p=1.0), images),
    "GaussianNoise in evaluation": (lambda: layers.GaussianNoise(1.0).eval(), images),
}

X = torch.zeros(2, 3)
ELSEWHERE = torch.zeros(2, 3, device="meta")

BAD_CALLS = [
    (ValueError, lambda: layers.Dropout(1.1), "Dropout: p must be from 0 to 1, got 1.1"),
    (ValueError, lambda: layers.Dropout(-0.1), "Dropout: p must be from 0 to 1, got -0.1"),
    (ValueError, lambda: layers.Dropout(float("nan")), "Dropout: p must be a number, got nan"),
    (TypeError, lambda: layers.Dropout("0.5"), "Dropout: p must be a number, got '0.5'"),
    (TypeError, lambda: layers.Dropout(True), "Dropout: p must be a number, got True"),
    (ValueError, lambda: layers.Dropout(inplace=True), "Dropout: inplace must be False"),
    (TypeError, lambda: layers.Dropout()([1.0]), "Dropout: input must be a torch.Tensor, got list"),
    (TypeError, lambda: layers.Dropout()(X.long()), "Dropout: input must have a floating-point dtype"),
    (ValueError, lambda: layers.Dropout2d(2), "Dropout2d: p must be from 0 to 1, got 2"),
    (ValueError, lambda: layers.Dropout2d(inplace=True), "Dropout2d: inplace must be False"),
    (
        ValueError,
        lambda: layers.Dropout2d()(X),
        "Dropout2d: input must be (N, C, H, W) or (N, C, L), got shape (2, 3)",
    ),
    (ValueError, lambda: layers.dropout(X, 1.5), "dropout: p must be from 0 to 1, got 1.5"),
    (ValueError, lambda: layers.dropout(X, inplace=True), "dropout: inplace must be False"),
    (TypeError, lambda: layers.dropout(X.int()), "dropout: input must have a floating-point dtype"),
    (ValueError, lambda: layers.dropout2d(X), "dropout2d: input must be (N, C, H, W) or (N, C, L)"),
    (ValueError, lambda: layers.DropConnect(0, 2), "DropConnect: in_features must be 1 or more, got 0"),
    (TypeError, lambda: layers.DropConnect(2, 1.5), "DropConnect: out_features must be an integer, got 1.5"),
    (ValueError, lambda: layers.DropConnect(2, 2, p=-1), "DropConnect: p must be from 0 to 1, got -1"),
    (
        ValueError,
        lambda: layers.DropConnect(2, 2)(X),
        "DropConnect: input must have shape (..., in_features=2), got (2, 3)",
    ),
    (TypeError, lambda: layers.DropConnect(3, 2)(X.double()), "DropConnect: input must have the dtype of"),
    (ValueError, lambda: layers.GaussianNoise(-0.1), "GaussianNoise: std must be 0 or more, got -0.1"),
    (ValueError, lambda: layers.GaussianNoise(float("inf")), "GaussianNoise: std must be finite, got inf"),
    (TypeError, lambda: layers.GaussianNoise(None), "GaussianNoise: std must be a number, got None"),
    (
        TypeError,
        lambda: layers.GaussianNoise(1.0, generator=7),
        "GaussianNoise: generator must be a torch.Generator or None, got 7",
    ),
    (
        ValueError,
        lambda: layers.GaussianNoise(1.0, torch.Generator())(ELSEWHERE),
        "GaussianNoise: generator must be on the input's device, meta, got one on cpu",
    ),
    (TypeError, lambda: layers.GaussianNoise(1.0)(X.long()), "GaussianNoise: input must have a floating"),
]
