"""ring: where the modes are, how wide, how many points each has."""

import numpy as np
import pytest
import torch

from course_lib import data


@pytest.mark.parametrize("modes", [1, 3, 8])
def test_without_spread_the_points_are_the_corners_of_a_polygon(modes):
    ring = data.load("ring", n=24, modes=modes, radius=3.0, std=0.0)
    angle = 2 * torch.pi * ring.y / modes
    expected = 3 * torch.stack([angle.cos(), angle.sin()], dim=1)
    assert torch.allclose(ring.x, expected, atol=1e-6), "mode k is not at the angle 360 k / modes degrees"
    assert ring.classes == tuple(f"mode {k}" for k in range(modes))


def test_the_spread_is_gaussian_and_round_and_the_one_asked_for():
    tight, ring = (data.load("ring", n=40_000, std=std) for std in (0.0, 0.3))
    noise = ring.x - tight.x
    covariance = torch.from_numpy(np.cov(noise.T.numpy())).float()
    assert torch.allclose(covariance, 0.09 * torch.eye(2), atol=0.003)
    inside = (noise.norm(dim=1) < 0.3).float().mean().item()
    assert inside == pytest.approx(1 - np.exp(-0.5), abs=0.01), (
        "share of points within one standard deviation"
    )


@pytest.mark.parametrize(("n", "counts"), [(16, {2}), (1000, {125}), (1003, {125, 126}), (8, {1})])
def test_every_mode_has_its_share(n, counts):
    ring = data.load("ring", n=n)
    assert len(ring) == n
    assert set(ring.y.bincount(minlength=8).tolist()) == counts


def test_points_come_in_random_order():
    y = data.load("ring", n=800).y
    assert not torch.equal(y, torch.arange(800) % 8)
    assert set(y[:80].tolist()) == set(range(8))


def test_the_modes_lie_far_apart_with_the_default_options():
    ring = data.load("ring")
    centres = torch.stack([ring.x[ring.y == k].mean(dim=0) for k in range(8)])
    nearest = torch.cdist(ring.x, centres).argmin(dim=1)
    assert torch.equal(nearest, ring.y)
    assert (centres.norm(dim=1) - 2).abs().max() < 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"modes": 0}, "modes must be a whole number of at least 1, got 0"),
        ({"modes": 2.5}, "modes must be a whole number of at least 1, got 2.5"),
        ({"n": 7}, "n must be a whole number of at least 8, got 7"),
        ({"radius": 0.0}, "radius must be above 0, got 0.0"),
        ({"std": -0.1}, "std must be at least 0, got -0.1"),
        ({"std": float("nan")}, "std must be a finite number, got nan"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("ring", **options)
