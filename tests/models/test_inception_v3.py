"""Inception v3 against torchvision's, and against the sizes of its paper."""

import math

import pytest
import torch
from torchvision_models import (
    assert_arguments_are,
    assert_same_as_torchvisions,
    assert_same_names_and_shapes,
    get_model,
    published,
    torchvision,
)

from course_lib import layers
from course_lib.models.inception_v3 import Inception3, InceptionOutputs, inception_v3

TABLE_1 = {  # sizes of outputs: the paper prints those of inputs
    "Conv2d_1a_3x3": (32, 149),
    "Conv2d_2a_3x3": (32, 147),
    "Conv2d_2b_3x3": (64, 147),
    "maxpool1": (64, 73),
    "Conv2d_3b_1x1": (80, 73),
    "Conv2d_4a_3x3": (192, 71),
    "maxpool2": (192, 35),
    "Mixed_5d": (288, 35),
    "Mixed_6a": (768, 17),
    "Mixed_6e": (768, 17),
    "Mixed_7a": (1280, 8),
    "Mixed_7c": (2048, 8),
    "avgpool": (2048, 1),
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("aux_logits", [True, False])
def test_names_and_shapes_are_torchvisions(aux_logits):
    assert_same_names_and_shapes("inception_v3", inception_v3, aux_logits=aux_logits, init_weights=False)


def test_arguments_are_torchvisions():
    assert_arguments_are(torchvision.models.Inception3, inception_v3, Inception3, left_out="inception_blocks")


@pytest.mark.parametrize("options", [{"transform_input": True}, {"aux_logits": False, "num_classes": 7}])
def test_torchvisions_weights_give_its_outputs(options):
    """In float64: its last maps at 75 are single numbers, whose variance over two images may be next to 0."""
    options = {"init_weights": False, **options}
    assert_same_as_torchvisions("inception_v3", inception_v3, 75, dtype=torch.float64, rtol=1e-9, **options)


def test_torchvisions_weights_give_its_outputs_in_training():
    """In float64: batch normalization makes much of the last digit, in which the average poolings differ."""
    options = {"num_classes": 5, "init_weights": False}
    torch.manual_seed(0)
    net, twin = inception_v3(**options).double(), get_model("inception_v3", weights=None, **options).double()
    net.load_state_dict(twin.state_dict())
    x = torch.randn(2, 3, 299, 299, dtype=torch.float64)  # of smaller ones torchvision's head sees nothing
    with torch.no_grad():
        torch.manual_seed(1)
        got = net(x)
        torch.manual_seed(1)
        expected = twin(x)
    assert got._fields == expected._fields
    for name, mine, theirs in zip(got._fields, got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}")
    for (name, mine), theirs in zip(net.state_dict().items(), twin.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, msg=lambda m, name=name: f"{name} after a step: {m}")


@pytest.mark.filterwarnings("ignore:The default weight initialization:FutureWarning")
def test_the_same_seed_gives_torchvisions_weights():
    torch.manual_seed(3)
    ours = inception_v3(num_classes=10).state_dict()
    torch.manual_seed(3)
    theirs = get_model("inception_v3", weights=None, num_classes=10).state_dict()
    for name, value in theirs.items():
        assert torch.equal(ours[name], value), f"inception_v3, seed 3: {name}"


def test_number_of_parameters():
    with torch.device("meta"):
        assert count(inception_v3()) == 27_161_264 == published("inception_v3")["num_params"]
        assert count(inception_v3(aux_logits=False)) == 23_834_568


def test_every_stage_has_the_size_of_table_1():
    got = {}
    with torch.device("meta"):
        net = inception_v3().eval()
        for name in TABLE_1:
            net.get_submodule(name).register_forward_hook(
                lambda layer, x, y, name=name: got.update({name: tuple(y.shape)})
            )
        net(torch.zeros(1, 3, 299, 299))
    assert got == {name: (1, channels, side, side) for name, (channels, side) in TABLE_1.items()}


def test_1x7_and_7x1_see_what_7x7_sees_for_two_sevenths_of_the_weights():
    net = inception_v3(width_mult=0.1)
    thin = [layer.weight for layer in net.modules() if isinstance(layer, layers.Conv2d)]
    thin = [weight for weight in thin if 7 in weight.shape[2:]]
    assert {tuple(weight.shape[2:]) for weight in thin} == {(1, 7), (7, 1)}
    assert len(thin) == 4 * 6 + 2, "six in each of four modules, two in the reduction"
    assert all(math.prod(weight.shape[2:]) == 7 for weight in thin)


def test_the_head_speaks_in_training_only():
    net = inception_v3(4, width_mult=0.05, stem_stride=1)
    x = torch.randn(2, 3, 64, 64)
    out = net(x)
    assert type(out) is InceptionOutputs
    assert [tuple(each.shape) for each in out] == [(2, 4), (2, 4)]
    net.eval().AuxLogits.register_forward_hook(lambda *_: pytest.fail("the head worked in evaluation"))
    assert net(x).shape == (2, 4)
    assert inception_v3(4, aux_logits=False, width_mult=0.05)(torch.randn(2, 3, 75, 75)).shape == (2, 4)


def test_the_head_teaches_only_what_is_before_it():
    torch.manual_seed(0)
    net = inception_v3(4, width_mult=0.2, stem_stride=1)
    net(torch.randn(2, 3, 64, 64)).aux_logits.square().sum().backward()
    for name, parameter in net.named_parameters():
        if name.startswith("Mixed_6e"):
            assert parameter.grad.any(), name
        if name.startswith(("Mixed_7", "fc")):
            assert parameter.grad is None, name


@pytest.mark.parametrize(("stem_stride", "smallest"), [(2, 75), (1, 39)])
def test_smallest_images(stem_stride, smallest):
    net = inception_v3(3, width_mult=0.05, stem_stride=stem_stride)
    for size in ((smallest, smallest), (smallest, 100)):
        out = net.train()(torch.randn(2, 3, *size))
        assert [tuple(each.shape) for each in out] == [(2, 3), (2, 3)]
        assert net.eval()(torch.randn(1, 3, *size)).shape == (1, 3)
        assert net(torch.randn(0, 3, *size)).shape == (0, 3)
    for shape in ((2, 3, smallest - 1, smallest), (2, 3, 200, 1), (3, 200, 200)):
        with pytest.raises(ValueError, match=f"inception_v3: images must be .* {smallest} or more, got"):
            net(torch.zeros(shape))


def test_torchvisions_cannot_see_smaller_ones_either():
    with pytest.raises(RuntimeError):
        get_model("inception_v3", weights=None, init_weights=False).eval()(torch.zeros(2, 3, 74, 75))


def test_the_stride_of_the_stem_changes_no_parameter():
    one, two = (inception_v3(width_mult=0.1, stem_stride=stride) for stride in (1, 2))
    two.load_state_dict(one.state_dict())


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"stem_stride": 3}, "inception_v3: stem_stride must be one of 1, 2, got 3"),
        (ValueError, {"dropout": 2}, "Dropout: p must be from 0 to 1, got 2"),
        (
            ValueError,
            {"transform_input": True, "in_channels": 1},
            "inception_v3: transform_input needs in_channels=3, got 1",
        ),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        inception_v3(**{"width_mult": 0.05} | options)


def test_what_is_no_image_is_named():
    with pytest.raises(TypeError, match=r"inception_v3: images must be a torch\.Tensor, got list"):
        inception_v3(width_mult=0.05)([[1.0]])
