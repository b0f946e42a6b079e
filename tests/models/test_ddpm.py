"""ddpm: shapes, what it is told, its start at zero, its gradient, and that it learns."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import optim
from course_lib.models.ddpm import ddpm
from course_lib.models.diffusion_loss import ddpm_loss
from course_lib.models.noise_schedule import NoiseSchedule


def awake(net, seed=0):
    """The net with the layers that start at zero drawn at random."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return net


@settings(max_examples=6, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from([8, 16]),
    st.sampled_from([(1,), (1, 2), (1, 2, 2), (2, 1)]),
    st.integers(1, 2),
    st.integers(1, 3),
)
def test_the_noise_has_the_shape_of_the_picture(in_channels, width, multipliers, n, tiles):
    net = ddpm(in_channels, width, multipliers)
    side = 2 ** (len(multipliers) - 1) * tiles
    x = torch.randn(n, in_channels, side, 2 * side)
    assert net(x, torch.arange(n)).shape == x.shape


def test_it_starts_by_guessing_nothing():
    x = torch.randn(2, 1, 8, 8)
    assert not ddpm(width=8)(x, torch.tensor([0, 9])).any()


def test_the_picture_itself_can_be_the_answer_whatever_its_size():
    net = ddpm(in_channels=2, width=8)
    with torch.no_grad():
        net.gate.bias.copy_(torch.tensor([1.0, 0.5]))
    x = 1000 * torch.randn(2, 2, 8, 8)
    torch.testing.assert_close(net(x, torch.tensor([0, 9])), x * torch.tensor([1.0, 0.5])[:, None, None])


def test_it_reads_picture_time_and_class():
    net = awake(ddpm(width=8, num_classes=4))
    x, t, y = torch.randn(3, 1, 8, 8), torch.tensor([5, 5, 5]), torch.tensor([1, 1, 1])
    plain = net(x, t, y)
    assert not torch.allclose(plain[0], plain[1], atol=1e-3)
    assert not torch.allclose(plain, net(x, t + 1, y), atol=1e-4)
    assert not torch.allclose(plain, net(x, t, y + 1), atol=1e-4)
    assert torch.equal(net(x, t), net(x, t, torch.full((3,), 4)))


def test_each_row_is_for_itself():
    net = awake(ddpm(width=8))
    x, t = torch.randn(3, 1, 8, 8), torch.tensor([0, 7, 30])
    together = net(x, t)
    for row in range(3):
        torch.testing.assert_close(net(x[row : row + 1], t[row : row + 1]), together[row : row + 1])


def test_details_travel_across():
    """A change of one pixel in the corner changes the far corner only through the small maps."""
    net = awake(ddpm(width=8, multipliers=(1, 1)))
    x = torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(net(x, torch.zeros(1)), net(x.clone(), torch.zeros(1)))
    for p in [*net.middle.parameters(), *net.up[0].parameters()]:
        torch.nn.init.zeros_(p)
    moved = x.clone()
    moved[0, 0, 3, 3] += 1
    change = (net(moved, torch.zeros(1)) - net(x, torch.zeros(1))).abs()
    assert change[0, 0, 3, 3] > 1e-3, "with the small maps silenced, the pixel itself must still get through"


def test_the_gradient_is_right_in_float64():
    net = awake(ddpm(width=8, multipliers=(1, 1), dtype=torch.float64))
    x = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    t = torch.tensor([3, 40])
    assert torch.autograd.gradcheck(lambda x: net(x, t), (x,))


def test_the_state_goes_round():
    first, second = awake(ddpm(width=8, num_classes=2), 0), awake(ddpm(width=8, num_classes=2), 1)
    second.load_state_dict(first.state_dict())
    x, t, y = torch.randn(2, 1, 4, 4), torch.tensor([0, 1]), torch.tensor([0, 1])
    assert torch.equal(first(x, t, y), second(x, t, y))


def test_it_learns_the_noise_of_one_picture():
    """Every picture is the same, so the noise can be read off: a loss far below guessing nothing, 1."""
    torch.manual_seed(0)
    net, schedule = ddpm(width=8, multipliers=(1, 1)), NoiseSchedule.cosine(50)
    x = torch.where(torch.rand(1, 1, 8, 8) < 0.5, -1.0, 1.0).repeat(16, 1, 1, 1)
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(50):
        loss = ddpm_loss(net, schedule, x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.9
    assert sum(losses[-10:]) / 10 < 0.35, f"the loss went from {losses[0]:.2f} to {losses[-1]:.2f}"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ddpm(width=12), ValueError, "width a multiple of 8"),
        (lambda: ddpm(width=0), ValueError, "width must be 1 or more"),
        (lambda: ddpm(in_channels=1.0), TypeError, "in_channels must be an integer"),
        (lambda: ddpm(multipliers=()), ValueError, "multipliers not empty"),
        (lambda: ddpm(multipliers=(1, 0)), ValueError, r"multipliers\[1\] must be 1 or more"),
        (
            lambda: ddpm(width=8)(torch.zeros(1, 8, 8), torch.zeros(1)),
            ValueError,
            r"x must be \(n, c, h, w\)",
        ),
        (lambda: ddpm(width=8)(torch.zeros(1, 2, 8, 8), torch.zeros(1)), ValueError, "in_channels=1"),
        (lambda: ddpm(width=8)(torch.zeros(1, 1, 6, 8), torch.zeros(1)), ValueError, "multiples of 4"),
        (lambda: ddpm(width=8)(torch.zeros(2, 1, 8, 8), torch.zeros(1)), ValueError, r"t must be \(n,\)"),
        (lambda: ddpm(width=8)(torch.zeros(2, 1, 8, 8), 3), TypeError, "t must be a torch.Tensor"),
        (lambda: ddpm(width=8)(torch.zeros(2, 1, 8, 8).int(), torch.zeros(2)), TypeError, "floating-point"),
        (
            lambda: ddpm(width=8)(torch.zeros(2, 1, 8, 8), torch.zeros(2), torch.zeros(2).long()),
            ValueError,
            "without classes",
        ),
    ],
)
def test_bad_calls_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
