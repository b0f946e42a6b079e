"""The ResNets against torchvision's and the papers' tables, and every variant against torch.nn.functional."""

import copy
import functools

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F
from torchvision_models import (
    assert_same_as_torchvisions,
    assert_same_names_and_shapes,
    get_model,
    published,
    torchvision,
)

from course_lib import layers
from course_lib.models import resnet
from course_lib.models.residual_blocks import VARIANTS, BasicBlock, Bottleneck
from course_lib.models.resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152

NETS = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50, "resnet101": resnet101,
        "resnet152": resnet152}  # fmt: skip
COUNTS = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160,
          "resnet152": 60_192_808}  # fmt: skip
FULL = "full_pre_activation"
every = pytest.mark.parametrize("variant", VARIANTS)
named = pytest.mark.parametrize("name", NETS)


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def small(block=BasicBlock, blocks=(1, 2, 1, 1), **options):
    options = {"num_classes": 5, "width_mult": 1 / 8, "dtype": torch.float64} | options
    return ResNet(block, blocks, **options)


@functools.cache
def full_size(name, **options):
    """A net without memory for its weights."""
    with torch.device("meta"):
        return NETS[name](**options)


@functools.cache
def shapes_and_multiply_adds(name, **options):
    """Shapes behind each child for an image of 224x224, and products in convolutions and dense layers."""
    net, shapes, products = copy.deepcopy(full_size(name, **options)), {}, []

    def measure(module, inputs, output):
        products.append(output[0, 0].numel() * module.weight.numel())

    for module in net.modules():
        if isinstance(module, layers.Conv2d | layers.Linear):
            module.register_forward_hook(measure)
    for child, module in net.named_children():
        module.register_forward_hook(lambda m, i, y, child=child: shapes.update({child: tuple(y.shape[1:])}))
    net(torch.zeros(1, 3, 224, 224, device="meta"))
    return shapes, sum(products)


@named
def test_names_shapes_and_number_of_parameters_are_torchvisions(name):
    assert_same_names_and_shapes(name, NETS[name])
    assert count(full_size(name)) == COUNTS[name] == published(name)["num_params"], name


@pytest.mark.parametrize("train", [False, True])
def test_weights_exchanged_with_torchvisions_resnet18_give_its_outputs(train):
    assert_same_as_torchvisions("resnet18", resnet18, 64, train=train)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 7, "groups": 4, "width_per_group": 8},
        {"norm_layer": lambda channels: nn.GroupNorm(4, channels)},
    ],
)
def test_weights_exchanged_with_torchvisions_bottlenecks_give_their_outputs(options, train):
    torch.manual_seed(1)
    ours = ResNet(Bottleneck, (1, 2, 1, 1), **options).train(train)
    theirs = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 2, 1, 1], **options)
    theirs.train(train)
    x = torch.randn(2, 3, 40, 33)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    expected = theirs(x)
    scale = expected.abs().max().item()
    assert_close(ours(x), expected, f"Bottlenecks with {options}, training={train}", atol=1e-5 * scale)
    for (key, mine), other in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert_close(mine, other, f"{key} afterwards, {options}, training={train}", rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("zero_init_residual", [False, True])
def test_the_same_seed_gives_torchvisions_weights(zero_init_residual):
    theirs = torchvision.models.resnet.BasicBlock, torchvision.models.resnet.Bottleneck
    for block, theirs_too in zip((BasicBlock, Bottleneck), theirs, strict=True):
        states = []
        for net, kind in ((ResNet, block), (torchvision.models.ResNet, theirs_too)):
            torch.manual_seed(2)
            states.append(net(kind, [1, 2, 1, 1], 1000, zero_init_residual).state_dict())
        for key, value in states[0].items():
            assert torch.equal(value, states[1][key]), f"{block.__name__}, {zero_init_residual=}: first {key}"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnext50_32x4d", {"groups": 32, "width_per_group": 4}),
        ("wide_resnet50_2", {"width_per_group": 128}),
    ],
)
def test_a_bottlenecks_options_give_its_successors(name, options):
    with torch.device("meta"):
        ours, theirs = resnet50(**options), get_model(name, weights=None)
    got, expected = ({k: v.shape for k, v in net.state_dict().items()} for net in (ours, theirs))
    assert got == expected, name


