"""The noise schedule of a diffusion model: how fast a picture is drowned, and all that follows from that."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.layers import checks

LARGEST_BETA = 0.999  # a beta of 1 would leave nothing to divide by


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """The variances beta_t of T small steps into noise, x_t = sqrt(1 - beta_t) x_{t-1} + sqrt(beta_t) eps.

    Steps are counted 0 ... T - 1: step 0 is the first and least noisy (the papers write t = 1 ... T). A time
    ``t`` is an integer, the same for the whole batch, or a tensor (n,) of integers. Coefficients are computed
    in float64 and then given the dtype and device of the data.

    Args:
        betas: (T,), each between 0 and 1, of a floating-point dtype; kept as float64.

    Source: Ho, Jain & Abbeel (2020), Denoising diffusion probabilistic models, equations 2 to 7.

    Raises:
        TypeError: betas that are no float tensor, or, of the methods, data that are none.
        ValueError: betas that are no vector or leave (0, 1); shapes that differ; a time outside the schedule.
    """

    betas: Tensor

    def __post_init__(self) -> None:
        checks.float_tensor("NoiseSchedule", self.betas, "betas")
        checks.rank("NoiseSchedule", self.betas, "(T)", name="betas")
        if not len(self.betas):
            raise ValueError("NoiseSchedule: betas must hold one step at least, got none")
        low, high = self.betas.aminmax()
        if not (low > 0 and high < 1):
            raise ValueError(
                f"NoiseSchedule: betas must lie between 0 and 1, got {low.item():g} to {high.item():g}"
            )
        object.__setattr__(self, "betas", self.betas.detach().double())

    @classmethod
    def linear(
        cls, steps: int = 1000, first: float | None = None, last: float | None = None
    ) -> "NoiseSchedule":
        """beta from ``first`` to ``last`` in equal steps; default 1e-4 and 0.02 for 1000 steps.

        For another number of steps the defaults are scaled by 1000 / steps (and kept below 0.999), so that as
        much noise is added in all.

        Source: Ho, Jain & Abbeel (2020), section 4.
        """
        owner = "NoiseSchedule.linear"
        checks.positive_integer(owner, "steps", steps)
        first = min(1e-4 * 1000 / steps, LARGEST_BETA) if first is None else first
        last = min(0.02 * 1000 / steps, LARGEST_BETA) if last is None else last
        for name, value in (("first", first), ("last", last)):
            checks.finite_number(owner, name, value, above=0)
            if value >= 1:
                raise ValueError(f"{owner}: {name} must be less than 1, got {value}")
        return cls(torch.linspace(first, last, steps, dtype=torch.float64))

    @classmethod
    def cosine(
        cls, steps: int = 1000, offset: float = 0.008, largest: float = LARGEST_BETA
    ) -> "NoiseSchedule":
        """alpha_bar_t = f(t) / f(0), where f(t) = cos^2((t / T + s) / (1 + s) * pi / 2) and s = ``offset``.

        The signal fades evenly, where the linear schedule spends many steps on what is noise already. Betas
        are kept to ``largest`` at most. The paper's 0.999 leaves next to no signal at the end, but removes it
        in one leap, which on the way back magnifies whatever is wrong with the net's first guess: a smaller
        one, such as 0.25, is kinder to samplers of few steps.

        Source: Nichol & Dhariwal (2021), Improved denoising diffusion probabilistic models, equation 17.
        """
        checks.positive_integer("NoiseSchedule.cosine", "steps", steps)
        checks.finite_number("NoiseSchedule.cosine", "offset", offset, at_least=0)
        times = torch.arange(steps + 1, dtype=torch.float64) / steps
        checks.finite_number("NoiseSchedule.cosine", "largest", largest, above=0)
        if largest >= 1:
            raise ValueError(f"NoiseSchedule.cosine: largest must be less than 1, got {largest}")
        f = torch.cos((times + offset) / (1 + offset) * math.pi / 2).square()
        return cls((1 - f[1:] / f[:-1]).clamp(max=largest))

    def __len__(self) -> int:
        return len(self.betas)

    @property
    def alphas(self) -> Tensor:
        """1 - beta_t (T,): the share of the signal's power that step t keeps."""
        return 1 - self.betas

    @property
    def alpha_bars(self) -> Tensor:
        """alpha_0 alpha_1 ... alpha_t (T,): the share of the power of x_0 that is left in x_t."""
        return self.alphas.cumprod(dim=0)

    @property
    def signal_to_noise(self) -> Tensor:
        """alpha_bar_t / (1 - alpha_bar_t) (T,), falling."""
        return self.alpha_bars / (1 - self.alpha_bars)

    def at(self, values: Tensor, t: int | Tensor, like: Tensor) -> Tensor:
        """Return values[t] as a factor for ``like`` (n, ...): () for one time, (n, 1, ..., 1) for n."""
        self._check(t, like)
        chosen = values.to(device=like.device, dtype=like.dtype)[t]
        return chosen.reshape(-1, *[1] * (like.ndim - 1)) if isinstance(t, Tensor) else chosen

    def q_sample(self, x0: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps: x_0 and eps (n, ...) -> (n, ...)."""
        _check_alike("q_sample", x0=x0, eps=eps)
        signal, noise = self.at(self.alpha_bars.sqrt(), t, x0), self.at((1 - self.alpha_bars).sqrt(), t, x0)
        return signal * x0 + noise * eps

    def predict_x0(self, xt: Tensor, t: int | Tensor, eps: Tensor) -> Tensor:
        """The x_0 that ``q_sample`` with this eps would have taken to x_t."""
        _check_alike("predict_x0", xt=xt, eps=eps)
        signal, noise = self.at(self.alpha_bars.rsqrt(), t, xt), self.at((1 - self.alpha_bars).sqrt(), t, xt)
        return (xt - noise * eps) * signal

    def predict_eps(self, xt: Tensor, t: int | Tensor, x0: Tensor) -> Tensor:
        """The noise that ``q_sample`` would have needed to take x_0 to x_t."""
        _check_alike("predict_eps", xt=xt, x0=x0)
        signal, noise = self.at(self.alpha_bars.sqrt(), t, xt), self.at((1 - self.alpha_bars).rsqrt(), t, xt)
        return (xt - signal * x0) * noise

    def posterior(self, x0: Tensor, xt: Tensor, t: int | Tensor) -> tuple[Tensor, Tensor]:
        """Mean (n, ...) and variance (() or (n, 1, ...)) of x_{t-1}, given x_0 and x_t.

        At t = 0 there is nothing before but x_0 itself: mean x_0, variance 0.

        Source: Ho, Jain & Abbeel (2020), equations 6 and 7.
        """
        _check_alike("posterior", x0=x0, xt=xt)
        before = torch.cat([self.betas.new_ones(1), self.alpha_bars[:-1]])  # alpha_bar_{t-1}
        left = 1 - self.alpha_bars
        of_x0, of_xt = before.sqrt() * self.betas / left, self.alphas.sqrt() * (1 - before) / left
        mean = self.at(of_x0, t, x0) * x0 + self.at(of_xt, t, x0) * xt
        return mean, self.at((1 - before) / left * self.betas, t, x0)

    def score(self, eps: Tensor, t: int | Tensor) -> Tensor:
        """The gradient of log q(x_t) that belongs to the mean noise ``eps``: -eps / sqrt(1 - alpha_bar_t).

        Source: Song et al. (2021), Score-based generative modeling through stochastic differential equations;
        the identity is Tweedie's.
        """
        checks.float_tensor("score", eps, "eps")
        return -eps * self.at((1 - self.alpha_bars).rsqrt(), t, eps)

    def _check(self, t: int | Tensor, like: Tensor) -> None:
        if isinstance(t, Tensor):
            if t.dtype not in (torch.int64, torch.int32):
                raise TypeError(f"NoiseSchedule: t must hold integers, got {t.dtype}")
            if like.ndim == 0 or t.shape != like.shape[:1]:
                raise ValueError(
                    f"NoiseSchedule: t must be (n,), a time for each of {tuple(like.shape)}, "
                    f"got shape {tuple(t.shape)}"
                )
            if not len(t):
                return
            low, high = (int(value) for value in t.aminmax())
        else:
            checks.non_negative_integer("NoiseSchedule", "t", t)
            low = high = t
        if low < 0 or high >= len(self):
            raise ValueError(f"NoiseSchedule: t must be from 0 to {len(self) - 1}, got {low} to {high}")


def _check_alike(owner: str, **pair: Tensor) -> None:
    """Raise unless the two are float tensors of one shape."""
    (name, first), (other, second) = pair.items()
    checks.float_tensor(owner, first, name)
    checks.float_tensor(owner, second, other)
    if first.shape != second.shape:
        raise ValueError(
            f"{owner}: {other} must have the shape of {name}, {tuple(first.shape)}, got {tuple(second.shape)}"
        )
