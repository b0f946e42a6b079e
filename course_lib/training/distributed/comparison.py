"""The gradient of one batch three ways: whole, in shares summed by hand, and by PyTorch's own class."""

from typing import Any

import torch
from torch import Tensor, distributed, nn

from course_lib.training.distributed.processes import Processes
from course_lib.training.distributed.shares import share
from course_lib.training.distributed.summing import ModelLoss, backward_together

Gradients = dict[str, Tensor]


def compare_gradients(
    model: nn.Module, loss: ModelLoss, x: Tensor, y: Tensor, processes: Processes
) -> dict[str, Gradients]:
    """Return the gradients of the mean loss over (x, y) by parameter: "whole", "ours" and "torch".

    "whole" is computed by each process alone, "ours" by ``backward_together``, "torch" by
    ``DistributedDataParallel``, which takes the mean over processes and not over examples: to be right for
    unequal shares, each loss is multiplied by its share times the number of processes.

    Raises:
        ValueError: torchrun did not start this process, or the batch has fewer examples than processes.
    """
    if not distributed.is_initialized():
        raise ValueError("compare_gradients: no processes to compare; start them with torchrun and joined()")
    if len(x) < processes.world:
        raise ValueError(
            f"compare_gradients: x must have an example for each of {processes.world} processes, got {len(x)}"
        )
    found: dict[str, Gradients] = {}
    own = share(torch.arange(len(x)), processes.rank, processes.world).to(x.device)

    model.zero_grad()
    loss(model, x, y).backward()
    found["whole"] = _gradients(model)

    model.zero_grad()
    backward_together(model, loss, x[own], y[own], total=len(x))
    found["ours"] = _gradients(model)

    model.zero_grad()
    parallel: Any = nn.parallel.DistributedDataParallel(model)
    (loss(parallel, x[own], y[own]) * (processes.world * len(own) / len(x))).backward()
    found["torch"] = _gradients(model)
    return found


def largest_difference(one: Gradients, other: Gradients) -> float:
    """Return the largest difference of two gradients, as a share of the largest entry of ``one``."""
    scale = max(float(gradient.abs().max()) for gradient in one.values())
    return max(float((one[name] - other[name]).abs().max()) for name in one) / scale


def _gradients(model: nn.Module) -> Gradients:
    return {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}
