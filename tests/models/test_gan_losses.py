"""The losses of the game against their formulas in probabilities, and the penalty against a known slope."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from scipy.stats import norm
from torch.nn import functional as F

from course_lib import layers
from course_lib.models.gan import gan
from course_lib.models.gan_losses import (
    critic_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    optimal_discriminator,
)

logits = st.lists(st.floats(-12, 12), min_size=1, max_size=7)


@given(logits, logits, st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_the_losses_are_those_of_the_probabilities(real, fake, smoothing):
    a, b = torch.tensor(real, dtype=torch.float64), torch.tensor(fake, dtype=torch.float64)
    D = {name: 1 / (1 + np.exp(-np.array(values))) for name, values in (("real", real), ("fake", fake))}
    target = 1 - smoothing
    expected = -(target * np.log(D["real"]) + (1 - target) * np.log(1 - D["real"])).mean()
    expected -= np.log(1 - D["fake"]).mean()
    assert discriminator_loss(a, b, smoothing).item() == pytest.approx(expected, abs=1e-6)
    assert generator_loss(b).item() == pytest.approx(-np.log(D["fake"]).mean(), abs=1e-6)
    assert generator_loss(b, saturating=True).item() == pytest.approx(np.log(1 - D["fake"]).mean(), abs=1e-6)


def test_the_discriminator_loss_is_twice_the_cross_entropy_of_a_classifier():
    torch.manual_seed(0)
    a, b = torch.randn(6), torch.randn(6)
    both, labels = torch.cat([a, b]), torch.cat([torch.ones(6), torch.zeros(6)])
    assert_close(
        discriminator_loss(a, b),
        2 * F.binary_cross_entropy_with_logits(both, labels),
        "discriminator loss",
        1e-6,
        1e-6,
    )
    smooth = torch.cat([torch.full((6,), 0.9), torch.zeros(6)])
    assert_close(
        discriminator_loss(a, b, 0.1),
        2 * F.binary_cross_entropy_with_logits(both, smooth),
        "smoothed discriminator loss",
        1e-6,
        1e-6,
    )
    assert discriminator_loss(torch.zeros(3), torch.zeros(5)).item() == pytest.approx(2 * math.log(2))


def test_gradients_by_the_logits_are_the_closed_forms():
    b = torch.linspace(-8, 8, 9, dtype=torch.float64, requires_grad=True)
    D = b.detach().sigmoid()
    for saturating, expected in ((True, -D / 9), (False, -(1 - D) / 9)):
        (found,) = torch.autograd.grad(generator_loss(b, saturating), b)
        assert_close(found, expected, f"gradient of the generator, saturating={saturating}", 1e-12, 1e-12)
    (found,) = torch.autograd.grad(discriminator_loss(torch.zeros(2, dtype=torch.float64), b), b)
    assert_close(found, D / 9, "gradient of the discriminator by the fake logits", 1e-12, 1e-12)
    a = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, y: discriminator_loss(x, y, 0.2), (a, b))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logits_of_any_size_have_finite_losses(dtype):
    huge = torch.tensor([1e4], dtype=dtype)
    assert discriminator_loss(huge, -huge).item() == 0
    assert discriminator_loss(-huge, huge).item() == pytest.approx(2e4)
    assert generator_loss(-huge).item() == pytest.approx(1e4)
    assert generator_loss(huge, saturating=True).item() == pytest.approx(-1e4)
    assert discriminator_loss(huge, huge).dtype == dtype


def test_the_best_constant_answer_to_smoothed_labels_is_not_one():
    a = torch.linspace(-1, 5, 601, dtype=torch.float64)
    losses = torch.stack([discriminator_loss(each[None], torch.tensor([-50.0]).double(), 0.1) for each in a])
    assert a[losses.argmin()].sigmoid().item() == pytest.approx(0.9, abs=0.01)


def test_the_critic_loss_is_a_difference_of_means():
    assert critic_loss(torch.tensor([1.0, 3.0]), torch.tensor([5.0])).item() == 3


def test_the_critic_bound_reaches_the_distance_of_shifted_points():
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 4.0])

    def critic(points):  # slope 1, along the shift: the best there is
        return -(points @ shift) / 5

    assert -critic_loss(critic(x), critic(x + shift)).item() == pytest.approx(5, rel=1e-5)


@given(st.integers(1, 5), st.integers(1, 4), st.floats(0.1, 4), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_penalty_of_a_linear_critic_is_that_of_its_weights(n, d, scale, seed):
    rng = torch.Generator().manual_seed(seed)
    w = scale * torch.randn(d, generator=rng, dtype=torch.float64)
    real, fake = torch.randn(2, n, d, generator=rng, dtype=torch.float64)
    found = gradient_penalty(lambda x: x @ w + 3, real, fake, rng)
    assert found.item() == pytest.approx((w.norm().item() - 1) ** 2, abs=1e-9)


def test_the_penalty_is_taken_at_points_between_real_and_fake():
    real, fake = torch.zeros(200, 2, dtype=torch.float64), torch.zeros(200, 2, dtype=torch.float64)
    fake[:, 0] = 2.0
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.square().sum(dim=1) / 2  # slope |x|

    penalty = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(1))
    (x,) = seen
    assert (x[:, 1] == 0).all()
    assert 0 <= x[:, 0].min() < 0.05 < 1.95 < x[:, 0].max() <= 2
    assert penalty.item() == pytest.approx(((x[:, 0] - 1) ** 2).mean().item())
    again = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(1))
    assert penalty == again, "the generator does not decide the draws"


def test_one_draw_serves_a_whole_picture_and_the_norm_is_over_all_its_pixels():
    real, fake = torch.zeros(5, 1, 3, 3), torch.ones(5, 1, 3, 3)
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.sum(dim=(1, 2, 3))  # slope 3: the root of nine ones

    assert gradient_penalty(critic, real, fake).item() == pytest.approx(4)
    assert (seen[0].flatten(1).std(dim=1) == 0).all()
    assert seen[0][:, 0, 0, 0].unique().numel() == 5


def test_the_penalty_trains_the_critic_and_leaves_its_inputs():
    torch.manual_seed(0)
    critic = gan(2, 2, (8,), layers.Tanh, dtype=torch.float64).discriminator
    real, fake = torch.randn(2, 6, 2, dtype=torch.float64).requires_grad_()

    def penalty(weight):
        def call(x):
            h = torch.tanh(F.linear(x, weight, critic[0].bias))
            return F.linear(h, critic[2].weight, critic[2].bias).flatten()

        return gradient_penalty(call, real, fake, torch.Generator().manual_seed(0))

    assert torch.autograd.gradcheck(penalty, (critic[0].weight.detach().requires_grad_(),))
    gradient_penalty(critic, real, fake).backward()
    assert critic[0].weight.grad.abs().sum() > 0
    with torch.no_grad():
        assert gradient_penalty(critic, real, fake).isfinite()


def test_the_best_discriminator_is_the_ratio_and_minimizes_the_loss():
    x = np.linspace(-6, 6, 101)
    p, q = (torch.from_numpy(norm(mean, 1).pdf(x)) for mean in (-1, 1))
    best = optimal_discriminator(p, q)
    assert_close(best, p / (p + q), "optimal discriminator", 1e-12, 1e-12)
    assert_close(best, torch.sigmoid(p.log() - q.log()), "by logarithms", 1e-9, 1e-9)

    def value(D):
        return (p * D.log() + q * (1 - D).log()).sum()

    for step in (-0.01, 0.01):
        assert value(best) > value((best + step).clamp(1e-6, 1 - 1e-6)), f"{step} away it is better"


def test_densities_at_the_ends_of_the_numbers():
    tiny, large = torch.tensor([1e-38, 3e38]), torch.tensor([1e-38, 3e38])
    assert torch.equal(optimal_discriminator(tiny, large), torch.tensor([0.5, 0.5]))
    one_sided = optimal_discriminator(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    assert one_sided.tolist() == [1, 0]
    assert optimal_discriminator(torch.zeros(1), torch.zeros(1)).isnan().all()


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (TypeError, lambda a: discriminator_loss([1.0], a), "real_logits must be a torch.Tensor, got list"),
        (TypeError, lambda a: generator_loss(a.long()), "fake_logits must have a floating-point dtype"),
        (ValueError, lambda a: discriminator_loss(a, a[:0]), r"fake_logits must hold one number at least"),
        (ValueError, lambda a: discriminator_loss(a, a, 1.5), "smoothing must be from 0 to 1, got 1.5"),
        (ValueError, lambda a: generator_loss(a[:0]), r"got shape \(0,\)"),
        (ValueError, lambda a: critic_loss(a[:0], a), "critic_loss: real_scores must hold"),
        (TypeError, lambda a: gradient_penalty(3, a, a), "critic must be a function or module, got int"),
        (
            ValueError,
            lambda a: gradient_penalty(torch.sum, a[:, None], a[None]),
            r"fake must have the shape of real, \(4, 1\), got \(1, 4\)",
        ),
        (
            ValueError,
            lambda a: gradient_penalty(torch.sum, a, a),
            r"real must be \(n, ...\) with n of 1 or more",
        ),
        (
            ValueError,
            lambda a: gradient_penalty(lambda x: x, a[:, None], a[:, None]),
            r"critic must give one score an example, \(4,\), got shape \(4, 1\)",
        ),
        (ValueError, lambda a: optimal_discriminator(a, -a), "q must be 0 or more, got -1"),
        (ValueError, lambda a: optimal_discriminator(a, a[:2]), r"q must have the shape of p, \(4,\), got"),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call(torch.ones(4))
