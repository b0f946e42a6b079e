import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from course_lib import data


def test_the_slope_equation_holds_between_samples():
    """The curve is the integral of what the equation says its slope is."""
    from course_lib.data import ecg as module

    waves = module._Waves(module._ANGLE[None], module._A[None], module._B[None])
    omega, breath = np.array([2 * np.pi * 1.1]), np.array([0.7])
    z = module._integrate(waves, omega, breath)[0]
    t = np.arange(len(z)) / 160 - 0.3
    d = np.mod(omega * t[:, None] - module._ANGLE + np.pi, 2 * np.pi) - np.pi
    pull = (module._A * d * np.exp(-(d**2) / (2 * module._B**2))).sum(axis=1)
    slope = -pull - (z - 0.005 * np.sin(0.5 * np.pi * t + 0.7))
    integral = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 / 160)])
    # The samples are four times as coarse as the steps: the trapezoid is off by a few per cent of the R wave.
    assert np.abs(z - z[0] - integral).max() < 0.05 * np.ptp(z)


def test_a_normal_beat_has_its_waves_in_order_and_of_the_right_size():
    ecg = data.load("ecg", noise=0.0, n=500, abnormal=0.0)
    mean = ecg.x.mean(dim=0)[0]
    peak = int(mean.argmax())
    assert abs(peak / 160 - 0.3) < 0.01, "R is not at 0.3 s"
    assert mean[peak - 12 : peak].argmin() > 3, "no Q before R"
    base = float(mean[-10:].mean())
    p, t = float(mean[10:40].max()) - base, float(mean[65:110].max()) - base
    q, s = float(mean[peak - 12 : peak].min()) - base, float(mean[peak : peak + 12].min()) - base
    r = float(mean[peak]) - base
    assert 0.9 < r < 1.4
    assert 0.15 < p < 0.4 < t + 0.1 < 0.6
    assert s < q < 0


def test_each_anomaly_changes_what_its_name_says():
    ecg = data.load("ecg", n=2000, abnormal=0.8, noise=0.0)
    mean = {kind: ecg.x[ecg.y == number, 0].mean(dim=0) for number, kind in enumerate(ecg.classes)}
    p_wave = {kind: float(curve[15:35].mean() - curve[:5].mean()) for kind, curve in mean.items()}
    assert p_wave["normal"] > 0.1 > 0.05 > max(p_wave["no P wave"], p_wave["premature beat"])
    t_wave = {kind: float(curve[75:90].mean() - curve[-5:].mean()) for kind, curve in mean.items()}
    assert t_wave["normal"] > 0.2
    assert t_wave["inverted T wave"] < -0.2
    assert t_wave["premature beat"] < -0.2
    between = {kind: float(curve[60:66].mean() - curve[-5:].mean()) for kind, curve in mean.items()}
    assert between["ST elevation"] > between["normal"] + 0.1
    width = {kind: int((curve > curve.max() / 2 + curve.median() / 2).sum()) for kind, curve in mean.items()}
    assert width["premature beat"] > 1.5 * width["normal"]


def test_the_part_that_is_abnormal_is_what_was_asked_for_and_its_kinds_are_equal():
    counts = data.load("ecg", n=1000, abnormal=0.4).y.bincount().tolist()
    assert counts == [600, 100, 100, 100, 100]
    assert data.load("ecg", n=10, abnormal=0.0).y.sum() == 0
    assert (data.load("ecg", n=8, abnormal=1.0).y > 0).all()


def test_noise_is_gaussian_with_the_deviation_asked_for():
    clean, noisy = (data.load("ecg", n=400, noise=noise).x for noise in (0.0, 0.1))
    assert abs(float((noisy - clean).std()) - 0.1) < 0.002


def test_the_classes_can_be_learned_and_not_from_the_mean_alone():
    train, test = (data.load("ecg", split, abnormal=0.5) for split in ("train", "test"))
    flat = [split.x.flatten(1).numpy() for split in (train, test)]
    assert LogisticRegression(max_iter=500).fit(flat[0], train.y).score(flat[1], test.y) > 0.9
    level = [x.mean(axis=1, keepdims=True) for x in flat]
    assert LogisticRegression().fit(level[0], train.y).score(level[1], test.y) < 0.8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1"),
        ({"abnormal": 1.5}, "abnormal must be from 0 to 1, got 1.5"),
        ({"abnormal": float("nan")}, "abnormal must be a finite number"),
        ({"noise": -1}, "noise must be at least 0"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("ecg", **options)


def test_every_number_of_beats_from_one_on():
    for n in (1, 2, 7):
        ecg = data.load("ecg", n=n)
        assert ecg.x.shape == (n, 1, 128)
        assert ecg.x.dtype == torch.float32
