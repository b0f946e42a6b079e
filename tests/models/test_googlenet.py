"""GoogLeNet against torchvision's, against the paper's table and, in its form of 2014, against torch.nn."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision_models import (
    assert_arguments_are,
    assert_same_as_torchvisions,
    assert_same_names_and_shapes,
    get_model,
    published,
    torchvision,
)

from course_lib import layers
from course_lib.models.googlenet import GoogLeNet, GoogLeNetOutputs, googlenet

PAPER = {"batch_norm": False, "largest_kernel": 5, "dropout": 0.4}
TABLE_1 = {  # height of the output, its channels, parameters in K (1024), as the paper's table has them
    "maxpool1": (56, 64, None),
    "maxpool2": (28, 192, None),
    "inception3a": (28, 256, 159),
    "inception3b": (28, 480, 380),
    "maxpool3": (14, 480, None),
    "inception4a": (14, 512, 364),
    "inception4b": (14, 512, 437),
    "inception4c": (14, 512, 463),
    "inception4d": (14, 528, 580),
    "inception4e": (14, 832, 840),
    "maxpool4": (7, 832, None),
    "inception5a": (7, 832, 1072),
    "inception5b": (7, 1024, 1388),
    "avgpool": (1, 1024, None),
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("aux_logits", [True, False])
def test_names_and_shapes_are_torchvisions(aux_logits):
    assert_same_names_and_shapes("googlenet", googlenet, aux_logits=aux_logits, init_weights=False)


def test_arguments_are_torchvisions():
    assert_arguments_are(torchvision.models.GoogLeNet, googlenet, GoogLeNet, left_out="blocks")


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("options", [{}, {"transform_input": True}, {"aux_logits": False, "num_classes": 7}])
def test_torchvisions_weights_give_its_outputs(train, options):
    assert_same_as_torchvisions("googlenet", googlenet, 64, train=train, init_weights=False, **options)


@pytest.mark.filterwarnings("ignore:The default weight initialization:FutureWarning")
def test_the_same_seed_gives_torchvisions_weights():
    torch.manual_seed(3)
    ours = googlenet(num_classes=10).state_dict()
    torch.manual_seed(3)
    theirs = get_model("googlenet", weights=None, num_classes=10).state_dict()
    for name, value in theirs.items():
        assert torch.equal(ours[name], value), f"googlenet, seed 3: {name}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 13_004_888),
        ({"aux_logits": False}, 6_624_904),
        (PAPER, 13_378_280),
        (PAPER | {"aux_logits": False}, 6_998_552),
    ],
)
def test_number_of_parameters(options, expected):
    with torch.device("meta"):
        assert count(googlenet(**options)) == expected, f"googlenet({options})"


def test_torchvision_publishes_the_number_without_heads():
    assert published("googlenet")["num_params"] == 6_624_904


@pytest.mark.parametrize("options", [{}, PAPER])
def test_every_stage_has_the_size_of_table_1(options):
    got = {}
    with torch.device("meta"):
        net = googlenet(**options).eval()
        for name in TABLE_1:
            net.get_submodule(name).register_forward_hook(
                lambda layer, x, y, name=name: got.update({name: tuple(y.shape)})
            )
        net(torch.zeros(1, 3, 224, 224))
    assert got == {name: (1, channels, side, side) for name, (side, channels, _) in TABLE_1.items()}


def test_the_modules_of_2014_have_about_the_parameters_of_table_1():
    """To 8 %: the paper's counts do not all follow from its own columns of channels."""
    with torch.device("meta"):
        net = googlenet(**PAPER)
    for name, (_, _, thousands) in TABLE_1.items():
        if thousands is not None:
            found = count(net.get_submodule(name)) / 1024
            assert found == pytest.approx(thousands, rel=0.08), f"{name}: {found:.1f} K"


