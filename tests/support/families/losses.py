"""Losses: ONNX's operators, and calls that must fail."""

import torch

from course_lib import layers


def options(attributes, inputs, weight):
    found = {"reduction": attributes.get("reduction", b"mean").decode()}
    if "ignore_index" in attributes:
        found["ignore_index"] = attributes["ignore_index"]
    if weight in inputs:
        found["weight"] = torch.tensor(inputs[weight])
    return found


def negative_log_likelihood_loss(attributes, inputs):
    layer = layers.NLLLoss(**options(attributes, inputs, "weight"))
    return [layer(torch.tensor(inputs["input"]), torch.tensor(inputs["target"]).long()).numpy()]


def softmax_cross_entropy_loss(attributes, inputs):
    """The loss; log-probabilities, where a case wants them, are compared in tests/layers/test_losses.py."""
    layer = layers.CrossEntropyLoss(**options(attributes, inputs, "w"))
    return [layer(torch.tensor(inputs["x"]), torch.tensor(inputs["y"]).long()).numpy()]


ONNX = {
    "NegativeLogLikelihoodLoss": negative_log_likelihood_loss,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy_loss,
}
CASES_WITH_LOG_PROBABILITIES = [
    *["none", "none_weights", "sum", "mean", "mean_3d", "mean_weight", "mean_weight_ii", "mean_no_weight_ii"],
    *["mean_weight_ii_3d", "mean_no_weight_ii_3d", "mean_weight_ii_4d", "mean_no_weight_ii_4d"],
    *["NCd1_mean_weight_negative_ii", "NCd1d2d3_none_no_weight_negative_ii", "NCd1d2d3_sum_weight_high_ii"],
    *["NCd1d2d3d4d5_mean_weight", "NCd1d2d3d4d5_none_no_weight"],
]
NOT_OURS = {
    f"test_sce_{name}_log_prob": "asks for log-probabilities too: see tests/layers/test_losses.py"
    for name in CASES_WITH_LOG_PROBABILITIES
}


def numbers(generator):
    return [torch.randn(6, 5, generator=generator), torch.rand(6, 5, generator=generator)]


def classes(generator):
    x, target = torch.randn(6, 5, 4, generator=generator), torch.randint(5, (6, 4), generator=generator)
    target[0, 0] = -100
    return [x, target]


def probabilities(generator):
    x, target = torch.randn(2, 6, 5, generator=generator).unbind()
    return [x, target.softmax(1)]


def weights(n):
    return torch.linspace(0.5, 2, n)


ON_DEVICES = {
    "MSELoss": (layers.MSELoss, numbers),
    "L1Loss": (layers.L1Loss, numbers),
    "SmoothL1Loss": (lambda: layers.SmoothL1Loss(beta=0.5), numbers),
    "BCEWithLogitsLoss": (lambda: layers.BCEWithLogitsLoss(pos_weight=weights(5)), numbers),
    "NLLLoss": (layers.NLLLoss, classes),
    "CrossEntropyLoss": (
        lambda: layers.CrossEntropyLoss(weights(5), reduction="none", label_smoothing=0.1),
        classes,
    ),
    "CrossEntropyLoss of probabilities": (lambda: layers.CrossEntropyLoss(weights(5)), probabilities),
}

X, T = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
FAR = torch.tensor([0, 1, 2, 3])

