"""zfnet against torch.nn, and against the sizes and channels in the paper's figure."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F

from course_lib import data, layers, models, optim, training
from course_lib.models.zfnet import zfnet

SMALLEST = 47


def by_torch():
    """A quarter of the figure's width."""
    norm, pool = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2), nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        nn.Conv2d(3, 24, 7, stride=2, padding=1), nn.ReLU(), pool, norm,
        nn.Conv2d(24, 64, 5, stride=2), nn.ReLU(), pool, norm,
        nn.Conv2d(64, 96, 3, padding=1), nn.ReLU(),
        nn.Conv2d(96, 96, 3, padding=1), nn.ReLU(),
        nn.Conv2d(96, 64, 3, padding=1), nn.ReLU(), pool,
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Linear(64 * 36, 1024), nn.ReLU(), nn.Dropout(),
        nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(), nn.Linear(1024, 10),
    ).double()  # fmt: skip


def test_number_of_parameters_layer_by_layer():
    with torch.device("meta"):
        net = zfnet()
    got = [sum(p.numel() for p in layer.parameters()) for part in net for layer in part.children()]
    convolutions = [14_208, 614_656, 885_120, 1_327_488, 884_992]
    assert [n for n in got if n] == [*convolutions, 37_752_832, 16_781_312, 4_097_000]
    assert sum(got) == 62_357_608


def test_sizes_and_channels_of_the_papers_figure():
    with torch.device("meta"):
        net = zfnet()
    shapes, channels = [], 3
    for layer, field in zip(net.features, models.receptive_field(net.features, 224), strict=True):
        channels = getattr(layer, "out_channels", channels)
        if not isinstance(layer, layers.ReLU | layers.LocalResponseNorm):
            shapes.append((channels, *field.output_size))
    assert shapes == [
        (96, 110, 110), (96, 55, 55), (256, 26, 26), (256, 13, 13),
        (384, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6),
    ]  # fmt: skip
    assert [net.classifier[i].out_features for i in (0, 3, 6)] == [4096, 4096, 1000]


def test_rounding_down_would_not_give_the_papers_55():
    rounded_down = nn.MaxPool2d(3, 2)(torch.zeros(1, 1, 110, 110))
    assert rounded_down.shape[-1] == 54
    assert nn.MaxPool2d(3, 2, padding=1)(torch.zeros(1, 1, 13, 13)).shape[-1] == 7, "padding is no way to 6"


@pytest.mark.parametrize("train", [False, True])
def test_by_torch(train):
    torch.manual_seed(0)
    net = zfnet(10, width_mult=0.25, dtype=torch.float64).train(train)
    twin = by_torch().train(train)
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    for side in (224, 75, SMALLEST):
        x = torch.randn(2, 3, side, side, dtype=torch.float64)
        torch.manual_seed(1)
        got = net(x)
        torch.manual_seed(1)
        assert_close(got, twin(x), f"zfnet on {side}x{side}", rtol=1e-8, atol=1e-12)


def test_the_same_seed_gives_torchs_weights():
    torch.manual_seed(2)
    net = zfnet(10, width_mult=0.25).double()
    torch.manual_seed(2)
    theirs = by_torch().state_dict().values()
    for (name, mine), other in zip(net.state_dict().items(), theirs, strict=True):
        assert torch.equal(mine, other), f"zfnet: the first {name}"


def test_names():
    with torch.device("meta"):
        names = list(zfnet().state_dict())
    places = [f"features.{i}" for i in (0, 4, 8, 10, 12)] + [f"classifier.{i}" for i in (0, 3, 6)]
    assert names == [f"{place}.{kind}" for place in places for kind in ("weight", "bias")]


def test_width_channels_and_classes():
    net = zfnet(7, in_channels=1, width_mult=0.1)
    assert [layer.out_channels for layer in net.features if hasattr(layer, "out_channels")] == [
        10, 26, 38, 38, 26,
    ]  # fmt: skip
    assert [net.classifier[-1].out_features, net.classifier[-1].in_features] == [7, 410]
    assert net(torch.zeros(2, 1, 64, 64)).shape == (2, 7)
    assert net(torch.zeros(0, 1, 64, 64)).shape == (0, 7)
    assert zfnet(2, width_mult=1e-6)(torch.zeros(1, 3, 64, 80)).shape == (1, 2), "the narrowest"


def test_smallest_image():
    net = zfnet(2, width_mult=0.05).eval()
    for size in ((SMALLEST, SMALLEST), (SMALLEST, 70), (50, SMALLEST)):
        assert net(torch.zeros(1, 3, *size)).shape == (1, 2), f"zfnet on {size}"
    for size in ((SMALLEST - 1, SMALLEST - 1), (SMALLEST, SMALLEST - 1), (32, 200)):
        with pytest.raises(ValueError, match="MaxPool2d: input, with its padding, must be at least as large"):
            net(torch.zeros(1, 3, *size))


def test_the_first_layer_sees_less_and_more_often_than_alexnets():
    with torch.device("meta"):
        field = models.receptive_field(zfnet(width_mult=0.1).features, 224)[0]
    assert (field.size, field.jump) == ((7, 7), (2, 2))


def test_every_parameter_has_a_gradient_in_float64():
    torch.manual_seed(3)
    net = zfnet(4, width_mult=0.1, dtype=torch.float64)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    F.cross_entropy(net(torch.randn(3, 3, 64, 64).double()), torch.tensor([0, 1, 3])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_dropout_makes_training_differ_from_evaluation():
    torch.manual_seed(4)
    x = torch.randn(1, 3, 64, 64)
    net = zfnet(4, width_mult=0.1)
    assert not torch.equal(net(x), net(x)), "another mask each time"
    assert torch.equal(net.eval()(x), net(x))
    without = zfnet(4, dropout=0.0, width_mult=0.1)
    assert torch.equal(without(x), without(x))


def test_a_narrow_net_learns():
    train = data.load("digits")
    chosen = (train.y < 3).nonzero()[:64, 0]
    x = F.interpolate(2 * train.x[chosen] - 1, size=(64, 64), mode="bilinear")
    y = train.y[chosen]
    torch.manual_seed(0)
    net = zfnet(3, dropout=0.0, in_channels=1, width_mult=0.1)
    optimizer = optim.Adam(net.parameters(), lr=0.001)
    training.fit(net, (x, y), optimizer=optimizer, epochs=10, batch_size=8, seed=0)
    found = training.evaluate(net, (x, y))["accuracy"]
    assert found > 0.8, f"zfnet: {found:.2f} of its training digits where chance is 0.33"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "zfnet: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "zfnet: in_channels must be 1 or more, got 0"),
        (ValueError, {"dropout": -0.1}, r"zfnet: dropout must be from 0 to 1, got -0\.1"),
        (ValueError, {"width_mult": 0}, "zfnet: width_mult must be greater than 0, got 0"),
        (TypeError, {"num_classes": 1.0}, r"zfnet: num_classes must be an integer, got 1\.0"),
        (TypeError, {"width_mult": None}, "zfnet: width_mult must be a number, got None"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        zfnet(**options)
