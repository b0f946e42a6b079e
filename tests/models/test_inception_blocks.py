"""The blocks of the Inception networks against torch.nn, and what all four networks promise."""

import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import layers
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_blocks import (
    BasicConv2d,
    Branches,
    Conv,
    Mixed,
    Named,
    Options,
    imagenet_to_inception,
    made_layer,
    truncated_normal_,
)
from course_lib.models.inception_v2 import inception_v2
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.inception_v4 import inception_v4

SMALL = {  # nets that take images of 64x64
    "googlenet": googlenet,
    "googlenet of 2014": partial(googlenet, batch_norm=False, largest_kernel=5),
    "inception_v2": inception_v2,
    "inception_v3": partial(inception_v3, stem_stride=1),
    "inception_v4": partial(inception_v4, stem_stride=1),
}
ENDS = re.compile(r"(fc|last_linear|aux[12]\.fc2|AuxLogits\.fc)\.")
each_net = pytest.mark.parametrize(("name", "make"), SMALL.items(), ids=list(SMALL))


def outputs(y):
    return [y] if isinstance(y, torch.Tensor) else list(y)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize(
    ("row", "options"),
    [
        (Conv(6), {"kernel_size": 1}),
        (Conv(6, 3), {"kernel_size": 3, "padding": 1}),
        (Conv(6, 3, 2), {"kernel_size": 3, "stride": 2, "padding": 1}),
        (Conv(6, 3, 2, padding=0), {"kernel_size": 3, "stride": 2}),
        (Conv(6, (1, 7)), {"kernel_size": (1, 7), "padding": (0, 3)}),
    ],
)
def test_a_convolution_is_torchs_with_its_normalization(row, options, batch_norm):
    ours = BasicConv2d(4, row, Options(batch_norm=batch_norm))
    theirs = nn.Sequential(nn.Conv2d(4, 6, bias=not batch_norm, **options))
    if batch_norm:
        theirs.append(nn.BatchNorm2d(6, eps=0.001))
    theirs.append(nn.ReLU())
    names = [name.replace("0.", "conv.").replace("1.", "bn.") for name in theirs.state_dict()]
    assert list(ours.state_dict()) == names
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(3, 4, 9, 8)
    for training in (True, False):
        torch.testing.assert_close(ours.train(training)(x), theirs.train(training)(x))


def test_a_table_becomes_layers():
    options = Options(width_mult=0.5)
    pooling = partial(layers.MaxPool2d, 3, stride=1, padding=1)
    layer, channels = made_layer([Conv(8), {"one": Conv(4), "two": [pooling, Conv(6, 3)]}], 3, options)
    assert channels == 2 + 3
    assert isinstance(layer, nn.Sequential)
    assert isinstance(layer[1], Branches)
    weights = {name: tuple(w.shape) for name, w in layer.named_parameters() if name.endswith("conv.weight")}
    assert weights == {
        "0.conv.weight": (4, 3, 1, 1),
        "1.one.conv.weight": (2, 4, 1, 1),
        "1.two.1.conv.weight": (3, 4, 3, 3),
    }
    x = torch.randn(2, 3, 5, 5)
    first = layer[0](x)
    expected = torch.cat([layer[1].one(first), layer[1].two[1](F.max_pool2d(first, 3, 1, 1))], 1)
    torch.testing.assert_close(layer.eval()(x), layer(x))
    assert expected.shape == layer(x).shape == (2, 5, 5, 5)


def test_branches_with_names_of_their_own_can_fork():
    table = Named(
        [{"wide": Conv(3, 3)}],
        [{"narrow": Conv(2)}, {"a": Conv(4, (1, 3)), "b": Conv(5, (3, 1))}],
        [{"pool": partial(layers.AvgPool2d, 3, stride=1, padding=1)}],
    )
    mixed = Mixed(6, table, Options()).eval()
    assert mixed.out_channels == 3 + (4 + 5) + 6
    x = torch.randn(2, 6, 7, 5)
    narrow = mixed.narrow(x)
    parts = [mixed.wide(x), mixed.a(narrow), mixed.b(narrow), F.avg_pool2d(x, 3, 1, 1)]
    torch.testing.assert_close(mixed(x), torch.cat(parts, 1))


