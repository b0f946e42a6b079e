"""Adadelta: steps in the units of the weights, from running means of what came before."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from course_lib.optim.rule import Rule, at_least_zero, with_l2


class Adadelta(Rule):
    """Steps as large as earlier steps were, relative to how large the gradient is against earlier gradients.

    For each parameter w with gradient g, and with running means E that start at 0, one step is

        g <- g + weight_decay w
        E[g^2] <- rho E[g^2] + (1 - rho) g^2
        d <- sqrt(E[d^2] + eps) / sqrt(E[g^2] + eps) * g
        E[d^2] <- rho E[d^2] + (1 - rho) d^2
        w <- w - lr d

    entry by entry; lr = 1 is the paper's method, which has no rate. The paper writes the minus sign into d,
    whose square is the same. Arguments, defaults, results and state dicts are torch.optim.Adadelta's, without
    ``foreach``, ``capturable`` and ``differentiable``.

    Source: Zeiler (2012), ADADELTA: an adaptive learning rate method, algorithm 1.

    Raises:
        ValueError: rho outside [0, 1], a negative option, or one that is not supported.
        TypeError: at a step, a sparse gradient or a complex parameter.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        at_least_zero("Adadelta", lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"Adadelta: rho must be from 0 to 1, got {rho}")

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """The rule above; E[g^2] and E[d^2] are kept as "square_avg" and "acc_delta" in ``state[w]``."""
        self.check_dense_and_real(w, g)
        state = self.state[w]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.get_default_dtype())
            state["square_avg"] = torch.zeros_like(w)
            state["acc_delta"] = torch.zeros_like(w)
        state["step"] += 1
        rho, eps = group["rho"], group["eps"]
        g = with_l2(w, g, group)
        state["square_avg"].mul_(rho).addcmul_(g, g, value=1 - rho)
        d = state["acc_delta"].add(eps).sqrt_().div_(state["square_avg"].add(eps).sqrt_()).mul_(g)
        state["acc_delta"].mul_(rho).addcmul_(d, d, value=1 - rho)
        w.add_(d, alpha=-float(group["lr"]))
