"""Whatever is asked of a model, and whatever goes wrong: it is left as it was."""

import copy

import pytest
import torch
from torch import nn

from course_lib import layers, models, visualize
from course_lib.visualize.probing import evaluating

CALLS = {
    "deconvnet": lambda net, x: visualize.deconvnet(net, x, "main.9", 1),
    "guided_backprop": lambda net, x: visualize.guided_backprop(net, x, "main.9", 1),
    "saliency": lambda net, x: visualize.saliency(net, x, 1),
    "grad_cam": lambda net, x: visualize.grad_cam(net, x, "main.9", 1),
    "occlusion": lambda net, x: visualize.occlusion(net, x, 1, patch=3),
    "strongest": lambda net, x: visualize.strongest(net, x, "main.9", 1),
    "randomize_layers": lambda net, x: list(visualize.randomize_layers(net)),
}
BY_LAYER = {
    "deconvnet": visualize.deconvnet,
    "guided_backprop": visualize.guided_backprop,
    "strongest": visualize.strongest,
    "grad_cam": visualize.grad_cam,
}


class Model(nn.Module):
    """A net with everything that could be disturbed; it can be made to fail."""

    def __init__(self):
        super().__init__()
        self.main = models.simple_cnn(3, 4, width=3, norm=layers.BatchNorm2d)
        self.main.insert(0, layers.LocalResponseNorm(3))
        self.main.append(layers.Dropout(0.5))
        self.fails = False

    def forward(self, x):
        y = self.main(x)
        if self.fails:
            raise KeyError("the model fails")
        return y


def model_in_use():
    torch.manual_seed(0)
    net = Model()
    x = torch.randn(5, 3, 8, 8)
    net(x).sum().backward()  # running averages and .grad
    net.main[5].eval()  # modes of its own
    net.main[1].weight.requires_grad_(False)
    net.main[4].register_forward_hook(lambda module, inputs, output: None)
    net.main[4].register_full_backward_hook(lambda module, below, above: None)
    return net, x.requires_grad_()


def state_of(net, x):
    """All that there is to disturb."""
    return {
        "state": {name: value.clone() for name, value in net.state_dict().items()},
        "grad": {name: None if p.grad is None else p.grad.clone() for name, p in net.named_parameters()},
        "requires_grad": {name: p.requires_grad for name, p in net.named_parameters()},
        "modes": {name: module.training for name, module in net.named_modules()},
        "hooks": {
            name: (list(m._forward_hooks), list(m._forward_pre_hooks), list(m._backward_hooks))
            for name, m in net.named_modules()
        },
        "images": x.detach().clone(),
        "images' grad": x.grad,
        "random": torch.get_rng_state(),
        "attributes": {name: sorted(vars(module)) for name, module in net.named_modules()},
    }


def assert_untouched(before, net, x, case):
    for what, value in state_of(net, x).items():
        if isinstance(value, dict):
            for name, entry in value.items():
                old = before[what][name]
                same = torch.equal(entry, old) if isinstance(old, torch.Tensor) else entry == old
                assert same, f"{case} changed {what} of {name!r}"
        else:
            same = (
                torch.equal(value, before[what]) if isinstance(value, torch.Tensor) else value is before[what]
            )
            assert same, f"{case} changed {what}"


@pytest.mark.parametrize("name", CALLS)
def test_the_model_is_left_as_it_was(name):
    net, x = model_in_use()
    before = state_of(net, x)
    CALLS[name](net, x)
    assert_untouched(before, net, x, name)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"randomize_layers"}))
def test_the_model_is_left_as_it_was_when_something_fails(name):
    net, x = model_in_use()
    before = state_of(net, x)
    net.fails = True
    with pytest.raises(KeyError, match="the model fails"):
        CALLS[name](net, x)
    assert_untouched(before, net, x, f"{name}, failing in the model,")
    net.fails = False
    if name in BY_LAYER:
        with pytest.raises(ValueError, match=r"(unit|classes) must be"):
            BY_LAYER[name](net, x, "main.9", 99)
        assert_untouched(before, net, x, f"{name}, failing after the model,")
    with pytest.raises(TypeError):
        CALLS[name](net, x.double())
    assert_untouched(before, net, x, f"{name}, failing in the first layer,")
    assert torch.relu(x).grad_fn.name() == "ReluBackward0", f"{name} left its rule behind"


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"randomize_layers"}))
def test_modes_of_the_caller_do_not_matter(name):
    net, x = model_in_use()
    expected = CALLS[name](net, x)
    with torch.no_grad():
        without = CALLS[name](net, x)
    with torch.inference_mode():
        inferred = CALLS[name](net, x.clone())
    evaluated = CALLS[name](copy.deepcopy(net).eval(), x)
    for case, got in {"no_grad": without, "inference_mode": inferred, "eval": evaluated}.items():
        for a, b in zip(got, expected, strict=True):
            assert torch.equal(a, b), f"{name} under {case}"
            assert not a.requires_grad, f"{name} under {case}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", sorted(set(CALLS) - {"randomize_layers"}))
