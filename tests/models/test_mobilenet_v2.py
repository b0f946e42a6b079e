"""MobileNetV2 against torchvision's and the paper's table."""

import pytest
import torch
from torch import nn
from torchvision_models import (
    assert_same_as_torchvisions,
    assert_same_names_and_shapes,
    assert_same_on_images,
    get_model,
    published,
)

from course_lib import layers, optim
from course_lib.models.mobilenet_v2 import BLOCKS, InvertedResidual, MobileNetV2, divisible, mobilenet_v2

NARROW = {"width_mult": 0.125, "num_classes": 4}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    "options",
    [
        {},
        *[{"width_mult": width} for width in (1.4, 0.75, 0.5, 0.35, 0.3, 0.1, 0.01)],
        {"width_mult": 0.33, "round_nearest": 1},
        {"width_mult": 0.7, "round_nearest": 5, "num_classes": 3},
        {"inverted_residual_setting": [[2, 24, 2, 1], [1, 24, 1, 2], [6, 40, 3, 2]]},
    ],
    ids=str,
)
def test_names_and_shapes_are_torchvisions(options):
    assert_same_names_and_shapes("mobilenet_v2", mobilenet_v2, **options)


def test_parameters_and_multiply_adds_are_those_published():
    model, products = mobilenet_v2(device="meta"), []
    assert count(model) == published("mobilenet_v2")["num_params"] == 3_504_872
    for module in model.modules():
        if isinstance(module, layers.Conv2d | layers.Linear):
            module.register_forward_hook(
                lambda m, x, y: products.append(m.weight.numel() * y[0].numel() // m.weight.shape[0])
            )
    model(torch.empty(1, 3, 224, 224, device="meta"))
    assert sum(products) / 1e9 == pytest.approx(published("mobilenet_v2")["_ops"], rel=0.01)
    assert sum(products) / 1e6 == pytest.approx(300, abs=1), "the paper's 300 million (table 4)"


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (64, {"train": False}),
        (33, {"train": False, "width_mult": 0.35}),
        (64, {"train": True}),
        (64, {"train": True, "dropout": 0.6, "width_mult": 0.5, "round_nearest": 4}),
    ],
    ids=str,
)
def test_torchvisions_weights_give_its_outputs_and_ours_give_them_there(size, options):
    assert_same_as_torchvisions("mobilenet_v2", mobilenet_v2, size, **options)


def test_evaluation_agrees_with_torchvision_once_the_running_statistics_are_those_of_images():
    assert_same_on_images("mobilenet_v2", mobilenet_v2, 0.05)


def test_another_normalization_is_torchvisions_too():
    def made(net, norm):
        torch.manual_seed(0)
        return net(norm_layer=lambda channels: norm(2, channels), width_mult=0.25, num_classes=5).eval()

    ours, theirs = (
        made(mobilenet_v2, layers.GroupNorm),
        made(lambda **o: get_model("mobilenet_v2", **o), nn.GroupNorm),
    )
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width_mult", [1.0, 0.35])
def test_the_same_seed_gives_torchvisions_weights(width_mult):
    torch.manual_seed(5)
    net = mobilenet_v2(width_mult=width_mult)
    torch.manual_seed(5)
    twin = get_model("mobilenet_v2", weights=None, width_mult=width_mult)
    for (name, ours), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), f"mobilenet_v2({width_mult}): the first {name} is not torchvision's"


