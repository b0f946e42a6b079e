"""Steps of Adam against PyTorch's fused ones, on a GPU: one large tensor, and the many of a ResNet-50."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch

from course_lib import optim
from course_lib.benchmarks.contest import Contest, Row
from course_lib.benchmarks.gpu import SHARE
from course_lib.benchmarks.limits import Work

Shapes = Sequence[tuple[int, ...]]
ONE = [(8192, 8192)]
RESNET_WEIGHTS = 25_557_032


def resnet_shapes() -> Shapes:
    """Return the shapes of the parameters of a ResNet-50, of which no number is drawn."""
    from course_lib import models

    with torch.device("meta"):
        return [tuple(parameter.shape) for parameter in models.resnet50().parameters()]


def steps(rule: str, shapes: Callable[[], Shapes], device: torch.device, threads: int) -> Contest:
    """Each contestant has weights of its own; they begin alike, and return their first tensor."""
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator) for shape in shapes()]

    def call(make: Callable[..., torch.optim.Optimizer], **options: bool) -> Callable[[], torch.Tensor]:
        weights = [torch.nn.Parameter(each.to(device, copy=True)) for each in drawn]
        for each in weights:
            each.grad = each.detach().cos()
        optimizer = make(weights, lr=1e-3, **options)

        def step() -> torch.Tensor:
            optimizer.step()
            return weights[0].detach()

        return step

    theirs = getattr(torch.optim, rule)
    return {
        "ours": call(getattr(optim, rule)),
        "PyTorch": call(theirs, fused=True),
        "PyTorch, foreach": call(theirs, foreach=True),
    }


def _row(name: str, rule: str, shapes: Callable[[], Shapes], weights: int, share: float | None) -> Row:
    return Row(
        name,
        partial(steps, rule, shapes),
        bar=0.95 if share else None,
        only_on="cuda",
        work=Work(7 * weights),
        share=share,
    )


ROWS = [
    _row("AdamW 8192x8192, float32, step", "AdamW", lambda: ONE, math.prod(ONE[0]), SHARE),
    _row("Adam ResNet-50, float32, step", "Adam", resnet_shapes, RESNET_WEIGHTS, None),  # a launch a tensor
]
