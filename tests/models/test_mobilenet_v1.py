"""MobileNet against the paper's tables, and against the same net of torch.nn."""

import functools

import pytest
import torch
from torch import nn

from course_lib import layers, optim
from course_lib.models.mobilenet_v1 import (
    DepthwiseSeparable,
    FullConvolution,
    MobileNetV1,
    mobilenet_v1,
)

TABLE_1 = [  # as the paper lists it: a layer's kind, its stride and its filter; the last stride corrected
    ("Conv", 2, (3, 3, 3, 32)), ("Conv dw", 1, (3, 3, 32)), ("Conv", 1, (1, 1, 32, 64)),
    ("Conv dw", 2, (3, 3, 64)), ("Conv", 1, (1, 1, 64, 128)), ("Conv dw", 1, (3, 3, 128)),
    ("Conv", 1, (1, 1, 128, 128)), ("Conv dw", 2, (3, 3, 128)), ("Conv", 1, (1, 1, 128, 256)),
    ("Conv dw", 1, (3, 3, 256)), ("Conv", 1, (1, 1, 256, 256)), ("Conv dw", 2, (3, 3, 256)),
    ("Conv", 1, (1, 1, 256, 512)),
    *[("Conv dw", 1, (3, 3, 512)), ("Conv", 1, (1, 1, 512, 512))] * 5,
    ("Conv dw", 2, (3, 3, 512)), ("Conv", 1, (1, 1, 512, 1024)), ("Conv dw", 1, (3, 3, 1024)),
    ("Conv", 1, (1, 1, 1024, 1024)),
]  # fmt: skip
INPUT_SIZES = [224, 112, 112, 112, *[56] * 4, *[28] * 4, *[14] * 12, 7, 7, 7]  # of each layer of the table


