"""RMSprop: Adagrad that forgets."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from course_lib.optim.rule import Rule, at_least_zero, with_l2


class RMSprop(Rule):
    """Divides the gradient by the root of a running mean of its square.

    For each parameter w with gradient g, and with running means that start at 0, one step is

        g <- g + weight_decay w
        s <- alpha s + (1 - alpha) g^2
        r <- sqrt(s) + eps,   or with centered:   m <- alpha m + (1 - alpha) g,   r <- sqrt(s - m^2) + eps
        w <- w - lr g / r,    or with momentum:   v <- momentum v + g / r,   w <- w - lr v

    entry by entry. s - m^2, a running variance, is never negative but for rounding, which here becomes 0, and
    NaN in torch.optim. Arguments, defaults, other results and state dicts are torch.optim.RMSprop's, without
    ``foreach``, ``capturable`` and ``differentiable``.

    Source: Tieleman & Hinton (2012), lecture 6.5 of Neural networks for machine learning; the centred form is
    that of Graves (2013), Generating sequences with recurrent neural networks, equations 38 to 45.

    Raises:
        ValueError: a negative option, or one that is not supported.
        TypeError: at a step, a sparse gradient or a complex parameter.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)
        at_least_zero("RMSprop", lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """The rule above; s, m and v are "square_avg", "grad_avg" and "momentum_buffer" in ``state[w]``."""
        self.check_dense_and_real(w, g)
        state = self.state[w]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.get_default_dtype())
            state["square_avg"] = torch.zeros_like(w)
            if group["momentum"] > 0:
                state["momentum_buffer"] = torch.zeros_like(w)
            if group["centered"]:
                state["grad_avg"] = torch.zeros_like(w)
        state["step"] += 1
        g = with_l2(w, g, group)
        root = self._root_mean_square(state, g, group).add_(group["eps"])
        if group["momentum"] > 0:
            v = state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(g, root)
            w.add_(v, alpha=-float(group["lr"]))
        else:
            w.addcdiv_(g, root, value=-float(group["lr"]))

    def _root_mean_square(self, state: dict[str, Tensor], g: Tensor, group: dict[str, Any]) -> Tensor:
        alpha = group["alpha"]
        s = state["square_avg"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        if not group["centered"]:
            return s.sqrt()
        m = state["grad_avg"].lerp_(g, 1 - alpha)
        return s.addcmul(m, m, value=-1).clamp_min_(0).sqrt_()
