"""Batch normalization over the batch of all processes, and not each over its own share."""

from typing import Any

import torch
from torch import Tensor, distributed

from course_lib import layers
from course_lib.layers.normalization import per_channel, scale_and_shift


class SyncBatchNorm2d(layers.BatchNorm2d):
    """``layers.BatchNorm2d`` whose mean and variance in training are those of all processes' examples.

    With ``layers.BatchNorm2d`` each process standardizes by its own share, so that two processes train
    another function than one: a batch of 8 in shares of 4 has the statistics of 4. Here they exchange sums,
    of the values with their number, then of the squared deviations, and the backward pass exchanges the sums
    of the gradients that reach these: four messages. Arguments and state_dict are those of
    ``layers.BatchNorm2d``. Shares may have unequal sizes if each process weighs its loss by its share before
    ``backward`` (``backward_together``).

    Source: Peng et al. (2018), MegDet, section 3.3. PyTorch's SyncBatchNorm does this on GPUs only.

    Raises:
        ValueError, TypeError: as ``layers.BatchNorm2d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (n, c, h, w) by the statistics of all processes in training."""
        if not self.training or not distributed.is_initialized() or distributed.get_world_size() == 1:
            return super().forward(x)
        self._check_input(x, self.weight)
        given, x = x.dtype, x.to(torch.promote_types(x.dtype, torch.float32))  # 16 bits cannot count
        sums = _summed(torch.cat([x.sum((0, 2, 3)), x.new_tensor([x.numel() / x.shape[1]])]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        deviation = x - per_channel(mean, x)
        variance = _summed(deviation.square().sum((0, 2, 3))) / count
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            replaced = self._count_batch()
            unbiased = variance * count / (count - 1)
            self.running_mean.lerp_(mean.detach().to(self.running_mean.dtype), replaced)
            self.running_var.lerp_(unbiased.detach().to(self.running_var.dtype), replaced)
        x_hat = deviation / torch.sqrt(per_channel(variance, x) + self.eps)
        return scale_and_shift(x_hat, self.weight, self.bias).to(given)


class _Sum(torch.autograd.Function):
    """The sum over processes of a tensor: each process's loss depends on each process's summand.

    So the gradient of a summand is the sum of the gradients that reach the sum, in all processes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        summed = x.contiguous().clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed


def _summed(x: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(x)
    return total
