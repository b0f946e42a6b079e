"""Frechet distance against its formula with scipy's matrix root; linear CKA against definition and laws."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import metrics


def gaussian(rng, d, rank):
    """A mean and a covariance of the given rank."""
    factor = rng.normal(size=(rank, d))
    return rng.normal(size=d), factor.T @ factor / max(rank, 1)


def formula(mu1, sigma1, mu2, sigma2):
    """The formula in the papers, root and all."""
    root = scipy.linalg.sqrtm(sigma1 @ sigma2)
    return float(((mu1 - mu2) ** 2).sum() + np.trace(sigma1 + sigma2 - 2 * root.real))


@given(d=st.integers(1, 6), extra=st.integers(1, 9), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_frechet_distance_is_the_papers_formula(d, extra, seed):
    rng = np.random.default_rng(seed)
    one, other = gaussian(rng, d, d + extra), gaussian(rng, d, d + extra)
    expected = formula(*one, *other)
    assert metrics.frechet_distance(*one, *other) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert metrics.frechet_distance(*other, *one) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    tensors = [torch.tensor(x) for x in (*one, *other)]
    assert metrics.frechet_distance(*tensors) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert metrics.frechet_distance(*one, *one) == pytest.approx(0.0, abs=1e-12 * np.trace(one[1]) + 1e-13)


@given(d=st.integers(1, 6), ranks=st.tuples(st.integers(0, 5), st.integers(0, 5)), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_frechet_distance_of_singular_covariances(d, ranks, seed):
    """Low-rank factors A, B give it exactly: tr (A^T A B^T B)^1/2 is the sum of A B^T's singular values."""
    rng = np.random.default_rng(seed)
    factors = [rng.normal(size=(rank, d)) for rank in ranks]
    mu1, mu2 = rng.normal(size=(2, d))
    shared = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum() if min(ranks) else 0.0
    spread = sum((factor**2).sum() for factor in factors) - 2 * shared
    got = metrics.frechet_distance(mu1, factors[0].T @ factors[0], mu2, factors[1].T @ factors[1])
    assert got == pytest.approx(((mu1 - mu2) ** 2).sum() + spread, rel=1e-8, abs=1e-9)


def test_frechet_distance_by_hand():
    zero, eye = torch.zeros(2), torch.eye(2)
    assert metrics.frechet_distance(zero, eye, torch.tensor([3.0, 4.0]), eye) == 25.0
    assert metrics.frechet_distance([0.0], [[4.0]], [0.0], [[9.0]]) == pytest.approx((3 - 2) ** 2)
    diagonal = torch.diag(torch.tensor([4.0, 9.0]))
    assert metrics.frechet_distance(zero, eye, zero, diagonal) == pytest.approx((2 - 1) ** 2 + (3 - 1) ** 2)
    assert metrics.frechet_distance(zero, 0 * eye, zero, diagonal) == pytest.approx(13.0)


