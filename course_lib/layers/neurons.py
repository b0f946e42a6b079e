"""The two neurons before gradient descent: a threshold unit, and one that learns from its mistakes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype


class McCullochPitts(nn.Module):
    """y = 1 if sum_j w_j x_j > threshold, else 0: a neuron that fires or does not, with weights set by hand.

    ``weights`` are n numbers, kept as buffer ``weights`` (n,), and ``threshold`` as buffer ``threshold``
    (); a bias is b = -threshold. Inputs were binary in 1943; here any number will do.

    Source: McCulloch & Pitts (1943), A logical calculus of the ideas immanent in nervous activity. There a
    neuron fires when the sum reaches its threshold (>=), and an active inhibitory input forbids it to.

    Raises:
        ValueError: weights that are not one row of numbers; weights, threshold or input that are not finite.
    """

    weights: Tensor
    threshold: Tensor

    def __init__(self, weights: Sequence[float] | Tensor, threshold: float | Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", _floats("weights", weights, rank=1))
        self.register_buffer("threshold", _floats("threshold", threshold, rank=0))

    def forward(self, x: Tensor) -> Tensor:
        """Fire or not: x (..., n) -> y (...), 0 or 1 in x's dtype."""
        _check_features("McCullochPitts", x, len(self.weights))
        return ((x * self.weights).sum(dim=-1) > self.threshold).to(x.dtype)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"weights={self.weights.tolist()}, threshold={self.threshold.item()}"


class Perceptron(nn.Module):
    """A threshold unit that learns: y = 1 if w.x + b > 0, else 0.

    ``weight`` (in_features,) and ``bias`` () start at zero. Learning goes through the examples one by one;
    on a mistake, y (w.x + b) <= 0 with the label y written as -1 or 1, it turns the boundary towards the
    example: w <- w + learning_rate y x and b <- b + learning_rate y. If a hyperplane separates the classes,
    there are at most (R / gamma)^2 mistakes in all, with R the largest norm of a point (x, 1) and gamma the
    separation's margin.

    ``mistakes`` lists the mistakes of each epoch since the start (or ``reset_parameters``),
    ``total_mistakes`` is their sum.

    Source: Rosenblatt (1958), The perceptron; Novikoff (1962), On convergence proofs on perceptrons.
    """

    def __init__(self, in_features: int, device: Device = None, dtype: Dtype = None) -> None:
        super().__init__()
        checks.positive_integer("Perceptron", "in_features", in_features)
        self.in_features = in_features
        # Parameters for state_dict and .to(), but nothing for autograd: a step has no slope to follow.
        self.weight = nn.Parameter(torch.empty(in_features, device=device, dtype=dtype), requires_grad=False)
        self.bias = nn.Parameter(torch.empty((), device=device, dtype=dtype), requires_grad=False)
        self.mistakes: list[int] = []
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Forget everything: zero weight and bias, and no mistakes."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)
        self.mistakes = []

    @property
    def total_mistakes(self) -> int:
        """Number of mistakes, and so of updates, made by ``fit`` so far."""
        return sum(self.mistakes)

    def decision_function(self, x: Tensor) -> Tensor:
        """w.x + b: x (..., in_features) -> (...), positive on the side of class 1."""
        _check_features("Perceptron", x, self.in_features)
        return x.to(self.weight.dtype) @ self.weight + self.bias

    def forward(self, x: Tensor) -> Tensor:
        """Predict: x (..., in_features) -> labels (...), 0 or 1, int64."""
        return (self.decision_function(x) > 0).long()

    @torch.no_grad()
    def update(self, x: Tensor, y: float, learning_rate: float = 1.0) -> bool:
        """Learn from one example: x (in_features,), y 1 or else 0 or -1. True if it was a mistake."""
        if x.ndim != 1 or y not in (-1, 0, 1):
            raise ValueError(
                f"Perceptron: one x and a y of -1, 0 or 1 expected, got {tuple(x.shape)} and {y}"
            )
        sign = 1 if y > 0 else -1
        mistake = bool(sign * self.decision_function(x) <= 0)
        if mistake:
            self.weight.add_(x.to(self.weight.dtype), alpha=learning_rate * sign)
            self.bias.add_(learning_rate * sign)
        return mistake

    def fit(
        self,
        x: Tensor,
        y: Tensor,
        epochs: int = 10,
        learning_rate: float = 1.0,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
    ) -> "Perceptron":
        """Go through the examples x (m, in_features), y (m,) ``epochs`` times, or until none is mistaken.

        Labels are 0 and 1, or -1 and 1. Weights go on from where they are. ``shuffle`` draws a new order
        for each epoch, from ``generator`` if given.

        Raises:
            ValueError: shapes that do not fit, other labels, x not finite, epochs or rate not positive.
        """
        checks.positive_integer("Perceptron", "epochs", epochs)
        checks.finite_number("Perceptron", "learning_rate", learning_rate, above=0)
        _check_examples(x, y, self.in_features)
        labels = y.tolist()
        for _ in range(epochs):
            order = torch.randperm(len(x), generator=generator).tolist() if shuffle else range(len(x))
            self.mistakes.append(sum(self.update(x[i], labels[i], learning_rate) for i in order))
            if self.mistakes[-1] == 0:
                break
        return self

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return f"in_features={self.in_features}"


def _floats(name: str, value: Sequence[float] | float | Tensor, rank: int) -> Tensor:
    """Copy numbers into a float tensor of the given rank."""
    numbers = torch.as_tensor(value, dtype=torch.get_default_dtype()).detach().clone()
    if numbers.ndim != rank or numbers.numel() == 0:
        expected = "one row of numbers" if rank == 1 else "one number"
        raise ValueError(f"McCullochPitts: {name} must be {expected}, got shape {tuple(numbers.shape)}")
    _check_finite("McCullochPitts", name, numbers)
    return numbers


def _check_features(owner: str, x: Tensor, features: int) -> None:
    checks.tensor(owner, x)
    if x.ndim == 0 or x.shape[-1] != features:
        raise ValueError(f"{owner}: input must have shape (..., {features}), got {tuple(x.shape)}")
    _check_finite(owner, "input", x)


def _check_finite(owner: str, name: str, x: Tensor) -> None:
    """A comparison with NaN is false: the unit would answer 0 as if it knew."""
    bad = int((~x.isfinite()).sum())
    if bad:
        raise ValueError(f"{owner}: {name} must be finite, got {bad} entries that are NaN or infinite")


def _check_examples(x: Tensor, y: Tensor, features: int) -> None:
    checks.tensor("Perceptron", x, "x")
    checks.tensor("Perceptron", y, "y")
    if x.ndim != 2 or x.shape[1] != features or len(x) == 0:
        raise ValueError(f"Perceptron: x must have shape (m, {features}) with m > 0, got {tuple(x.shape)}")
    _check_finite("Perceptron", "x", x)
    if y.shape != x.shape[:1]:
        raise ValueError(f"Perceptron: y must have shape ({len(x)},), as x has rows, got {tuple(y.shape)}")
    found = set(y.tolist())
    if not (found <= {0, 1} or found <= {-1, 1}):
        raise ValueError(f"Perceptron: y must hold labels 0 and 1, or -1 and 1, got {sorted(found)[:5]}")
