import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course_lib import data


def test_without_noise_the_points_are_on_the_two_half_circles():
    moons = data.load("moons", n=500, noise=0.0)
    upper, lower = moons.x[moons.y == 0], moons.x[moons.y == 1]
    assert torch.allclose(upper.norm(dim=1), torch.ones(250))
    assert (upper[:, 1] >= 0).all()
    assert torch.allclose((lower - torch.tensor([1.0, 0.5])).norm(dim=1), torch.ones(250))
    assert (lower[:, 1] <= 0.5).all()
    assert upper[:, 0].min() < -0.9 < 0.9 < upper[:, 0].max(), "the half circle is not covered"


def test_noise_is_gaussian_with_the_deviation_asked_for():
    clean = data.load("moons", n=10_000, noise=0.0)
    noisy = data.load("moons", n=10_000, noise=0.3)
    noise = noisy.x - clean.x
    assert torch.allclose(noise.std(dim=0), torch.full((2,), 0.3), rtol=0.03)
    assert (noise.mean(dim=0).abs() < 0.01).all()


def test_the_sheet_is_right_about_straight_lines_and_overlap():
    train, test = (data.load("moons", split, n=2000) for split in ("train", "test"))
    assert 0.85 < LogisticRegression().fit(train.x, train.y).score(test.x, test.y) < 0.91
    assert KNeighborsClassifier(15).fit(train.x, train.y).score(test.x, test.y) > 0.99
    train, test = (data.load("moons", split, n=2000, noise=0.2) for split in ("train", "test"))
    assert 0.94 < KNeighborsClassifier(15).fit(train.x, train.y).score(test.x, test.y) < 0.99


@pytest.mark.parametrize("noise", [-0.1, float("nan"), "some", None])
def test_a_bad_noise_is_named(noise):
    with pytest.raises(ValueError, match="noise must be"):
        data.load("moons", noise=noise)