def test_the_stages_are_those_of_table_2():
    net, shapes = mobilenet_v2(device="meta"), []
    for module in net.features:
        module.register_forward_hook(lambda m, x, y: shapes.append((x[0].shape[-1], tuple(y.shape[1:]))))
    net(torch.empty(1, 3, 224, 224, device="meta"))
    # the size of the input of each row, and the channels behind it
    rows = [(112, 16, 1), (112, 24, 2), (56, 32, 3), (28, 64, 4), (14, 96, 3), (14, 160, 3), (7, 320, 1)]
    assert shapes[0] == (224, (32, 112, 112))
    assert shapes[-1] == (7, (1280, 7, 7))
    blocks = iter(zip(shapes[1:-1], list(net.features)[1:-1], strict=True))
    for (side, channels, repeats), (expansion, _, _, stride) in zip(rows, BLOCKS, strict=True):
        for index in range(repeats):
            (before, shape), block = next(blocks)
            after = side // stride
            case = f"block {index} of the row of {channels} channels"
            assert before == (side if index == 0 else after), case
            assert shape == (channels, after, after), case
            assert block.adds == (index > 0), f"{case}: the shortcut"
            wide = block.conv[-2].weight.shape[1]
            narrow = block.conv[0][0].weight.shape[1] if expansion > 1 else wide
            assert wide == expansion * narrow, f"{case}: the expansion"
    assert next(blocks, None) is None