def form_of_2014(x, state, training):
    """Figure 3 of the paper, with torch.nn.functional and the weights of ``state``."""

    def conv(x, name, **options):
        return F.relu(F.conv2d(x, state[f"{name}.conv.weight"], state[f"{name}.conv.bias"], **options))

    def dense(x, name):
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def inception(x, name):
        pooled = F.max_pool2d(x, 3, 1, 1)
        return torch.cat(
            [
                conv(x, f"{name}.branch1"),
                conv(conv(x, f"{name}.branch2.0"), f"{name}.branch2.1", padding=1),
                conv(conv(x, f"{name}.branch3.0"), f"{name}.branch3.1", padding=2),
                conv(pooled, f"{name}.branch4.1"),
            ],
            1,
        )

    def head(x, name):
        x = conv(F.adaptive_avg_pool2d(x, 4), f"{name}.conv").flatten(1)
        return dense(F.dropout(F.relu(dense(x, f"{name}.fc1")), 0.7, training), f"{name}.fc2")

    x = F.max_pool2d(conv(x, "conv1", stride=2, padding=3), 3, 2, ceil_mode=True)
    x = conv(conv(F.local_response_norm(x, 5), "conv2"), "conv3", padding=1)
    x = F.max_pool2d(F.local_response_norm(x, 5), 3, 2, ceil_mode=True)
    x = F.max_pool2d(inception(inception(x, "inception3a"), "inception3b"), 3, 2, ceil_mode=True)
    x = inception(x, "inception4a")
    first = head(x, "aux1") if training else None
    for letter in "bcd":
        x = inception(x, f"inception4{letter}")
    second = head(x, "aux2") if training else None
    x = F.max_pool2d(inception(x, "inception4e"), 2, 2, ceil_mode=True)
    x = inception(inception(x, "inception5a"), "inception5b").mean((2, 3))
    logits = dense(F.dropout(x, 0.4, training), "fc")
    return (logits, second, first) if training else (logits,)


@pytest.mark.parametrize("training", [False, True])
def test_the_form_of_2014_computes_figure_3(training):
    torch.manual_seed(0)
    net = googlenet(5, width_mult=0.25, dtype=torch.float64, **PAPER).train(training)
    x = torch.randn(2, 3, 64, 50, dtype=torch.float64)
    torch.manual_seed(1)
    got = net(x)
    torch.manual_seed(1)
    expected = form_of_2014(x, net.state_dict(), training)
    for mine, theirs in zip(got if training else [got], expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-12)


def test_the_first_weights_of_2014_keep_the_signal_where_torchvisions_lose_it():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 64, 64)
    sizes = {}
    for batch_norm in (False, True):
        net = googlenet(10, width_mult=0.5, batch_norm=batch_norm, largest_kernel=5).eval()
        seen = []
        net.inception5b.register_forward_hook(lambda layer, x, y, seen=seen: seen.append(y.std().item()))
        net(x)
        if not batch_norm:
            assert all(not b.any() for name, b in net.named_parameters() if name.endswith("bias")), "biases"
            for layer in net.modules():
                if isinstance(layer, layers.Conv2d | layers.Linear):
                    layers.trunc_normal_(layer.weight, std=0.01)
            net(x)
        sizes[batch_norm] = seen
    assert 0.1 < sizes[False][0] < 10, "He's weights"
    assert sizes[False][1] < 1e-6, "N(0, 0.01^2) without batch normalization"


def test_heads_speak_in_training_only():
    net = googlenet(4, width_mult=0.1)
    x = torch.randn(3, 3, 32, 32)
    out = net(x)
    assert type(out) is GoogLeNetOutputs
    assert out._fields == torchvision.models.GoogLeNetOutputs._fields
    assert [tuple(each.shape) for each in out] == [(3, 4)] * 3
    assert out[0] is out.logits
    assert net.eval()(x).shape == (3, 4)
    assert googlenet(4, aux_logits=False, width_mult=0.1)(x).shape == (3, 4)


