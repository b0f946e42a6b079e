"""The log-likelihoods of pixels against torch.distributions, and where they can be summed, against 1."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from originals import assert_close
from torch import distributions

from course_lib.models.pixel_likelihoods import BernoulliPixels, GaussianPixels

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 4), SHAPES, st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_by_torchs_distributions(n, shape, seed):
    decoded, x = drawn(2, n, *shape, seed=seed)
    ink = (x > 0).double()
    expected = distributions.Bernoulli(logits=decoded).log_prob(ink).flatten(1).sum(dim=1)
    assert_close(BernoulliPixels().log_prob(decoded, ink), expected, "Bernoulli", 1e-10, 1e-10)
    expected = distributions.Normal(decoded, 0.3).log_prob(x).flatten(1).sum(dim=1)
    assert_close(GaussianPixels(0.3).log_prob(decoded, x), expected, "Gaussian", 1e-10, 1e-10)


def test_all_pictures_together_have_probability_1():
    every = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=torch.float64)
    decoded = drawn(1, 4).expand(16, 4) * 3
    total = BernoulliPixels().log_prob(decoded, every).exp().sum().item()
    assert total == pytest.approx(1), f"the 16 pictures of four pixels have probability {total}"


def test_means():
    decoded = drawn(3, 1, 2, 2)
    assert torch.equal(BernoulliPixels().mean(decoded), decoded.sigmoid())
    assert torch.equal(GaussianPixels().mean(decoded), decoded)


def test_the_surest_logits_do_not_overflow():
    decoded = torch.tensor([[1e4, -1e4], [-1e4, 1e4]])
    found = BernoulliPixels().log_prob(decoded, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    assert_close(found, torch.tensor([0.0, -2e4]), "sure logits, right and wrong")


def test_gaussian_constant():
    found = GaussianPixels(2.0).log_prob(torch.zeros(1, 3), torch.zeros(1, 3)).item()
    assert found == pytest.approx(-3 * math.log(2 * math.sqrt(2 * math.pi)))


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: GaussianPixels(0.0), "GaussianPixels: std must be greater than 0"),
        (TypeError, lambda: GaussianPixels("1"), "GaussianPixels: std must be a number"),
        (
            ValueError,
            lambda: BernoulliPixels().log_prob(torch.zeros(2, 3), torch.full((2, 3), -1.0)),
            "x must lie from 0 to 1, got -1 to -1",
        ),
        (
            ValueError,
            lambda: BernoulliPixels().log_prob(torch.zeros(1, 1), torch.full((1, 1), math.nan)),
            "x must lie from 0 to 1, got nan",
        ),
        (
            ValueError,
            lambda: GaussianPixels().log_prob(torch.zeros(2, 3), torch.zeros(2, 1, 3)),
            r"decoded and x must have one shape \(n, ...\), got \(2, 3\) and \(2, 1, 3\)",
        ),
        (
            ValueError,
            lambda: BernoulliPixels().log_prob(torch.zeros(3), torch.zeros(3)),
            r"one shape \(n, ...\), got \(3,\) and \(3,\)",
        ),
        (
            TypeError,
            lambda: BernoulliPixels().log_prob(torch.zeros(1, 2), torch.zeros(1, 2).long()),
            "x must have a floating-point dtype",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
