"""Adam and AdamW: momentum and a rate for every weight, both corrected for their start at zero."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from course_lib.optim.rule import Rule, at_least_zero, below_one, with_l2


class Adam(Rule):
    """Divides a running mean of the gradient by the root of a running mean of its square.

    For each parameter w with gradient g, and with m = v = 0 at first, step t = 1, 2, ... is

        g <- g + weight_decay w                     or, decoupled:  w <- w - lr weight_decay w
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        w <- w - lr * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)

    entry by entry. Running means that start at 0 are too small by the factors 1 - beta^t, which are divided
    out. With ``amsgrad`` the largest v so far takes the place of v, so that, once 1 - beta2^t is near 1, no
    weight's rate grows again.
    Arguments, defaults, results and state dicts are torch.optim.Adam's, without ``foreach``, ``fused``,
    ``capturable`` and ``differentiable``.

    Source: Kingma & Ba (2015), algorithm 1; Reddi, Kale & Kumar (2018), On the convergence of Adam and
    beyond, AMSGrad; Loshchilov & Hutter (2019), the decoupled decay.

    Raises:
        ValueError: a beta outside [0, 1), a negative option, or one that is not supported.
        TypeError: at a step, a sparse gradient or a complex parameter.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        owner = type(self).__name__
        if len(betas) != 2:
            raise ValueError(f"{owner}: betas must be two numbers, got {betas!r}")
        beta1, beta2 = (float(beta) for beta in betas)
        below_one(owner, beta1=beta1, beta2=beta2)
        defaults = {
            "lr": lr,
            "betas": (beta1, beta2),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        at_least_zero(owner, lr=lr, eps=eps, weight_decay=weight_decay)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a state dict; those of older versions of PyTorch do not say how weights decay."""
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("decoupled_weight_decay", self.defaults["decoupled_weight_decay"])

    def update(self, w: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        """The rule above; t, m, v and its maximum are "step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"."""
        self.check_dense_and_real(w, g)
        state = self.state[w]
        if not state:
            state["step"] = torch.tensor(0.0, dtype=torch.get_default_dtype())
            state["exp_avg"] = torch.zeros_like(w)
            state["exp_avg_sq"] = torch.zeros_like(w)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = torch.zeros_like(w)
        state["step"] += 1
        t, lr, (beta1, beta2) = state["step"].item(), float(group["lr"]), group["betas"]
        if group["decoupled_weight_decay"]:
            w.mul_(1 - lr * group["weight_decay"])
        else:
            g = with_l2(w, g, group)
        m = state["exp_avg"].lerp_(g, 1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        if group["amsgrad"]:
            v = torch.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        root = v.sqrt().div_((1 - beta2**t) ** 0.5).add_(group["eps"])
        w.addcdiv_(m, root, value=-lr / (1 - beta1**t))


class AdamW(Adam):
    """Adam whose weights decay by lr * weight_decay at each step, apart from the gradient's scale.

    In Adam an L2 penalty's gradient is divided by the root like the rest, so weights with large gradients
    decay less; here all decay alike. Arguments, defaults, results and state dicts are torch.optim.AdamW's.

    Source: Loshchilov & Hutter (2019), Decoupled weight decay regularization, algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
