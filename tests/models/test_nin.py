"""nin against torch.nn, and against the arithmetic of its published configuration."""

import pytest
import torch
from originals import assert_close
from torch import nn
from torch.nn import functional as F

from course_lib import data, layers, models, optim, training
from course_lib.models.nin import mlpconv, nin


def by_torch(classes=10):
    def block(c, first, second, third, kernel):
        return nn.Sequential(
            nn.Conv2d(c, first, kernel, padding="same"), nn.ReLU(),
            nn.Conv2d(first, second, 1), nn.ReLU(), nn.Conv2d(second, third, 1), nn.ReLU(),
        )  # fmt: skip

    return nn.Sequential(
        block(3, 192, 160, 96, 5), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(0.5),
        block(96, 192, 192, 192, 5), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(0.5),
        block(192, 192, 192, classes, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def test_number_of_parameters_layer_by_layer():
    with torch.device("meta"):
        net = nin()
    got = [sum(p.numel() for p in m.parameters()) for m in net.modules() if isinstance(m, layers.Conv2d)]
    first = [5 * 5 * 3 * 192 + 192, 192 * 160 + 160, 160 * 96 + 96]
    second = [5 * 5 * 96 * 192 + 192, 192 * 192 + 192, 192 * 192 + 192]
    third = [3 * 3 * 192 * 192 + 192, 192 * 192 + 192, 192 * 10 + 10]
    assert got == first + second + third
    assert sum(p.numel() for p in net.parameters()) == 966_986


def test_names_are_those_of_the_blocks():
    with torch.device("meta"):
        names = list(nin().state_dict())
    assert names == [
        f"mlpconv{block}.{layer}.{kind}"
        for block in (1, 2, 3)
        for layer in (0, 2, 4)
        for kind in ("weight", "bias")
    ]


def test_sizes_down_the_net():
    with torch.device("meta"):
        fields = models.receptive_field(nin(), 32)
    sizes = {field.name: field.output_size for field in fields}
    assert sizes["mlpconv1.5"] == (32, 32)
    assert sizes["pool1"] == sizes["mlpconv2.5"] == (16, 16)
    assert sizes["pool2"] == sizes["mlpconv3.5"] == (8, 8)
    assert sizes["avgpool"] == (1, 1)


@pytest.mark.parametrize("train", [False, True])
def test_by_torch(train):
    torch.manual_seed(0)
    net, twin = nin().train(train), by_torch().train(train)
    for source, target in ((net, twin), (twin, net)):
        state = dict(zip(target.state_dict(), source.state_dict().values(), strict=True))
        target.load_state_dict(state, strict=True)
        for size in ((32, 32), (13, 30), (4, 4)):
            x = torch.randn(2, 3, *size)
            torch.manual_seed(1)
            got = net(x)
            torch.manual_seed(1)
            expected = twin(x)
            scale = expected.abs().max().item()
            assert_close(got, expected, f"nin on {size}", atol=1e-5 * scale)


def test_1x1_layers_are_one_dense_net_at_every_pixel():
    torch.manual_seed(2)
    net = mlpconv(2, (5, 4, 3), 3, dtype=torch.float64)
    x = torch.randn(2, 2, 6, 7, dtype=torch.float64)
    a = net[1](net[0](x)).permute(0, 2, 3, 1)  # (n, h, w, 5): a row for each pixel
    for layer in (net[2], net[4]):
        a = (a @ layer.weight[:, :, 0, 0].T + layer.bias).clamp(min=0)
    assert_close(net(x), a.permute(0, 3, 1, 2), "mlpconv", rtol=1e-12, atol=1e-12)


def test_a_score_is_the_mean_of_its_map_and_never_below_0():
    torch.manual_seed(3)
    net = nin(4, width_mult=0.1).eval()
    x = torch.randn(3, 3, 32, 32)
    maps = net[:-2](x)
    assert maps.shape == (3, 4, 8, 8)
    assert_close(net(x), maps.mean((2, 3)), "nin", rtol=1e-5, atol=1e-6)
    assert net(x).min() >= 0


def test_no_map_starts_as_all_zeros():
    for seed in range(8):
        torch.manual_seed(seed)
        net = nin(width_mult=0.2).eval()
        with torch.no_grad():
            scores = net(torch.randn(16, 3, 32, 32))
        assert scores.amax(0).min() > 0, f"seed {seed}: a class without a gradient"


def test_the_signal_neither_vanishes_nor_grows():
    torch.manual_seed(4)
    x = torch.randn(4, 3, 32, 32)
    net = nin().eval()
    with torch.no_grad():
        for name, layer in net.named_children():
            x = layer(x)
            assert 0.2 < x.square().mean() < 5, f"mean square behind {name}"


def test_width_channels_and_classes():
    net = nin(7, in_channels=1, width_mult=0.1)
    assert [m.out_channels for m in net.modules() if isinstance(m, layers.Conv2d)] == [
        19, 16, 10, 19, 19, 19, 19, 19, 7,
    ]  # fmt: skip
    assert net(torch.zeros(2, 1, 32, 32)).shape == (2, 7)
    assert net(torch.zeros(0, 1, 32, 32)).shape == (0, 7)
    assert nin(2, width_mult=1e-6)(torch.zeros(1, 3, 64, 48)).shape == (1, 2), "the narrowest"


def test_smallest_image():
    net = nin(2, width_mult=0.05).eval()
    for size in ((4, 4), (4, 50), (9, 5)):
        assert net(torch.zeros(1, 3, *size)).shape == (1, 2), f"nin on {size}"
    for size in ((2, 2), (4, 2), (2, 40)):
        with pytest.raises(ValueError, match="MaxPool2d: input, with its padding, must be at least as large"):
            net(torch.zeros(1, 3, *size))


def test_every_parameter_has_a_gradient_in_float64():
    torch.manual_seed(5)
    net = nin(4, width_mult=0.1, dtype=torch.float64)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    F.cross_entropy(net(torch.randn(3, 3, 32, 32).double()), torch.tensor([0, 1, 3])).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_dropout_makes_training_differ_from_evaluation():
    torch.manual_seed(6)
    x = torch.randn(1, 3, 32, 32)
    net = nin(4, width_mult=0.1)
    assert not torch.equal(net(x), net(x)), "another mask each time"
    assert torch.equal(net.eval()(x), net(x))
    without = nin(4, dropout=0.0, width_mult=0.1)
    assert torch.equal(without(x), without(x))


def test_a_narrow_net_learns():
    train = data.load("digits")
    chosen = (train.y < 3).nonzero()[:128, 0]
    x = F.interpolate(2 * train.x[chosen] - 1, size=(16, 16), mode="bilinear")
    y = train.y[chosen]
    torch.manual_seed(0)
    net = nin(3, dropout=0.0, in_channels=1, width_mult=0.1)
    optimizer = optim.Adam(net.parameters(), lr=0.002)
    training.fit(net, (x, y), optimizer=optimizer, epochs=10, batch_size=16, seed=0)
    found = training.evaluate(net, (x, y))["accuracy"]
    assert found > 0.8, f"nin: {found:.2f} of its training digits where chance is 0.33"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "nin: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "nin: in_channels must be 1 or more, got 0"),
        (ValueError, {"dropout": 1.01}, r"nin: dropout must be from 0 to 1, got 1\.01"),
        (ValueError, {"width_mult": 0.0}, "nin: width_mult must be greater than 0, got 0"),
        (TypeError, {"num_classes": "10"}, "nin: num_classes must be an integer, got '10'"),
        (TypeError, {"width_mult": True}, "nin: width_mult must be a number, got True"),
    ],
)
def test_bad_arguments_are_named(error, options, words):
    with pytest.raises(error, match=words):
        nin(**options)


def test_bad_arguments_of_mlpconv_are_named():
    with pytest.raises(ValueError, match="mlpconv: kernel_size must be odd, got 4"):
        mlpconv(3, (8, 8), 4)
    with pytest.raises(TypeError, match=r"mlpconv: kernel_size must be an integer, got 3\.0"):
        mlpconv(3, (8, 8), 3.0)
    with pytest.raises(ValueError, match="Conv2d: out_channels must be 1 or more, got 0"):
        mlpconv(3, (8, 0), 3)
