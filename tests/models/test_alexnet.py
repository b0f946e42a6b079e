"""alexnet against torchvision's, alexnet_2012 against torch.nn and the figures of the paper."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F
from torchvision_models import assert_same_as_torchvisions, assert_same_names_and_shapes, get_model, published

from course_lib import data, models, optim, training
from course_lib.models.alexnet import alexnet, alexnet_2012

NETS = [alexnet, alexnet_2012]
SMALLEST = {alexnet: 63, alexnet_2012: 39}


def by_torch(groups=2):
    """The net of 2012 at a quarter of its width, as figure 2 and section 3 say."""
    norm = nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)  # the mean of 5 squares, not their sum
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    features = nn.Sequential(
        nn.Conv2d(3, 24, 11, stride=4), nn.ReLU(), norm, pool,
        nn.Conv2d(24, 64, 5, padding=2, groups=groups), nn.ReLU(), norm, pool,
        nn.Conv2d(64, 96, 3, padding=1), nn.ReLU(),
        nn.Conv2d(96, 96, 3, padding=1, groups=groups), nn.ReLU(),
        nn.Conv2d(96, 64, 3, padding=1, groups=groups), nn.ReLU(), pool,
    )  # fmt: skip
    classifier = nn.Sequential(
        nn.Linear(64 * 36, 1024), nn.ReLU(), nn.Dropout(),
        nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(), nn.Linear(1024, 10),
    )  # fmt: skip
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(6), nn.Flatten(), classifier)


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


def sizes(net, side):
    """Rows and columns of the map behind each layer of the features that changes them."""
    return [field.output_size for field in models.receptive_field(net.features, side)]


def test_names_shapes_and_number_of_parameters_are_torchvisions():
    assert_same_names_and_shapes("alexnet", alexnet)
    assert_same_names_and_shapes("alexnet", alexnet, num_classes=7, dropout=0.2)
    with torch.device("meta"):
        assert count(alexnet()) == published("alexnet")["num_params"] == 61_100_840


@pytest.mark.parametrize(("train", "size"), [(False, 224), (True, 64)])
def test_torchvisions_weights_give_its_outputs(train, size):
    assert_same_as_torchvisions("alexnet", alexnet, size, train=train, num_classes=5, dropout=0.3)


def test_the_same_seed_gives_torchvisions_weights():
    torch.manual_seed(0)
    net = alexnet(num_classes=3)
    torch.manual_seed(0)
    twin = get_model("alexnet", weights=None, num_classes=3)
    for (name, mine), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), f"alexnet: the first {name}"


@pytest.mark.parametrize(("groups", "expected"), [(2, 60_965_224), (1, 62_378_344)])
def test_number_of_parameters_of_2012(groups, expected):
    with torch.device("meta"):
        net = alexnet_2012(groups=groups)
    assert count(net) == expected, f"alexnet_2012(groups={groups})"


def test_two_towers_halve_the_kernels_of_three_convolutions():
    with torch.device("meta"):
        two, one = alexnet_2012(), alexnet_2012(groups=1)
    ratio = [
        b.weight.numel() / a.weight.numel()
        for a, b in zip(two.features, one.features, strict=True)
        if hasattr(a, "weight")
    ]
    assert ratio == [1, 2, 1, 2, 2]
    kernels = [tuple(layer.weight.shape) for layer in two.features if hasattr(layer, "weight")]
    assert kernels == [  # section 3.5: 96 kernels of 11x11x3, 256 of 5x5x48, 384 of 3x3x256, ...
        (96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3),
    ]  # fmt: skip


def test_sizes_down_the_net_of_2012():
    with torch.device("meta"):
        net = alexnet_2012(width_mult=0.1)
    got = [rows for rows, columns in sizes(net, 227) if rows == columns]
    conv1, conv2 = [55, 55, 55, 27], [27, 27, 27, 13]  # convolution, ReLU, normalization, pooling
    assert got == [*conv1, *conv2, 13, 13, 13, 13, 13, 13, 6]


def test_sizes_down_torchvisions_net():
    with torch.device("meta"):
        net = alexnet(width_mult=0.1)
    assert [s for s, _ in sizes(net, 224)] == [55, 55, 27, 27, 27, 13, 13, 13, 13, 13, 13, 13, 6]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("train", [False, True])
def test_2012_by_torch(groups, train):
    torch.manual_seed(1)
    net = alexnet_2012(10, groups=groups, width_mult=0.25, dtype=torch.float64).train(train)
    twin = by_torch(groups).double().train(train)
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    for side in (227, 70, 39):
        x = torch.randn(2, 3, side, side, dtype=torch.float64)
        torch.manual_seed(2)
        got = net(x)
        torch.manual_seed(2)
        assert_close(got, twin(x), f"alexnet_2012 on {side}x{side}", rtol=1e-8, atol=1e-12)


def test_a_tower_sees_its_own_half_only():
    torch.manual_seed(3)
    net = alexnet_2012(10, width_mult=0.125)
    conv2 = net.features[4]
    x = torch.randn(1, conv2.in_channels, 9, 9)
    other = x.clone()
    other[:, : conv2.in_channels // 2] += 1
    changed = (conv2(x) != conv2(other)).flatten(2).any(-1)[0]
    half = conv2.out_channels // 2
    assert changed.tolist() == [True] * half + [False] * half


@pytest.mark.parametrize("build", NETS)
def test_width_channels_and_classes(build):
    net = build(7, in_channels=1, width_mult=0.1)
    assert [net.classifier[-1].out_features, net.classifier[-1].in_features] == [7, 410]
    channels = [layer.out_channels for layer in net.features if hasattr(layer, "out_channels")]
    assert channels == ([6, 19, 38, 26, 26] if build is alexnet else [10, 26, 38, 38, 26])
    assert net(torch.zeros(2, 1, 64, 64)).shape == (2, 7)
    assert net(torch.zeros(0, 1, 64, 64)).shape == (0, 7)
    assert build(2, width_mult=1e-6).eval()(torch.zeros(1, 3, 64, 80)).shape == (1, 2), "the narrowest"


def test_a_width_leaves_the_towers_whole():
    for mult in (0.011, 0.05, 0.13, 0.37):
        for groups in (1, 2, 3):
            net = alexnet_2012(2, groups=groups, width_mult=mult)
            assert net(torch.zeros(1, 3, 64, 64)).shape == (1, 2), f"width {mult}, {groups} towers"


@pytest.mark.parametrize("build", NETS)
def test_smallest_image(build):
    net, side = build(2, width_mult=0.05).eval(), SMALLEST[build]
    for size in ((side, side), (side, side + 20), (side + 3, side)):
        assert net(torch.zeros(1, 3, *size)).shape == (1, 2), f"{build.__name__} on {size}"
    for size in ((side - 1, side - 1), (side, side - 1), (side - 1, 200)):
        with pytest.raises(ValueError, match="MaxPool2d: input, with its padding, must be at least as large"):
            net(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("build", NETS)
def test_every_parameter_has_a_gradient_in_float64(build):
    torch.manual_seed(4)
    net = build(4, width_mult=0.1, dtype=torch.float64)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    F.cross_entropy(net(torch.randn(3, 3, 64, 64).double()), torch.tensor([0, 1, 3])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{build.__name__}: {name}"
        assert parameter.grad.any(), f"{build.__name__}: the gradient of {name} is 0"


@pytest.mark.parametrize("build", NETS)
def test_dropout_makes_training_differ_from_evaluation(build):
    torch.manual_seed(5)
    x = torch.randn(1, 3, 64, 64)
    net = build(4, width_mult=0.1)
    assert not torch.equal(net(x), net(x)), "another mask each time"
    assert torch.equal(net.eval()(x), net(x))
    without = build(4, dropout=0.0, width_mult=0.1)
    assert torch.equal(without(x), without(x))


@pytest.mark.parametrize(("build", "lr"), [(alexnet, 0.001), (alexnet_2012, 0.002)])
def test_a_narrow_net_learns(build, lr):
    train = data.load("digits")
    chosen = (train.y < 3).nonzero()[:64, 0]
    x = F.interpolate(2 * train.x[chosen] - 1, size=(64, 64), mode="bilinear")
    y = train.y[chosen]
    torch.manual_seed(0)
    net = build(3, dropout=0.0, in_channels=1, width_mult=0.1)
    optimizer = optim.Adam(net.parameters(), lr=lr)
    training.fit(net, (x, y), optimizer=optimizer, epochs=12, batch_size=8, seed=0)
    found = training.evaluate(net, (x, y))["accuracy"]
    assert found > 0.8, f"{build.__name__}: {found:.2f} of its training digits where chance is 0.33"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "in_channels must be 1 or more, got 0"),
        (ValueError, {"dropout": 1.5}, r"dropout must be from 0 to 1, got 1\.5"),
        (ValueError, {"width_mult": -1.0}, "width_mult must be greater than 0, got -1"),
        (TypeError, {"num_classes": "10"}, "num_classes must be an integer, got '10'"),
        (TypeError, {"dropout": None}, "dropout must be a number, got None"),
    ],
)
@pytest.mark.parametrize("build", NETS)
def test_bad_arguments_are_named(build, error, options, words):
    with pytest.raises(error, match=f"{build.__name__}: {words}"):
        build(**options)


def test_bad_groups_are_named():
    with pytest.raises(ValueError, match="alexnet_2012: groups must be 1 or more, got 0"):
        alexnet_2012(groups=0)
