"""From noise to pictures: the ancestral sampler, step by step back, and DDIM, which may leave steps out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_lib.environment import in_book
from course_lib.layers import checks
from course_lib.layers.checks import Device, Dtype
from course_lib.models.diffusion_loss import check_schedule
from course_lib.models.noise_schedule import NoiseSchedule

Denoiser = Callable[[Tensor, Tensor], Tensor]


def ddpm_step(
    schedule: NoiseSchedule, x: Tensor, t: int, eps: Tensor, noise: Tensor, clip: float | None = 1.0
) -> Tensor:
    """One step back: x_t, the noise ``eps`` guessed in it, and fresh noise, all (n, ...) -> x_{t-1}.

    The guess gives an x_0, which is kept within -clip ... clip (None: as it is); x_{t-1} is then drawn from
    the posterior q(x_{t-1} | x_t, x_0). At t = 0 the x_0 itself is returned.

    Source: Ho, Jain & Abbeel (2020), algorithm 2 with the variance of equation 7; clipping as in their code.

    Raises:
        ValueError: a t outside the schedule, shapes that differ.
        TypeError: a schedule that is none.
    """
    check_schedule("ddpm_step", schedule)
    mean, variance = schedule.posterior(_clipped(schedule.predict_x0(x, t, eps), clip), x, t)
    return mean + variance.sqrt() * noise


def ddim_step(
    schedule: NoiseSchedule,
    x: Tensor,
    t: int,
    before: int,
    eps: Tensor,
    noise: Tensor | None = None,
    eta: float = 0.0,
    clip: float | None = 1.0,
) -> Tensor:
    """A step back from t to any earlier time ``before`` (-1: to x_0 itself), all tensors (n, ...).

        x_s = sqrt(abar_s) x_0 + sqrt(1 - abar_s - sigma^2) eps + sigma noise,
        sigma = eta sqrt((1 - abar_s) / (1 - abar_t)) sqrt(1 - abar_t / abar_s)

    with the x_0 that eps implies. Where clipping has changed it, eps is changed to match. With eta = 0 no
    noise is needed; eta = 1 and before = t - 1 is ``ddpm_step``.

    Source: Song, Meng & Ermon (2021), Denoising diffusion implicit models, equations 12 and 16.

    Raises:
        ValueError: a ``before`` that is not from -1 to t - 1, a negative eta, eta without noise.
        TypeError: a schedule that is none.
    """
    check_schedule("ddim_step", schedule)
    checks.finite_number("ddim_step", "eta", eta, at_least=0)
    if not -1 <= before < t:
        raise ValueError(f"ddim_step: before must be from -1 to t - 1 = {t - 1}, got {before}")
    if eta and noise is None:
        raise ValueError("ddim_step: noise must be given where eta is not 0, got None")
    x0 = schedule.predict_x0(x, t, eps)
    if clip is not None:
        x0 = _clipped(x0, clip)
        eps = schedule.predict_eps(x, t, x0)
    now = schedule.alpha_bars[t]
    then = schedule.alpha_bars[before] if before >= 0 else torch.ones_like(now)
    sigma = eta * ((1 - then) / (1 - now) * (1 - now / then)).sqrt()
    back = then.sqrt().item() * x0 + (1 - then - sigma**2).clamp(min=0).sqrt().item() * eps
    return back if noise is None else back + sigma.item() * noise


def ddpm_sample(
    net: Denoiser,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    generator: torch.Generator | None = None,
    *,
    clip: float | None = 1.0,
    progress: bool = False,
    device: Device = None,
    dtype: Dtype = None,
) -> Tensor:
    """Draw samples of ``shape`` (n, ...) by ``ddpm_step`` from t = T - 1 down to 0.

    Args:
        net: eps(x, t), x (n, ...), t (n,); a module, ``guided(net, y, weight)`` or any function.
        schedule: the one that the net was trained with.
        shape: (n, ...).
        generator: of all random numbers.
        clip: range of the data, from -clip to clip; None for data without one.
        progress: show a bar; never in the static book.
        device: default that of the net's parameters, if it has some.
        dtype: likewise.

    Raises:
        TypeError: a schedule that is none.
        ValueError: a clip that is not positive.
    """
    check_schedule("ddpm_sample", schedule)
    _check_clip("ddpm_sample", clip)

    def step(x: Tensor, t: int, eps: Tensor) -> Tensor:
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) if t else x
        return ddpm_step(schedule, x, t, eps, noise, clip)

    start = _noise(net, shape, generator, device, dtype)
    return _backwards(net, start, reversed(range(len(schedule))), step, len(schedule), progress)


def ddim_sample(
    net: Denoiser,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    steps: int = 50,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    *,
    clip: float | None = 1.0,
    progress: bool = False,
    device: Device = None,
    dtype: Dtype = None,
) -> Tensor:
    """Draw samples of ``shape`` (n, ...) by ``ddim_step`` at ``steps`` times of the schedule.

    With eta = 0 the start decides all: the same noise gives the same sample, nearly whatever ``steps`` is.
    The other arguments are those of ``ddpm_sample``.

    Raises:
        TypeError: a schedule that is none.
        ValueError: more steps than the schedule has or less than 1, a negative eta, a clip not above 0.
    """
    check_schedule("ddim_sample", schedule)
    _check_clip("ddim_sample", clip)
    checks.finite_number("ddim_sample", "eta", eta, at_least=0)
    times = ddim_times(len(schedule), steps)
    earlier = dict(zip(times, [*times[1:], -1], strict=True))

    def step(x: Tensor, t: int, eps: Tensor) -> Tensor:
        drawn = eta and earlier[t] >= 0
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) if drawn else x
        return ddim_step(schedule, x, t, earlier[t], eps, noise if eta else None, eta, clip)

    start = _noise(net, shape, generator, device, dtype)
    return _backwards(net, start, times, step, len(times), progress)


def ddim_times(total: int, steps: int) -> list[int]:
    """``steps`` times from total - 1 down to 0, as evenly spread as integers can be; one step is total - 1.

    Raises:
        ValueError: less than 1 or more than ``total`` steps.
        TypeError: a number that is no integer.
    """
    checks.positive_integer("ddim_times", "total", total)
    checks.positive_integer("ddim_times", "steps", steps)
    if steps > total:
        raise ValueError(f"ddim_times: steps must be {total} or less, got {steps}")
    if steps == 1:
        return [total - 1]
    return [round((total - 1) * (1 - k / (steps - 1))) for k in range(steps)]


@torch.no_grad()
def _backwards(
    net: Denoiser,
    x: Tensor,
    times: Iterable[int],
    step: Callable[[Tensor, int, Tensor], Tensor],
    total: int,
    progress: bool,
) -> Tensor:
    for t in tqdm(times, total=total, disable=not progress or in_book(), leave=False):
        x = step(x, t, net(x, torch.full((len(x),), t, device=x.device)))
    return x


def _noise(
    net: Denoiser, shape: Sequence[int], generator: torch.Generator | None, device: Device, dtype: Dtype
) -> Tensor:
    """x_T, on the device and of the dtype of the net's parameters, unless others are asked for."""
    where: dict[str, Any] = {"device": device, "dtype": dtype}
    if isinstance(net, nn.Module):
        for parameter in net.parameters():
            where = {"device": device or parameter.device, "dtype": dtype or parameter.dtype}
            break
    return torch.randn(tuple(shape), generator=generator, **where)


def _clipped(x0: Tensor, clip: float | None) -> Tensor:
    return x0 if clip is None else x0.clamp(-clip, clip)


def _check_clip(owner: str, clip: float | None) -> None:
    if clip is not None:
        checks.finite_number(owner, "clip", clip, above=0)
