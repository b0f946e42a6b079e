"""Group normalization and, with a group for each channel, instance normalization."""

import torch
from torch import Tensor

from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.layers.normalization import (
    WAYS,
    Normalization,
    check_shapes,
    scale_and_shift,
    standardize,
)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *,
    way: str = "native",
) -> Tensor:
    """Normalize groups of channels of ``input`` (n, c, ...), as ``torch.nn.functional.group_norm``.

    weight and bias are (c,). ``way="native"`` is PyTorch's kernel, ``way="formula"`` spells it out.

    Raises:
        ValueError: channels that ``num_groups`` does not divide, or a weight or bias of another shape.
    """
    checks.float_tensor("group_norm", input)
    checks.one_of("group_norm", "way", way, WAYS)
    checks.positive_integer("group_norm", "num_groups", num_groups)
    if input.ndim < 2 or input.shape[1] % num_groups:
        expected = f"(N, C, ...) with C a multiple of num_groups={num_groups}"
        raise ValueError(f"group_norm: input must be {expected}, got shape {tuple(input.shape)}")
    check_shapes("group_norm", input.shape[1:2], {"weight": weight, "bias": bias})
    if way == "native":
        return _by_kernel(input, num_groups, weight, bias, eps)
    groups = input.unflatten(1, (num_groups, -1))  # (n, groups, c / groups, ...)
    x_hat = standardize(groups, range(2, groups.ndim), eps)
    return scale_and_shift(x_hat.flatten(1, 2), weight, bias)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each example of ``input`` (n, c, ...), as in ``torch.nn.functional``.

    Running statistics are not supported, so momentum changes nothing.

    Raises:
        ValueError: running statistics, one value a channel, or a weight or bias that is not (c,).
    """
    checks.float_tensor("instance_norm", input)
    if running_mean is not None or running_var is not None or not use_input_stats:
        raise ValueError(
            "instance_norm: running_mean, running_var and use_input_stats=False are not supported"
        )
    if input.ndim < 3:
        raise ValueError(f"instance_norm: input must be (N, C, L, ...), got shape {tuple(input.shape)}")
    check_shapes("instance_norm", input.shape[1:2], {"weight": weight, "bias": bias})
    _check_positions("instance_norm", input)
    return _by_kernel(input, input.shape[1], weight, bias, eps)


def _by_kernel(x: Tensor, num_groups: int, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """PyTorch's kernel, with the channels in order.

    For channels_last on the CPU it has one that computes E[x^2] - E[x]^2 in float32: at mean 1e4 and variance
    1, its x_hat is off by 1000.
    """
    return torch.group_norm(x.contiguous(), num_groups, weight, bias, eps, torch.backends.cudnn.enabled)


class GroupNorm(Normalization):
    """Each group of channels of an example, x (n, c, ...), gets mean 0 and variance 1, then scale and shift.

    ``num_groups`` divides ``num_channels`` = c; neighbours share a group. ``weight`` and ``bias`` (c,) are
    None with ``affine=False``. It works the same for any batch size, in training and evaluation. One group is
    layer normalization over (c, h, w), but for a scale a channel; c groups are instance normalization. A
    group of a single value always comes out as bias.

    Source: Wu & He (2018), Group normalization, section 3.

    Raises:
        ValueError: a size below 1, groups that do not divide the channels, a negative eps, or an input that
            is not (N, num_channels, ...).
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Device = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        checks.positive_integer("GroupNorm", "num_groups", num_groups)
        checks.positive_integer("GroupNorm", "num_channels", num_channels)
        checks.finite_number("GroupNorm", "eps", eps, at_least=0)
        if num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_groups must divide num_channels={num_channels}, got {num_groups}"
            )
        super().__init__((num_channels,), affine, bias, device, dtype)
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (n, num_channels, ...)."""
        checks.float_tensor("GroupNorm", x)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            expected = f"(N, num_channels={self.num_channels}, ...)"
            raise ValueError(f"GroupNorm: input must be {expected}, got shape {tuple(x.shape)}")
        if self.weight is not None:
            checks.same_precision("GroupNorm", x, self.weight)
        return _by_kernel(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        affine, bias = self.affine, self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={affine}, bias={bias}"


class InstanceNorm2d(Normalization):
    """Each channel of each example of x (n, c, h, w) gets mean 0 and variance 1: GroupNorm with c groups.

    An image's contrast is lost, as style transfer wants it. ``weight`` and ``bias`` (c,) exist with
    ``affine=True`` only. x (c, h, w) without a batch will do. Running statistics
    (``track_running_stats=True``) are not supported, so ``momentum`` changes nothing.

    Source: Ulyanov, Vedaldi & Lempitsky (2016), Instance normalization, equation 5.

    Raises:
        ValueError: a size below 1, a negative eps, running statistics, an input of another shape, or one of a
            single position, which would always come out as 0.
        TypeError: an input that is no tensor, not of a floating-point dtype, or float64 where weight is not.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Device = None,
        dtype: Dtype = None,
        *,
        bias: bool = True,
    ) -> None:
        checks.positive_integer("InstanceNorm2d", "num_features", num_features)
        checks.finite_number("InstanceNorm2d", "eps", eps, at_least=0)
        checks.not_supported("InstanceNorm2d", track_running_stats=track_running_stats)
        super().__init__((num_features,), affine, bias, device, dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats

    def forward(self, x: Tensor) -> Tensor:
        """Normalize x (n, num_features, h, w) or (num_features, h, w)."""
        checks.float_tensor("InstanceNorm2d", x)
        checks.rank("InstanceNorm2d", x, "(N, C, H, W)", "(C, H, W)")
        checks.size("InstanceNorm2d", x, x.ndim - 3, self.num_features, "num_features")
        if self.weight is not None:
            checks.same_precision("InstanceNorm2d", x, self.weight)
        batch = x if x.ndim == 4 else x.unsqueeze(0)
        _check_positions("InstanceNorm2d", batch)
        return _by_kernel(batch, self.num_features, self.weight, self.bias, self.eps).view(x.shape)

    def extra_repr(self) -> str:
        """Arguments shown by repr."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


def _check_positions(owner: str, x: Tensor) -> None:
    if x.shape[2:].numel() == 1:
        raise ValueError(
            f"{owner}: input must have more than one value a channel, got shape {tuple(x.shape)}"
        )
