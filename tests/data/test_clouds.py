import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import data

SPLITS = ["train", "validation", "test", "all"]


def distances(dataset, angle):
    """Signed distance of every point from the line, computed without the loader's help."""
    normal = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))], dtype=torch.float64)
    return dataset.x.double() @ normal


@given(
    n=st.integers(2, 60),
    margin=st.floats(0.01, 5),
    spread=st.floats(0.01, 5),
    angle=st.floats(-360, 360),
    seed=st.integers(0, 2**63),
    split=st.sampled_from(SPLITS),
)
def test_the_line_separates_the_clouds_with_exactly_the_margin(n, margin, spread, angle, seed, split):
    clouds = data.load("clouds", split, n=n, margin=margin, spread=spread, angle=angle, seed=seed)
    signed = distances(clouds, angle)
    assert torch.equal(clouds.y, (signed > 0).long()), "a point is on the wrong side"
    rounding = 1e-6 * float(clouds.x.abs().max() + 1)
    for label in (0, 1):
        nearest = float(signed[clouds.y == label].abs().min())
        assert abs(nearest - margin) < rounding, f"class {label} comes as near as {nearest}, not {margin}"


def test_half_the_points_are_of_each_class_and_in_no_order():
    clouds = data.load("clouds", n=201)
    assert clouds.y.bincount().tolist() == [101, 100]
    alternating = torch.arange(201) % 2
    assert not torch.equal(clouds.y, alternating)
    assert not torch.equal(clouds.y, alternating.sort().values)


def test_clouds_are_gaussian_with_the_spread_asked_for():
    clouds = data.load("clouds", n=20_000, margin=1.0, spread=0.5, angle=90.0)
    for label, side in ((0, -1), (1, 1)):
        points = clouds.x[clouds.y == label]
        assert points[:, 0].mean().abs() < 0.02
        assert abs(points[:, 0].std() - 0.5) < 0.02
        # two spreads behind the margin; 2 % of a Gaussian are mirrored, which pushes a little outwards
        assert abs(points[:, 1].mean() * side - 2.0) < 0.03


def test_a_perceptron_makes_no_more_mistakes_than_novikoff_allows():
    for seed in range(5):
        clouds = data.load("clouds", margin=0.3, seed=seed)
        x = np.c_[clouds.x.double().numpy(), np.ones(len(clouds))]
        sign = 2 * clouds.y.numpy() - 1
        w, mistakes = np.zeros(3), 0
        while True:
            wrong = 0
            for xi, si in zip(x, sign, strict=True):
                if si * (w @ xi) <= 0:
                    w += si * xi
                    wrong += 1
            mistakes += wrong
            if not wrong:
                break
        assert 0 < mistakes <= (x**2).sum(1).max() / 0.3**2


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("margin", 0, "margin must be above 0, got 0"),
        ("margin", -1.0, "margin must be above 0, got -1.0"),
        ("margin", float("nan"), "margin must be a finite number, got nan"),
        ("spread", 0.0, "spread must be above 0"),
        ("spread", "wide", "spread must be a finite number, got 'wide'"),
        ("angle", float("inf"), "angle must be a finite number, got inf"),
        ("n", 1, "n must be a whole number of at least 2, got 1"),
    ],
)
def test_a_bad_value_is_named(option, value, message):
    with pytest.raises(ValueError, match=message):
        data.load("clouds", **{option: value})


def test_numpy_numbers_are_numbers():
    same = data.load("clouds", n=np.int64(10), margin=np.float32(0.5), seed=np.uint8(3))
    assert torch.equal(same.x, data.load("clouds", n=10, margin=0.5, seed=3).x)
