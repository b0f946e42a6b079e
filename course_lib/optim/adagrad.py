"""Adagrad: a rate of its own for every weight, which only ever shrinks."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from course_lib.optim.rule import Rule, at_least_zero, with_l2


class Adagrad(Rule):
    """Divides each weight's rate by the root of the sum of all its squared gradients.

    For each parameter w with gradient g, step t = 1, 2, ... is

        g <- g + weight_decay w
        G <- G + g^2                                G = initial_accumulator_value at first
        w <- w - lr / (1 + (t - 1) lr_decay) * g / (sqrt(G) + eps)

    entry by entry. A weight with rare or small gradients keeps a large rate; but G only grows, so every rate
    goes to 0. Arguments, defaults, results and state dicts are torch.optim.Adagrad's, without ``foreach``,
    ``fused`` and ``differentiable``.

    Source: Duchi, Hazan & Singer (2011), Adaptive subgradient methods, JMLR 12, the diagonal case.

    Raises:
        ValueError: a negative option, or one that is not supported.
        TypeError: at a step, a sparse gradient or a complex parameter.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        at_least_zero(
            "Adagrad",
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        for group in self.param_groups:  # the sums exist before the first step, as in torch.optim
            for w in group["params"]:
                self._start(w, group)

    def _start(self, w: Tensor, group: dict[str, Any]) -> None:
        self.state[w]["step"] = torch.tensor(0.0, dtype=torch.get_default_dtype())
        self.state[w]["sum"] = torch.full_like(w, group["initial_accumulator_value"])

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """The rule above; t and G are kept in ``state[w]["step"]`` and ``state[w]["sum"]``."""
        self.check_dense_and_real(w, g)
        if not self.state[w]:  # of a group that was added later
            self._start(w, group)
        state = self.state[w]
        state["step"] += 1
        g = with_l2(w, g, group)
        rate = float(group["lr"]) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        state["sum"].addcmul_(g, g)
        w.addcdiv_(g, state["sum"].sqrt().add_(group["eps"]), value=-rate)
