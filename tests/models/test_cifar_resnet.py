"""The residual nets for small images and their plain twins: against the paper, torch.nn and each other."""

import pytest
import torch
from originals import assert_close
from torch import nn

from course_lib import data, layers, optim, training
from course_lib.models.cifar_resnet import CifarResNet, PaddedIdentity, cifar_resnet
from course_lib.models.residual_blocks import VARIANTS, BasicBlock, PlainBlock

COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}
MILLIONS = {20: "0.27", 32: "0.46", 44: "0.66", 56: "0.85", 110: "1.7"}  # table 6 of the paper
FULL = "full_pre_activation"
every = pytest.mark.parametrize("variant", VARIANTS)
depths = pytest.mark.parametrize("depth", COUNTS)


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def small(depth=14, **options):
    return cifar_resnet(depth, **({"width_mult": 1 / 4, "dtype": torch.float64} | options))


def stages(net):
    return (net.layer1, net.layer2, net.layer3)


class Block(nn.Module):
    """The paper's block of two convolutions, of torch.nn."""

    def __init__(self, before, after, stride, how):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.how, self.stride, self.missing = how, stride, after - before
        if how == "projection" and stride == 2:
            conv = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.how == "plain":
            return torch.relu(y)
        if self.stride == 1:
            return torch.relu(y + x)
        if self.how == "projection":
            return torch.relu(y + self.downsample(x))
        picked = nn.functional.avg_pool2d(x, 1, stride=2)  # a window of one entry: that entry
        nothing = torch.zeros_like(picked[:, :1]).expand(-1, self.missing, -1, -1)
        return torch.relu(y + torch.cat([picked, nothing], 1))


