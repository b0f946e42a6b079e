"""ddpm_loss: its value for nets that are known, the draws of time, noise and silence."""

import pytest
import torch
from torch import nn

from course_lib.models.dense_denoiser import dense_denoiser
from course_lib.models.diffusion_loss import ddpm_loss
from course_lib.models.noise_schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.linear(30)


class Listener(nn.Module):
    """Guesses zero and keeps what it was told."""

    num_classes = 7

    def forward(self, x, t, y=None):
        self.x, self.t, self.y = x, t, y
        return torch.zeros_like(x)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_guessing_nothing_costs_one():
    assert ddpm_loss(Listener(), SCHEDULE, torch.randn(20_000, 2), seeded()).item() == pytest.approx(
        1, abs=0.03
    )


def test_who_knows_the_picture_pays_nothing():
    x0 = torch.randn(50, 1, 3, 3, dtype=torch.float64)
    loss = ddpm_loss(lambda x, t: SCHEDULE.predict_eps(x, t, x0), SCHEDULE, x0, seeded())
    assert loss < 1e-18
    assert loss.dtype == torch.float64


def test_each_row_has_a_time_of_its_own_and_the_noise_of_that_time():
    net, x0 = Listener(), torch.full((60_000, 1), 2.0)
    ddpm_loss(net, SCHEDULE, x0, seeded())
    counts = torch.bincount(net.t, minlength=30)
    assert len(counts) == 30
    assert counts.min() > 0.85 * 2000, f"some times are drawn too rarely: {counts.tolist()}"
    assert counts.max() < 1.15 * 2000, f"some times are drawn too often: {counts.tolist()}"
    for t in (0, 15, 29):
        left = SCHEDULE.alpha_bars[t].item()
        there = net.x[net.t == t]
        assert there.mean().item() == pytest.approx(2 * left**0.5, abs=0.1)
        assert there.var().item() == pytest.approx(1 - left, rel=0.15, abs=1e-3)


def test_the_generator_decides():
    net, x0 = dense_denoiser(width=8), torch.randn(5, 2)
    assert torch.equal(ddpm_loss(net, SCHEDULE, x0, seeded(3)), ddpm_loss(net, SCHEDULE, x0, seeded(3)))
    assert not torch.equal(ddpm_loss(net, SCHEDULE, x0, seeded(3)), ddpm_loss(net, SCHEDULE, x0, seeded(4)))


@pytest.mark.parametrize("drop", [0.0, 0.25, 1.0])
def test_classes_are_dropped_as_often_as_asked(drop):
    net, y = Listener(), torch.arange(8000) % 7
    ddpm_loss(net, SCHEDULE, torch.randn(8000, 2), seeded(), y=y, drop=drop)
    silent = net.y == 7
    assert silent.double().mean().item() == pytest.approx(drop, abs=0.03)
    assert torch.equal(net.y[~silent], y[~silent])


def test_it_has_a_gradient_and_leaves_the_data_alone():
    net, x0 = dense_denoiser(width=8), torch.randn(5, 2)
    before = x0.clone()
    ddpm_loss(net, SCHEDULE, x0).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert torch.equal(x0, before)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: ddpm_loss(Listener(), None, torch.zeros(2, 2)),
            TypeError,
            "schedule must be a NoiseSchedule",
        ),
        (lambda: ddpm_loss(Listener(), SCHEDULE, torch.zeros(2, 2).int()), TypeError, "floating-point"),
        (lambda: ddpm_loss(Listener(), SCHEDULE, torch.zeros(0, 2)), ValueError, "n of 1 or more"),
        (lambda: ddpm_loss(Listener(), SCHEDULE, torch.zeros(3)), ValueError, r"x0 must be \(n, ...\)"),
        (
            lambda: ddpm_loss(dense_denoiser(), SCHEDULE, torch.zeros(2, 2), y=torch.zeros(2).long()),
            TypeError,
            "y needs a net with num_classes",
        ),
        (
            lambda: ddpm_loss(Listener(), SCHEDULE, torch.zeros(2, 2), y=torch.zeros(3).long()),
            ValueError,
            r"y must be \(n,\) with n=2",
        ),
        (
            lambda: ddpm_loss(Listener(), SCHEDULE, torch.zeros(2, 2), drop=1.5),
            ValueError,
            "drop must be from 0 to 1",
        ),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
