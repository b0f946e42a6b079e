"""Optimizers: ONNX's Momentum, Adagrad and Adam, and calls that must fail."""

import math

import torch
from torch import nn

from course_lib import optim


def parameters_with_gradients(weights, gradients):
    parameters = [nn.Parameter(torch.tensor(w)) for w in weights]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    return parameters


def split(inputs, kinds):
    """ONNX gives the rate, the time, and then all weights, all gradients, all states of each kind."""
    rate, time, *tensors = inputs.values()
    count = len(tensors) // kinds
    return float(rate), int(time), [tensors[i * count : (i + 1) * count] for i in range(kinds)]


def results(optimizer, parameters, *names):
    optimizer.step()
    states = [optimizer.state[w][name] for name in names for w in parameters]
    return [tensor.detach().numpy() for tensor in [*parameters, *states]]


def momentum(attributes, inputs):
    rate, time, (weights, gradients, velocities) = split(inputs, 3)
    parameters = parameters_with_gradients(weights, gradients)
    optimizer = optim.SGD(
        parameters,
        lr=rate,
        momentum=attributes["alpha"],
        dampening=0.0 if time == 0 else 1 - attributes["beta"],  # ONNX: none at the first step
        weight_decay=attributes["norm_coefficient"],
        nesterov=attributes["mode"] == b"nesterov",
    )
    for w, velocity in zip(parameters, velocities, strict=True):
        optimizer.state[w]["momentum_buffer"] = torch.tensor(velocity)
    return results(optimizer, parameters, "momentum_buffer")


def adagrad(attributes, inputs):
    rate, time, (weights, gradients, sums) = split(inputs, 3)
    parameters = parameters_with_gradients(weights, gradients)
    optimizer = optim.Adagrad(
        parameters,
        lr=rate,
        lr_decay=attributes.get("decay_factor", 0.0),
        weight_decay=attributes.get("norm_coefficient", 0.0),
        eps=attributes["epsilon"],
    )
    for w, total in zip(parameters, sums, strict=True):
        optimizer.state[w] = {"step": torch.tensor(float(time)), "sum": torch.tensor(total)}
    return results(optimizer, parameters, "sum")


def adam(attributes, inputs):
    rate, time, (weights, gradients, means, squares) = split(inputs, 4)
    parameters = parameters_with_gradients(weights, gradients)
    optimizer = optim.Adam(
        parameters,
        lr=rate,
        betas=(attributes["alpha"], attributes["beta"]),
        eps=attributes["epsilon"],
        weight_decay=attributes.get("norm_coefficient", 0.0),
    )
    assert time == 0, "ONNX has no other case"
    # At time 0 ONNX corrects nothing, which is what the correction comes to long after the start.
    for w, m, v in zip(parameters, means, squares, strict=True):
        optimizer.state[w] = {
            "step": torch.tensor(1e6),
            "exp_avg": torch.tensor(m),
            "exp_avg_sq": torch.tensor(v),
        }
    return results(optimizer, parameters, "exp_avg", "exp_avg_sq")


ONNX = {"Momentum": momentum, "Adagrad": adagrad, "Adam": adam}

PARAMETERS = [nn.Parameter(torch.zeros(2))]
CLASSES = (optim.SGD, optim.Adagrad, optim.Adadelta, optim.RMSprop, optim.Adam, optim.AdamW)


def bad(cls, words, **options):
    return ValueError, lambda: cls(PARAMETERS, **options), f"{cls.__name__}: {words}"


def step_with(cls, w, gradient):
    optimizer = cls([w])
    w.grad = gradient
    return optimizer.step


SPARSE = torch.sparse_coo_tensor([[0]], [1.0], (2,), check_invariants=True)

BAD_CALLS = [
    *[bad(cls, "lr must be 0 or more, got -0.1", lr=-0.1) for cls in CLASSES],
    *[bad(cls, "lr must be 0 or more, got nan", lr=math.nan) for cls in CLASSES],
    *[bad(cls, "a Tensor lr must hold one number", lr=torch.ones(2)) for cls in CLASSES],
    *[bad(cls, "weight_decay must be 0 or more, got -1", weight_decay=-1) for cls in CLASSES],
    *[bad(cls, "foreach=True is not supported, got True", foreach=True) for cls in CLASSES],
    *[bad(cls, "differentiable=True is not supported", differentiable=True) for cls in CLASSES],
    *[bad(cls, "eps must be 0 or more, got -1", eps=-1) for cls in CLASSES[1:]],
    *[bad(cls, "fused=True is not supported", fused=True) for cls in CLASSES if cls not in CLASSES[2:4]],
    *[bad(cls, "capturable=True is not supported", capturable=True) for cls in CLASSES[2:]],
    *[bad(cls, "beta1 must be 0 or more and less than 1, got 1.0", betas=(1.0, 0.9)) for cls in CLASSES[4:]],
    *[
        bad(cls, "beta2 must be 0 or more and less than 1, got nan", betas=(0.9, math.nan))
        for cls in CLASSES[4:]
    ],
    *[bad(cls, "betas must be two numbers, got (0.9,)", betas=(0.9,)) for cls in CLASSES[4:]],
    bad(optim.SGD, "momentum must be 0 or more, got -1", momentum=-1),
    bad(optim.SGD, "nesterov=True needs a momentum and no dampening", nesterov=True),
    bad(optim.Adagrad, "lr_decay must be 0 or more, got -1", lr_decay=-1),
    bad(optim.Adagrad, "initial_accumulator_value must be 0 or more", initial_accumulator_value=-1),
    bad(optim.Adadelta, "rho must be from 0 to 1, got 1.5", rho=1.5),
    bad(optim.RMSprop, "alpha must be 0 or more, got -1", alpha=-1),
    bad(optim.RMSprop, "momentum must be 0 or more, got -1", momentum=-1),
    *[
        (
            TypeError,
            lambda cls=cls: step_with(cls, nn.Parameter(torch.zeros(2)), SPARSE)(),
            f"{cls.__name__}: sparse gradients are not supported",
        )
        for cls in CLASSES[1:]
    ],
    *[
        (
            TypeError,
            lambda cls=cls: step_with(
                cls, nn.Parameter(torch.zeros(2, dtype=torch.complex64)), torch.ones(2) * 1j
            )(),
            f"{cls.__name__}: complex parameters are not supported",
        )
        for cls in CLASSES[1:]
    ],
]