@named
def test_stages_are_those_of_table_1(name):
    shapes, _ = shapes_and_multiply_adds(name)
    wide = 1 if name in ("resnet18", "resnet34") else 4
    sizes = {"conv1": (64, 112), "maxpool": (64, 56), "layer1": (64 * wide, 56), "layer2": (128 * wide, 28),
             "layer3": (256 * wide, 14), "layer4": (512 * wide, 7), "avgpool": (512 * wide, 1)}  # fmt: skip
    for layer, (channels, size) in sizes.items():
        assert shapes[layer] == (channels, size, size), f"{name} behind {layer}"
    assert shapes["fc"] == (1000,)


@named
def test_the_number_in_the_name_counts_layers_with_weights(name):
    weighted = [n for n, m in full_size(name).named_modules() if isinstance(m, layers.Conv2d | layers.Linear)]
    assert len([n for n in weighted if "downsample" not in n]) == int(name.removeprefix("resnet"))


@named
def test_multiply_adds_are_torchvisions(name):
    _, products = shapes_and_multiply_adds(name)
    assert products / 1e9 == pytest.approx(published(name)["_ops"], abs=0.001), name


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("resnet18", {}, 1.8),
        ("resnet34", {}, 3.6),
        ("resnet50", {"stride_on": "1x1"}, 3.8),
        ("resnet101", {"stride_on": "1x1"}, 7.6),
        ("resnet152", {"stride_on": "1x1"}, 11.3),
    ],
)
def test_multiply_adds_are_the_papers_with_the_stride_where_it_has_it(name, options, expected):
    _, products = shapes_and_multiply_adds(name, **options)
    assert count(full_size(name, **options)) == COUNTS[name], (
        f"{name}: the place of the stride takes no parameters"
    )
    assert products / 1e9 == pytest.approx(expected, rel=0.02), name