def by_torch(num_classes=1000, width=1.0, in_channels=3):
    modules = []
    for kind, stride, (*kernel, filters) in TABLE_1:
        filters = int(filters * width)
        channels = in_channels if not modules else int(kernel[2] * width) if kind == "Conv" else filters
        groups = filters if kind == "Conv dw" else 1
        options = {"padding": kernel[0] // 2, "groups": groups, "bias": False}
        modules.append(nn.Conv2d(channels, filters, kernel[0], stride, **options))
        modules += [nn.BatchNorm2d(filters), nn.ReLU()]
    return nn.Sequential(*modules, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(filters, num_classes))


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@functools.cache
def traced(size=224, width_mult=1.0, block=DepthwiseSeparable):
    """Sizes of the convolutions' inputs and outputs, in order, and all multiply-adds."""
    model, sizes, products = mobilenet_v1(width_mult=width_mult, block=block, device="meta"), [], []

    def trace(module, x, y):
        products.append(module.weight.numel() * y[0].numel() // module.weight.shape[0])
        sizes.append((x[0].shape[-1], tuple(y.shape[1:])))

    for module in model.modules():
        if isinstance(module, layers.Conv2d | layers.Linear):
            module.register_forward_hook(trace)
    model(torch.empty(1, 3, size, size, device="meta"))
    return sizes[:-1], sum(products)


def test_parameters():
    assert count(mobilenet_v1(device="meta")) == 4_231_976
    norms = 2 * sum(filters[-1] for _, _, filters in TABLE_1)
    weights = sum(torch.Size(filters).numel() for _, _, filters in TABLE_1)
    assert weights + norms + 1025 * 1000 == 4_231_976, "the table of this test"


def test_the_layers_are_those_of_table_1():
    sizes, _ = traced()
    assert [side for side, _ in sizes] == INPUT_SIZES
    assert [shape[0] for _, shape in sizes] == [filters[-1] for _, _, filters in TABLE_1]
    assert sizes[-1][1] == (1024, 7, 7)
    convolutions = [m for m in mobilenet_v1(device="meta").modules() if isinstance(m, layers.Conv2d)]
    for number, (conv, (kind, stride, filters)) in enumerate(zip(convolutions, TABLE_1, strict=True)):
        case = f"layer {number}, {kind} {filters}"
        assert conv.stride == (stride, stride), case
        assert conv.kernel_size == filters[:2], case
        assert (conv.groups == conv.in_channels == filters[-1]) == (kind == "Conv dw"), case
        assert conv.bias is None, case


@pytest.mark.parametrize(
    ("options", "millions_of_products", "millions_of_parameters"),
    [
        ({}, 569, 4.2),  # table 4, and the first rows of tables 6 and 7
        ({"block": FullConvolution}, 4866, 29.3),  # table 4: "Conv MobileNet"
        ({"width_mult": 0.75}, 325, 2.6),  # table 6
        ({"width_mult": 0.5}, 149, 1.3),
        ({"width_mult": 0.25}, 41, 0.5),
        ({"size": 192}, 418, 4.2),  # table 7
        ({"size": 160}, 290, 4.2),
        ({"size": 128}, 186, 4.2),
    ],
)
def test_multiply_adds_and_parameters_are_those_of_the_paper(
    options, millions_of_products, millions_of_parameters
):
    _, products = traced(**options)
    # The paper's 569 is 568.7 with the classifier's 1.0, its 4866 is 4866.3 without.
    products -= 1_024_000 if "block" in options else 0
    assert products / 1e6 == pytest.approx(millions_of_products, abs=1.0, rel=0), f"{options}"
    model = mobilenet_v1(**{k: v for k, v in options.items() if k != "size"}, device="meta")
    assert count(model) / 1e6 == pytest.approx(millions_of_parameters, abs=0.05), f"{options}"


@pytest.mark.parametrize(("in_channels", "out_channels", "stride"), [(32, 64, 1), (8, 8, 2), (3, 100, 1)])
def test_a_separable_block_costs_what_the_paper_says_of_a_full_one(in_channels, out_channels, stride):
    costs = []
    for block in (DepthwiseSeparable, FullConvolution):
        module = block(in_channels, out_channels, stride, device="meta")
        costs.append([m.weight.numel() for m in module.modules() if isinstance(m, layers.Conv2d)])
    (depthwise, pointwise), (full,) = costs  # per pixel of the output, where both steps work
    assert (depthwise + pointwise) / full == pytest.approx(1 / out_channels + 1 / 9)


@pytest.mark.parametrize(("width", "size", "train"), [(1, 224, False), (0.25, 224, True)])
def test_the_same_net_of_torch_gives_the_same_outputs(width, size, train):
    torch.manual_seed(0)
    net, twin = mobilenet_v1(width_mult=width, num_classes=9), by_torch(9, width)
    for module in twin.modules():  # running averages of images: else next to nothing arrives at the logits
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    twin(torch.randn(2, 3, size, size))
    net.load_state_dict(dict(zip(net.state_dict(), twin.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, size, size)
    got, expected = net.train(train)(x), twin.train(train)(x)
    scale = (expected[0] - expected[1]).abs().max().item()
    assert scale > 0.05, "logits that depend on the image"
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5 * scale)
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    torch.testing.assert_close(twin(x), net(x), rtol=0, atol=1e-5 * scale)


def test_a_depthwise_step_filters_each_channel_alone_and_a_pointwise_step_each_pixel():
    torch.manual_seed(0)
    block = DepthwiseSeparable(4, 6, dtype=torch.float64).eval()
    x = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    changed = x.clone()
    changed[0, 2] += 1
    moved = (block.depthwise(changed) - block.depthwise(x)).abs().amax((0, 2, 3)) > 0
    assert moved.tolist() == [False, False, True, False]
    changed = x.clone()
    changed[0, :, 1, 3] += 1
    moved = (block.pointwise(changed) - block.pointwise(x)).abs().amax((0, 1)) > 0
    assert moved.nonzero().tolist() == [[1, 3]]


def test_names_say_what_is_what():
    names = list(mobilenet_v1(device="meta").state_dict())
    assert names[0] == "features.0.0.weight"
    assert names[6] == "features.1.depthwise.0.weight"
    assert names[12] == "features.1.pointwise.0.weight"
    assert names[-2:] == ["classifier.weight", "classifier.bias"]
    assert {name.split(".")[1] for name in names[:-2]} == {str(i) for i in range(14)}
    full = list(mobilenet_v1(block=FullConvolution, device="meta").state_dict())
    assert full[6] == "features.1.full.0.weight"


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (32, 32), (33, 47), (64, 64)])
@pytest.mark.parametrize("block", [DepthwiseSeparable, FullConvolution])
def test_images_of_any_size(size, block):
    net = mobilenet_v1(width_mult=0.125, num_classes=7, in_channels=1, block=block).eval()
    assert net(torch.randn(2, 1, *size)).shape == (2, 7), f"mobilenet_v1 on {size}"
    assert net(torch.zeros(0, 1, *size)).shape == (0, 7), f"mobilenet_v1 on no images of {size}"


def test_width_and_channels_are_respected():
    net = mobilenet_v1(width_mult=0.25, num_classes=10, in_channels=1, device="meta")
    assert net.features[0][0].weight.shape == (8, 1, 3, 3)
    assert net.features[13].pointwise[0].weight.shape == (256, 256, 1, 1)
    assert net.classifier.weight.shape == (10, 256)
    tiny = mobilenet_v1(width_mult=0.001, device="meta")
    assert tiny.features[13].pointwise[0].weight.shape == (1, 1, 1, 1), "no width rounds to no channel"


def test_the_layers_are_ours():
    kinds = {type(module) for module in mobilenet_v1(device="meta").modules() if not list(module.children())}
    ours = "Conv2d BatchNorm2d ReLU AdaptiveAvgPool2d Linear"
    assert kinds == {getattr(layers, name) for name in ours.split()}


def test_signals_keep_their_size_at_the_start():
    torch.manual_seed(0)
    net = mobilenet_v1(num_classes=4).eval()  # evaluation: the running averages 0 and 1 change nothing
    with torch.no_grad():
        y = net.features(torch.randn(4, 3, 64, 64))
    # With fan_out, 512 times as large for a depthwise convolution, nothing would arrive. Some is lost to the
    # zeros around the small maps.
    assert 1e-3 < y.square().mean() < 10


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = mobilenet_v1(width_mult=0.125, num_classes=4, dtype=torch.float64)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    net(torch.randn(3, 3, 64, 64, dtype=torch.float64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_a_narrow_net_learns_a_batch_by_heart():
    torch.manual_seed(0)
    net = mobilenet_v1(width_mult=0.125, num_classes=4)
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
        (ValueError, {"num_classes": 0}, "MobileNetV1: num_classes must be 1 or more, got 0"),
        (TypeError, {"num_classes": 1.5}, r"MobileNetV1: num_classes must be an integer, got 1\.5"),
        (ValueError, {"in_channels": -3}, "MobileNetV1: in_channels must be 1 or more, got -3"),
        (ValueError, {"width_mult": 0}, "MobileNetV1: width_mult must be greater than 0, got 0"),
        (TypeError, {"width_mult": "1"}, "MobileNetV1: width_mult must be a number, got '1'"),
        (TypeError, {"block": "full"}, "MobileNetV1: block must be a class or a function, got 'full'"),
        (TypeError, {"block": nn.ReLU()}, r"MobileNetV1: block must be a class or a function, got ReLU\(\)"),
        (TypeError, {"block": lambda *_, **__: 1}, "block must make a torch.nn.Module, got int"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        MobileNetV1(**options)


@pytest.mark.parametrize(
    ("error", "x", "words"),
    [
        (
            ValueError,
            torch.zeros(3, 8, 8),
            r"MobileNetV1: input must be \(N, C, H, W\), got shape \(3, 8, 8\)",
        ),
        (ValueError, torch.zeros(1, 1, 8, 8), r"Conv2d: input must have shape \(N, 3, H, W\)"),
        (TypeError, [1.0], "MobileNetV1: input must be a torch.Tensor, got list"),
    ],
)
def test_inputs_that_do_not_fit_are_named(error, x, words):
    with pytest.raises(error, match=words):
        mobilenet_v1(width_mult=0.125)(x)
