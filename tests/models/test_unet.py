"""U-Net against the paper's figure, and against the same net of torch's functions."""

from itertools import pairwise

import pytest
import torch
from originals import assert_close
from torch.nn import functional as F

from course_lib import layers, optim
from course_lib.models.unet import UNet, unet


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_sizes_and_channels_of_figure_1():
    net, sizes = unet(device="meta"), []
    for stage in [*net.down, *net.merge]:
        stage.register_forward_hook(
            lambda module, args, out: sizes.append((args[0].shape[1], *out.shape[1:3]))
        )
    out = net(torch.zeros(1, 1, 572, 572, device="meta"))
    assert out.shape == (1, 2, 388, 388)
    down = [(1, 64, 568), (64, 128, 280), (128, 256, 136), (256, 512, 64), (512, 1024, 28)]
    up = [(1024, 512, 52), (512, 256, 100), (256, 128, 196), (128, 64, 388)]
    assert sizes == down + up
    assert sum(isinstance(module, layers.Conv2d | layers.ConvTranspose2d) for module in net.modules()) == 23


def test_number_of_parameters():
    def double(c_in, c):
        return 9 * c_in * c + c + 9 * c * c + c

    down = double(1, 64) + sum(double(c, 2 * c) for c in (64, 128, 256, 512))
    up = sum(4 * 2 * c * c + c + double(2 * c, c) for c in (512, 256, 128, 64))
    assert count(unet(device="meta")) == down + up + 64 * 2 + 2 == 31_030_658


@pytest.mark.parametrize(("padding", "size"), [(0, (44, 52)), (1, (16, 24))])
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_by_torch(padding, size, train, batch_norm):
    torch.manual_seed(0)
    net = UNet(2, 3, (4, 6, 8), padding, batch_norm, dtype=torch.float64).train(train)
    x = torch.randn(2, 2, *size, dtype=torch.float64)

    def stage(x, modules):
        for module in modules:
            if isinstance(module, layers.Conv2d):
                x = F.conv2d(x, module.weight, module.bias, padding=padding)
            elif isinstance(module, layers.BatchNorm2d):
                mean, var = module.running_mean.clone(), module.running_var.clone()
                x = F.batch_norm(x, mean, var, module.weight, module.bias, training=train)
            else:
                x = F.relu(x)
        return x

    left, y = [], x
    for number, modules in enumerate(net.down):
        y = stage(F.max_pool2d(y, 2) if number else y, modules)
        left.append(y)
    left.pop()
    for up, modules in zip(net.up, net.merge, strict=True):
        y = F.conv_transpose2d(y, up.weight, up.bias, stride=2)
        across = left.pop()
        cut = [(n - m) // 2 for n, m in zip(across.shape[2:], y.shape[2:], strict=True)]
        across = across[:, :, cut[0] : cut[0] + y.shape[2], cut[1] : cut[1] + y.shape[3]]
        y = stage(torch.cat([across, y], dim=1), modules)
    y = F.conv2d(y, net.score.weight, net.score.bias)
    assert_close(net(x), y, f"UNet, padding={padding}", 1e-10, 1e-10)
    assert net(x).shape[2:] == (size if padding else tuple(side - 40 for side in size))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stages", [2, 3, 4])
def test_exactly_the_sides_that_fit_are_taken(padding, stages):
    net = UNet(1, 2, (2,) * stages, padding).eval()
    taken = []
    for side in range(1, 160):
        if net.output_side(side):
            taken.append(side)
            assert net(torch.zeros(1, 1, side, side)).shape[2] == net.output_side(side), side
        else:
            near = {net.fitting(side, up=False), net.fitting(side)}
            with pytest.raises(ValueError, match=f"try {' or '.join(map(str, sorted(near)))}$"):
                net(torch.zeros(1, 1, side, side))
    assert {b - a for a, b in pairwise(taken)} == {2 ** (stages - 1)}, taken
    for side in range(1, taken[-1]):
        assert net.fitting(side) == min(each for each in taken if each >= side), side
        below = [each for each in taken if each <= side]
        assert net.fitting(side, up=False) == (max(below) if below else taken[0]), side


def test_without_padding_a_stage_costs_four_pixels():
    """Behind sides the net refuses, torch's own functions would make maps that do not meet, or nothing."""
    net = UNet(1, 2, (2, 2, 2), device="meta")
    assert [net.output_side(side) for side in (572, 60, 59, 44, 40, 8)] == [532, 20, 0, 4, 0, 0]


def test_a_score_sees_what_is_handed_across_and_what_is_below():
    net = UNet(1, 2, (4, 8), padding=1).eval()
    x = torch.randn(1, 1, 8, 8, requires_grad=True)
    net(x)[0, 0, 3, 3].backward()
    assert (x.grad != 0).sum() > 25, "more than two 3x3 convolutions see"
    for part in (net.up[0].weight, net.down[0][0].weight, net.down[1][0].weight):
        assert part.grad.abs().sum() > 0


def test_every_parameter_has_a_gradient_and_a_narrow_net_learns():
    torch.manual_seed(0)
    net = UNet(1, 2, (64, 128), padding=1, width_mult=1 / 8)
    assert [stage[0].out_channels for stage in net.down] == [8, 16]
    x = torch.zeros(8, 1, 16, 16)
    for i in range(8):
        x[i, 0, i : i + 6, 3 : 3 + 5] = 1
    target = x[:, 0].long()
    steps = optim.Adam(net.parameters(), lr=0.01)
    for _ in range(25):
        loss = F.cross_entropy(
            net(x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))), target
        )
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())
    assert loss.item() < 0.15, f"cross-entropy {loss.item():.2f} after 25 steps"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"channels": (4,)}, r"channels must hold two numbers at least, got \(4,\)"),
        (ValueError, {"padding": 2}, "padding must be one of 0, 1"),
        (ValueError, {"num_classes": 0}, "num_classes must be 1 or more"),
        (ValueError, {"width_mult": 0}, "width_mult must be greater than 0"),
        (TypeError, {"channels": (4.0, 8)}, r"channels\[0\] must be an integer"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=f"UNet: {words}"):
        UNet(**options)


def test_what_is_no_batch_of_images_is_named():
    with pytest.raises(ValueError, match=r"UNet: input must be \(n, c, h, w\), got shape \(1, 16, 16\)"):
        UNet(padding=1, device="meta")(torch.zeros(1, 16, 16, device="meta"))
