"""vgg against torchvision's nets, and against the paper's tables."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F
from torchvision_models import assert_same_names_and_shapes, get_model, published

from course_lib import data, models, optim, training
from course_lib.models import vgg as file
from course_lib.models.vgg import vgg

NAMES = ["vgg11", "vgg13", "vgg16", "vgg19"]
PARAMETERS = [132_863_336, 133_047_848, 138_357_544, 143_667_240]
WITH_NORM = [132_868_840, 133_053_736, 138_365_992, 143_678_248]
TABLE_1 = {  # read off the paper, row by row
    "A": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 256x1 M 512 512 512x1 M 512 512 512x1 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def by_torch(column, classes, width, batch_norm=False):
    modules, channels = [], 3
    for entry in TABLE_1[column].split():
        if entry == "M":
            modules.append(nn.MaxPool2d(2, 2))
            continue
        out, _, kernel = entry.partition("x")
        out, kernel = round(int(out) * width), int(kernel or 3)
        modules.append(nn.Conv2d(channels, out, kernel, padding=kernel // 2))
        modules += [nn.BatchNorm2d(out), nn.ReLU()] if batch_norm else [nn.ReLU()]
        channels = out
    hidden = round(4096 * width)
    return nn.Sequential(
        *modules, nn.AdaptiveAvgPool2d(7), nn.Flatten(),
        nn.Linear(channels * 49, hidden), nn.ReLU(), nn.Dropout(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, classes),
    ).double()  # fmt: skip


def count(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("name", "expected"),
    [*zip(NAMES, PARAMETERS, strict=True), *zip([f"{n}_bn" for n in NAMES], WITH_NORM, strict=True)],
)
def test_names_shapes_and_number_of_parameters_are_torchvisions(name, expected):
    ours = getattr(file, name)
    assert_same_names_and_shapes(name, ours)
    with torch.device("meta"):
        assert count(ours()) == published(name)["num_params"] == expected, name
        assert count(ours(num_classes=10)) == expected - 990 * 4097, f"{name} with ten classes"
    assert f"{expected:,} parameters" in ours.__doc__, f"{name}: its docstring"


@pytest.mark.parametrize(("column", "millions"), [("A", 133), ("B", 133), ("C", 134), ("D", 138), ("E", 144)])
def test_millions_of_parameters_of_table_2(column, millions):
    with torch.device("meta"):
        assert round(count(vgg(column)) / 1e6) == millions, f"configuration {column}"


def test_where_the_weights_of_vgg16_are():
    with torch.device("meta"):
        net = file.vgg16()
    assert count(net.classifier[0]) == 102_764_544, "7 x 7 x 512 x 4096 weights and 4096 biases"
    assert count(net.classifier) / count(net) == pytest.approx(0.894, abs=5e-4)


def test_the_same_seed_gives_torchvisions_weights_and_its_weights_its_outputs():
    torch.manual_seed(0)
    net = file.vgg11(num_classes=5, dropout=0.3)
    torch.manual_seed(0)
    twin = get_model("vgg11", weights=None, num_classes=5, dropout=0.3)
    for (name, mine), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs), f"vgg11: the first {name}"
    x = torch.randn(2, 3, 64, 64)
    for source, target, train in ((twin, net, True), (net, twin, False)):
        with torch.no_grad():
            for parameter in source.parameters():
                parameter.add_(0.1 * parameter.abs().mean())
        target.load_state_dict(source.state_dict(), strict=True)
        torch.manual_seed(1)
        got = net.train(train)(x)
        torch.manual_seed(1)
        expected = twin.train(train)(x)
        atol = 1e-5 * expected.abs().max().item()
        assert_close(got, expected, f"vgg11 with torchvision's weights, train={train}", atol=atol)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("column", TABLE_1)
def test_every_column_of_table_1_by_torch(column, batch_norm):
    torch.manual_seed(2)
    options = {"batch_norm": batch_norm, "width_mult": 0.125, "dtype": torch.float64}
    net = vgg(column, 3, init_weights=False, **options)
    twin = by_torch(column, 3, 0.125, batch_norm)
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 40, 33, dtype=torch.float64)
    for train in (True, False):
        torch.manual_seed(3)
        got = net.train(train)(x)
        torch.manual_seed(3)
        expected = twin.train(train)(x)
        assert_close(got, expected, f"vgg({column!r}), train={train}", rtol=1e-8, atol=1e-12)


def test_depth_doubles_channels_as_size_halves():
    with torch.device("meta"):
        features = file.vgg16(width_mult=0.1).features
    fields = models.receptive_field(features, 224)
    sides = [field.output_size[0] for field in fields if field.layer.startswith("MaxPool2d")]
    assert sides == [112, 56, 28, 14, 7]


def test_two_3x3_see_5x5_and_three_see_7x7():
    with torch.device("meta"):
        features = file.vgg16(width_mult=0.1).features
    assert models.receptive_field(features, 224)[2].size == (5, 5)
    stage = features[10:16]  # the three convolutions of the third stage
    assert models.receptive_field(nn.Sequential(*stage), 56)[-1].size == (7, 7)


def test_initialization():
    torch.manual_seed(4)
    net = file.vgg11(width_mult=0.25)
    for name, layer in net.named_modules():
        if hasattr(layer, "weight"):
            expected = 0.01
            if layer.weight.ndim == 4:
                expected = (2 / (9 * layer.out_channels)) ** 0.5
            assert not layer.bias.any(), f"{name}: biases start from 0"
            assert layer.weight.std().item() == pytest.approx(expected, rel=0.1), name
    torch.manual_seed(5)
    net = file.vgg11(init_weights=False, width_mult=0.25)
    assert net.features[0].bias.any(), "init_weights=False"


def test_width_channels_and_classes():
    net = file.vgg11(num_classes=7, in_channels=1, width_mult=0.1)
    channels = [layer.out_channels for layer in net.features if hasattr(layer, "out_channels")]
    assert channels == [6, 13, 26, 26, 51, 51, 51, 51]
    assert [net.classifier[-1].out_features, net.classifier[-1].in_features] == [7, 410]
    assert net(torch.zeros(2, 1, 32, 32)).shape == (2, 7)
    assert net(torch.zeros(0, 1, 64, 64)).shape == (0, 7)
    assert file.vgg13(width_mult=1e-6)(torch.zeros(1, 3, 32, 48)).shape == (1, 1000), "the narrowest"


def test_smallest_image():
    net = file.vgg19(num_classes=2, width_mult=0.05).eval()
    for size in ((32, 32), (32, 63), (40, 32)):
        assert net(torch.zeros(1, 3, *size)).shape == (1, 2), f"vgg19 on {size}"
    for size in ((31, 31), (32, 31), (31, 200)):
        with pytest.raises(ValueError, match="MaxPool2d: input, with its padding, must be at least as large"):
            net(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_parameter_has_a_gradient_in_float64(batch_norm):
    torch.manual_seed(6)
    net = vgg("C", 4, batch_norm=batch_norm, width_mult=0.1, dtype=torch.float64)
    tensors = [tensor for tensor in net.state_dict().values() if tensor.ndim]
    assert {tensor.dtype for tensor in tensors} == {torch.float64}
    F.cross_entropy(net(torch.randn(3, 3, 64, 64).double()), torch.tensor([0, 1, 3])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_a_narrow_net_learns():
    train = data.load("digits")
    chosen = (train.y < 3).nonzero()[:64, 0]
    x = F.interpolate(2 * train.x[chosen] - 1, size=(32, 32), mode="bilinear")
    y = train.y[chosen]
    torch.manual_seed(0)
    net = file.vgg11(num_classes=3, dropout=0.0, in_channels=1, width_mult=0.1)
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    training.fit(net, (x, y), optimizer=optimizer, epochs=12, batch_size=8, seed=0)
    found = training.evaluate(net, (x, y))["accuracy"]
    assert found > 0.8, f"vgg11: {found:.2f} of its training digits where chance is 0.33"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"configuration": "F"}, "vgg: configuration must be one of 'A', 'B', .*, got 'F'"),
        (ValueError, {"configuration": 16}, "vgg: configuration must be one of .* got 16"),
        (ValueError, {"num_classes": 0}, "vgg: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "vgg: in_channels must be 1 or more, got 0"),
        (ValueError, {"dropout": 2}, "vgg: dropout must be from 0 to 1, got 2"),
        (ValueError, {"width_mult": float("inf")}, "vgg: width_mult must be finite, got inf"),
        (TypeError, {"num_classes": None}, "vgg: num_classes must be an integer, got None"),
        (TypeError, {"dropout": "half"}, "vgg: dropout must be a number, got 'half'"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        vgg(**{"configuration": "A", **options})


def test_an_argument_that_is_not_there_is_named():
    with pytest.raises(TypeError, match="weights"):
        file.vgg16(weights="DEFAULT")
