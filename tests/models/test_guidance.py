"""guided: what a weight does to the guess, and to Gaussian classes, where all is known."""

import pytest
import torch
from torch import nn

from course_lib.models.dense_denoiser import dense_denoiser
from course_lib.models.diffusion_samplers import ddim_sample
from course_lib.models.guidance import guided
from course_lib.models.noise_schedule import NoiseSchedule

SCHEDULE = NoiseSchedule.linear(200)


class TwoPoints(nn.Module):
    """The best guess for data N(-1, 0.5^2) in class 0 and N(1, 0.5^2) in class 1, on the line."""

    num_classes = 2

    def forward(self, x, t, y=None):
        left = SCHEDULE.alpha_bars[t].to(x.dtype)[:, None]
        variance = 0.25 * left + 1 - left
        to = [(1 - left).sqrt() * (x - left.sqrt() * m) / variance for m in (-1.0, 1.0)]
        if y is not None:
            return torch.where(y[:, None] == 1, to[1], to[0])
        share = torch.sigmoid(2 * left.sqrt() * x / variance)  # of class 1, given x_t
        return share * to[1] + (1 - share) * to[0]


def test_weights_of_zero_and_one_are_the_two_nets():
    torch.manual_seed(0)
    net = dense_denoiser(width=8, num_classes=3, dtype=torch.float64)
    x, t, y = torch.randn(4, 2, dtype=torch.float64), torch.arange(4), torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(guided(net, y, 0)(x, t), net(x, t))
    torch.testing.assert_close(guided(net, y, 1)(x, t), net(x, t, y))
    between = (net(x, t) + net(x, t, y)) / 2
    torch.testing.assert_close(guided(net, y, 0.5)(x, t), between)
    torch.testing.assert_close(guided(net, y, 3)(x, t), net(x, t) + 3 * (net(x, t, y) - net(x, t)))


def test_more_weight_goes_further_from_the_other_class():
    means, spreads = [], []
    for weight in (0.0, 1.0, 4.0):
        net = guided(TwoPoints(), torch.ones(4000, dtype=torch.int64), weight)
        generator = torch.Generator().manual_seed(0)
        x = ddim_sample(net, SCHEDULE, (4000, 1), 100, generator=generator, clip=None)
        means.append(x.mean().item())
        spreads.append(x.std().item())
    assert means[0] == pytest.approx(0, abs=0.08)
    assert means[1] == pytest.approx(1, abs=0.05)
    assert spreads[0] == pytest.approx(1.118, abs=0.05)  # sqrt(1 + 0.25)
    assert spreads[1] == pytest.approx(0.5, abs=0.03)
    assert means[2] > 1.15, f"guided mean {means[2]:.2f}"
    assert spreads[2] < spreads[1], f"spreads {spreads}"


def test_the_parameters_and_the_place_are_those_of_the_net():
    net, y = dense_denoiser(num_classes=3), torch.tensor([0])
    wrapped = guided(net, y, 2.0)
    assert [id(p) for p in wrapped.parameters()] == [id(p) for p in net.parameters()]
    assert list(wrapped.state_dict()) == [f"net.{name}" for name in net.state_dict()]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: guided(dense_denoiser(), torch.tensor([0]), 1.0), TypeError, "net must have num_classes"),
        (lambda: guided(TwoPoints(), [0], 1.0), TypeError, "y must be a torch.Tensor"),
        (lambda: guided(TwoPoints(), torch.zeros(2), 1.0), TypeError, "y must hold integers"),
        (lambda: guided(TwoPoints(), torch.zeros(2, 2).long(), 1.0), ValueError, r"y must be \(n\)"),
        (lambda: guided(TwoPoints(), torch.tensor([0]), "2"), TypeError, "weight must be a number"),
        (
            lambda: guided(TwoPoints(), torch.tensor([0]), float("inf")),
            ValueError,
            "weight must be finite",
        ),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
