"""Inception v4 against the sizes of its paper and an independent construction with torch.nn."""

import pytest
import torch
from torch import nn

from course_lib.models.inception_v4 import inception_v4

STAGES = {  # the last of each, behind what figure 9 and the figures of the modules print
    0: (32, 149),
    1: (32, 147),
    2: (64, 147),
    3: (160, 73),
    4: (192, 71),
    5: (384, 35),  # the stem
    9: (384, 35),  # 4 x Inception-A
    10: (1024, 17),  # Reduction-A
    17: (1024, 17),  # 7 x Inception-B
    18: (1536, 8),  # Reduction-B
    21: (1536, 8),  # 3 x Inception-C
}


class Unit(nn.Sequential):
    """Convolution, normalization, ReLU: "same" padding, or none for V."""

    def __init__(self, c_in, c_out, k, stride=1, v=False):
        k = k if isinstance(k, tuple) else (k, k)
        padding = 0 if v else (k[0] // 2, k[1] // 2)
        conv = nn.Conv2d(c_in, c_out, k, stride, padding, bias=False)
        super().__init__(conv, nn.BatchNorm2d(c_out, eps=1e-3), nn.ReLU())


class Together(nn.ModuleList):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], 1)


def chain(c_in, *units):
    made = []
    for c_out, k in units:
        made.append(Unit(c_in, c_out, k))
        c_in = c_out
    return made


def average(c_in, c_out):
    return nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), Unit(c_in, c_out, 1))


def stem(first_stride):
    line, column = (1, 7), (7, 1)
    return nn.Sequential(
        Unit(3, 32, 3, first_stride, v=True),
        Unit(32, 32, 3, v=True),
        Unit(32, 64, 3),
        Together([nn.MaxPool2d(3, 2), Unit(64, 96, 3, 2, v=True)]),
        Together(
            [
                nn.Sequential(Unit(160, 64, 1), Unit(64, 96, 3, v=True)),
                nn.Sequential(*chain(160, (64, 1), (64, line), (64, column)), Unit(64, 96, 3, v=True)),
            ]
        ),
        Together([Unit(192, 192, 3, 2, v=True), nn.MaxPool2d(3, 2)]),
    )


def module_a():
    return Together(
        [
            Unit(384, 96, 1),
            nn.Sequential(*chain(384, (64, 1), (96, 3))),
            nn.Sequential(*chain(384, (64, 1), (96, 3), (96, 3))),
            average(384, 96),
        ]
    )


def reduction_a():
    double = nn.Sequential(*chain(384, (192, 1), (224, 3)), Unit(224, 256, 3, 2, v=True))
    return Together([Unit(384, 384, 3, 2, v=True), double, nn.MaxPool2d(3, 2)])


def module_b():
    line, column = (1, 7), (7, 1)
    return Together(
        [
            Unit(1024, 384, 1),
            nn.Sequential(*chain(1024, (192, 1), (224, line), (256, column))),
            nn.Sequential(*chain(1024, (192, 1), (192, column), (224, line), (224, column), (256, line))),
            average(1024, 128),
        ]
    )


def reduction_b():
    seven = chain(1024, (256, 1), (256, (1, 7)), (320, (7, 1)))
    return Together(
        [
            nn.Sequential(Unit(1024, 192, 1), Unit(192, 192, 3, 2, v=True)),
            nn.Sequential(*seven, Unit(320, 320, 3, 2, v=True)),
            nn.MaxPool2d(3, 2),
        ]
    )


def module_c():
    def fork(c_in):
        return Together([Unit(c_in, 256, (1, 3)), Unit(c_in, 256, (3, 1))])

    return Together(
        [
            Unit(1536, 256, 1),
            nn.Sequential(Unit(1536, 384, 1), fork(384)),
            nn.Sequential(*chain(1536, (384, 1), (448, (3, 1)), (512, (1, 3))), fork(512)),
            average(1536, 256),
        ]
    )