def block_by_torch(in_channels, out_channels, stride, expansion):
    wide = in_channels * expansion
    expand = [nn.Conv2d(in_channels, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
    return nn.Sequential(
        *(expand if expansion != 1 else []),
        nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False),
        nn.BatchNorm2d(wide),
        nn.ReLU6(),
        nn.Conv2d(wide, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


@pytest.mark.parametrize(("stride", "out_channels"), [(1, 6), (1, 8), (2, 6)])
@pytest.mark.parametrize("expansion", [1, 2, 6])
def test_an_inverted_residual_is_what_the_paper_says(stride, out_channels, expansion):
    torch.manual_seed(0)
    ours = InvertedResidual(6, out_channels, stride, expansion)
    theirs = block_by_torch(6, out_channels, stride, expansion)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = 20 * torch.randn(4, 6, 7, 7)
    expected = theirs(x)
    if stride == 1 and out_channels == 6:
        expected = expected + x
    torch.testing.assert_close(ours(x), expected)


def test_the_bottleneck_is_linear_and_what_is_inside_is_clipped_to_6():
    torch.manual_seed(0)
    block = InvertedResidual(4, 5, 1, 3).eval()
    inside = []
    for module in block.modules():
        if isinstance(module, layers.ReLU6):
            module.register_forward_hook(lambda m, x, y: inside.append(y))
    y = block(100 * torch.randn(8, 4, 6, 6))
    assert len(inside) == 2
    assert all(a.min() == 0 and a.max() == 6 for a in inside), "ReLU6 twice"
    assert (y < 0).any(), "no ReLU follows the projection"
    assert not isinstance(block.conv[-1], layers.ReLU6)


@pytest.mark.parametrize(
    ("channels", "divisor", "expected"),
    [
        *[(32, 8, 32), (33.6, 8, 32), (44.8, 8, 48), (8.4, 8, 8), (5.6, 8, 8), (0.1, 8, 8)],
        *[(11.9, 8, 16), (12, 8, 16), (17.7, 8, 16), (18, 8, 24), (20, 8, 24), (0.1, 1, 1), (3.5, 1, 4)],
    ],
)
def test_divisible(channels, divisor, expected):
    found = divisible(channels, divisor)
    assert found == expected, f"divisible({channels}, {divisor})"
    assert found % divisor == 0
    assert found >= 0.9 * channels


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (32, 32), (33, 47), (64, 64)])
def test_images_of_any_size(size):
    net = mobilenet_v2(width_mult=0.125, num_classes=7, in_channels=1).eval()
    assert net(torch.randn(2, 1, *size)).shape == (2, 7), f"mobilenet_v2 on {size}"
    assert net(torch.zeros(0, 1, *size)).shape == (0, 7), f"mobilenet_v2 on no images of {size}"


def test_width_and_channels_are_respected():
    net = mobilenet_v2(width_mult=0.25, num_classes=10, in_channels=1, device="meta")
    assert net.features[0][0].weight.shape == (8, 1, 3, 3)
    assert net.features[17].conv[2].weight.shape == (80, 240, 1, 1)
    assert net.features[18][0].weight.shape == (1280, 80, 1, 1), "below width 1 the last ones stay"
    assert net.classifier[1].weight.shape == (10, 1280)
    assert mobilenet_v2(width_mult=1.5, device="meta").classifier[1].in_features == 1920


def test_another_block_may_be_given():
    calls = []

    def block(in_channels, out_channels, stride, expand_ratio, norm_layer, device, dtype):
        calls.append((in_channels, out_channels, stride, expand_ratio))
        return layers.Conv2d(in_channels, out_channels, 1, stride, device=device, dtype=dtype)

    net = mobilenet_v2(inverted_residual_setting=[(1, 8, 2, 1), (6, 16, 2, 2)], block=block, num_classes=3)
    assert calls == [(32, 8, 1, 1), (8, 8, 1, 1), (8, 16, 2, 6), (16, 16, 1, 6)]
    assert net(torch.zeros(2, 3, 8, 8)).shape == (2, 3)


def test_the_layers_are_ours():
    kinds = {type(module) for module in mobilenet_v2(device="meta").modules() if not list(module.children())}
    ours = "Conv2d BatchNorm2d ReLU6 AdaptiveAvgPool2d Dropout Linear"
    assert kinds == {getattr(layers, name) for name in ours.split()}


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = mobilenet_v2(**NARROW, dtype=torch.float64)
    assert {value.dtype for value in net.state_dict().values()} == {torch.float64, torch.int64}
    net(torch.randn(3, 3, 64, 64, dtype=torch.float64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_a_narrow_net_learns_a_batch_by_heart():
    torch.manual_seed(0)
    net = mobilenet_v2(**NARROW)
    x, y = torch.randn(16, 3, 64, 64), torch.arange(16) % 4
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        losses.append(layers.cross_entropy(net(x), y))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0], f"from {losses[0]:.2f} to {losses[-1]:.2f}"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "MobileNetV2: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "MobileNetV2: in_channels must be 1 or more, got 0"),
        (ValueError, {"width_mult": -1}, "MobileNetV2: width_mult must be greater than 0, got -1"),
        (TypeError, {"round_nearest": 0.5}, r"MobileNetV2: round_nearest must be an integer, got 0\.5"),
        (ValueError, {"dropout": 2}, "MobileNetV2: dropout must be from 0 to 1, got 2"),
        (TypeError, {"norm_layer": "batch"}, "MobileNetV2: norm_layer must be a class or a function, got 'b"),
        (TypeError, {"block": nn.ReLU()}, r"MobileNetV2: block must be a class or a function, got ReLU\(\)"),
        (ValueError, {"inverted_residual_setting": []}, r"must hold rows \(t, c, n, s\), got \[\]"),
        (ValueError, {"inverted_residual_setting": [(1, 2, 3)]}, r"must hold rows .* got \[\(1, 2, 3\)\]"),
        (ValueError, {"inverted_residual_setting": 4}, r"must hold rows \(t, c, n, s\), got 4"),
        (
            ValueError,
            {"inverted_residual_setting": [(1, 8, 0, 1)]},
            "n in inverted_residual_setting must be 1",
        ),
        (
            ValueError,
            {"inverted_residual_setting": [(1, 0, 1, 1)]},
            "c in inverted_residual_setting must be 1",
        ),
        (
            ValueError,
            {"inverted_residual_setting": [(1, 8, 1, 3)]},
            "InvertedResidual: stride must be one of 1, 2",
        ),
        (
            ValueError,
            {"inverted_residual_setting": [(0, 8, 1, 1)]},
            "expand_ratio must be greater than 0, got 0",
        ),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        MobileNetV2(**options)


@pytest.mark.parametrize(
    ("error", "x", "words"),
    [
        (
            ValueError,
            torch.zeros(3, 8, 8),
            r"MobileNetV2: input must be \(N, C, H, W\), got shape \(3, 8, 8\)",
        ),
        (ValueError, torch.zeros(1, 1, 8, 8), r"Conv2d: input must have shape \(N, 3, H, W\)"),
        (TypeError, [1.0], "MobileNetV2: input must be a torch.Tensor, got list"),
    ],
)
def test_inputs_that_do_not_fit_are_named(error, x, words):
    with pytest.raises(error, match=words):
        mobilenet_v2(**NARROW)(x)