@given(
    n=st.tuples(st.integers(2, 30), st.integers(2, 30)),
    d=st.integers(1, 12),
    scale_and_shift=st.sampled_from([(1e-6, 0.0), (1.0, 0.0), (1e4, 0.0), (1.0, 1e4)]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_frechet_distance_of_samples_is_that_of_their_moments(n, d, scale_and_shift, seed):
    scale, shift = scale_and_shift
    rng = np.random.default_rng(seed)
    x, y = (shift + scale * rng.normal(size=(count, d)) @ rng.normal(size=(d, d)) for count in n)
    moments = [m for z in (x, y) for m in (z.mean(axis=0), np.atleast_2d(np.cov(z.T)))]
    got = metrics.frechet_distance_of_samples(x, y)
    size = np.trace(moments[1]) + np.trace(moments[3])
    assert got == pytest.approx(metrics.frechet_distance(*moments), rel=1e-7, abs=1e-7 * size)
    assert metrics.frechet_distance_of_samples(torch.tensor(x), torch.tensor(x)) <= 1e-12 * size


def test_frechet_distance_of_samples_falls_as_they_grow():
    generator = torch.Generator().manual_seed(0)
    distances = []
    for n in (20, 80, 320, 1280):
        x, y = torch.randn(2, n, 10, generator=generator)
        distances.append(metrics.frechet_distance_of_samples(x, y))
    assert distances == sorted(distances, reverse=True), "no bias of small samples?"
    assert distances[-1] < 0.1 < distances[0]


def cka(x, y):
    """The definition, with n by n matrices: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))."""
    n = len(x)
    h = np.eye(n) - 1 / n
    k, other = h @ x @ x.T @ h, h @ y @ y.T @ h
    return (k * other).sum() / math.sqrt((k * k).sum() * (other * other).sum())


def debiased_cka(x, y):
    """U-centred matrices (Szekely & Rizzo, 2014): an unbiased HSIC is their mean product off the diagonal."""

    def centred(k):
        n = len(k)
        k = k - np.diag(np.diag(k))
        rows = k.sum(axis=1, keepdims=True) / (n - 2)
        k = k - rows - rows.T + k.sum() / ((n - 1) * (n - 2))
        return k - np.diag(np.diag(k))

    k, other = centred(x @ x.T), centred(y @ y.T)
    return (k * other).sum() / math.sqrt((k * k).sum() * (other * other).sum())


@given(
    n=st.integers(4, 30),
    p=st.integers(1, 12),
    q=st.integers(1, 12),
    shift=st.sampled_from([0.0, 100.0]),
    seed=st.integers(0, 999),
)
@settings(max_examples=100, deadline=None)
def test_linear_cka_is_its_definition_and_obeys_its_laws(n, p, q, shift, seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, q))
    x = shift + y @ rng.normal(size=(q, p)) + rng.normal(size=(n, p))
    expected = cka(x, y)
    got = metrics.linear_cka(x, y)
    assert got == pytest.approx(expected, rel=1e-9), "definition"
    assert metrics.linear_cka(torch.tensor(y), torch.tensor(x)) == pytest.approx(got, rel=1e-12), "symmetry"
    assert -1e-12 <= got <= 1 + 1e-12
    rotation = scipy.linalg.qr(rng.normal(size=(p, p)))[0]
    assert metrics.linear_cka(x @ rotation, y) == pytest.approx(got, rel=1e-9), "orthogonal maps"
    for scale in (1e-200, 1e-30, 3.0, 1e30, 1e200):
        assert metrics.linear_cka(scale * x, y) == pytest.approx(got, rel=1e-9), f"isotropic scale {scale}"
    assert metrics.linear_cka(x + 5.0, y) == pytest.approx(got, rel=1e-9), "shift"
    assert metrics.linear_cka(x, x @ rotation) == pytest.approx(1.0, rel=1e-12), "identity"
    order = rng.permutation(n)
    assert metrics.linear_cka(x[order], y[order]) == pytest.approx(got, rel=1e-9), "order of examples"
    debiased = debiased_cka(x, y)
    if math.isfinite(debiased):
        assert metrics.linear_cka(x, y, debiased=True) == pytest.approx(debiased, rel=1e-6, abs=1e-8), (
            "debiased"
        )


def test_other_linear_maps_change_cka():
    x = torch.randn(50, 5, generator=torch.Generator().manual_seed(0))
    assert metrics.linear_cka(x, x * torch.tensor([1.0, 10, 1, 1, 1])) < 0.9


def test_debiased_cka_of_unrelated_representations_is_near_zero():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 20, 400, generator=generator)
    assert metrics.linear_cka(x, y) > 0.9
    assert abs(metrics.linear_cka(x, y, debiased=True)) < 0.2


def test_cka_of_a_constant_is_undefined():
    x = torch.randn(6, 3)
    constant = torch.full((6, 2), 0.1)
    for debiased in (False, True):
        with pytest.warns(metrics.UndefinedMetricWarning, match="constant"):
            assert math.isnan(metrics.linear_cka(x, constant, debiased=debiased))


def test_many_examples_need_no_square_matrix():
    """200,000 squared numbers would be 320 GB."""
    x = torch.randn(200_000, 4, generator=torch.Generator().manual_seed(0))
    assert metrics.linear_cka(x, x + x.flip(0)) == pytest.approx(0.5, abs=0.1)
    assert metrics.linear_cka(x, x, debiased=True) == pytest.approx(1.0)
    assert metrics.frechet_distance_of_samples(x, x + 1) == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_computed_in_float64(devices, dtype):
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)).to(dtype)
    y = (x.float() + torch.randn(40, 6, generator=torch.Generator().manual_seed(1))).to(dtype)
    for device in devices:
        got = metrics.linear_cka(x.to(device), y.to(device))
        assert got == pytest.approx(cka(x.double().numpy(), y.double().numpy()), rel=1e-9), f"{dtype}"
        distance = metrics.frechet_distance_of_samples(x.to(device), y.to(device))
        assert distance == pytest.approx(
            metrics.frechet_distance_of_samples(x.double(), y.double()), rel=1e-9
        )
