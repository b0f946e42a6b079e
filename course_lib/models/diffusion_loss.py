"""What a diffusion model is trained on: guess the noise that was put in."""

import torch
from torch import Tensor, nn

from course_lib.layers import checks
from course_lib.models.noise_schedule import NoiseSchedule


def ddpm_loss(
    net: nn.Module,
    schedule: NoiseSchedule,
    x0: Tensor,
    generator: torch.Generator | None = None,
    *,
    y: Tensor | None = None,
    drop: float = 0.1,
) -> Tensor:
    """Mean of (eps - net(x_t, t))^2 over the batch x0 (n, ...) -> (), a time and a noise drawn for each row.

    With classes y (n,) the net is called as net(x_t, t, y), after each class was replaced with probability
    ``drop`` by ``net.num_classes``, which means "not told": so one net learns to guess with and without, as
    ``guided`` needs it.

    Source: Ho, Jain & Abbeel (2020), equation 14; Ho & Salimans (2022), algorithm 1, for ``drop``.

    Raises:
        TypeError: a schedule that is none, x0 no float tensor; classes for a net without.
        ValueError: an empty batch, a ``drop`` outside 0 ... 1, classes that are not (n,).
    """
    check_schedule("ddpm_loss", schedule)
    checks.float_tensor("ddpm_loss", x0, "x0")
    checks.probability("ddpm_loss", "drop", drop)
    if x0.ndim < 2 or not len(x0):
        raise ValueError(f"ddpm_loss: x0 must be (n, ...) with n of 1 or more, got shape {tuple(x0.shape)}")
    n, device = len(x0), x0.device
    t = torch.randint(len(schedule), (n,), generator=generator, device=device)
    eps = torch.randn(x0.shape, generator=generator, device=device, dtype=x0.dtype)
    xt = schedule.q_sample(x0, t, eps)
    if y is None:
        return (net(xt, t) - eps).square().mean()
    null = getattr(net, "num_classes", None)
    if null is None:
        raise TypeError(f"ddpm_loss: y needs a net with num_classes, got {type(net).__name__} without")
    if y.shape != (n,):
        raise ValueError(f"ddpm_loss: y must be (n,) with n={n}, got shape {tuple(y.shape)}")
    silent = torch.rand(n, generator=generator, device=device) < drop
    return (net(xt, t, torch.where(silent, null, y)) - eps).square().mean()


def check_schedule(owner: str, schedule: NoiseSchedule) -> None:
    """Raise unless ``schedule`` is a NoiseSchedule."""
    if not isinstance(schedule, NoiseSchedule):
        raise TypeError(f"{owner}: schedule must be a NoiseSchedule, got {type(schedule).__name__}")