def by_torch(num_classes=1000, dropout=0.2, first_stride=2):
    return nn.Sequential(
        stem(first_stride),
        *(module_a() for _ in range(4)),
        reduction_a(),
        *(module_b() for _ in range(7)),
        reduction_b(),
        *(module_c() for _ in range(3)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(1536, num_classes),
    )


def test_number_of_parameters():
    with torch.device("meta"):
        net, twin = inception_v4(), by_torch()
    assert sum(parameter.numel() for parameter in net.parameters()) == 42_679_816
    assert sum(parameter.numel() for parameter in twin.parameters()) == 42_679_816


def test_every_stage_has_the_size_of_the_figures():
    with torch.device("meta"):
        net, x = inception_v4().eval(), torch.zeros(1, 3, 299, 299)
        for number, layer in enumerate(net.features):
            x = layer(x)
            if number in STAGES:
                channels, side = STAGES[number]
                assert x.shape == (1, channels, side, side), f"features.{number}"
    assert number == max(STAGES), "the number of modules"


def test_it_computes_what_torchs_layers_compute():
    torch.manual_seed(0)
    net, twin = inception_v4(6, stem_stride=1, dtype=torch.float64), by_torch(6, first_stride=1).double()
    for buffer in net.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 64, 39, dtype=torch.float64)
    with torch.no_grad():
        for training in (False, True):
            torch.manual_seed(1)
            got = net.train(training)(x)
            torch.manual_seed(1)
            expected = twin.train(training)(x)
            torch.testing.assert_close(
                got, expected, rtol=1e-7, atol=1e-10, msg=lambda m, mode=training: f"training={mode}: {m}"
            )


def test_names_are_those_of_the_published_weights():
    with torch.device("meta"):
        names = list(inception_v4().state_dict())
    assert names[0] == "features.0.conv.weight"
    assert names[-2:] == ["last_linear.weight", "last_linear.bias"]
    for name in (
        "features.3.conv.conv.weight",
        "features.4.branch1.3.bn.running_var",
        "features.9.branch3.1.conv.weight",
        "features.10.branch0.conv.weight",
        "features.17.branch2.4.bn.weight",
        "features.21.branch1_1b.conv.weight",
        "features.21.branch2_3a.bn.num_batches_tracked",
        "features.21.branch3.1.conv.weight",
    ):
        assert name in names, name
    assert len(names) == 149 * 6 + 2, "149 convolutions, each a weight and five of its normalization"


@pytest.mark.parametrize(("stem_stride", "smallest"), [(2, 75), (1, 39)])
def test_smallest_images(stem_stride, smallest):
    net = inception_v4(3, width_mult=0.05, stem_stride=stem_stride)
    for size in ((smallest, smallest), (smallest, 100)):
        assert net.train()(torch.randn(2, 3, *size)).shape == (2, 3)
        assert net.eval()(torch.randn(1, 3, *size)).shape == (1, 3)
        assert net(torch.randn(0, 3, *size)).shape == (0, 3)
    for shape in ((2, 3, smallest - 1, smallest), (2, 3, 200, 1), (3, 200, 200)):
        with pytest.raises(ValueError, match=f"inception_v4: images must be .* {smallest} or more, got"):
            net(torch.zeros(shape))
    with torch.device("meta"), pytest.raises(RuntimeError):
        by_torch(first_stride=stem_stride).eval()(torch.zeros(2, 3, smallest - 1, smallest))


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"stem_stride": 4}, "inception_v4: stem_stride must be one of 1, 2, got 4"),
        (ValueError, {"dropout": -0.5}, r"Dropout: p must be from 0 to 1, got -0\.5"),
        (TypeError, {"num_classes": "10"}, "inception_v4: num_classes must be an integer, got '10'"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        inception_v4(**{"width_mult": 0.05} | options)


def test_what_is_no_image_is_named():
    with pytest.raises(TypeError, match=r"inception_v4: images must be a torch\.Tensor, got list"):
        inception_v4(width_mult=0.05)([[1.0]])
