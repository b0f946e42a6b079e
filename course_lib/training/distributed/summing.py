"""What data parallel training says between processes: sums of gradients, and the state of the first process.

    L = 1/m sum_i l_i = sum_r m_r/m L_r,   so   dL/dw = sum_r m_r/m dL_r/dw

where process r has m_r of the m examples of the batch and L_r is the mean of their losses. Each process
weighs its loss by m_r/m and the gradients are added: no mean of means, which is right for equal shares only.

Source: Goyal et al. (2017), Accurate, large minibatch SGD, section 3, remark 3, for equal shares.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn

from course_lib.layers import checks
from course_lib.training.checkpoint import Stateful
from course_lib.training.distributed.normalization import SyncBatchNorm2d

ModelLoss = Callable[[Any, Tensor, Tensor], Tensor]


def backward_together(model: nn.Module, loss: ModelLoss, x: Tensor, y: Tensor, total: int) -> Tensor:
    """Put the gradient of the mean loss over a shared batch into ``.grad``, and return that mean loss.

    Every process calls it with its own share, and all end with the same gradient. Alone, it is
    ``loss.backward()``. Set the gradients to zero before.

    Args:
        model: the same in all processes.
        loss: function of (model, x, y), a mean over the examples.
        x, y: the share of this process (m_r, ...), which may be empty.
        total: m, examples in all shares together.

    Raises:
        ValueError: a share larger than the batch; an empty share where the model synchronizes its batch
            norms, since it would leave the others waiting for its statistics.
    """
    checks.positive_integer("backward_together", "total", total)
    if len(x) > total:
        raise ValueError(f"backward_together: total must be at least the share, {len(x)}, got {total}")
    world = distributed.get_world_size() if distributed.is_initialized() else 1
    if total < world and any(isinstance(module, SyncBatchNorm2d) for module in model.modules()):
        raise ValueError(
            f"backward_together: with SyncBatchNorm2d total must be {world} processes or more, got {total}"
        )
    value = torch.zeros((), device=x.device, dtype=torch.float64)
    if len(x):
        weighted = len(x) / total * loss(model, x, y)
        weighted.backward()
        value += weighted.detach()
    sum_gradients(model.parameters())
    return sum_over_processes(value)


@torch.no_grad()
def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradient of each parameter by its sum over all processes.

    All gradients travel as one vector: a message has a cost of its own, whatever its length. A parameter that
    this process did not use counts as one whose gradient is zero.
    """
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    if not learned:
        return
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in learned]
    summed = sum_over_processes(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    for parameter, part in zip(learned, summed.split([p.numel() for p in learned]), strict=True):
        parameter.grad = part.view_as(parameter).to(parameter.dtype)


def sum_over_processes(value: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes; alone, the tensor itself."""
    if not distributed.is_initialized():
        return value
    summed = value.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(summed)
    return summed


def share_state(parts: Mapping[str, Stateful]) -> None:
    """Give all processes the state that the first one has: of the model, the optimizer, the progress.

    The first process alone needs to see the checkpoint, and all start from the same weights for sure.
    """
    if not distributed.is_initialized():
        return
    first = distributed.get_rank() == 0
    packed = io.BytesIO()
    if first:
        torch.save({name: part.state_dict() for name, part in parts.items()}, packed)
    message = [packed.getvalue()]
    distributed.broadcast_object_list(message, src=0)
    if not first:
        # To the CPU: tensors that come from a GPU would all go to that one, which is the first process's.
        # They come from a process of this run, and not from a file of unknown origin.
        states = torch.load(io.BytesIO(message[0]), map_location="cpu", weights_only=False)
        for name, part in parts.items():
            part.load_state_dict(states[name])
