"""What is measured while a model trains: the default loss, accuracy, and running means over an epoch."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
Metrics = Mapping[str, Callable[[Tensor, Tensor], Tensor | float]]


def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of logits ``output`` (n, classes, ...) for labels ``target`` (n, ...), as a scalar.

    Raises:
        TypeError: the targets are not whole-number labels, so that another loss must be meant.
    """
    if target.is_floating_point() and target.shape != output.shape:
        raise TypeError(
            f"the default loss, cross-entropy, needs integer class labels, got {target.dtype} targets of "
            f"shape {tuple(target.shape)}; for regression pass loss=torch.nn.MSELoss()"
        )
    return torch.nn.functional.cross_entropy(output, target)


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Share of examples, in [0, 1], whose largest output (n, classes, ...) is at their target (n, ...)."""
    return (output.argmax(dim=1) == target).double().mean()


def default_metrics(output: Tensor, target: Tensor) -> Metrics:
    """Accuracy where the targets are class labels, else nothing."""
    is_labels = not target.is_floating_point() and not target.is_complex()
    return {"accuracy": accuracy} if is_labels and output.ndim == target.ndim + 1 else {}


class Means:
    """Running means over examples: a short last batch counts for as many examples as it has."""

    def __init__(self) -> None:
        self.totals: dict[str, float] = {}
        self.examples = 0

    def add(self, values: Mapping[str, Tensor | float], examples: int) -> None:
        """Add a batch: the mean of each quantity over its ``examples`` examples."""
        for name, value in values.items():
            self.totals[name] = self.totals.get(name, 0.0) + float(value) * examples
        self.examples += examples

    def result(self, prefix: str = "") -> dict[str, float]:
        """Return the means, their names behind ``prefix``."""
        return {prefix + name: total / self.examples for name, total in self.totals.items()}