def test_the_range_of_colours():
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    colours = torch.rand(2, 3, 4, 5)
    standardized = (colours - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(imagenet_to_inception(standardized), 2 * colours - 1)


def test_truncated_normal_weights():
    torch.manual_seed(0)
    net = nn.Sequential(layers.Conv2d(30, 40, 3), layers.Linear(100, 90))
    biases = [layer.bias.clone() for layer in net]
    truncated_normal_(net, lambda layer: 0.5 if layer is net[0] else 1.0)
    assert net[0].weight.std().item() == pytest.approx(0.5, rel=0.03)
    assert net[1].weight.std().item() == pytest.approx(0.88, rel=0.03), "N(0, 1) between -2 and 2"
    assert max(layer.weight.abs().max() for layer in net) <= 2
    assert all(torch.equal(layer.bias, bias) for layer, bias in zip(net, biases, strict=True))


@each_net
def test_gradients_reach_every_parameter(name, make):
    torch.manual_seed(0)
    net = make(5, width_mult=0.2)
    sum(y.square().sum() for y in outputs(net(torch.randn(4, 3, 64, 64)))).backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name}: no gradient of {key}"
        assert parameter.grad.isfinite().all(), f"{name}: gradient of {key}"
        assert parameter.grad.any(), f"{name}: the gradient of {key} is 0"


@each_net
def test_sizes_dtype_and_device(name, make):
    net = make(7, in_channels=2, width_mult=0.1, dtype=torch.float64)
    y = net(torch.randn(2, 2, 64, 70, dtype=torch.float64))
    assert [(tuple(each.shape), each.dtype) for each in outputs(y)] == [
        ((2, 7), torch.float64) for _ in outputs(y)
    ], name
    with pytest.raises(ValueError, match=r"Conv2d: input must have shape \(N, 2, H, W\)"):
        net(torch.randn(2, 3, 64, 64, dtype=torch.float64))
    state = make(7, width_mult=0.1, dtype=torch.float64, device="meta").state_dict()
    assert {value.device.type for value in state.values()} == {"meta"}, name
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float64}, name


@each_net
def test_the_width_multiplies_every_number_of_channels(name, make):
    with torch.device("meta"):
        full, half, double = (make(10, width_mult=width).state_dict() for width in (1, 0.5, 2))
    first, last = next(iter(full)), [key for key in full if ENDS.match(key)]
    assert last, name
    for key, value in full.items():
        for factor, other in ((0.5, half[key]), (2, double[key])):
            expected = [round(size * factor) for size in value.shape[:2]]
            if key == first:
                expected[1] = 3  # the image
            if key in last:
                expected[0] = 10  # the classes
            assert list(other.shape[:2]) == expected, f"{name}, width {factor}: {key}"


@each_net
def test_evaluation_does_not_depend_on_the_batch_nor_on_the_seed(name, make):
    torch.manual_seed(0)
    net = make(4, width_mult=0.1).eval()
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        together, again = net(x), net(x)
        alone = torch.cat([net(image[None]) for image in x])
    assert torch.equal(together, again), name
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5, msg=lambda m: f"{name}: {m}")


@each_net
def test_the_layers_are_ours(name, make):
    for module in make(4, width_mult=0.1).modules():
        kind = type(module)
        assert kind in (nn.Sequential, nn.Flatten) or kind.__module__.startswith("course_lib."), (
            f"{name}: {kind}"
        )


@each_net
def test_the_state_goes_round(name, make):
    first, second = make(4, width_mult=0.1), make(4, width_mult=0.1)
    x = torch.randn(2, 3, 64, 64)
    first(x)  # moves the running averages
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(x), second.eval()(x)), name


@each_net
@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": -3}, "in_channels must be 1 or more, got -3"),
        (TypeError, {"num_classes": 10.0}, r"num_classes must be an integer, got 10\.0"),
        (TypeError, {"width_mult": "1"}, "width_mult must be a number, got '1'"),
        (ValueError, {"width_mult": -1}, "width_mult must be greater than 0, got -1"),
        (ValueError, {"width_mult": float("inf")}, "width_mult must be finite, got inf"),
    ],
)
def test_bad_sizes_are_named(name, make, error, options, words):
    with pytest.raises(error, match=f"{name.split()[0]}: {words}"):
        make(**options)
