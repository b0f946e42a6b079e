import pytest
import torch

from course_lib import data


def test_without_noise_the_points_are_on_the_line():
    line = data.load("line", n=50, t0=-3.0, t1=0.5, noise=0.0)
    assert torch.allclose(line.y, -3.0 + 0.5 * line.x.squeeze(1))
    assert (line.x.shape, line.y.shape) == ((50, 1), (50,))
    assert line.classes == ()


def test_x_is_uniform_from_0_to_2():
    x = data.load("line", n=20_000).x.squeeze(1)
    assert (x >= 0).all()
    assert (x < 2).all()
    assert (x.histc(10, 0, 2) / 2000 - 1).abs().max() < 0.1


def test_noise_has_the_deviation_asked_for_and_does_not_move_x():
    clean, noisy = data.load("line", n=10_000, noise=0.0), data.load("line", n=10_000, noise=0.7)
    assert torch.equal(clean.x, noisy.x)
    noise = noisy.y - clean.y
    assert abs(noise.std() - 0.7) < 0.02
    assert noise.mean().abs() < 0.02


def test_the_sheet_is_right_about_how_far_off_the_best_fit_is():
    off = []
    for seed in range(100):
        line = data.load("line", seed=seed)
        x = torch.cat([torch.ones(128, 1), line.x], dim=1)
        off.append(torch.linalg.lstsq(x, line.y).solution - torch.tensor([1.0, 2.0]))
    expected = 2 * 0.5 / 128**0.5
    assert ((torch.stack(off).std(dim=0) / expected - 1).abs() < 0.4).all()


@pytest.mark.parametrize(
    ("option", "value"), [("t0", float("nan")), ("t1", "steep"), ("noise", -1), ("n", 0), ("t0", None)]
)
def test_a_bad_value_is_named(option, value):
    with pytest.raises(ValueError, match=f"^{option} must be"):
        data.load("line", **{option: value})
