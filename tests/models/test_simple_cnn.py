"""simple_cnn against the same net of torch.nn and against the NumPy layers, and on what it promises."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import data, layers, models, optim, training
from course_lib.models import simple_cnn
from course_lib.reference import convolution, pooling


def by_torch(in_channels=1, num_classes=10, width=16, norm=None):
    modules, channels = [], in_channels
    for out_channels in (width, width, None, 2 * width, 2 * width, None):
        if out_channels is None:
            modules.append(nn.MaxPool2d(2))
            continue
        modules.append(nn.Conv2d(channels, out_channels, 3, padding=1))
        modules += [norm(out_channels)] if norm else []
        modules.append(nn.ReLU())
        channels = out_channels
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes))


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("ours", "theirs"), [(None, None), (layers.BatchNorm2d, nn.BatchNorm2d)])
@given(
    in_channels=st.integers(1, 3),
    num_classes=st.integers(1, 5),
    width=st.integers(1, 5),
    n=st.integers(2, 3),
    height=st.integers(4, 11),
    side=st.integers(4, 11),
    seed=st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_torchs_net(ours, theirs, in_channels, num_classes, width, n, height, side, seed):
    torch.manual_seed(seed)
    net = simple_cnn(in_channels, num_classes, width, norm=ours).double()
    torch.manual_seed(seed)
    twin = by_torch(in_channels, num_classes, width, theirs).double()
    case = (
        f"simple_cnn({in_channels}, {num_classes}, {width}, norm={ours and ours.__name__}) on {height}x{side}"
    )
    assert list(net.state_dict()) == list(twin.state_dict()), case
    for (name, a), b in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(a, b), f"{case}: the first {name} differs from torch.nn"
    x = torch.randn(n, in_channels, height, side, dtype=torch.float64)
    y, expected = net(x), twin(x)
    assert y.shape == (n, num_classes), case
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-11, msg=lambda m: f"{case}, logits: {m}")
    y.square().sum().backward()
    expected.square().sum().backward()
    for (name, a), b in zip(net.named_parameters(), twin.parameters(), strict=True):
        message = f"{case}, gradient of {name}"
        torch.testing.assert_close(
            a.grad, b.grad, rtol=1e-7, atol=1e-9, msg=lambda m, message=message: f"{message}: {m}"
        )


def test_it_computes_what_the_numpy_layers_compute():
    torch.manual_seed(0)
    net = simple_cnn(2, 3, width=2, dtype=torch.float64)
    x = torch.randn(2, 2, 9, 7, dtype=torch.float64)
    a = x.numpy()
    weights = [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in net if hasattr(m, "weight")]
    for index, (w, b) in enumerate(weights[:-1]):
        a = np.maximum(convolution.conv2d(a, w, b, padding=1), 0)
        if index % 2:
            a, _ = pooling.max_pool2d(a, 2)
    w, b = weights[-1]
    expected = a.mean(axis=(2, 3)) @ w.T + b
    np.testing.assert_allclose(net(x).detach(), expected, rtol=1e-10, err_msg="simple_cnn against NumPy")


@pytest.mark.parametrize("size", [(4, 4), (4, 9), (5, 5), (8, 8), (28, 28), (31, 17), (64, 48)])
def test_any_image_size_from_4x4_on(size):
    net = simple_cnn(3, 7, width=2, norm=layers.BatchNorm2d).eval()
    assert net(torch.zeros(2, 3, *size)).shape == (2, 7), f"simple_cnn on {size}"
    assert net(torch.zeros(0, 3, *size)).shape == (0, 7), f"simple_cnn on no images of {size}"


@pytest.mark.parametrize("size", [(3, 3), (4, 3), (1, 8)])
def test_smaller_images_are_refused(size):
    with pytest.raises((ValueError, RuntimeError)):
        simple_cnn(width=2)(torch.zeros(1, 1, *size))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 16_698),
        ({"norm": layers.BatchNorm2d}, 16_890),  # the number the book speaks of
        ({"in_channels": 3, "num_classes": 2, "width": 8}, 4_330),
    ],
)
def test_number_of_parameters(options, expected):
    c, k, w = options.get("in_channels", 1), options.get("num_classes", 10), options.get("width", 16)
    filters = 9 * (c * w + w * w + 2 * w * w + 4 * w * w) + 6 * w
    norms = 2 * 6 * w if "norm" in options else 0
    assert filters + norms + k * (2 * w + 1) == expected, "the formula of this test"
    assert count(simple_cnn(**options)) == expected, f"simple_cnn({options})"


def test_the_number_of_parameters_does_not_depend_on_the_image():
    net = simple_cnn(width=3)
    before = count(net)
    net(torch.zeros(1, 1, 40, 30))
    assert count(net) == before


def test_norm_stands_between_every_convolution_and_its_relu():
    made = []

    def norm(channels):
        made.append(channels)
        return layers.GroupNorm(1, channels)

    net = simple_cnn(width=3, norm=norm)
    assert made == [3, 3, 6, 6], "norm is called with the channels of each convolution"
    places = [index for index, layer in enumerate(net) if isinstance(layer, layers.GroupNorm)]
    assert len({id(net[i]) for i in places}) == 4, "each norm is a module of its own"
    for i in places:
        assert isinstance(net[i - 1], layers.Conv2d), f"norm {i} follows a convolution"
        assert isinstance(net[i + 1], layers.ReLU), f"norm {i} precedes a ReLU"


def test_the_layers_are_ours():
    kinds = {type(module) for module in simple_cnn(norm=layers.BatchNorm2d)}
    ours = {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "AdaptiveAvgPool2d", "Linear"}
    assert kinds == {getattr(layers, name) for name in ours} | {nn.Flatten}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    nets = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        nets.append(torch.cat([parameter.flatten() for parameter in simple_cnn(width=2).parameters()]))
    assert torch.equal(nets[0], nets[1]), "seed 5 twice"
    assert not torch.equal(nets[0], nets[2]), "seeds 5 and 6"


def test_batch_normalization_makes_training_mode_depend_on_the_batch_and_evaluation_mode_not():
    torch.manual_seed(0)
    net = simple_cnn(width=4, norm=layers.BatchNorm2d)
    x = torch.randn(6, 1, 8, 8)
    with torch.no_grad():
        assert not torch.allclose(net(x[:3])[0], net(x[[0, 4, 5]])[0], atol=1e-3), "training mode"
        net.eval()
        torch.testing.assert_close(net(x[:3])[0], net(x[[0, 4, 5]])[0])


def test_device_and_dtype():
    net = simple_cnn(width=2, dtype=torch.float64, device="meta")
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    assert {parameter.device.type for parameter in net.parameters()} == {"meta"}


def test_state_dict_goes_round():
    first, second = (simple_cnn(width=2, norm=layers.BatchNorm2d) for _ in range(2))
    x = torch.randn(3, 1, 6, 6)
    first(x)  # moves the running averages
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(x), second.eval()(x))


def test_its_receptive_field_can_be_read_off():
    fields = models.receptive_field(simple_cnn(width=2), 16)
    assert fields[-4].size == (16, 16), "in front of the global average, behind the second pooling"


@pytest.mark.parametrize("norm", [None, layers.BatchNorm2d])
def test_it_learns(norm):
    train, validation = data.load("digits"), data.load("digits", split="validation")
    torch.manual_seed(0)
    net = simple_cnn(width=8, norm=norm)
    x, y = (2 * train.x - 1)[:600], train.y[:600]
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    training.fit(net, (x, y), optimizer=optimizer, epochs=6, batch_size=32, seed=0)
    found = training.evaluate(net, (2 * validation.x - 1, validation.y))["accuracy"]
    assert found > 0.8, f"simple_cnn, norm={norm and norm.__name__}: accuracy {found:.2f} where chance is 0.1"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"in_channels": 0}, "simple_cnn: in_channels must be 1 or more, got 0"),
        (ValueError, {"num_classes": -1}, "simple_cnn: num_classes must be 1 or more, got -1"),
        (ValueError, {"width": 0}, "simple_cnn: width must be 1 or more, got 0"),
        (TypeError, {"width": 2.0}, r"simple_cnn: width must be an integer, got 2\.0"),
        (TypeError, {"num_classes": "10"}, "simple_cnn: num_classes must be an integer, got '10'"),
        (TypeError, {"in_channels": True}, "simple_cnn: in_channels must be an integer, got True"),
        (TypeError, {"norm": "batch"}, "simple_cnn: norm must be a class .* got 'batch'"),
        (TypeError, {"norm": layers.BatchNorm2d(16)}, r"simple_cnn: norm must be a class .* got BatchNorm2d"),
        (TypeError, {"norm": str}, "simple_cnn: norm must make .* got str"),
        (TypeError, {"norm": lambda channels: None}, "simple_cnn: norm must make .* got NoneType"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        simple_cnn(**options)


def test_channels_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"Conv2d: input must have shape \(N, 3, H, W\)"):
        simple_cnn(in_channels=3)(torch.zeros(1, 1, 8, 8))
