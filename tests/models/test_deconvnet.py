"""The deconvolution network against its paper's table, and against the same net of torch's functions."""

import pytest
import torch
from originals import assert_close
from torch.nn import functional as F

from course_lib import layers, optim
from course_lib.models.deconvnet import DeconvNet, deconvnet
from course_lib.models.vgg import vgg16

SMALL = {"convolutions": (1, 2), "channels": (6, 8), "grid": 2, "middle_channels": 10}


def test_channels_and_sizes_of_table_2():
    net, sizes = deconvnet(device="meta").eval(), []
    for stage in [*net.down, net.middle[0], net.middle[3], net.middle[6], *net.up]:
        stage.register_forward_hook(lambda module, args, out: sizes.append(tuple(out.shape[1:3])))
    assert net(torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 21, 224, 224)
    down = [(64, 224), (128, 112), (256, 56), (512, 28), (512, 14)]
    middle = [(4096, 1), (4096, 1), (512, 7)]
    up = [(512, 14), (256, 28), (128, 56), (64, 112), (64, 224)]
    assert sizes == down + middle + up


def test_number_of_parameters_is_the_papers_252_million():
    net = deconvnet(device="meta")
    assert sum(parameter.numel() for parameter in net.parameters()) == 251_805_653


def test_the_way_down_is_vgg16s():
    theirs = [m.weight.shape for m in vgg16(device="meta").features if isinstance(m, layers.Conv2d)]
    ours = [m.weight.shape for m in deconvnet(device="meta").down.modules() if isinstance(m, layers.Conv2d)]
    assert ours == theirs


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("grid", [0, 2])
def test_by_torch(train, grid):
    torch.manual_seed(0)
    net = DeconvNet(2, 3, **{**SMALL, "grid": grid}, dtype=torch.float64).train(train)
    x = torch.randn(3, 2, 8, 12, dtype=torch.float64)

    def steps(x, modules, padding):
        for module in modules:
            if isinstance(module, layers.ConvTranspose2d):
                x = F.conv_transpose2d(x, module.weight, module.bias, padding=padding)
            elif isinstance(module, layers.Conv2d):
                x = F.conv2d(x, module.weight, module.bias, padding=padding)
            elif isinstance(module, layers.BatchNorm2d):
                mean, var = module.running_mean.clone(), module.running_var.clone()
                x = F.relu(F.batch_norm(x, mean, var, module.weight, module.bias, training=train))
        return x

    y, switches = x, []
    for stage in net.down:
        y, indices = F.max_pool2d(steps(y, stage, 1), 2, return_indices=True)
        switches.append(indices)
    y = steps(y, net.middle, 0)
    for stage in net.up:
        y = steps(F.max_unpool2d(y, switches.pop(), 2), stage, 1)
    y = F.conv2d(y, net.score.weight, net.score.bias)
    assert_close(net(x), y, f"DeconvNet, grid={grid}", 1e-9, 1e-9)
    assert y.shape == (3, 3, 8, 12)


def test_values_go_back_to_where_they_were_the_largest():
    net = DeconvNet(1, 2, (1,), (1,), grid=0).eval()
    for conv in (net.down[0][0], net.up[0][0]):
        torch.nn.init.dirac_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    x = torch.rand(1, 1, 6, 6) + 0.1
    seen = {}
    net.up[0].register_forward_hook(lambda module, args, out: seen.update(unpooled=args[0]))
    net(x)
    largest = F.max_pool2d(x, 2).repeat_interleave(2, 2).repeat_interleave(2, 3) == x
    assert torch.equal(seen["unpooled"] > 0, largest)


def test_every_parameter_has_a_gradient_and_a_narrow_net_learns():
    torch.manual_seed(0)
    net = DeconvNet(1, 2, (1, 1), (64, 128), grid=0, width_mult=1 / 8)
    assert [stage[0].out_channels for stage in net.down] == [8, 16]
    x = torch.zeros(8, 1, 16, 16)
    for i in range(8):
        x[i, 0, i : i + 6, 3 : 3 + 5] = 1
    noisy = x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    steps = optim.Adam(net.parameters(), lr=0.02)
    for _ in range(25):
        loss = F.cross_entropy(net(noisy), x[:, 0].long())
        steps.zero_grad()
        loss.backward()
        steps.step()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not without, f"no gradient: {without}"
    assert loss.item() < 0.2, f"cross-entropy {loss.item():.2f} after 25 steps"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"convolutions": (1,), "channels": (4, 8)}, "one number for each stage, got 1 and 2"),
        (ValueError, {"convolutions": (), "channels": ()}, "one number for each stage, got 0 and 0"),
        (ValueError, {"convolutions": (0,), "channels": (4,)}, r"convolutions\[0\] must be 1 or more"),
        (ValueError, {"grid": -1}, "grid must be 0 or more"),
        (TypeError, {"num_classes": "2"}, "num_classes must be an integer"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        DeconvNet(**{"device": "meta", **options})


@pytest.mark.parametrize("size", [(4, 4), (8, 10), (12, 8)])
def test_sides_that_do_not_fit_are_named(size):
    net = DeconvNet(1, 2, **{**SMALL, "grid": 3}).eval()
    with pytest.raises(ValueError, match="multiples of 4, 12 at least, got"):
        net(torch.zeros(1, 1, *size))


def test_what_is_no_batch_of_images_is_named():
    with pytest.raises(ValueError, match=r"DeconvNet: input must be \(n, c, h, w\)"):
        DeconvNet(1, 2, **SMALL)(torch.zeros(1, 8, 8))
