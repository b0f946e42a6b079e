"""NoiseSchedule: the closed form against stepping, the posterior against regression, the schedules' ends."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models.noise_schedule import NoiseSchedule

SCHEDULES = {"linear": NoiseSchedule.linear, "cosine": NoiseSchedule.cosine}


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1e-4, 0.99), min_size=1, max_size=12), st.integers(0, 10_000))
def test_the_closed_form_has_the_mean_and_the_variance_of_stepping(betas, seed):
    schedule = NoiseSchedule(torch.tensor(betas, dtype=torch.float64))
    mean, variance = 1.0, 0.0
    x0, zero = normal(3, 2, seed=seed), torch.zeros(3, 2, dtype=torch.float64)
    for t, beta in enumerate(betas):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        torch.testing.assert_close(schedule.q_sample(x0, t, zero), mean * x0)
        torch.testing.assert_close(schedule.q_sample(zero, t, x0), math.sqrt(variance) * x0)


def test_stepping_with_noise_ends_where_the_closed_form_says():
    schedule, n = NoiseSchedule.linear(20), 40_000
    generator = torch.Generator().manual_seed(1)
    x0 = torch.full((n, 1), 1.5, dtype=torch.float64)
    x = x0
    for beta in schedule.betas:
        x = (1 - beta).sqrt() * x + beta.sqrt() * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    at_once = schedule.q_sample(x0, 19, torch.randn(x.shape, generator=generator, dtype=x.dtype))
    assert abs(x.mean() - at_once.mean()) < 0.03
    assert abs(x.std() - at_once.std()) < 0.02


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("t", [1, 5, 18, 19])
def test_the_posterior_is_what_regression_finds(name, t):
    """x_{t-1} on x_0 and x_t: the coefficients and the residual variance of least squares."""
    schedule, n = SCHEDULES[name](20), 200_000
    x0, first, second = normal(n, seed=2), normal(n, seed=3), normal(n, seed=4)
    beta = schedule.betas[t]
    before = schedule.q_sample(x0, t - 1, first)
    after = (1 - beta).sqrt() * before + beta.sqrt() * second
    A = torch.stack([x0, after], dim=1)
    found = torch.linalg.lstsq(A, before[:, None]).solution[:, 0]
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    told = torch.cat([schedule.posterior(one, zero, t)[0], schedule.posterior(zero, one, t)[0]])
    torch.testing.assert_close(found, told, atol=0.01, rtol=0.01)
    residual = (before - A @ found).square().mean()
    torch.testing.assert_close(residual, schedule.posterior(one, one, t)[1], atol=1e-9, rtol=0.02)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_posterior_is_a_product_of_two_gaussians(name):
    schedule = SCHEDULES[name](50)
    for t in range(1, 50):
        beta, before = schedule.betas[t], schedule.alpha_bars[t - 1]
        precision = (1 - beta) / beta + 1 / (1 - before)
        x0, xt = normal(4, seed=t), normal(4, seed=100 + t)
        mean, variance = schedule.posterior(x0, xt, t)
        expected = ((1 - beta).sqrt() * xt / beta + before.sqrt() * x0 / (1 - before)) / precision
        torch.testing.assert_close(variance, 1 / precision)
        torch.testing.assert_close(mean, expected)


def test_before_the_first_step_is_the_clean_picture():
    schedule = NoiseSchedule.cosine(10)
    x0, xt = normal(3, 2), normal(3, 2, seed=1)
    mean, variance = schedule.posterior(x0, xt, 0)
    assert variance == 0
    torch.testing.assert_close(mean, x0)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(4, 2), (4, 1, 3, 3), (4,)])
def test_noise_and_picture_are_found_again(name, dtype, shape):
    schedule, t = SCHEDULES[name](30), torch.tensor([0, 3, 17, 24])
    x0, eps = normal(*shape, dtype=dtype), normal(*shape, seed=1, dtype=dtype)
    xt = schedule.q_sample(x0, t, eps)
    assert xt.dtype == dtype
    torch.testing.assert_close(schedule.predict_x0(xt, t, eps), x0, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(schedule.predict_eps(xt, t, x0), eps, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_tensor_of_times_is_each_time_alone(name):
    schedule, t = SCHEDULES[name](12), torch.tensor([11, 0, 5])
    x0, eps = normal(3, 1, 2, 2), normal(3, 1, 2, 2, seed=1)
    together = schedule.q_sample(x0, t, eps)
    mean, variance = schedule.posterior(x0, eps, t)
    assert variance.shape == (3, 1, 1, 1)
    for row, time in enumerate(t.tolist()):
        alone = schedule.q_sample(x0[row : row + 1], time, eps[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], alone)
        one_mean, one_variance = schedule.posterior(x0[row : row + 1], eps[row : row + 1], time)
        torch.testing.assert_close(mean[row : row + 1], one_mean)
        torch.testing.assert_close(variance[row].squeeze(), one_variance)


def test_the_score_is_the_gradient_of_the_log_density():
    """Of q(x_t | x_0), whose noise is known."""
    schedule, x0 = NoiseSchedule.linear(40), normal(5, 2)
    xt = schedule.q_sample(x0, 25, normal(5, 2, seed=1)).requires_grad_()
    left = schedule.alpha_bars[25]
    log_density = -((xt - left.sqrt() * x0).square() / (2 * (1 - left))).sum()
    gradient = torch.autograd.grad(log_density, xt)[0]
    eps = schedule.predict_eps(xt.detach(), 25, x0)
    torch.testing.assert_close(schedule.score(eps, 25), gradient)


def test_the_papers_linear_schedule():
    betas = NoiseSchedule.linear().betas
    torch.testing.assert_close(betas, torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64))
    assert NoiseSchedule.linear().alpha_bars[-1].item() == pytest.approx(4.04e-5, rel=0.01)


@pytest.mark.parametrize("steps", [50, 200, 400])
def test_fewer_steps_add_as_much_noise(steps):
    assert NoiseSchedule.linear(steps).alpha_bars[-1] < 5e-5


@pytest.mark.parametrize("steps", [10, 300, 1000])
def test_the_papers_cosine_schedule(steps):
    schedule = NoiseSchedule.cosine(steps)
    t = torch.arange(1, steps, dtype=torch.float64)  # the last one is clipped
    f = torch.cos((t / steps + 0.008) / 1.008 * math.pi / 2) ** 2
    start = math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    torch.testing.assert_close(schedule.alpha_bars[:-1], f / start)
    assert schedule.betas[-1] == 0.999
    assert schedule.alpha_bars[-1] < 1e-4


def test_a_gentler_end_changes_nothing_before():
    paper, gentle = NoiseSchedule.cosine(100), NoiseSchedule.cosine(100, largest=0.25)
    changed = (paper.betas != gentle.betas).nonzero()[:, 0]
    assert torch.equal(changed, torch.arange(changed[0], 100))
    assert (gentle.betas[changed] == 0.25).all()
    assert gentle.alpha_bars[-1] < 2e-3


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_signal_only_fades(name, steps):
    schedule = SCHEDULES[name](steps)
    assert len(schedule) == steps == len(schedule.alpha_bars)
    assert (schedule.alpha_bars > 0).all()
    assert (schedule.alpha_bars.diff() < 0).all()
    assert (schedule.signal_to_noise.diff() < 0).all()
    torch.testing.assert_close(schedule.alphas + schedule.betas, torch.ones(steps, dtype=torch.float64))


def test_nothing_is_changed_in_place():
    schedule = NoiseSchedule.cosine(5)
    x0, eps = normal(3, 2), normal(3, 2, seed=1)
    before = x0.clone(), eps.clone()
    schedule.q_sample(x0, 2, eps), schedule.posterior(x0, eps, 2), schedule.predict_x0(x0, 2, eps)
    assert torch.equal(x0, before[0])
    assert torch.equal(eps, before[1])
    with pytest.raises(AttributeError):
        schedule.betas = torch.ones(5)


x = torch.zeros(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: NoiseSchedule([0.1]), TypeError, "betas must be a torch.Tensor, got list"),
        (lambda: NoiseSchedule(torch.tensor([1])), TypeError, "floating-point"),
        (lambda: NoiseSchedule(torch.ones(2, 2) / 2), ValueError, r"betas must be \(T\)"),
        (lambda: NoiseSchedule(torch.ones(0)), ValueError, "one step at least"),
        (lambda: NoiseSchedule(torch.tensor([0.1, 1.0])), ValueError, "between 0 and 1, got 0.1 to 1"),
        (lambda: NoiseSchedule(torch.tensor([0.0, 0.5])), ValueError, "between 0 and 1"),
        (lambda: NoiseSchedule(torch.tensor([math.nan])), ValueError, "between 0 and 1"),
        (lambda: NoiseSchedule.linear(0), ValueError, "steps must be 1 or more"),
        (lambda: NoiseSchedule.linear(9.0), TypeError, "steps must be an integer"),
        (lambda: NoiseSchedule.linear(9, first=0), ValueError, "first must be greater than 0"),
        (lambda: NoiseSchedule.linear(9, last=1.5), ValueError, "last must be less than 1"),
        (lambda: NoiseSchedule.cosine(9, offset=-1), ValueError, "offset must be 0 or more"),
        (lambda: NoiseSchedule.cosine(9, largest=1.0), ValueError, "largest must be less than 1"),
        (lambda: NoiseSchedule.cosine(9, largest=0), ValueError, "largest must be greater than 0"),
        (lambda: NoiseSchedule.linear(9).q_sample(x, 9, x), ValueError, "t must be from 0 to 8, got 9"),
        (lambda: NoiseSchedule.linear(9).q_sample(x, -1, x), ValueError, "t must be 0 or more"),
        (lambda: NoiseSchedule.linear(9).q_sample(x, 1.0, x), TypeError, "t must be an integer"),
        (
            lambda: NoiseSchedule.linear(9).q_sample(x, torch.tensor([0, 1, -1]), x),
            ValueError,
            "t must be from 0 to 8, got -1 to 1",
        ),
        (
            lambda: NoiseSchedule.linear(9).q_sample(x, torch.tensor([0, 1]), x),
            ValueError,
            r"t must be \(n,\)",
        ),
        (lambda: NoiseSchedule.linear(9).q_sample(x, torch.zeros(3), x), TypeError, "t must hold integers"),
        (lambda: NoiseSchedule.linear(9).q_sample(x, 1, x[:2]), ValueError, "eps must have the shape of x0"),
        (lambda: NoiseSchedule.linear(9).posterior(x, x[:2], 1), ValueError, "xt must have the shape of x0"),
        (lambda: NoiseSchedule.linear(9).predict_x0(x.long(), 1, x), TypeError, "xt must have a floating"),
        (lambda: NoiseSchedule.linear(9).score(x.long(), 1), TypeError, "eps must have a floating"),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_an_empty_batch_is_one_too():
    none = torch.zeros(0, 2)
    assert NoiseSchedule.linear(3).q_sample(none, torch.zeros(0, dtype=torch.int64), none).shape == (0, 2)
