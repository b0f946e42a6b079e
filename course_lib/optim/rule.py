"""What all optimizers here share: one rule, applied to every parameter by its gradient alone."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Rule(torch.optim.Optimizer):
    """Applies ``update`` to each parameter that has a gradient; a subclass says what the update is.

    Parameter groups, schedulers and state dicts are torch.optim.Optimizer's.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        owner = type(self).__name__
        lr = defaults["lr"]
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(f"{owner}: a Tensor lr must hold one number, got shape {tuple(lr.shape)}")
        for name in ("foreach", "fused", "capturable", "differentiable"):
            if defaults.get(name):
                raise ValueError(f"{owner}: {name}=True is not supported, got {defaults[name]!r}")
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        ``closure``, if given, computes the loss and its gradients first; its loss is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self.update(w, -w.grad if group["maximize"] else w.grad, group)
        return loss

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """Change ``w`` in place by its gradient ``g``, with the options of its group."""
        raise NotImplementedError

    def check_dense_and_real(self, w: Tensor, g: Tensor) -> None:
        """Raise where the rule is not defined: it squares the gradient entry by entry.

        Raises:
            TypeError: a sparse gradient or a complex parameter.
        """
        if g.is_sparse or w.is_complex():
            kind = "sparse gradients" if g.is_sparse else "complex parameters"
            raise TypeError(f"{type(self).__name__}: {kind} are not supported, got {w.dtype} {g.layout}")


def at_least_zero(owner: str, **options: Any) -> None:
    """Raise ValueError unless every option is 0 or more; NaN is not."""
    for name, value in options.items():
        if not value >= 0:
            raise ValueError(f"{owner}: {name} must be 0 or more, got {value}")


def below_one(owner: str, **options: Any) -> None:
    """Raise ValueError unless every option, the weight of the past in a running mean, is in [0, 1)."""
    for name, value in options.items():
        if not 0 <= value < 1:
            raise ValueError(f"{owner}: {name} must be 0 or more and less than 1, got {value}")


def with_l2(w: Tensor, g: Tensor, group: dict[str, Any]) -> Tensor:
    """The gradient of the loss plus that of the L2 penalty weight_decay / 2 |w|^2."""
    return g if group["weight_decay"] == 0 else g.add(w, alpha=group["weight_decay"])
