"""A row of the benchmark: ours and its rivals on the same inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Call = Callable[[], Any]
Contest = Mapping[str, Call]  # {"ours": call, rival: call, ...}: each call does the whole work once


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        name: the layer and the size, such as "Conv2d 3x3, 16x32x32x32, forward".
        build: given a device and a number of threads, prepares the inputs and returns the contest. A rival
            whose library is not installed is left out of it.
        against: the rival that the bar is about.
        bar: how fast ours must be, as a multiple of that rival's speed; None where nothing is demanded.
        agree: whether ours and that rival must compute the same numbers, to ``rtol`` and ``atol``: a fast
            wrong answer is not a result. False where randomness or rules differ.
    """

    name: str
    build: Callable[[torch.device, int], Contest]
    against: str = "PyTorch"
    bar: float | None = None
    agree: bool = True
    rtol: float = 1e-3
    atol: float = 1e-4


def layer_rows(
    name: str,
    ours: Callable[[], nn.Module],
    rivals: Mapping[str, Callable[[], nn.Module]],
    inputs: Callable[[], Sequence[Tensor]],
    *,
    against: str = "PyTorch",
    bar: float | None = None,
    agree: bool = True,
) -> list[Row]:
    """Return two rows for a layer: forward, and forward with backward.

    ``rivals`` make modules called like ours, whose parameters, if they have the same names, are set to ours.
    ``inputs`` draws what they are called with; its floating tensors get gradients too.
    """

    def build(backward: bool, device: torch.device) -> Contest:
        torch.manual_seed(0)
        modules = {"ours": ours().to(device)} | {key: make().to(device) for key, make in rivals.items()}
        given = [x.to(device) for x in inputs()]
        for module in modules.values():
            if module.state_dict().keys() == modules["ours"].state_dict().keys():
                module.load_state_dict(modules["ours"].state_dict())
        run = _forward_and_backward if backward else _forward
        return {key: run(module, given) for key, module in modules.items()}

    return [
        Row(
            f"{name}, {'forward and backward' if backward else 'forward'}",
            lambda device, threads, backward=backward: build(backward, device),  # type: ignore[misc]
            against,
            bar,
            agree,
        )
        for backward in (False, True)
    ]


def _forward(module: nn.Module, inputs: Sequence[Tensor]) -> Call:
    def call() -> Any:
        with torch.no_grad():
            return _tensors(module(*inputs))

    return call


def _forward_and_backward(module: nn.Module, inputs: Sequence[Tensor]) -> Call:
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    sources = [x for x in [*leaves, *module.parameters()] if x.requires_grad]

    def call() -> Any:
        outputs = [y for y in _tensors(module(*leaves)) if y.requires_grad]
        return torch.autograd.grad(outputs, sources, [torch.ones_like(y) for y in outputs], allow_unused=True)

    return call


def _tensors(found: Any) -> list[Tensor]:
    """The tensors in what a layer returns, in order, however nested."""
    if isinstance(found, Tensor):
        return [found]
    return [tensor for each in found if each is not None for tensor in _tensors(each)]