class Net(nn.Module):
    """Section 4.2, of torch.nn."""

    def __init__(self, depth, how, widths, in_channels, num_classes):
        super().__init__()
        n, before = (depth - 2) // 6, widths[0]
        self.conv1, self.bn1 = nn.Conv2d(in_channels, before, 3, 1, 1, bias=False), nn.BatchNorm2d(before)
        for stage, width in enumerate(widths, 1):
            blocks = [Block(before, width, 1 if stage == 1 else 2, how)]
            blocks += [Block(width, width, 1, how) for _ in range(n - 1)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            before = width
        self.fc = nn.Linear(before, num_classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("how", ["zeros", "projection", "plain"])
def test_it_is_the_papers_net_with_weights_exchanged(how, train):
    torch.manual_seed(0)
    options = {"residual": False} if how == "plain" else {"shortcut": how}
    ours = cifar_resnet(14, in_channels=2, num_classes=7, width_mult=0.3, dtype=torch.float64, **options)
    theirs = Net(14, how, (5, 10, 19), 2, 7).double()
    for key, value in theirs.state_dict().items():
        if "bn" in key and value.is_floating_point():
            value.uniform_(0.5, 1.5)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.train(train), theirs.train(train)
    x = torch.randn(3, 2, 13, 10, dtype=torch.float64)
    y, expected = ours(x), theirs(x)
    assert_close(y, expected, f"{how}, training={train}", rtol=1e-8, atol=1e-9)
    slopes = torch.randn_like(y)
    named = dict(ours.named_parameters())
    mine = torch.autograd.grad(y, list(named.values()), slopes)
    wanted = torch.autograd.grad(expected, list(theirs.parameters()), slopes)
    for name, got, other in zip(named, mine, wanted, strict=True):
        assert_close(got, other, f"{how}, training={train}: gradient of {name}", rtol=1e-6, atol=1e-8)
        assert got.any(), f"{how}: the gradient of {name} is all zero"
    theirs.load_state_dict(ours.state_dict(), strict=True)


@depths
def test_number_of_parameters(depth):
    with torch.device("meta"):
        residual, plain = cifar_resnet(depth), cifar_resnet(depth, residual=False)
        projected = cifar_resnet(depth, shortcut="projection")
    n = (depth - 2) // 6
    filters = 9 * (3 * 16 + 2 * n * 16**2 + (16 * 32 + (2 * n - 1) * 32**2) + (32 * 64 + (2 * n - 1) * 64**2))
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    assert filters + norms + 65 * 10 == COUNTS[depth], "the formula of this test"
    assert count(residual) == count(plain) == COUNTS[depth], f"depth {depth}"
    assert count(projected) - count(residual) == 16 * 32 + 32 * 64 + 2 * (32 + 64), f"depth {depth}, option B"
    digits = len(MILLIONS[depth]) - 2
    assert f"{count(residual) / 1e6:.{digits}f}" == MILLIONS[depth], "as table 6 has it"


@depths
@pytest.mark.parametrize("options", [{}, {"shortcut": "projection"}, {"residual": False}])
def test_depth_counts_the_layers_with_weights(depth, options):
    with torch.device("meta"):
        net = cifar_resnet(depth, **options)
    weighted = [n for n, m in net.named_modules() if isinstance(m, layers.Conv2d | layers.Linear)]
    assert len([name for name in weighted if "downsample" not in name]) == depth


@pytest.mark.parametrize("options", [{}, {"shortcut": "projection"}, {"residual": False}, {"variant": FULL}])
def test_stages_of_an_image_of_cifar(options):
    with torch.device("meta"):
        net, x = cifar_resnet(**options), torch.zeros(1, 3, 32, 32)
    shapes = []
    for stage in stages(net):
        stage.register_forward_hook(lambda module, inputs, y: shapes.append(tuple(y.shape)))
    assert net(x).shape == (1, 10)
    assert shapes == [(1, 16, 32, 32), (1, 32, 16, 16), (1, 64, 8, 8)], options


@every
def test_plain_and_residual_nets_have_the_same_parameters_and_differ_by_the_addition(variant):
    torch.manual_seed(1)
    plain, residual = small(variant=variant, residual=False), small(variant=variant)
    residual.load_state_dict(plain.state_dict(), strict=True)
    x = torch.randn(2, 3, 12, 12, dtype=torch.float64)
    assert not torch.allclose(plain(x), residual(x), atol=1e-2), variant
    blocks = {type(block) for stage in stages(plain) for block in stage}
    assert blocks == {PlainBlock}, variant
    assert {type(block) for stage in stages(residual) for block in stage} == {BasicBlock}, variant
    for module in [*plain.modules(), *residual.modules()]:
        if isinstance(module, layers.Conv2d):
            nn.init.zeros_(module.weight)
    assert not plain.layer1(x[:, :1].expand(-1, 4, -1, -1)).any(), (
        f"{variant}: plain layers of 0 pass nothing"
    )
    assert residual.layer1(x[:, :1].expand(-1, 4, -1, -1)).any(), f"{variant}: residual ones do"


def test_the_same_seed_gives_plain_and_residual_nets_the_same_weights():
    nets = []
    for residual in (True, False):
        torch.manual_seed(2)
        nets.append(small(residual=residual).state_dict())
    for key, value in nets[0].items():
        assert torch.equal(value, nets[1][key]), key


def test_convolutions_begin_with_variance_two_over_fan_out():
    torch.manual_seed(3)
    net = cifar_resnet(20)
    for name, module in net.named_modules():
        if isinstance(module, layers.Conv2d):
            weight = module.weight
            expected = (2 / (9 * module.out_channels)) ** 0.5
            tolerance = 5 * expected / (2 * weight.numel()) ** 0.5  # 5 standard errors
            assert abs(weight.std().item() - expected) < tolerance, name


@pytest.mark.parametrize("size", [(4, 4), (5, 4), (7, 7), (1, 1)])
@pytest.mark.parametrize("stride", [1, 2])
def test_padded_identity(size, stride):
    x = torch.randn(2, 3, *size)
    y = PaddedIdentity(3, 5, stride)(x)
    assert y.shape == (2, 5, -(-size[0] // stride), -(-size[1] // stride))
    assert torch.equal(y[:, :3], x[:, :, ::stride, ::stride])
    assert not y[:, 3:].any()
    assert repr(PaddedIdentity(3, 5, stride)) == f"PaddedIdentity(3, 5, stride={stride})"


def test_blocks_that_add_nothing_pass_on_every_second_entry():
    net = small(zero_init_residual=True)
    x = torch.rand(2, 4, 9, 8, dtype=torch.float64)
    y = net.layer3(net.layer2(net.layer1(x)))
    assert y.shape == (2, 16, 3, 2)
    assert torch.equal(y[:, :4], x[:, :, ::4, ::4])
    assert not y[:, 4:].any()


@every
def test_gradients_have_a_path_of_one_only_if_nothing_follows_the_addition(variant):
    """dL/dx_l = dL/dx_L + dL/dx_L d/dx_l (F_l + ... + F_{L-1}): equation 5 of the second paper."""
    torch.manual_seed(4)
    net = small(depth=32, variant=variant)
    states = []  # x_l of the four blocks of the second stage that keep the sizes, and x_L
    for block in net.layer2[1:]:
        block.register_forward_pre_hook(lambda module, inputs: states.append(inputs[0]))
    net.layer2.register_forward_hook(lambda module, inputs, output: states.append(output))
    logits = net(torch.randn(4, 3, 12, 12, dtype=torch.float64))
    loss = layers.cross_entropy(logits, torch.tensor([1, 2, 3, 4]))
    at = torch.autograd.grad(loss, states, retain_graph=True)

    added = 0  # F_l + ... + F_{L-1}, on the same graph
    for block, x in zip(net.layer2[1:], states, strict=False):
        assert block.downsample is None
        added = added + block.through(block.order.branch, block.through(block.order.before, x))
    for number, (x, got) in enumerate(zip(states[:-1], at[:-1], strict=True)):
        (through_branches,) = torch.autograd.grad(added, x, at[-1], retain_graph=True, allow_unused=True)
        path = got - through_branches
        error = ((path - at[-1]).norm() / at[-1].norm()).item()
        case = f"{variant}: block {number}, {error:.1e} away from dL/dx_L"
        if variant in ("original", "bn_after_addition"):
            assert error > 0.1, case
        else:
            assert error < 1e-9, case


@every
@pytest.mark.parametrize("shortcut", ["zeros", "projection"])
def test_every_variant_with_every_shortcut_trains_all_its_parameters(variant, shortcut):
    torch.manual_seed(5)
    net = small(variant=variant, shortcut=shortcut, in_channels=1)
    logits = net(torch.randn(4, 1, 14, 14, dtype=torch.float64))
    layers.cross_entropy(logits, torch.tensor([0, 3, 6, 9])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{variant} {shortcut}: {name}"
        assert parameter.grad.any(), f"{variant} {shortcut}: the gradient of {name} is all zero"


def test_the_five_variants_differ():
    outputs = {}
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for variant in VARIANTS:
        torch.manual_seed(6)
        outputs[variant] = small(variant=variant)(x)
    for i, one in enumerate(VARIANTS):
        for other in VARIANTS[:i]:
            assert (outputs[one] - outputs[other]).abs().max() > 1e-2, f"{one} and {other}"


@every
def test_names_are_the_originals_but_for_the_ends_of_the_full_pre_activation(variant):
    expected, got = set(small().state_dict()), set(small(variant=variant).state_dict())
    layers_of = {key.rpartition(".")[0] for key in expected ^ got}
    assert layers_of == ({"layer1.0.bn1", "final.0"} if variant == FULL else set()), variant


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 4), (28, 28), (33, 17), (64, 64)])
@pytest.mark.parametrize("options", [{}, {"shortcut": "projection"}, {"residual": False}, {"variant": FULL}])
def test_any_image_from_1x1_on(options, size):
    net = small(depth=8, **options)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    assert net(x).shape == (2, 10), f"{options} in training on {size}"
    assert net.eval()(x[:0]).shape == (0, 10), f"{options} on no images of {size}"
    assert net(x[:1]).shape == (1, 10), f"{options} on one image of {size}"


def test_one_image_in_training_must_be_larger_than_4x4():
    net = small(depth=8)
    net(torch.randn(1, 3, 5, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match="BatchNorm2d: input must have more than one value a channel"):
        net(torch.randn(1, 3, 4, 4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("factor", "widths"), [(0.01, [1, 1, 1]), (0.5, [8, 16, 32]), (0.3, [5, 10, 19]), (2, [32, 64, 128])]
)
def test_width(factor, widths):
    with torch.device("meta"):
        net = cifar_resnet(width_mult=factor, num_classes=3, in_channels=2)
        assert net(torch.zeros(2, 2, 9, 9)).shape == (2, 3)
    assert net.conv1.weight.shape == (widths[0], 2, 3, 3)
    assert [stage[-1].conv2.weight.shape[0] for stage in stages(net)] == widths


def test_device_dtype_and_norm_layer():
    net = cifar_resnet(8, device="meta", dtype=torch.float64, norm_layer=lambda c: layers.GroupNorm(1, c))
    assert {(p.device.type, p.dtype) for p in net.parameters()} == {("meta", torch.float64)}
    kinds = [type(module) for module in net.modules()]
    assert kinds.count(layers.GroupNorm) == 7
    assert layers.BatchNorm2d not in kinds


def test_the_function_makes_the_class():
    assert isinstance(cifar_resnet(8, width_mult=0.1), CifarResNet)
    assert repr(cifar_resnet(width_mult=0.1)) == repr(CifarResNet(20, width_mult=0.1))


def test_state_dict_goes_round():
    torch.manual_seed(7)
    first, second = small(variant=FULL), small(variant=FULL)
    x = torch.randn(2, 3, 9, 9, dtype=torch.float64)
    first(x)  # moves the running averages
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(x), second.eval()(x))


@pytest.mark.parametrize("options", [{}, {"variant": FULL}, {"residual": False}])
def test_it_learns(options):
    train, validation = data.load("digits"), data.load("digits", split="validation")
    torch.manual_seed(0)
    net = cifar_resnet(8, width_mult=1 / 2, in_channels=1, **options)
    x, y = (2 * train.x - 1)[:600], train.y[:600]
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    training.fit(net, (x, y), optimizer=optimizer, epochs=4, batch_size=32, seed=0)
    found = training.evaluate(net, (2 * validation.x - 1, validation.y))["accuracy"]
    assert found > 0.7, f"{options}: accuracy {found:.2f} where chance is 0.1"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        *[(ValueError, {"depth": d}, rf"depth must be 6 n \+ 2 .* got {d}") for d in (2, 5, 11, 18, 21)],
        (ValueError, {"depth": 0}, "CifarResNet: depth must be 1 or more, got 0"),
        (TypeError, {"depth": 20.0}, r"CifarResNet: depth must be an integer, got 20\.0"),
        (
            ValueError,
            {"shortcut": "A"},
            "CifarResNet: shortcut must be one of 'zeros', 'projection', got 'A'",
        ),
        (ValueError, {"residual": False, "shortcut": "projection"}, "CifarResNet: .* need residual=True"),
        (ValueError, {"residual": False, "zero_init_residual": True}, "CifarResNet: .* need residual=True"),
        (ValueError, {"variant": "e"}, "variant must be one of 'original', .* got 'e'"),
        (ValueError, {"num_classes": 0}, "CifarResNet: num_classes must be 1 or more, got 0"),
        (TypeError, {"in_channels": "3"}, "CifarResNet: in_channels must be an integer, got '3'"),
        (ValueError, {"width_mult": -1}, "CifarResNet: width_mult must be greater than 0, got -1"),
        (
            TypeError,
            {"norm_layer": nn.BatchNorm2d(4)},
            "CifarResNet: norm_layer must be a class .* got Batch",
        ),
        (TypeError, {"width": 4}, "unexpected keyword argument 'width'"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        cifar_resnet(**options)


def test_images_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"Conv2d: input must have shape \(N, 1, H, W\)"):
        small(8, in_channels=1)(torch.zeros(2, 3, 8, 8, dtype=torch.float64))
