"""The net of a diffusion model: a small U-Net that is told the time and guesses the noise."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.time_embedding import TimeEmbedding

GROUPS = 8  # of the group normalization


class TimedResidualBlock(nn.Module):
    """x (n, c, h, w), told (n, features) -> (n, out_channels, h, w).

    Twice normalize, SiLU, 3x3 convolution; between the two a dense layer of what is told is added to every
    position. The second convolution starts at zero, so that at first the block does nothing but its shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, features: int, **where: Any) -> None:
        super().__init__()
        self.norm1 = layers.GroupNorm(GROUPS, in_channels, **where)
        self.conv1 = layers.Conv2d(in_channels, out_channels, 3, padding=1, **where)
        self.told = layers.Linear(features, out_channels, **where)
        self.norm2 = layers.GroupNorm(GROUPS, out_channels, **where)
        self.conv2 = layers.Conv2d(out_channels, out_channels, 3, padding=1, **where)
        layers.zeros_(self.conv2.weight)
        layers.zeros_(self.conv2.bias)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else layers.Conv2d(in_channels, out_channels, 1, **where)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Apply the block."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.told(F.silu(told))[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class DDPM(nn.Module):
    """The noise in x_t: x (n, in_channels, h, w), t (n,), and y (n,) if there are classes -> like x.

    On the way down a block for each of ``multipliers``, with width * multiplier channels, and between two of
    them a convolution of stride 2; one block in the middle; on the way up the same, with nearest-neighbour
    doubling, and the maps from the way down put beside. Where x is nearly all noise, the answer is nearly x
    itself, which the normalizations would lose: so x is added, times a number that depends on the time (and
    the class) alone. This number and the last convolution start at zero.

    Args:
        in_channels: channels of the pictures, which should lie in [-1, 1].
        width: channels at full size, a multiple of 8; also the size of the time's sinusoids, times 4.
        multipliers: of the width, from the full size down; sides must be multiples of 2^(len - 1).
        num_classes: classes 0 ... num_classes - 1 that the net may be told; y = None means "not told".
        device: where the parameters live.
        dtype: of the parameters.

    Source: Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, appendix B, made small: a
    block a size, no attention, no dropout. The added x is ours; compare Karras et al. (2022), equation 7.

    Raises:
        ValueError: a size out of range, pictures whose channels or sides do not fit, times that are not (n,).
        TypeError: an argument of the wrong type.
    """

    def __init__(
        self,
        in_channels: int = 1,
        width: int = 32,
        multipliers: Sequence[int] = (1, 2, 2),
        num_classes: int | None = None,
        *,
        device: Device = None,
        dtype: Dtype = None,
    ) -> None:
        super().__init__()
        sizes = {f"multipliers[{i}]": m for i, m in enumerate(multipliers)}
        for name, value in {"in_channels": in_channels, "width": width, **sizes}.items():
            checks.positive_integer("DDPM", name, value)
        if width % GROUPS or not sizes:
            what = f"width a multiple of {GROUPS} and multipliers not empty"
            raise ValueError(f"DDPM: expected {what}, got {width} and {tuple(multipliers)}")
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        features, widths = 4 * width, [width * m for m in multipliers]
        self.in_channels, self.num_classes = in_channels, num_classes
        self.time = TimeEmbedding(features, num_classes, **where)
        self.enter = layers.Conv2d(in_channels, width, 3, padding=1, **where)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for before, after in zip([width, *widths], widths, strict=False):
            self.down.append(TimedResidualBlock(before, after, features, **where))
        for c in widths[:-1]:
            self.shrink.append(layers.Conv2d(c, c, 3, stride=2, padding=1, **where))
        self.middle = TimedResidualBlock(widths[-1], widths[-1], features, **where)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for below, c in zip([widths[-1], *widths[::-1]], widths[::-1], strict=False):
            self.up.append(TimedResidualBlock(below + c, c, features, **where))
        for c in widths[:0:-1]:
            self.grow.append(layers.Conv2d(c, c, 3, padding=1, **where))
        self.norm = layers.GroupNorm(GROUPS, widths[0], **where)
        self.leave = layers.Conv2d(widths[0], in_channels, 3, padding=1, **where)
        self.gate = layers.Linear(features, in_channels, **where)
        for layer in (self.leave, self.gate):
            layers.zeros_(layer.weight)
            layers.zeros_(layer.bias)

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """Guess the noise."""
        self._check(x, t)
        told = self.time(t, y)
        h, across = self.enter(x), []
        for number, block in enumerate(self.down):
            h = block(h if number == 0 else self.shrink[number - 1](h), told)
            across.append(h)
        h = self.middle(h, told)
        for number, block in enumerate(self.up):
            if number:
                h = self.grow[number - 1](F.interpolate(h, scale_factor=2.0, mode="nearest"))
            h = block(torch.cat([h, across.pop()], dim=1), told)
        kept = self.gate(F.silu(told))[:, :, None, None]  # (n, in_channels, 1, 1)
        return kept * x + self.leave(F.silu(self.norm(h)))

    def _check(self, x: Tensor, t: Tensor) -> None:
        checks.float_tensor("DDPM", x, "x")
        checks.rank("DDPM", x, "(n, c, h, w)", name="x")
        checks.size("DDPM", x, 1, self.in_channels, "in_channels", name="x")
        step = 2 ** len(self.shrink)
        if any(side % step or not side for side in x.shape[2:]):
            raise ValueError(f"DDPM: sides of x must be multiples of {step}, got shape {tuple(x.shape)}")
        checks.tensor("DDPM", t, "t")
        if t.shape != x.shape[:1]:
            raise ValueError(f"DDPM: t must be (n,) with n={len(x)}, got shape {tuple(t.shape)}")


def ddpm(
    in_channels: int = 1,
    width: int = 32,
    multipliers: Sequence[int] = (1, 2, 2),
    num_classes: int | None = None,
    **options: Any,
) -> DDPM:
    """A U-Net that guesses noise; arguments and ``options`` are those of ``DDPM``."""
    return DDPM(in_channels, width, multipliers, num_classes, **options)
