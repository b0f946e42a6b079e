"""Precision, recall and copies of samples against scikit-learn's neighbours and against loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from course_lib import metrics

X = torch.zeros(5, 2)


def by_loops(real, fake, k):
    """Kynkäänniemi et al., equations 1 to 3, pair by pair."""

    def covered(points, centres):
        inside = 0
        for point in points:
            for i, centre in enumerate(centres):
                others = [math.dist(centre, other) for j, other in enumerate(centres) if j != i]
                if math.dist(point, centre) <= sorted(others)[k - 1]:
                    inside += 1
                    break
        return inside / len(points)

    return covered(fake, real), covered(real, fake)


def by_scikit_learn(real, fake, k):
    def covered(points, centres):
        tree = NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(centres)
        radii = tree.kneighbors()[0][:, -1]  # without an argument, a row is not its own neighbour
        distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
        return float((distances <= radii).any(axis=1).mean())

    return covered(fake, real), covered(real, fake)


@given(
    n=st.tuples(st.integers(5, 25), st.integers(5, 25)),
    d=st.integers(1, 6),
    k=st.integers(1, 4),
    scale_and_shift=st.sampled_from([(1e-6, 0.0), (1.0, 0.0), (1e6, 3.0)]),
    seed=st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_precision_and_recall_are_those_of_loops_and_of_scikit_learn(n, d, k, scale_and_shift, seed):
    scale, shift = scale_and_shift
    rng = np.random.default_rng(seed)
    real = shift + scale * rng.normal(size=(n[0], d))
    fake = shift + scale * (rng.normal(size=(n[1], d)) * 0.7 + 0.4)
    got = metrics.sample_precision_recall(real, fake, k)
    assert got == pytest.approx(by_loops(real, fake, k), abs=1e-12), "the definition, pair by pair"
    assert got == pytest.approx(by_scikit_learn(real, fake, k), abs=1e-12), "scikit-learn's neighbours"
    swapped = metrics.sample_precision_recall(torch.tensor(fake), torch.tensor(real), k)
    assert swapped == (got.recall, got.precision), "the two are each other's mirror image"


def test_points_of_a_grid_lie_on_the_surface_of_balls():
    """Whole numbers: distances are exact, and the surface belongs to the ball."""
    real = [[0.0], [1.0], [2.0], [3.0]]
    assert metrics.sample_precision_recall(real, [[4.0], [4.1], [-1.0], [9.0]], k=1).precision == 0.5
    assert metrics.sample_precision_recall(real, [[5.0], [5.1], [9.0], [1.5]], k=2).precision == 0.5
    assert metrics.sample_precision_recall(real, real, k=1) == (1.0, 1.0)


def test_a_collapsed_model_is_precise_and_a_noisy_one_covers():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 2))
    collapsed, wide = 0.1 * rng.normal(size=(300, 2)), 5 * rng.normal(size=(300, 2))
    assert metrics.sample_precision_recall(real, collapsed).precision > 0.99
    assert metrics.sample_precision_recall(real, collapsed).recall < 0.1
    assert metrics.sample_precision_recall(real, wide).precision < 0.3
    assert metrics.sample_precision_recall(real, wide).recall > 0.9
    same = metrics.sample_precision_recall(real, rng.normal(size=(300, 2)))
    assert min(same) > 0.85, f"one source, two draws: {same}"


def test_one_outlier_makes_recall_of_nothing():
    """The failure that Naeem et al. (2020) describe: a far sample has a ball that holds all real rows."""
    real = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    collapsed = 0.01 * torch.randn(200, 2, generator=torch.Generator().manual_seed(1))
    before = metrics.sample_precision_recall(real, collapsed).recall
    outlier = torch.tensor([[50.0, 0.0]])
    after = metrics.sample_precision_recall(real, torch.cat([collapsed, outlier])).recall
    assert before < 0.05
    assert after > 0.4


@given(n=st.integers(1, 30), m=st.integers(1, 30), d=st.integers(1, 6), seed=st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_nearest_distances_are_scikit_learns(n, m, d, seed):
    rng = np.random.default_rng(seed)
    x, reference = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    expected = NearestNeighbors(n_neighbors=1).fit(reference).kneighbors(x)[0][:, 0]
    got = metrics.nearest_distances(x, reference)
    assert isinstance(got, np.ndarray)
    np.testing.assert_allclose(got, expected, rtol=1e-12, err_msg="arrays")
    got = metrics.nearest_distances(torch.tensor(x), reference)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, err_msg="a tensor and an array")


def test_a_copy_is_at_distance_zero_exactly():
    x = torch.rand(50, 64, generator=torch.Generator().manual_seed(0)) + 100
    assert (metrics.nearest_distances(x, x.flip(0)) == 0).all()


def test_blocks_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 37, 3, generator=generator)
    whole = metrics.sample_precision_recall(real, fake), metrics.nearest_distances(real, fake)
    monkeypatch.setattr("course_lib.metrics.samples._ENTRIES", 100)  # two rows a block
    assert metrics.sample_precision_recall(real, fake) == whole[0]
    assert torch.equal(metrics.nearest_distances(real, fake), whole[1])


def test_copies_are_found_and_fresh_examples_are_not():
    rng = np.random.default_rng(0)
    training, held_out, fresh = (rng.normal(size=(n, 8)) for n in (400, 1000, 1000))
    near = training[rng.integers(400, size=1000)] + 0.01 * rng.normal(size=(1000, 8))
    assert metrics.copies_found(near, training, held_out).share == 1.0
    assert metrics.copies_found(training, training, held_out).share == 1.0
    assert metrics.copies_found(fresh, training, held_out).share < 0.03
    mixed = metrics.copies_found(np.concatenate([near[:250], fresh[:750]]), training, held_out)
    assert mixed.found[:250].all()
    assert mixed.share == pytest.approx(mixed.found.mean())
    assert mixed.share == pytest.approx(0.25, abs=0.02)
    assert mixed.threshold == pytest.approx(
        np.quantile(NearestNeighbors(n_neighbors=1).fit(training).kneighbors(held_out)[0], 0.01)
    )


def test_of_held_out_examples_the_level_is_found():
    """The null: below the quantile lies its share of the very examples it is a quantile of."""
    rng = np.random.default_rng(1)
    training, held_out = rng.normal(size=(200, 5)), rng.normal(size=(1000, 5))
    for level in (0.01, 0.05, 0.5):
        found = metrics.copies_found(held_out, training, held_out, level)
        assert found.share == pytest.approx(level, abs=0.002), f"level {level}"


def test_a_model_as_good_as_the_training_set_leaves_a_share_of_the_level():
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        training, held_out, fresh = (rng.normal(size=(n, 3)) for n in (200, 500, 500))
        shares.append(metrics.copies_found(fresh, training, held_out, 0.1).share)
    assert np.mean(shares) == pytest.approx(0.1, abs=0.02), "no accusation of fresh examples"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_computed_in_float64(devices, dtype):
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 40, 4, generator=generator).to(dtype)
    for device in devices:
        got = metrics.sample_precision_recall(real.to(device), fake.to(device))
        assert got == metrics.sample_precision_recall(real.double(), fake.double()), f"{dtype} on {device}"
        distances = metrics.nearest_distances(real.to(device), fake.to(device))
        assert distances.dtype == torch.float64
        torch.testing.assert_close(
            distances.cpu(), metrics.nearest_distances(real.double(), fake.double()), rtol=1e-9, atol=0
        )


@pytest.mark.parametrize(
    ("error", "call", "words"),
    [
        (ValueError, lambda: metrics.sample_precision_recall(X, X[:3]), "fake must have more than k=3 rows"),
        (ValueError, lambda: metrics.sample_precision_recall(X[:2], X, 2), "real must have more than k=2"),
        (ValueError, lambda: metrics.sample_precision_recall(X, X, 0), "k must be 1 or more, got 0"),
        (TypeError, lambda: metrics.sample_precision_recall(X, X, 1.5), "k must be an integer, got 1.5"),
        (
            ValueError,
            lambda: metrics.sample_precision_recall(X, torch.zeros(5, 3)),
            "real and fake must have as many columns, got 2 in real, 3 in fake",
        ),
        (ValueError, lambda: metrics.nearest_distances(X[0], X), r"x must have shape \(n, features\)"),
        (ValueError, lambda: metrics.nearest_distances(X, X[:0]), r"reference must have .* got \(0, 2\)"),
        (ValueError, lambda: metrics.nearest_distances(X * math.nan, X), "x must be finite, got nan"),
        (TypeError, lambda: metrics.nearest_distances("rows", X), "x must be a tensor, an array or a list"),
        (ValueError, lambda: metrics.copies_found(X, X, X, 1.0), "level must be below 1, got 1.0"),
        (ValueError, lambda: metrics.copies_found(X, X, X, 0), "level must be greater than 0, got 0"),
        (
            ValueError,
            lambda: metrics.copies_found(X, X, torch.zeros(2, 3)),
            "samples and training and held_out must have as many columns",
        ),
    ],
)
def test_bad_calls_are_named(error, call, words):
    with pytest.raises(error, match=words):
        call()
