"""The samplers on Gaussian data, where the best guess and the right answer are known; DDIM against DDPM."""

import pytest
import torch

from course_lib.models.dense_denoiser import dense_denoiser
from course_lib.models.diffusion_samplers import (
    ddim_sample,
    ddim_step,
    ddim_times,
    ddpm_sample,
    ddpm_step,
)
from course_lib.models.noise_schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.linear(100)
MEAN, SPREAD = torch.tensor([1.0, -2.0], dtype=torch.float64), 0.4
DOUBLE = {"clip": None, "dtype": torch.float64}


def ideal(x, t):
    """The mean noise in x_t (n, 2) if x_0 ~ N(MEAN, SPREAD^2 I)."""
    left = SCHEDULE.alpha_bars[t].to(x.dtype)[:, None]
    return (1 - left).sqrt() * (x - left.sqrt() * MEAN) / (left * SPREAD**2 + 1 - left)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("steps", "eta"), [(100, 0.0), (20, 0.0), (100, 0.5), (100, 1.0), (10, 1.0)])
def test_the_best_guess_leads_back_to_the_data(steps, eta):
    """All is Gaussian and every step affine, so the spread after each step can be computed by hand.

    It is a little less than the data's: a step draws x_0 at its mean, as if there were no doubt about it.
    """
    x = ddim_sample(ideal, SCHEDULE, (20_000, 2), steps, eta, seeded(), **DOUBLE)
    left, times, variance = SCHEDULE.alpha_bars, ddim_times(100, steps), 1.0
    for now, then in zip(times, [*times[1:], None], strict=True):
        a, b = left[now].item(), 1.0 if then is None else left[then].item()
        of_eps = (1 - a) ** 0.5 / (a * SPREAD**2 + 1 - a)  # what eps has of x_t
        of_x0 = (1 - (1 - a) ** 0.5 * of_eps) / a**0.5
        sigma = eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
        variance = (b**0.5 * of_x0 + (1 - b - sigma**2) ** 0.5 * of_eps) ** 2 * variance + sigma**2
    torch.testing.assert_close(x.mean(dim=0), MEAN, atol=0.02, rtol=0)
    torch.testing.assert_close(x.std(dim=0), torch.full_like(MEAN, variance**0.5), atol=0.008, rtol=0)
    assert steps < 100 or abs(variance**0.5 - SPREAD) < 0.04


def test_more_steps_lead_nearer_to_the_data():
    wrong = {}
    for steps in (40, 400):
        schedule = NoiseSchedule.linear(steps)

        def guess(x, t, schedule=schedule):
            left = schedule.alpha_bars[t].to(x.dtype)[:, None]
            return (1 - left).sqrt() * (x - left.sqrt() * MEAN) / (left * SPREAD**2 + 1 - left)

        x = ddpm_sample(guess, schedule, (10_000, 2), seeded(), **DOUBLE)
        wrong[steps] = (x.std(dim=0) - SPREAD).abs().max().item()
    assert wrong[400] < 0.015, f"spread off by {wrong}"
    assert wrong[40] > 2 * wrong[400], f"spread off by {wrong}"


@pytest.mark.parametrize("clip", [None, 1.0, 2.5])
def test_ddim_with_all_steps_and_full_noise_is_ddpm(clip):
    shape = (50, 2)
    first = ddpm_sample(ideal, SCHEDULE, shape, seeded(), clip=clip, dtype=torch.float64)
    second = ddim_sample(ideal, SCHEDULE, shape, 100, 1.0, seeded(), clip=clip, dtype=torch.float64)
    torch.testing.assert_close(first, second)


