"""The DenseNets against torchvision's, the paper's table, and what memory_efficient promises."""

import functools

import pytest
import torch
from torch import nn
from torchvision_models import (
    assert_same_as_torchvisions,
    assert_same_names_and_shapes,
    assert_same_on_images,
    get_model,
    published,
    torchvision,
)

from course_lib import layers, optim
from course_lib.models import densenet
from course_lib.models.densenet import DenseBlock, DenseLayer, DenseNet, densenet121

PARAMETERS = {121: 7_978_856, 169: 14_149_480, 201: 20_013_928, 161: 28_681_000}
NARROW = {"growth_rate": 4, "block_config": (2, 3, 2, 2), "num_init_features": 6, "num_classes": 5}
every_net = pytest.mark.parametrize("depth", PARAMETERS)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@functools.cache
def traced(depth):
    """The output's shape, but for the batch, of each module at 224 x 224, by name, and all multiply-adds."""
    model, shapes, products = getattr(densenet, f"densenet{depth}")(device="meta"), {}, []

    def trace(name, module, y):
        shapes[name] = tuple(y.shape[1:])
        if isinstance(module, layers.Conv2d | layers.Linear):
            products.append(module.weight.numel() * y[0].numel() // module.weight.shape[0])

    for name, module in model.named_modules():
        module.register_forward_hook(lambda module, x, y, name=name: trace(name, module, y))
    model(torch.empty(1, 3, 224, 224, device="meta"))
    return shapes, sum(products)


@every_net
def test_names_shapes_and_parameters_are_torchvisions_and_published(depth):
    ours = getattr(densenet, f"densenet{depth}")
    assert_same_names_and_shapes(f"densenet{depth}", ours)
    assert count(ours(device="meta")) == PARAMETERS[depth], f"densenet{depth}"
    assert published(f"densenet{depth}")["num_params"] == PARAMETERS[depth]


@pytest.mark.parametrize(("size", "train"), [(29, False), (64, True)])
def test_torchvisions_weights_give_its_outputs_and_ours_give_them_there(size, train):
    assert_same_as_torchvisions("densenet121", densenet121, size, train=train)


def test_evaluation_agrees_with_torchvision_once_the_running_statistics_are_those_of_images():
    assert_same_on_images("densenet121", densenet121, 0.1)


@pytest.mark.parametrize("options", [{"drop_rate": 0.3}, {"drop_rate": 0.3, "memory_efficient": True}])
def test_dropout_drops_what_torchvision_drops(options):
    assert_same_as_torchvisions("densenet121", densenet121, 32, train=True, **options)


@pytest.mark.parametrize("bn_size", [1, 2])
def test_the_general_net_is_torchvisions(bn_size):
    torch.manual_seed(0)
    net = DenseNet(**NARROW, bn_size=bn_size).double()
    torch.manual_seed(0)
    twin = torchvision.models.DenseNet(**NARROW, bn_size=bn_size).double()
    assert list(net.state_dict()) == list(twin.state_dict())
    x = torch.randn(3, 3, 33, 47, dtype=torch.float64)
    torch.testing.assert_close(net(x), twin(x), rtol=1e-9, atol=1e-11)


def test_the_same_seed_gives_torchvisions_weights():
    torch.manual_seed(5)
    net = densenet121()
    torch.manual_seed(5)
    twin = get_model("densenet121", weights=None)
    for (name, ours), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs), f"densenet121: the first {name} is not torchvision's"


@pytest.mark.parametrize("depth", [121, 161])
def test_the_stages_are_those_of_table_1(depth):
    k, blocks, channels = densenet.DENSENETS[depth]
    shapes, _ = traced(depth)
    assert shapes["features.conv0"] == (channels, 112, 112)
    assert shapes["features.pool0"] == (channels, 56, 56)
    side = 56
    for number, num_layers in enumerate(blocks, start=1):
        for layer in range(1, num_layers + 1):
            name = f"features.denseblock{number}.denselayer{layer}"
            assert shapes[f"{name}.conv1"] == (4 * k, side, side), f"{name}: the bottleneck"
            assert shapes[name] == (k, side, side), name
        channels += num_layers * k
        assert shapes[f"features.denseblock{number}"] == (channels, side, side), f"block {number}"
        if number < 4:
            channels, side = channels // 2, side // 2
            assert shapes[f"features.transition{number}"] == (channels, side, side), f"transition {number}"
    assert (side, shapes[""]) == (7, (1000,))
    assert sum(blocks) * 2 + 3 + 2 == depth, "two convolutions a layer, three transitions, stem, classifier"


@pytest.mark.parametrize("depth", [121, 161])
def test_multiply_adds_are_those_published(depth):
    _, products = traced(depth)
    assert products / 1e9 == pytest.approx(published(f"densenet{depth}")["_ops"], rel=0.01), (
        f"densenet{depth}"
    )


