"""Loss and metrics of a model on data it does not learn from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.environment import device as choose_device
from course_lib.training.batches import Batches, as_batches, checked
from course_lib.training.measures import Loss, Means, Metrics, cross_entropy, default_metrics
from course_lib.training.precision import Precision


def evaluate(
    model: nn.Module,
    data: Any,
    *,
    loss: Loss | None = None,
    metrics: Metrics | None = None,
    batch_size: int = 256,
    device: str | torch.device | None = None,
) -> dict[str, float]:
    """Return the mean ``loss`` and metrics of ``model`` over ``data``, without gradients and in eval mode.

    The arguments are those of ``fit``; afterwards the model is in the mode it came in.

    Raises:
        ValueError, TypeError: as in ``fit``.
    """
    precision = Precision(False, device_for(model, device))
    batches = checked(as_batches(data, "data", batch_size), "data")
    with mode_kept(model):
        return measure(model.to(precision.device), batches, loss or cross_entropy, metrics, precision)


@torch.no_grad()
def measure(
    model: nn.Module, batches: Batches, loss: Loss, metrics: Metrics | None, precision: Precision
) -> dict[str, float]:
    """Return the mean loss and metrics over the batches; leaves the model in eval mode."""
    model.eval()
    means = Means()
    for x, y in batches:
        x, y = x.to(precision.device), y.to(precision.device)
        with precision.autocast():
            output = model(x)
            value = loss(output, y)
        means.add(measures(output, y, value, metrics), len(x))
    return means.result()


def measures(
    output: Tensor, target: Tensor, loss: Tensor, metrics: Metrics | None
) -> dict[str, Tensor | float]:
    """Return the loss and the metrics of one batch by name; ``metrics`` None takes the default ones."""
    chosen = default_metrics(output, target) if metrics is None else metrics
    return {"loss": loss} | {name: metric(output, target) for name, metric in chosen.items()}


def device_for(model: nn.Module, device: str | torch.device | None) -> torch.device:
    """Return the device asked for, or the one the model is on."""
    if device is not None:
        return choose_device(device)
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


@contextmanager
def mode_kept(model: nn.Module) -> Iterator[None]:
    """Put every module back into the mode, train or eval, it had before the block."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
