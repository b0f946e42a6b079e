"""Codes that are normal distributions: draws and their gradients, the KL against torch and Monte Carlo."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import distributions

from course_lib.models.gaussian_codes import kl_to_standard_normal, reparameterize


def codes(n, latent, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, latent, generator=rng, dtype=dtype)


@given(st.integers(0, 6), st.integers(1, 7), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_kl_is_torchs(n, latent, seed):
    mean, log_variance = codes(n, latent, seed)
    ours = distributions.Normal(mean, (log_variance / 2).exp())
    expected = distributions.kl_divergence(ours, distributions.Normal(torch.zeros(()), 1.0)).sum(dim=1)
    assert_close(kl_to_standard_normal(mean, log_variance), expected, "KL", 1e-10, 1e-10)


def test_kl_is_the_mean_of_log_q_less_log_p():
    mean, log_variance = torch.tensor([[0.7, -1.0]]), torch.tensor([[-1.0, 0.5]])
    rng = torch.Generator().manual_seed(0)
    z = reparameterize(mean.repeat(200_000, 1), log_variance.repeat(200_000, 1), rng)
    q, p = distributions.Normal(mean, (log_variance / 2).exp()), distributions.Normal(torch.zeros(2), 1.0)
    differences = (q.log_prob(z) - p.log_prob(z)).sum(dim=1)
    error = differences.std().item() / len(z) ** 0.5
    found = kl_to_standard_normal(mean, log_variance).item()
    assert abs(found - differences.mean().item()) < 4 * error, (
        f"{found:.4f}, Monte Carlo {differences.mean():.4f}"
    )


def test_kl_is_0_for_the_prior_alone():
    zeros = torch.zeros(3, 4)
    assert torch.equal(kl_to_standard_normal(zeros, zeros), torch.zeros(3))
    mean, log_variance = codes(50, 3)
    assert (kl_to_standard_normal(mean, log_variance) > 0).all()


@pytest.mark.parametrize("size", [1e-4, 1e-3])
def test_kl_keeps_its_digits_near_0(size):
    v = torch.full((1, 1), size)
    exact = (torch.expm1(v.double()) - v.double()).sum() / 2  # about size^2 / 4
    found = kl_to_standard_normal(torch.zeros(1, 1), v).double()
    naive = ((v.exp() - v - 1) / 2).double().sum()
    assert abs(found.item() - exact) < 1e-2 * exact, f"KL at log-variance {size}: {found.item()}, {exact}"
    assert found.item() >= 0
    assert abs(found.item() - exact) < abs(naive - exact)


def test_kl_of_the_sharpest_codes_is_finite():
    assert_close(
        kl_to_standard_normal(torch.zeros(1, 1), torch.full((1, 1), -1000.0)), torch.tensor([499.5]), "KL"
    )
    assert kl_to_standard_normal(torch.full((1, 1), 1e15), torch.zeros(1, 1)).isfinite().all()


def test_a_draw_has_its_mean_and_variance():
    mean, log_variance = torch.full((100_000,), 2.0), torch.full((100_000,), -1.0)
    z = reparameterize(mean, log_variance, torch.Generator().manual_seed(0))
    assert abs(z.mean().item() - 2) < 0.01, f"mean {z.mean():.4f} of draws around 2"
    assert abs(z.var().log().item() + 1) < 0.02, f"log-variance {z.var().log():.4f} of draws with -1"


def test_the_gradient_goes_through_the_draw():
    mean, log_variance = codes(4, 3).requires_grad_()
    z = reparameterize(mean, log_variance, torch.Generator().manual_seed(1))
    by_mean, by_log_variance = torch.autograd.grad(z.sum(), (mean, log_variance))
    assert torch.equal(by_mean, torch.ones_like(mean))
    assert_close(by_log_variance, (z - mean) / 2, "dz/dlog_variance", 1e-12, 1e-12)

    def fixed(mean, log_variance):
        return reparameterize(mean, log_variance, torch.Generator().manual_seed(1))

    pair = codes(2, 2).unbind()
    assert torch.autograd.gradcheck(fixed, tuple(each.clone().requires_grad_() for each in pair))
    assert torch.autograd.gradcheck(
        kl_to_standard_normal, tuple(each.clone().requires_grad_() for each in pair)
    )


def test_the_same_generator_gives_the_same_draw_and_inputs_stay():
    mean, log_variance = codes(4, 3, dtype=torch.float32)
    before = mean.clone(), log_variance.clone()
    draws = [reparameterize(mean, log_variance, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(mean, before[0])
    assert torch.equal(log_variance, before[1])
    torch.manual_seed(5)
    first = reparameterize(mean, log_variance)
    torch.manual_seed(5)
    assert torch.equal(first, reparameterize(mean, log_variance)), "torch's global seed"
    assert draws[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (
            ValueError,
            lambda: reparameterize(torch.zeros(2, 3), torch.zeros(2, 1)),
            r"reparameterize: mean and log_variance must have one shape, got \(2, 3\) and \(2, 1\)",
        ),
        (
            TypeError,
            lambda: reparameterize(torch.zeros(2, dtype=torch.long), torch.zeros(2)),
            "mean must have a floating-point dtype, got torch.int64",
        ),
        (
            TypeError,
            lambda: reparameterize(torch.zeros(2), [0.0, 0.0]),
            "log_variance must be a torch.Tensor",
        ),
        (
            TypeError,
            lambda: reparameterize(torch.zeros(2), torch.zeros(2), 0),
            "generator must be a torch.Generator or None, got 0",
        ),
        (
            ValueError,
            lambda: reparameterize(*torch.zeros(2, 1, 1, device="meta"), torch.Generator()),
            "generator must be on the input's device, meta, got one on cpu",
        ),
        (
            ValueError,
            lambda: kl_to_standard_normal(torch.zeros(3), torch.zeros(3)),
            r"kl_to_standard_normal: mean must be \(N, latent\), got shape \(3,\)",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