def test_results_are_of_the_dtype_and_device_of_the_model(name, dtype):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net, x = model_in_use()
    got = CALLS[name](net.to(device, dtype), x.to(dtype))
    for tensor in got if isinstance(got, tuple) else (got,):
        assert tensor.device.type == device, name
        assert tensor.dtype in (dtype, torch.int64), name


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"randomize_layers"}))
def test_a_first_layer_that_overwrites_the_images_may(name):
    net, x = model_in_use()
    twin = copy.deepcopy(net)
    net.main[0], twin.main[0] = nn.ReLU(inplace=True), nn.ReLU()
    before = x.detach().clone()
    for got, expected in zip(CALLS[name](net, x), CALLS[name](twin, x), strict=True):
        assert torch.equal(got, expected), name
    assert torch.equal(x, before), f"{name} changed the images"


def test_modes_come_back_one_by_one_and_functions_have_none():
    net = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with evaluating(net):
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == [True, True, False]
    with torch.no_grad(), evaluating(len):
        assert torch.is_grad_enabled()


IMAGES = torch.rand(2, 3, 8, 8)
NET = models.simple_cnn(3, 4, width=3)
TWICE = nn.Sequential(NET[1], layers.Conv2d(3, 2, 1), NET[1])
BAD = {
    "a function": (TypeError, lambda x: x, IMAGES, "0", "model must be a torch.nn.Module, got function"),
    "an array": (TypeError, NET, IMAGES.numpy(), "0", "images must be a torch.Tensor, got ndarray"),
    "bytes": (TypeError, NET, IMAGES.byte(), "0", "images must have a floating-point dtype, got torch.uint8"),
    "one image": (ValueError, NET, IMAGES[0], "0", r"images must be \(N, C, H, W\), got shape \(3, 8, 8\)"),
    "no images": (ValueError, NET, IMAGES[:0], "0", r"images must have no empty dimension, got shape \(0, 3"),
    "no such layer": (
        ValueError,
        NET,
        IMAGES,
        "conv1",
        "layer must be a name in .* such as '.*; got 'conv1'",
    ),
    "a number": (TypeError, NET, IMAGES, 0, "layer must be a name or a torch.nn.Module, got int"),
    "another's": (
        ValueError,
        NET,
        IMAGES,
        nn.ReLU(),
        "layer must be a part of the model, got a ReLU that is none",
    ),
    "used twice": (ValueError, TWICE, IMAGES, "0", "layer must be one that is used once a pass, .* 2 times"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", BY_LAYER)
def test_bad_calls_are_named(name, case):
    error, net, images, layer, words = BAD[case]
    with pytest.raises(error, match=f"{name}: {words}"):
        BY_LAYER[name](net, images, layer, 0)


def test_a_misspelled_name_is_guessed():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.classifier = nn.Conv2d(1, 1, 1), nn.Identity()

    with pytest.raises(ValueError, match="such as 'features'; got 'feature'"):
        visualize.deconvnet(Named(), torch.rand(1, 1, 2, 2), "feature", 0)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop", "strongest"])
def test_a_layer_that_gives_no_tensor_is_named(name):
    with pytest.raises(TypeError, match=f"{name}: layer must be one that gives a tensor, got '': tuple"):
        BY_LAYER[name](Pair(), IMAGES, "", 0)


UNITS = [
    (ValueError, "0", 3, r"unit must be from 0 to 2 in a layer of shape \(3, 8, 8\), got 3"),
    (ValueError, "0", -1, "unit must be 0 or more, got -1"),
    (TypeError, "0", 1.0, r"unit must be an integer, got 1\.0"),
    (TypeError, "0", None, "unit must be an integer, got None"),
    (TypeError, "0", [1, 2], r"unit must be an integer, got \[1, 2\]"),
    (
        ValueError,
        "0",
        (1, 2),
        r"unit must be \(map, row, column\) in a layer of shape \(3, 8, 8\), got \(1, 2\)",
    ),
    (ValueError, "0", (1, 8, 0), r"unit must be from 0 to 7 in a layer of shape \(3, 8, 8\), got 8"),
    (ValueError, "12", (1, 0, 0), r"unit must be a neuron in a layer of shape \(4,\), got \(1, 0, 0\)"),
    (ValueError, "12", 4, r"unit must be from 0 to 3 in a layer of shape \(4,\), got 4"),
    (
        ValueError,
        "0",
        torch.tensor([0]),
        r"unit must be .* a tensor of 2 integers, .* got a tensor of shape \(1,",
    ),
    (ValueError, "0", torch.tensor([0.0, 1.0]), r"unit must be .* torch\.float32"),
    (ValueError, "0", torch.tensor([0, 3]), r"unit must be from 0 to 2, got \[0, 3\]"),
]


@pytest.mark.parametrize(("error", "layer", "unit", "words"), UNITS)
@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop", "strongest"])
def test_bad_units_are_named(name, error, layer, unit, words):
    with pytest.raises(error, match=f"{name}: {words}"):
        BY_LAYER[name](NET, IMAGES, layer, unit)


def test_a_layer_without_maps_or_neurons_is_named():
    net = nn.Sequential(nn.Flatten(2))
    with pytest.raises(ValueError, match=r"strongest: layer must give maps .* got shape \(2, 3, 64\)"):
        visualize.strongest(net, IMAGES, "0", 0)
