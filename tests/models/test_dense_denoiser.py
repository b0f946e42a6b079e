"""dense_denoiser: shapes, what it is told, and that it comes near to the best possible guess."""

import pytest
import torch

from course_lib import optim
from course_lib.models.dense_denoiser import dense_denoiser
from course_lib.models.diffusion_loss import ddpm_loss
from course_lib.models.noise_schedule import NoiseSchedule


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("features", [1, 2, 7])
def test_the_noise_has_the_shape_of_the_points(n, features):
    net = dense_denoiser(features, width=8, blocks=2)
    assert net(torch.randn(n, features), torch.zeros(n, dtype=torch.int64)).shape == (n, features)


def test_it_reads_point_time_and_class():
    torch.manual_seed(0)
    net = dense_denoiser(width=16, num_classes=3, dtype=torch.float64)
    x, t, y = torch.randn(4, 2, dtype=torch.float64), torch.arange(4), torch.tensor([0, 1, 2, 0])
    answer = net(x, t, y)
    assert answer.dtype == torch.float64
    for other in (net(x + 1, t, y), net(x, t + 5, y), net(x, t, (y + 1) % 3)):
        assert ((answer - other).abs().amax(dim=1) > 1e-4).all()
    assert torch.equal(net(x, t), net(x, t, torch.full((4,), 3)))


def test_the_point_itself_can_be_the_answer():
    net = dense_denoiser(width=8)
    with torch.no_grad():
        for parameter in [*net.leave.parameters(), net.gate.weight]:
            parameter.zero_()
        net.gate.bias.fill_(1)
    x = torch.randn(5, 2)
    torch.testing.assert_close(net(x, torch.arange(5)), x)


def test_the_state_goes_round():
    first, second = dense_denoiser(width=8), dense_denoiser(width=8)
    second.load_state_dict(first.state_dict())
    x, t = torch.randn(3, 2), torch.arange(3)
    assert torch.equal(first(x, t), second(x, t))


def test_trained_on_gaussian_data_it_comes_near_to_the_best_guess():
    """For x_0 ~ N(m, s^2 I) the mean noise in x_t is sqrt(1 - abar) (x_t - sqrt(abar) m) / variance."""
    torch.manual_seed(0)
    schedule, m, s = NoiseSchedule.cosine(50), torch.tensor([1.0, -0.5]), 0.5
    net = dense_denoiser(width=32, blocks=2)
    steps, rate = 300, 1e-2
    optimizer = optim.Adam(net.parameters(), lr=rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        loss = ddpm_loss(net, schedule, m + s * torch.randn(128, 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for t in (5, 25, 45):
        left = schedule.alpha_bars[t].item()
        variance = left * s**2 + 1 - left
        x = left**0.5 * m + variance**0.5 * torch.randn(500, 2)
        best = (1 - left) ** 0.5 * (x - left**0.5 * m) / variance
        with torch.no_grad():
            gap = (net(x, torch.full((500,), t)) - best).square().mean()
        assert gap < 0.03, f"at t = {t} the net is off by {gap:.3f} in mean square"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: dense_denoiser(0), ValueError, "features must be 1 or more"),
        (lambda: dense_denoiser(width=7), ValueError, "features must be even, got 7"),
        (lambda: dense_denoiser(blocks=0), ValueError, "blocks must be 1 or more"),
        (lambda: dense_denoiser()(torch.zeros(2), torch.zeros(2)), ValueError, r"x must be \(n, features\)"),
        (lambda: dense_denoiser()(torch.zeros(2, 3), torch.zeros(2)), ValueError, "features=2"),
        (lambda: dense_denoiser()(torch.zeros(2, 2), torch.zeros(3)), ValueError, r"t must be \(n,\)"),
        (lambda: dense_denoiser()(torch.zeros(2, 2).int(), torch.zeros(2)), TypeError, "floating-point"),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