def test_heads_rest_in_evaluation():
    net = googlenet(4, width_mult=0.1).eval()
    for head in (net.aux1, net.aux2):
        head.register_forward_hook(lambda *_: pytest.fail("an auxiliary head worked in evaluation"))
    net(torch.randn(2, 3, 32, 32))


def test_each_head_teaches_only_what_is_before_it():
    for head, before, behind in (("aux_logits1", "4a", "4b"), ("aux_logits2", "4d", "4e")):
        torch.manual_seed(0)
        net = googlenet(4, width_mult=0.25)
        getattr(net(torch.randn(4, 3, 64, 64)), head).square().sum().backward()
        for name, parameter in net.named_parameters():
            if name.startswith(f"inception{before}"):
                assert parameter.grad.any(), f"{head} reaches {name}"
            if name.startswith((f"inception{behind}", "inception5", "fc")):
                assert parameter.grad is None, f"{head} does not reach {name}"


def test_local_response_normalization_stands_where_figure_3_has_it():
    net = googlenet(width_mult=0.1, **PAPER)
    names = [name for name, _ in net.named_children()]
    assert names[:7] == ["conv1", "maxpool1", "norm1", "conv2", "conv3", "norm2", "maxpool2"]
    assert not any(isinstance(m, layers.BatchNorm2d) for m in net.modules())
    assert not any(isinstance(m, layers.LocalResponseNorm) for m in googlenet(width_mult=0.1).modules())


@pytest.mark.parametrize("size", [(15, 15), (15, 40), (32, 32), (33, 17)])
def test_images_from_15x15_on(size):
    net = googlenet(3, width_mult=0.1)
    assert net(torch.randn(2, 3, *size)).logits.shape == (2, 3)
    assert net.eval()(torch.randn(1, 3, *size)).shape == (1, 3)
    assert net(torch.randn(0, 3, *size)).shape == (0, 3)


@pytest.mark.parametrize("shape", [(2, 3, 14, 15), (2, 3, 64, 1), (3, 64, 64)])
def test_smaller_images_are_refused(shape):
    with pytest.raises(ValueError, match=r"googlenet: images must be .* 15 or more, got shape"):
        googlenet(width_mult=0.1)(torch.zeros(shape))
    if len(shape) == 4:
        with pytest.raises(RuntimeError):  # nor can torchvision's see them
            get_model("googlenet", weights=None, init_weights=False).eval()(torch.zeros(shape))


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (ValueError, {"num_classes": 0}, "googlenet: num_classes must be 1 or more, got 0"),
        (TypeError, {"in_channels": 3.0}, r"googlenet: in_channels must be an integer, got 3\.0"),
        (ValueError, {"width_mult": 0}, "googlenet: width_mult must be greater than 0, got 0"),
        (ValueError, {"dropout": 1.5}, r"Dropout: p must be from 0 to 1, got 1\.5"),
        (ValueError, {"dropout_aux": -1}, "Dropout: p must be from 0 to 1, got -1"),
        (ValueError, {"largest_kernel": 7}, "googlenet: largest_kernel must be one of 3, 5, got 7"),
        (
            ValueError,
            {"transform_input": True, "in_channels": 1},
            "googlenet: transform_input needs in_channels=3, got 1",
        ),
    ],
)
def test_bad_calls_are_named(error, options, words):
    with pytest.raises(error, match=words):
        googlenet(**{"width_mult": 0.05} | options)


def test_what_is_no_image_is_named():
    with pytest.raises(TypeError, match=r"googlenet: images must be a torch\.Tensor, got list"):
        googlenet(width_mult=0.05)([[1.0]])


def test_the_containers_are_the_only_modules_of_torch():
    kinds = {type(m) for m in googlenet(width_mult=0.1, batch_norm=False).modules()}
    assert {kind for kind in kinds if kind.__module__.startswith("torch.")} == {nn.Sequential}