BAD_CALLS = [
    (
        ValueError,
        lambda: layers.MSELoss(reduction="average"),
        "MSELoss: reduction must be one of 'none', 'mean', 'sum', got 'average'",
    ),
    (
        ValueError,
        lambda: layers.MSELoss(size_average=False),
        "MSELoss: size_average and reduce must be None (not supported: use reduction), got False and None",
    ),
    (ValueError, lambda: layers.L1Loss(reduce=True), "L1Loss: size_average and reduce must be None"),
    (
        ValueError,
        lambda: layers.MSELoss()(X, torch.zeros(4)),
        "MSELoss: target must have the shape of input, (4, 3), got (4,)",
    ),
    (ValueError, lambda: layers.MSELoss()(X[:, :1], torch.zeros(4)), "the shape of input, (4, 1), got (4,)"),
    (TypeError, lambda: layers.MSELoss()(X, 0.0), "MSELoss: target must be a torch.Tensor, got float"),
    (TypeError, lambda: layers.MSELoss()(X.long(), X), "MSELoss: input must have a floating-point dtype"),
    (TypeError, lambda: layers.MSELoss()(X, X.long()), "MSELoss: target must have a floating-point dtype"),
    (
        TypeError,
        lambda: layers.MSELoss()(X, X.double()),
        "MSELoss: target must have the dtype of input, torch.float32, got torch.float64",
    ),
    (
        ValueError,
        lambda: layers.mse_loss(X, X, weight=torch.ones(3)),
        "mse_loss: weight must have the shape of input, (4, 3), got (3,)",
    ),
    (ValueError, lambda: layers.l1_loss(X, X, reduction=None), "l1_loss: reduction must be one of"),
    (ValueError, lambda: layers.l1_loss(X, X[0]), "l1_loss: target must have the shape of input"),
    (ValueError, lambda: layers.SmoothL1Loss(beta=-1.0), "SmoothL1Loss: beta must be 0 or more, got -1"),
    (TypeError, lambda: layers.SmoothL1Loss(beta="1"), "SmoothL1Loss: beta must be a number, got '1'"),
    (ValueError, lambda: layers.SmoothL1Loss()(X, X.T), "SmoothL1Loss: target must have the shape of input"),
    (ValueError, lambda: layers.smooth_l1_loss(X, X, beta=-2), "smooth_l1_loss: beta must be 0 or more"),
    (
        ValueError,
        lambda: layers.BCEWithLogitsLoss()(X, X[:2]),
        "BCEWithLogitsLoss: target must have the shape of input, (4, 3), got (2, 3)",
    ),
    (
        ValueError,
        lambda: layers.BCEWithLogitsLoss(pos_weight=torch.ones(4))(X, X),
        "BCEWithLogitsLoss: pos_weight must broadcast to input's (4, 3), got (4,)",
    ),
    (
        ValueError,
        lambda: layers.BCEWithLogitsLoss(torch.ones(2, 4, 3))(X, X),
        "BCEWithLogitsLoss: weight must broadcast to input's (4, 3), got (2, 4, 3)",
    ),
    (TypeError, lambda: layers.BCEWithLogitsLoss()(X, T), "BCEWithLogitsLoss: target must have a floating"),
    (
        ValueError,
        lambda: layers.binary_cross_entropy_with_logits(X, X, reduce=False),
        "binary_cross_entropy_with_logits: size_average and reduce must be None",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(X, FAR),
        "CrossEntropyLoss: target must hold classes 0 ... 2 or ignore_index=-100, got 0 ... 3",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss(label_smoothing=0.1)(X, FAR - 1),
        "CrossEntropyLoss: target must hold classes 0 ... 2 or ignore_index=-100, got -1 ... 2",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(X, T[:3]),
        "target must have input's shape without the classes, (4,), got (3,) for input (4, 3)",
    ),
    (ValueError, lambda: layers.CrossEntropyLoss()(X, T[:, None]), "(4,), got (4, 1) for input (4, 3)"),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 5).long()),
        "(2, 4, 4), got (2, 4, 5) for input (2, 3, 4, 4)",
    ),
    (
        TypeError,
        lambda: layers.CrossEntropyLoss()(X, T.int()),
        "CrossEntropyLoss: target must hold classes of dtype torch.int64, got torch.int32",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(X, T.float()),
        "CrossEntropyLoss: target must have the shape of input, (4, 3), got (4,)",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(X, X.long()),
        "without the classes, (4,), got (4, 3) for input (4, 3)",
    ),
    (
        TypeError,
        lambda: layers.CrossEntropyLoss()(X, [0, 1, 2, 0]),
        "target must be a torch.Tensor, got list",
    ),
    (TypeError, lambda: layers.CrossEntropyLoss()(X.long(), T), "input must have a floating-point dtype"),
    (
        TypeError,
        lambda: layers.CrossEntropyLoss()(X, X.double()),
        "CrossEntropyLoss: target must have the dtype of input, torch.float32, got torch.float64",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss(torch.ones(4))(X, T),
        "CrossEntropyLoss: weight must have shape (3,), got (4,)",
    ),
    (
        TypeError,
        lambda: layers.CrossEntropyLoss(torch.ones(3).double())(X, T),
        "CrossEntropyLoss: weight must have the dtype of input, torch.float32, got torch.float64",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss()(torch.tensor(1.0), torch.tensor(0)),
        "CrossEntropyLoss: input must be (N, C, ...) or (C), got shape ()",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss(ignore_index=1)(X, X),
        "CrossEntropyLoss: ignore_index must be negative with probabilities, got 1",
    ),
    (
        ValueError,
        lambda: layers.CrossEntropyLoss(label_smoothing=1.1),
        "CrossEntropyLoss: label_smoothing must be from 0 to 1, got 1.1",
    ),
    (
        TypeError,
        lambda: layers.CrossEntropyLoss(ignore_index=None),
        "CrossEntropyLoss: ignore_index must be an integer, got None",
    ),
    (ValueError, lambda: layers.cross_entropy(X, FAR), "cross_entropy: target must hold classes 0 ... 2"),
    (
        ValueError,
        lambda: layers.cross_entropy(X, T, label_smoothing=-1),
        "cross_entropy: label_smoothing must",
    ),
    (
        ValueError,
        lambda: layers.cross_entropy(X, T, reduction="Mean"),
        "cross_entropy: reduction must be one",
    ),
    (
        ValueError,
        lambda: layers.NLLLoss()(X, FAR),
        "NLLLoss: target must hold classes 0 ... 2 or ignore_index=-100, got 0 ... 3",
    ),
    (
        TypeError,
        lambda: layers.NLLLoss()(X, T.float()),
        "NLLLoss: target must hold classes of dtype torch.int64",
    ),
    (ValueError, lambda: layers.NLLLoss()(X, T[:2]), "NLLLoss: target must have input's shape without"),
    (TypeError, lambda: layers.NLLLoss()(3.0, T), "NLLLoss: input must be a torch.Tensor, got float"),
    (
        ValueError,
        lambda: layers.nll_loss(X, T, torch.ones(2)),
        "nll_loss: weight must have shape (3,), got (2,)",
    ),
]
