"""Stochastic gradient descent, with a memory of earlier gradients if wanted."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from course_lib.optim.rule import Rule, at_least_zero, with_l2


class SGD(Rule):
    r"""Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay.

    For each parameter w with gradient g (of the loss on this mini-batch), one step is

        g <- g + weight_decay w                     the gradient of an L2 penalty weight_decay / 2 |w|^2
        v <- momentum v + (1 - dampening) g         v <- g at the first step
        g <- g + momentum v  (nesterov)  or  g <- v (otherwise)
        w <- w - lr g

    without the second and third line if momentum is 0; ``maximize`` turns the sign of g around at the
    start. Here v is in the gradient's units and lr multiplies it last; in Sutskever et al. the velocity
    contains the rate, which differs when lr changes on the way.

    Arguments, defaults and results are torch.optim.SGD's, and state dicts go both ways. Its ways to fuse
    the loop (``foreach``, ``fused``) and to differentiate through it (``differentiable``) are not
    supported.

    Source: Robbins & Monro (1951); Polyak (1964), momentum; Sutskever, Martens, Dahl & Hinton (2013),
    equations 1 to 4, Nesterov's form.

    Raises:
        ValueError: a negative lr, momentum or weight_decay; nesterov without momentum or with dampening;
            an option that is not supported.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        at_least_zero("SGD", lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"SGD: nesterov=True needs a momentum and no dampening, got {momentum=} and {dampening=}"
            )

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """The rule above; v is kept in ``state[w]["momentum_buffer"]``."""
        momentum = group["momentum"]
        g = with_l2(w, g, group)
        if momentum != 0:
            state = self.state[w]
            v = state.get("momentum_buffer")
            if v is None:
                v = state["momentum_buffer"] = g.clone()
            else:
                v.mul_(momentum).add_(g, alpha=1 - group["dampening"])
            g = g.add(v, alpha=momentum) if group["nesterov"] else v
        w.add_(g, alpha=-float(group["lr"]))