def by_functional(state, x, n_blocks, variant):
    """The logits of a net in training, computed from its state alone."""

    def conv(name, h, stride=1):
        weight = state[f"{name}.weight"]
        return F.conv2d(h, weight, None, stride, weight.shape[-1] // 2)

    def bn(name, h):
        if f"{name}.weight" not in state:  # of the first block, whose input is activated
            return h
        return F.batch_norm(h, None, None, state[f"{name}.weight"], state[f"{name}.bias"], training=True)

    def block(name, x, stride):
        last = 3 if f"{name}.conv3.weight" in state else 2
        strided = last - 1  # of three convolutions the second, of two the first
        h = skip = x
        for i in range(1, last + 1):
            step = stride if i == strided else 1
            if variant == FULL:
                h = F.relu(bn(f"{name}.bn{i}", h))
            elif variant == "relu_only_pre_activation":
                h = F.relu(h)
            if i == 1 and f"{name}.downsample.0.weight" in state:
                skip = conv(f"{name}.downsample.0", h, stride)
                skip = skip if variant == FULL else bn(f"{name}.downsample.1", skip)
            h = conv(f"{name}.conv{i}", h, step)
            if variant == FULL:
                continue
            if not (variant == "bn_after_addition" and i == last):
                h = bn(f"{name}.bn{i}", h)
            if variant == "relu_before_addition" or (variant != "relu_only_pre_activation" and i < last):
                h = F.relu(h)
        if variant == "original":
            return F.relu(h + skip)
        return F.relu(bn(f"{name}.bn{last}", h + skip)) if variant == "bn_after_addition" else h + skip

    h = F.max_pool2d(F.relu(bn("bn1", conv("conv1", x, 2))), 3, 2, 1)
    for stage, blocks in enumerate(n_blocks, 1):
        for number in range(blocks):
            h = block(f"layer{stage}.{number}", h, 2 if stage > 1 and number == 0 else 1)
    if variant == FULL:
        h = F.relu(bn("final.0", h))
    elif variant == "relu_only_pre_activation":
        h = F.relu(h)
    return F.linear(h.mean((2, 3)), state["fc.weight"], state["fc.bias"])


@every
@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_every_variant_computes_what_its_state_says_and_trains_all_of_it(block, variant):
    torch.manual_seed(3)
    net = small(block, variant=variant, in_channels=2)
    state = dict(net.named_parameters())
    for key, value in state.items():
        if value.ndim == 1 and key != "fc.bias":
            nn.init.uniform_(value, 0.5, 1.5)
    x = torch.randn(3, 2, 40, 33, dtype=torch.float64)
    case = f"{block.__name__} {variant}"
    y, expected = net(x), by_functional(state, x, (1, 2, 1, 1), variant)
    assert_close(y, expected, case, rtol=1e-8, atol=1e-9)
    slopes = torch.randn_like(y)
    mine = torch.autograd.grad(y, list(state.values()), slopes)
    wanted = torch.autograd.grad(expected, list(state.values()), slopes)
    for key, got, other in zip(state, mine, wanted, strict=True):
        assert_close(got, other, f"{case}: gradient of {key}", rtol=1e-6, atol=1e-8)
        assert got.any(), f"{case}: the gradient of {key} is all zero"


@pytest.mark.parametrize("make", ["resnet18", "resnet50"])
def test_variants_have_the_originals_names_but_for_the_last(make):
    nets = {variant: full_size(make, variant=variant) for variant in VARIANTS}
    original = {key: value.shape for key, value in nets["original"].state_dict().items()}
    for variant in VARIANTS[:-1]:
        state = {key: value.shape for key, value in nets[variant].state_dict().items()}
        assert state == original, f"{make} {variant}"
    full = nets[FULL].state_dict()
    layers_of = {key.rpartition(".")[0] for key in set(original) - set(full)}
    shortcuts = {f"layer{stage}.0.downsample.1" for stage in range(1 if make == "resnet50" else 2, 5)}
    assert layers_of == {"layer1.0.bn1", *shortcuts}, f"{make} {FULL} has not"
    assert {key.rpartition(".")[0] for key in set(full) - set(original)} == {"final.0"}


@pytest.mark.parametrize(
    ("name", "shortcuts", "first_blocks", "final"),
    [
        ("resnet18", 128 + 256 + 512, 64 + 64 + 128 + 256, 512),
        ("resnet50", 256 + 512 + 1024 + 2048, 256 + 256 + 512 + 1024, 2048),
    ],
)
def test_parameters_of_the_full_pre_activation(name, shortcuts, first_blocks, final):
    """Weight and bias for each channel: fewer in shortcuts and in the first block of each stage."""
    assert count(full_size(name, variant=FULL)) == COUNTS[name] + 2 * (final - shortcuts - first_blocks), name


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v != "relu_before_addition"])
def test_with_zero_init_residual_every_block_begins_as_its_shortcut_and_learns(variant):
    torch.manual_seed(4)
    net = small(Bottleneck, zero_init_residual=True, variant=variant)
    x = torch.randn(2, 4 * 16, 6, 6, dtype=torch.float64)
    block = net.layer2[1]
    assert block.downsample is None
    expected = block.through(block.order.after, x)
    assert torch.equal(block(x), expected), variant
    if variant != "bn_after_addition":
        assert torch.equal(block(x.abs()), x.abs()), f"{variant}: the identity of x >= 0"
    usual = small(Bottleneck, variant=variant).layer2[1]
    assert not torch.allclose(usual(x), expected), f"{variant}: it does something without"
    (got,) = torch.autograd.grad(block(x).square().sum(), block.last_of_branch())
    assert got.any(), f"{variant}: what is 0 does not stay so"


def test_a_branch_that_ends_in_a_relu_may_not_begin_as_0_for_it_would_stay_there():
    net = small(variant="relu_before_addition")
    nn.init.zeros_(net.layer2[1].last_of_branch())
    x = torch.randn(2, 16, 6, 6, dtype=torch.float64)
    for got in torch.autograd.grad(net.layer2[1](x).square().sum(), net.layer2[1].parameters()):
        assert not got.any()
    with pytest.raises(ValueError, match="ResNet: zero_init_residual with variant='relu_before_addition'"):
        small(variant="relu_before_addition", zero_init_residual=True)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (31, 33), (32, 32), (64, 64), (65, 100)])
@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_any_image_from_1x1_on(block, size):
    net = small(block, width_mult=1 / 16)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    assert net(x).shape == (2, 5), f"{block.__name__} in training on {size}"
    net.eval()
    assert net(x).shape == net(x[:1].expand(2, -1, -1, -1)).shape == (2, 5), f"{block.__name__} on {size}"
    assert net(x[:0]).shape == (0, 5), f"{block.__name__} on no images of {size}"


