"""BN-Inception against the table of its paper and an independent construction with torch.nn."""

import pytest
import torch
from torch import nn

from course_lib import layers
from course_lib.models.inception_v2 import inception_v2

OUTPUTS = {  # of 224x224; the paper prints 576, 576 and 1024 for 4c, 4d and 4e, against its own filters
    "conv1": (64, 112),
    "maxpool1": (64, 56),
    "conv3": (192, 56),
    "maxpool2": (192, 28),
    "inception3a": (256, 28),
    "inception3b": (320, 28),
    "inception3c": (576, 14),
    "inception4a": (576, 14),
    "inception4b": (576, 14),
    "inception4c": (608, 14),
    "inception4d": (608, 14),
    "inception4e": (1056, 7),
    "inception5a": (1024, 7),
    "inception5b": (1024, 7),
    "avgpool": (1024, 1),
}


class Unit(nn.Sequential):
    def __init__(self, c_in, c_out, k, stride=1):
        conv = nn.Conv2d(c_in, c_out, k, stride, padding=k // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(c_out, eps=1e-3), nn.ReLU())


class Together(nn.ModuleList):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], 1)


def same(c_in, one, r3, c3, rd, cd, pool, proj):
    """A module that keeps the size of the map."""
    pooling = nn.AvgPool2d(3, 1, 1) if pool == "avg" else nn.MaxPool2d(3, 1, 1)
    return Together(
        [
            Unit(c_in, one, 1),
            nn.Sequential(Unit(c_in, r3, 1), Unit(r3, c3, 3)),
            nn.Sequential(Unit(c_in, rd, 1), Unit(rd, cd, 3), Unit(cd, cd, 3)),
            nn.Sequential(pooling, Unit(c_in, proj, 1)),
        ]
    )


def halved(c_in, r3, c3, rd, cd):
    """A module with stride 2, whose pooling passes through."""
    return Together(
        [
            nn.Sequential(Unit(c_in, r3, 1), Unit(r3, c3, 3, 2)),
            nn.Sequential(Unit(c_in, rd, 1), Unit(rd, cd, 3), Unit(cd, cd, 3, 2)),
            nn.MaxPool2d(3, 2, 1),
        ]
    )


def by_torch(num_classes=1000):
    return nn.Sequential(
        Unit(3, 64, 7, 2),
        nn.MaxPool2d(3, 2, 1),
        Unit(64, 64, 1),
        Unit(64, 192, 3),
        nn.MaxPool2d(3, 2, 1),
        same(192, 64, 64, 64, 64, 96, "avg", 32),
        same(256, 64, 64, 96, 64, 96, "avg", 64),
        halved(320, 128, 160, 64, 96),
        same(576, 224, 64, 96, 96, 128, "avg", 128),
        same(576, 192, 96, 128, 96, 128, "avg", 128),
        same(576, 160, 128, 160, 128, 160, "avg", 128),
        same(608, 96, 128, 192, 160, 192, "avg", 128),
        halved(608, 128, 192, 192, 256),
        same(1056, 352, 192, 320, 160, 224, "avg", 128),
        same(1024, 352, 192, 320, 192, 224, "max", 128),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1024, num_classes),
    )


def test_every_stage_has_the_size_of_figure_5():
    got = {}
    with torch.device("meta"):
        x = torch.zeros(2, 3, 224, 224)
        for name, layer in inception_v2().eval().named_children():
            x = layer(x)
            got[name] = tuple(x.shape)
    assert got["fc"] == (2, 1000)
    for name, (channels, side) in OUTPUTS.items():
        assert got[name] == (2, channels, side, side), name


def test_number_of_parameters():
    with torch.device("meta"):
        net, twin = inception_v2(), by_torch()
    found = sum(parameter.numel() for parameter in net.parameters())
    assert found == 11_285_224 == sum(parameter.numel() for parameter in twin.parameters())
    filters = sum(layer.out_channels for layer in net.modules() if isinstance(layer, layers.Conv2d))
    assert found + filters == 11_295_240, "with a bias for each filter, as in published forms"


@pytest.mark.parametrize("training", [True, False])
def test_it_computes_what_torchs_layers_compute(training):
    torch.manual_seed(0)
    net, twin = inception_v2(6).double().train(training), by_torch(6).double().train(training)
    for buffer in net.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    names = list(twin.state_dict())
    twin.load_state_dict(dict(zip(names, net.state_dict().values(), strict=True)))
    net.load_state_dict(dict(zip(net.state_dict(), twin.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 50, 64, dtype=torch.float64)
    torch.testing.assert_close(net(x), twin(x), rtol=1e-7, atol=1e-9)
    for (name, mine), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, msg=lambda m, name=name: f"{name} after a step: {m}")


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (31, 33), (32, 32), (65, 64)])
def test_images_of_any_size(size):
    net = inception_v2(3, width_mult=0.1)
    assert net(torch.randn(2, 3, *size)).shape == (2, 3)
    assert net.eval()(torch.randn(1, 3, *size)).shape == (1, 3)
    assert net(torch.randn(0, 3, *size)).shape == (0, 3)


@pytest.mark.parametrize(("size", "last"), [(32, 1), (33, 2), (64, 2), (65, 3), (224, 7)])
def test_the_last_map_has_a_32nd_of_the_image(size, last):
    with torch.device("meta"):
        y = inception_v2(width_mult=0.1).eval()[:-3](torch.zeros(1, 3, size, size))
    assert y.shape[2:] == (last, last)


def test_one_image_whose_last_map_is_one_place_cannot_train():
    with pytest.raises(ValueError, match="BatchNorm2d: input must have more than one value a channel"):
        inception_v2(width_mult=0.1)(torch.randn(1, 3, 32, 32))


def test_there_is_neither_dropout_nor_another_normalization():
    kinds = {type(module).__name__ for module in inception_v2(width_mult=0.1).modules()}
    assert not kinds & {"Dropout", "LocalResponseNorm"}
    assert "BatchNorm2d" in kinds
