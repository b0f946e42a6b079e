"""A net run backwards by a rule of one's own for its ReLUs: what deconvnet and guided backprop share."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_lib.visualize.probing import (
    Layer,
    Unit,
    checked_model,
    evaluating,
    images_for,
    index_of,
    watched,
)

# The signal that comes from above, and where the unit was active on the way up -> the signal passed down.
# Backpropagation is signal * active.
Rule = Callable[[Tensor, Tensor], Tensor]

OTHER_ACTIVATIONS = {
    *("celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu"),
    *(
        "log_sigmoid",
        "log_softmax",
        "logsigmoid",
        "mish",
        "prelu",
        "rrelu",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
    ),
    *("softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold"),
}


def project(
    owner: str,
    model: Any,
    images: Any,
    layer: Layer,
    unit: Unit,
    *,
    rule: Rule,
    start: Callable[[Tensor], Tensor],
    straight: tuple[type[nn.Module], ...] = (),
) -> Tensor:
    """Send a signal from one unit of a layer back to the pixels; the model is left as it was.

    The signal starts as ``start(activation)`` at the unit and 0 elsewhere. ReLUs hand it down by ``rule``,
    modules of the kinds ``straight`` as it is, and all else as gradients go: convolutions by their transpose,
    max pooling to the place of the maximum.
    """
    model, images = checked_model(owner, model), images_for(owner, model, images)
    with evaluating(model), ExitStack() as until_done, RectifierMode(owner, rule):
        for handle in _pass_straight(model.modules(), straight):
            until_done.callback(handle.remove)
        pixels = images.detach().requires_grad_()
        activation, _ = watched(owner, model, layer, pixels)
        index = index_of(owner, activation, unit)
        signal = torch.zeros_like(activation)
        signal[index] = start(activation.detach()[index])
        found = None
        if activation.requires_grad:
            (found,) = torch.autograd.grad(activation, pixels, signal, allow_unused=True)
    if found is None:
        raise ValueError(f"{owner}: layer must be one that depends on the images")
    return found


class RectifierMode(TorchFunctionMode):
    """In its block every ReLU and ReLU6, module or function, in place or not, has this rule backwards.

    What it computes forwards stays. Other activations forbid the way back: there is no such rule for them.
    """

    def __init__(self, owner: str, rule: Rule) -> None:
        super().__init__()
        self.owner, self.rule = owner, rule

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Replace rectifiers, and leave all else as it is."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").strip("_")
        if name in ("relu", "relu6") or (name == "hardtanh" and _least(args, kwargs) == 0):
            x = args[0] if args else kwargs.pop("input")
            return _Rectifier.apply(x, lambda x: func(x, *args[1:], **kwargs), self.rule)
        if name in OTHER_ACTIVATIONS:
            return _NoWayBack.apply(func(*args, **kwargs), self.owner, name)
        return func(*args, **kwargs)


class _Rectifier(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, compute: Callable[[Tensor], Tensor], rule: Rule) -> Tensor:
        unclipped = x.clone()  # x may be overwritten
        y = compute(x)
        if y is x:
            ctx.mark_dirty(x)
        ctx.rule, ctx.active = rule, (unclipped > 0) & (unclipped == y)  # ReLU6 clips above too
        return y

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None, None]:
        return ctx.rule(signals[0], ctx.active), None, None


class _NoWayBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, owner: str, name: str) -> Tensor:
        ctx.owner, ctx.name = owner, name
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None, None]:
        raise ValueError(
            f"{ctx.owner}: model must have no activation but ReLU up to the layer, got {ctx.name} on the way"
        )


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *signals: Tensor) -> tuple[Tensor, None]:
        return signals[0], None


def _pass_straight(modules: Iterable[nn.Module], kinds: tuple[type[nn.Module], ...]) -> Iterable[Any]:
    """Hook the modules of these kinds, so that a signal passes them unchanged."""
    for module in modules:
        if isinstance(module, kinds):
            yield module.register_forward_hook(
                lambda module, inputs, output: _Straight.apply(*inputs, output)
            )


def _least(args: Any, kwargs: dict[str, Any]) -> Any:
    """The min_val that hardtanh was given: ReLU6 is hardtanh from 0 to 6."""
    return args[1] if len(args) > 1 else kwargs.get("min_val", -1)