def test_one_image_in_training_must_be_larger_than_32x32():
    net = small()
    net(torch.randn(1, 3, 33, 33, dtype=torch.float64))
    with pytest.raises(ValueError, match="BatchNorm2d: input must have more than one value a channel"):
        net(torch.randn(1, 3, 32, 32, dtype=torch.float64))


@pytest.mark.parametrize(("make", "wide"), [(resnet18, 1), (resnet50, 4)])
def test_width_classes_and_channels(make, wide):
    with torch.device("meta"):
        net = make(width_mult=0.3, num_classes=9, in_channels=6)
    assert net.conv1.weight.shape == (19, 6, 7, 7)
    widths = [stage[-1].conv2.weight.shape[0] for stage in (net.layer1, net.layer2, net.layer3, net.layer4)]
    assert widths == [19, 38, 77, 154]
    assert net.fc.weight.shape == (9, 154 * wide)


@every
def test_device_and_dtype(variant):
    net = small(Bottleneck, variant=variant, device="meta", norm_layer=lambda c: nn.GroupNorm(1, c))
    assert {(p.device.type, p.dtype) for p in net.parameters()} == {("meta", torch.float64)}


@every
def test_the_layers_are_ours(variant):
    net = small(Bottleneck, variant=variant)
    leaves = {type(m) for m in net.modules() if not list(m.children())}
    names = {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "AdaptiveAvgPool2d", "Linear"}
    expected = {getattr(layers, name) for name in names}
    assert leaves == (expected | {nn.Identity} if variant == FULL else expected)


def test_norm_layer_makes_every_normalization():
    net = small(norm_layer=lambda channels: layers.GroupNorm(2, channels))
    kinds = [type(m) for m in net.modules()]
    assert layers.BatchNorm2d not in kinds
    assert kinds.count(layers.GroupNorm) == 1 + 2 * 5 + 3
    x = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    assert_close(net(x)[:1], net(x[:1]), "no example depends on the others", rtol=1e-9)


def test_state_dict_goes_round_and_copies_are_alike():
    torch.manual_seed(5)
    first, second = small(variant=FULL), small(variant=FULL)
    x = torch.randn(2, 3, 34, 34, dtype=torch.float64)
    first(x)  # moves the running averages
    second.load_state_dict(first.state_dict())
    expected = first.eval()(x)
    assert torch.equal(second.eval()(x), expected)
    assert torch.equal(copy.deepcopy(first)(x), expected)


def test_the_table_is_what_the_functions_build():
    for depth, (block, blocks) in resnet.BLOCKS.items():
        net = full_size(f"resnet{depth}")
        stages = (net.layer1, net.layer2, net.layer3, net.layer4)
        assert [len(stage) for stage in stages] == list(blocks), depth
        assert {type(b) for stage in stages for b in stage} == {block}, depth


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "ResNet: num_classes must be 1 or more, got 0"),
        (TypeError, {"in_channels": 1.5}, r"ResNet: in_channels must be an integer, got 1\.5"),
        (ValueError, {"width_mult": 0}, "ResNet: width_mult must be greater than 0, got 0"),
        (ValueError, {"variant": "pre"}, "variant must be one of 'original', .* got 'pre'"),
        (TypeError, {"norm_layer": 3}, "ResNet: norm_layer must be a class or a function .* got 3"),
        (ValueError, {"groups": 0}, "Bottleneck: groups must be 1 or more, got 0"),
        (ValueError, {"stride_on": 3}, "Bottleneck: stride_on must be one of '3x3', '1x1', got 3"),
        (ValueError, {"blocks": (1, 2, 3)}, r"ResNet: blocks must be 4 numbers, got \(1, 2, 3\)"),
        (ValueError, {"blocks": (1, 0, 1, 1)}, r"ResNet: blocks\[1\] must be 1 or more, got 0"),
        (TypeError, {"pretrained": True}, "unexpected keyword argument 'pretrained'"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with torch.device("meta"), pytest.raises(error, match=words):
        small(Bottleneck, **options)


@pytest.mark.parametrize("option", [{"groups": 2}, {"width_per_group": 128}, {"stride_on": "1x1"}])
def test_a_basic_block_has_no_options_of_its_own(option):
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(option))}'"):
        resnet18(width_mult=1 / 16, **option)


def test_images_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"Conv2d: input must have shape \(N, 3, H, W\)"):
        small()(torch.zeros(2, 1, 64, 64, dtype=torch.float64))