def test_a_block_keeps_its_input_and_each_layer_sees_all_before_it():
    torch.manual_seed(0)
    block = DenseBlock(3, 5, 4, dtype=torch.float64)
    x = torch.randn(2, 5, 6, 6, dtype=torch.float64)
    y = block(x)
    assert y.shape == (2, 5 + 3 * 4, 6, 6)
    assert torch.equal(y[:, :5], x), "the input comes first, unchanged"
    for index, layer in enumerate(block):
        seen = y[:, : 5 + 4 * index]
        torch.testing.assert_close(
            layer([seen]), y[:, 5 + 4 * index : 9 + 4 * index], msg=lambda m, index=index: f"{index}: {m}"
        )


def test_a_dense_layer_is_what_the_paper_says():
    torch.manual_seed(0)
    ours = DenseLayer(6, 4, bn_size=2)
    theirs = nn.Sequential(
        nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 1, bias=False),
        nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1, bias=False),
    )  # fmt: skip
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 6, 5, 5)
    torch.testing.assert_close(ours([x[:, :2], x[:, 2:5], x[:, 5:]]), theirs(x))


def saved_by(model, x):
    """Bytes of distinct memory that autograd keeps for the backward pass, and the output."""
    storages = {}

    def keep(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()  # alive: no address twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y = model(x)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    return sum(storage.nbytes() for address, storage in storages.items() if address not in own), y


def block_twice(num_layers):
    torch.manual_seed(0)
    kept = DenseBlock(num_layers, 8, 8, memory_efficient=False)
    lean = DenseBlock(num_layers, 8, 8, memory_efficient=True)
    lean.load_state_dict(kept.state_dict())
    return kept, lean


def test_memory_efficient_keeps_memory_like_l_where_otherwise_it_is_like_l_squared():
    x = torch.randn(4, 8, 16, 16)
    found = {n: [saved_by(block, x)[0] for block in block_twice(n)] for n in (8, 16, 32)}
    for n, (kept, lean) in found.items():
        assert lean < 0.8 * kept, f"{n} layers: {lean:,} bytes with memory_efficient, {kept:,} without"
    growth = [found[32][i] / found[16][i] for i in (0, 1)]
    assert growth[0] > 2.7, f"twice the layers, {growth[0]:.2f} times the memory without memory_efficient"
    assert growth[1] < 2.05, f"twice the layers, {growth[1]:.2f} times the memory with memory_efficient"


def test_memory_efficient_joins_and_normalizes_all_maps_twice_and_otherwise_once():
    for block, times in zip(block_twice(3), (1, 2), strict=True):
        ran = []
        for layer in block:
            layer.norm1.register_forward_hook(lambda m, x, y, ran=ran: ran.append(m))
        block(torch.randn(2, 8, 4, 4)).sum().backward()
        assert len(ran) == 3 * times


@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
def test_memory_efficient_gives_the_same_outputs_gradients_and_running_statistics(drop_rate):
    torch.manual_seed(0)
    nets = [DenseNet(**NARROW, drop_rate=drop_rate, memory_efficient=lean) for lean in (False, True)]
    nets[1].load_state_dict(nets[0].state_dict())
    x = torch.randn(4, 3, 32, 32)
    for step in range(2):
        outputs = []
        for net in nets:
            torch.manual_seed(step)
            outputs.append(net(x))
            outputs[-1].square().sum().backward()
        assert torch.equal(*outputs), f"step {step}: outputs"
        for (name, a), b in zip(nets[0].named_parameters(), nets[1].parameters(), strict=True):
            assert torch.equal(a.grad, b.grad), f"step {step}: gradient of {name}"
        for (name, a), b in zip(nets[0].named_buffers(), nets[1].buffers(), strict=True):
            assert torch.equal(a, b), f"step {step}: {name}, which must count each batch once"


def test_memory_efficient_does_nothing_without_gradients():
    kept, lean = block_twice(3)
    x = torch.randn(2, 8, 4, 4)
    with torch.no_grad():
        expected = kept(x)
        found, y = saved_by(lean, x)
    assert torch.equal(y, expected)
    assert found == 0


@pytest.mark.parametrize("size", [(29, 29), (29, 40), (64, 64), (65, 31)])
def test_narrow_nets_take_images_from_29x29_on(size):
    net = densenet121(width_mult=0.125, num_classes=7, in_channels=1)
    assert net(torch.randn(2, 1, *size)).shape == (2, 7), f"densenet121 on {size}, in training"
    assert net.eval()(torch.zeros(0, 1, *size)).shape == (0, 7), f"densenet121 on no images of {size}"


@pytest.mark.parametrize("size", [(28, 29), (64, 28), (1, 1)])
def test_smaller_images_are_refused(size):
    net = densenet121(width_mult=0.125).eval()
    with pytest.raises(ValueError, match=r"^DenseNet: input must be at least 29 x 29, got shape \(1, 3, "):
        net(torch.zeros(1, 3, *size))


@pytest.mark.parametrize("blocks", [(2,), (2, 2), (1, 1, 1), (1, 1, 1, 1, 1)])
def test_with_other_numbers_of_blocks_the_smallest_image_is_as_documented(blocks):
    net = DenseNet(4, blocks, 4, num_classes=3).eval()
    smallest = 2 ** (len(blocks) + 1) - 3
    assert net(torch.zeros(1, 3, smallest, smallest)).shape == (1, 3)
    net.smallest = 0  # without the check, the layers themselves must refuse what is smaller
    if smallest > 1:
        with pytest.raises(ValueError, match=r"^AvgPool2d: input, .* must be at least"):
            net(torch.zeros(1, 3, smallest - 1, smallest - 1))


def test_width_and_channels_are_respected():
    net = densenet121(width_mult=0.25, num_classes=10, in_channels=1, device="meta")
    assert net.features.conv0.weight.shape == (16, 1, 7, 7)
    assert net.features.denseblock1.denselayer1.conv1.weight.shape == (32, 16, 1, 1)
    assert net.features.denseblock1.denselayer1.conv2.weight.shape == (8, 32, 3, 3)
    assert net.classifier.weight.shape == (10, 256), "a quarter of 1024"


def test_the_layers_are_ours():
    kinds = {type(module) for module in densenet121(device="meta").modules() if not list(module.children())}
    ours = "Conv2d BatchNorm2d ReLU MaxPool2d AvgPool2d AdaptiveAvgPool2d Dropout Linear"
    assert kinds == {getattr(layers, name) for name in ours.split()}


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = densenet121(width_mult=0.125, num_classes=4, dtype=torch.float64)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float64}
    net(torch.randn(3, 3, 64, 64, dtype=torch.float64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} has no gradient"
        assert parameter.grad.any(), f"the gradient of {name} is 0"


def test_a_narrow_net_learns_a_batch_by_heart():
    torch.manual_seed(0)
    net = DenseNet(**NARROW, memory_efficient=True)
    x, y = torch.randn(8, 3, 32, 32), torch.arange(8) % 5
    optimizer = optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        losses.append(layers.cross_entropy(net(x), y))
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0], f"from {losses[0]:.2f} to {losses[-1]:.2f}"


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"growth_rate": 0}, "DenseNet: growth_rate must be 1 or more, got 0"),
        (TypeError, {"growth_rate": 1.5}, r"DenseNet: growth_rate must be an integer, got 1\.5"),
        (ValueError, {"block_config": ()}, r"DenseNet: block_config must hold one number or more, got \(\)"),
        (ValueError, {"block_config": (1, 0)}, r"DenseNet: block_config\[1\] must be 1 or more, got 0"),
        (TypeError, {"block_config": (1, "2")}, r"DenseNet: block_config\[1\] must be an integer, got '2'"),
        (ValueError, {"num_init_features": 0}, "DenseNet: num_init_features must be 1 or more, got 0"),
        (ValueError, {"bn_size": -1}, "DenseNet: bn_size must be 1 or more, got -1"),
        (ValueError, {"drop_rate": 1.5}, r"DenseNet: drop_rate must be from 0 to 1, got 1\.5"),
        (ValueError, {"num_classes": 0}, "DenseNet: num_classes must be 1 or more, got 0"),
        (ValueError, {"in_channels": 0}, "DenseNet: in_channels must be 1 or more, got 0"),
        (ValueError, {"width_mult": 0}, "DenseNet: width_mult must be greater than 0, got 0"),
        (TypeError, {"weights": "DEFAULT"}, "unexpected keyword argument 'weights'"),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        DenseNet(**options)


@pytest.mark.parametrize(
    ("error", "x", "words"),
    [
        (
            ValueError,
            torch.zeros(3, 64, 64),
            r"DenseNet: input must be \(N, C, H, W\), got shape \(3, 64, 64\)",
        ),
        (ValueError, torch.zeros(1, 1, 64, 64), r"Conv2d: input must have shape \(N, 3, H, W\)"),
        (TypeError, [1.0], "DenseNet: input must be a torch.Tensor, got list"),
        (TypeError, torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "DenseNet: input must have a floating"),
    ],
)
def test_inputs_that_do_not_fit_are_named(error, x, words):
    with pytest.raises(error, match=words):
        DenseNet(**NARROW)(x)