def test_one_ddim_step_is_one_ddpm_step():
    x, noise = torch.randn(5, 2, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    for t in (0, 1, 50, 99):
        eps = ideal(x, torch.full((5,), t))
        one = ddpm_step(SCHEDULE, x, t, eps, noise)
        two = ddim_step(SCHEDULE, x, t, t - 1, eps, noise if t else None, eta=float(t > 0))
        torch.testing.assert_close(one, two)


def test_without_clipping_a_step_is_the_papers_formula():
    """x_{t-1} = (x_t - beta_t / sqrt(1 - abar_t) eps) / sqrt(alpha_t) + sigma_t noise."""
    x, eps, noise = (torch.randn(4, 3, dtype=torch.float64) for _ in range(3))
    for t in (1, 40, 99):
        beta, left, before = SCHEDULE.betas[t], SCHEDULE.alpha_bars[t], SCHEDULE.alpha_bars[t - 1]
        mean = (x - beta / (1 - left).sqrt() * eps) / (1 - beta).sqrt()
        expected = mean + ((1 - before) / (1 - left) * beta).sqrt() * noise
        torch.testing.assert_close(ddpm_step(SCHEDULE, x, t, eps, noise, clip=None), expected)


def test_a_ddim_step_keeps_picture_and_noise():
    x0, eps = torch.rand(4, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    x = SCHEDULE.q_sample(x0, 70, eps)
    torch.testing.assert_close(ddim_step(SCHEDULE, x, 70, 20, eps), SCHEDULE.q_sample(x0, 20, eps))
    torch.testing.assert_close(ddim_step(SCHEDULE, x, 70, -1, eps), x0)


def test_clipping_keeps_samples_in_range():
    shape = (40, 2)
    assert ddpm_sample(ideal, SCHEDULE, shape, seeded(), clip=0.5).abs().max() <= 0.5 + 1e-6
    assert ddim_sample(ideal, SCHEDULE, shape, 10, clip=0.5, generator=seeded()).abs().max() <= 0.5 + 1e-6
    assert ddpm_sample(ideal, SCHEDULE, shape, seeded(), clip=None).abs().max() > 2


def test_the_start_decides_ddim_and_hardly_its_steps():
    few, many = (ddim_sample(ideal, SCHEDULE, (500, 2), k, generator=seeded(), **DOUBLE) for k in (25, 100))
    other = ddim_sample(ideal, SCHEDULE, (500, 2), 25, generator=seeded(1), **DOUBLE)
    assert (few - many).abs().mean() < 0.05
    assert (few - other).abs().mean() > 0.3


def test_samples_come_from_the_generator_alone():
    torch.manual_seed(0)
    first = ddpm_sample(ideal, SCHEDULE, (5, 2), seeded(4))
    torch.manual_seed(1)
    assert torch.equal(first, ddpm_sample(ideal, SCHEDULE, (5, 2), seeded(4)))
    assert not torch.equal(first, ddpm_sample(ideal, SCHEDULE, (5, 2), seeded(5)))


def test_samples_have_the_dtype_of_the_net_and_no_gradient():
    net = dense_denoiser(width=8, dtype=torch.float64)
    x = ddim_sample(net, SCHEDULE, (3, 2), 4)
    assert x.dtype == torch.float64
    assert not x.requires_grad
    assert ddpm_sample(net, NoiseSchedule.linear(30), (3, 2), progress=True).dtype == torch.float64
    assert ddim_sample(net, SCHEDULE, (0, 2), 4).shape == (0, 2)


@pytest.mark.parametrize("total", [1, 7, 1000])
def test_the_times_of_ddim(total):
    for steps in {1, min(2, total), (total + 1) // 2, total}:
        times = ddim_times(total, steps)
        assert len(times) == steps == len(set(times))
        assert times[0] == total - 1
        assert times == sorted(times, reverse=True)
        assert steps == 1 or times[-1] == 0
    assert ddim_times(total, total) == list(range(total))[::-1]
    assert ddim_times(101, 5) == [100, 75, 50, 25, 0]


x = torch.zeros(2, 2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ddpm_sample(ideal, None, (2, 2)), TypeError, "schedule must be a NoiseSchedule"),
        (lambda: ddpm_sample(ideal, SCHEDULE, (2, 2), clip=0), ValueError, "clip must be greater than 0"),
        (lambda: ddim_sample(ideal, SCHEDULE, (2, 2), 0), ValueError, "steps must be 1 or more"),
        (lambda: ddim_sample(ideal, SCHEDULE, (2, 2), 101), ValueError, "steps must be 100 or less, got 101"),
        (lambda: ddim_sample(ideal, SCHEDULE, (2, 2), 5.0), TypeError, "steps must be an integer"),
        (lambda: ddim_sample(ideal, SCHEDULE, (2, 2), 5, -1.0), ValueError, "eta must be 0 or more"),
        (lambda: ddim_sample(ideal, [0.1], (2, 2), 5), TypeError, "schedule must be a NoiseSchedule"),
        (lambda: ddim_step(SCHEDULE, x, 5, 5, x), ValueError, "before must be from -1 to t - 1 = 4, got 5"),
        (lambda: ddim_step(SCHEDULE, x, 5, -2, x), ValueError, "before must be"),
        (lambda: ddim_step(SCHEDULE, x, 5, 4, x, eta=1.0), ValueError, "noise must be given"),
        (lambda: ddpm_step(SCHEDULE, x, 100, x, x), ValueError, "t must be from 0 to 99, got 100"),
        (lambda: ddpm_step(SCHEDULE, x, 4, x[:1], x), ValueError, "eps must have the shape of xt"),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
