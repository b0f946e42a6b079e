"""Normalization: entries that share a mean and a variance are standardized, then scaled and shifted.

    x_hat = (x - mean) / sqrt(variance + eps)        y = weight * x_hat + bias

The layers differ in the entries that share. For images x (n, c, h, w):

    layer            mean and variance over   how many     at test time
    BatchNorm2d      n, h, w                  c            running averages of training
    LayerNorm        c, h, w                  n            as in training
    GroupNorm        c / groups, h, w         n * groups   as in training
    InstanceNorm2d   h, w                     n * c        as in training

Only batch normalization, which is here, mixes the examples of a batch, and only it must know whether it is
training. The others are in ``layer_normalization`` and ``group_normalization``. All the formulas with their
backward passes, in NumPy: ``course_lib.reference.normalization``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype

WAYS = ("native", "formula")
MANY = (
    4096  # so many float32 numbers can be added one after the other before their mean loses its fifth digit
)


def standardize(x: Tensor, dim: Sequence[int], eps: float = 1e-5) -> Tensor:
    """x_hat = (x - mean) / sqrt(variance + eps), with the mean and variance over the dimensions ``dim``.

    The variance is the mean of the squared deviations: never E[x^2] - E[x]^2, the difference of two numbers
    so large, at mean 1e4 in float32, that nothing right is left of it.
    """
    deviation = x - x.mean(tuple(dim), keepdim=True)
    variance = deviation.square().mean(tuple(dim), keepdim=True)
    return deviation / torch.sqrt(variance + eps)


def per_channel(vector: Tensor, x: Tensor) -> Tensor:
    """View a vector (c,) as (1, c, 1, ...), to go with x (n, c, ...)."""
    return vector.view(1, -1, *[1] * (x.ndim - 2))


def scale_and_shift(x_hat: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """weight * x_hat + bias for x_hat (n, c, ...), weight (c,) and bias (c,); None leaves it out."""
    y = x_hat if weight is None else x_hat * per_channel(weight, x_hat)
    return y if bias is None else y + per_channel(bias, y)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    way: str = "native",
) -> Tensor:
    """Normalize each channel of ``input`` (n, c, ...), as ``torch.nn.functional.batch_norm``.

    All vectors are (c,). In training the statistics are the batch's, and running_mean and running_var, if
    given, move towards them in place; else they are running_mean and running_var. ``way="native"`` is
    PyTorch's kernel, ``way="formula"`` spells it out.

    Raises:
        ValueError: shapes that do not fit; in training, one value a channel or eps = 0; else, no statistics.
    """
    checks.float_tensor("batch_norm", input)
    checks.one_of("batch_norm", "way", way, WAYS)
    if input.ndim < 2:
        raise ValueError(f"batch_norm: input must be (N, C, ...), got shape {tuple(input.shape)}")
    vectors = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    check_shapes("batch_norm", input.shape[1:2], vectors)
    if training:
        _check_batch("batch_norm", input, eps)
    elif running_mean is None or running_var is None:
        raise ValueError("batch_norm: running_mean and running_var must be given unless training, got None")
    compute = _by_kernel if way == "native" else _by_formula
    return compute(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _by_formula(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    if not training and running_mean is not None and running_var is not None:
        x_hat = (x - per_channel(running_mean, x)) / torch.sqrt(per_channel(running_var, x) + eps)
        return scale_and_shift(x_hat, weight, bias)
    shared = [dim for dim in range(x.ndim) if dim != 1]
    if running_mean is not None and running_var is not None:
        with torch.no_grad():  # running <- (1 - momentum) running + momentum batch
            running_mean.mul_(1 - momentum).add_(momentum * x.mean(shared))
            # Divided by m - 1, not m, the number of values: unbiased, to hold for other batches.
            running_var.mul_(1 - momentum).add_(momentum * x.var(shared, correction=1))
    return scale_and_shift(standardize(x, shared, eps), weight, bias)


def _by_kernel(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """PyTorch's kernel, given x less one of its values where it would lose the digits of a large mean.

    Where the values of a channel lie apart in memory, x (n, c) or channels_last, the kernel of the CPU adds
    them in float32 one after the other: at mean 1e4, 65,536 values of variance 1 come out with variance 17.
    """
    rest = (training, momentum, eps, torch.backends.cudnn.enabled)
    if not (training and x.is_cpu and x.numel() > MANY * x.shape[1] and x.stride(1) == 1):
        return torch.batch_norm(x, weight, bias, running_mean, running_var, *rest)
    origin = x.detach()[:1].flatten(2)[0, :, 0] if x.ndim > 2 else x.detach()[0]  # any value near the mean
    moved = None if running_mean is None else running_mean - origin
    y = torch.batch_norm(x - per_channel(origin, x), weight, bias, moved, running_var, *rest)
    if running_mean is not None and moved is not None:
        running_mean.copy_(moved + origin)
    return y


class Normalization(nn.Module):
    """What all normalizing layers share: ``weight`` and ``bias`` of some shape, 1 and 0 at first, or None."""

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self, shape: Sequence[int], affine: bool, bias: bool, device: Device = None, dtype: Dtype = None
    ) -> None:
        super().__init__()
        weight = nn.Parameter(torch.ones(shape, device=device, dtype=dtype)) if affine else None
        self.register_parameter("weight", weight)
        shift = nn.Parameter(torch.zeros(shape, device=device, dtype=dtype)) if affine and bias else None
        self.register_parameter("bias", shift)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class _BatchNorm(Normalization):
    """What BatchNorm1d and BatchNorm2d share: all but the shape of the input."""

    _version = 2  # of the state_dict: since 2 it has num_batches_tracked
    layouts: Mapping[int, str]  # of the input, by the number of dimensions
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        owner = type(self).__name__
        checks.positive_integer(owner, "num_features", num_features)
        checks.finite_number(owner, "eps", eps, at_least=0)
        if momentum is not None:
            checks.probability(owner, "momentum", momentum)
        super().__init__((num_features,), affine, bias, device, dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        mean = torch.zeros(num_features, device=device, dtype=dtype) if track_running_stats else None
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", None if mean is None else torch.ones_like(mean))
        self.register_buffer("num_batches_tracked", None if mean is None else torch.tensor(0, device=device))

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0, and forget all batches."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x by its own statistics in training, in evaluation by the running ones if it has them."""
        weight, mean, var = self.weight, self.running_mean, self.running_var
        self._check_input(x, weight)
        if not self.training:
            by_batch, share = mean is None, 0.0
        elif self.track_running_stats:
            by_batch, share = True, self._count_batch()
        else:
            by_batch, share, mean, var = True, 0.0, None, None
        if by_batch:
            _check_batch(type(self).__name__, x, self.eps)
        return _by_kernel(x, mean, var, weight, self.bias, by_batch, share, self.eps)

    def _count_batch(self) -> float:
        """Count a batch, and return how much of the running statistics it replaces."""
        batches = self.num_batches_tracked
        if batches is not None:
            batches.add_(1)
            if self.momentum is None:  # the k-th batch replaces 1 / k: the average of all batches
                return 1.0 / float(batches)
        return self.momentum or 0.0

    def _check_input(self, x: Tensor, weight: Tensor | None) -> None:
        owner = type(self).__name__
        checks.float_tensor(owner, x)
        if x.ndim not in self.layouts:
            checks.rank(owner, x, *self.layouts.values())
        checks.size(owner, x, 1, self.num_features, "num_features")
        if weight is not None:
            checks.same_precision(owner, x, weight)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        """Load old weights too: files of before version 2 do not say how many batches there were."""
        if local_metadata.get("version") in (None, 1) and self.num_batches_tracked is not None:
            state_dict.setdefault(prefix + "num_batches_tracked", torch.tensor(0))
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class BatchNorm1d(_BatchNorm):
    """Batch normalization of features x (n, c), or of channels of sequences x (n, c, t): see BatchNorm2d."""

    layouts = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """Each channel of x (n, c, h, w) gets mean 0 and variance 1 over the batch, then learned scale and shift.

    ``weight`` and ``bias`` (c,) start at 1 and 0, with ``affine=False`` they are None. The mean and the
    variance depend on x, so the gradient flows through them: it is orthogonal to a constant and to x_hat, and
    multiplying the weights of the layer before by a number changes nothing (its bias is superfluous).

    In training, buffers ``running_mean`` and ``running_var`` follow the batches: running <- (1 - momentum)
    running + momentum batch (an optimizer's momentum is the other way round), with the variance divided by m
    - 1. ``momentum=None`` averages all batches. In evaluation they take the batch's place, and the layer is
    an affine function of each example; with ``track_running_stats=False`` the batch counts in evaluation too.

    Source: Ioffe & Szegedy (2015), Batch normalization, algorithms 1 and 2.

    Raises:
        ValueError: num_features below 1, a negative eps, a momentum outside 0 ... 1, an input of another
            shape, or of one value a channel in training, when that value would always come out as 0.
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    layouts = {4: "(N, C, H, W)"}


def check_shapes(owner: str, shape: Sequence[int], tensors: Mapping[str, Tensor | None]) -> None:
    """Raise unless each tensor, if there is one, has this shape."""
    for name, value in tensors.items():
        if value is not None and value.shape != shape:
            raise ValueError(f"{owner}: {name} must have shape {tuple(shape)}, got {tuple(value.shape)}")


def _check_batch(owner: str, x: Tensor, eps: float) -> None:
    if x.numel() == x.shape[1]:
        raise ValueError(
            f"{owner}: input must have more than one value a channel in training, got shape {tuple(x.shape)}"
        )
    if eps <= 0:
        raise ValueError(f"{owner}: eps must be greater than 0 in training, got {eps}")
