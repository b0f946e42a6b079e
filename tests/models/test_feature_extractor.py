"""feature_extractor against PyTorch's forward hooks and torchvision's extractor, and on what it promises."""

import pickle

import pytest
import torch
from originals import assert_close
from torch import nn
from torchvision_models import get_model, torchvision

from course_lib import layers
from course_lib.models.feature_extractor import FeatureExtractor, feature_extractor
from course_lib.models.googlenet import googlenet
from course_lib.models.resnet import resnet18
from course_lib.models.simple_cnn import simple_cnn
from course_lib.models.vision_transformer import VisionTransformer


def small_cnn():
    return simple_cnn(width=2, norm=layers.BatchNorm2d)


def small_resnet():
    return resnet18(num_classes=3, width_mult=1 / 16)


def small_transformer():
    return VisionTransformer(32, 16, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=12, num_classes=3)


def small_googlenet():
    return googlenet(num_classes=3, width_mult=1 / 16, init_weights=False)


NETS = {
    "simple_cnn": (small_cnn, (1, 8, 8), ["0", "1", "2", "6", "7", "12", "13", "14", "15"]),
    "resnet18": (
        small_resnet,
        (3, 32, 32),
        ["conv1", "layer1", "layer2.0", "layer2.0.bn2", "layer3.1.conv1", "layer4", "avgpool", "fc"],
    ),
    "vision_transformer": (
        small_transformer,
        (3, 32, 32),
        [
            "conv_proj",
            "encoder.layers.encoder_layer_0",
            "encoder.layers.encoder_layer_1.mlp.0",
            "encoder",
            "heads",
        ],
    ),
    "googlenet": (small_googlenet, (3, 32, 32), ["conv1", "inception3a", "inception4e.branch2", "fc"]),
}
CASES = [(name, layer) for name, (_, _, names) in NETS.items() for layer in names]
every = pytest.mark.parametrize(("name", "layer"), CASES, ids=[f"{a}-{b}" for a, b in CASES])


def made(name):
    torch.manual_seed(0)
    make, shape, _ = NETS[name]
    return make(), torch.randn(4, *shape)


def by_hook(model, layer, x):
    """What the layer gives in a whole pass, seen by a hook of PyTorch's."""
    seen = []
    handle = model.get_submodule(layer).register_forward_hook(
        lambda module, inputs, output: seen.append(output)
    )
    model(x)
    handle.remove()
    return seen


def state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


@every
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_it_gives_what_a_forward_hook_sees(name, layer, train):
    model, x = made(name)
    twin, _ = made(name)
    torch.manual_seed(1)
    got = feature_extractor(model.train(train), layer)(x)
    torch.manual_seed(1)
    (expected,) = by_hook(twin.train(train), layer, x)
    assert torch.equal(got, expected), f"{layer} of {name} in {'train' if train else 'eval'} mode"


@every
def test_gradients_flow_as_through_the_hooked_model(name, layer):
    model, x = made(name)
    model.eval()
    twin, _ = made(name)
    x, z = x.clone().requires_grad_(), x.clone().requires_grad_()
    got = feature_extractor(model, layer)(x)
    (expected,) = by_hook(twin.eval(), layer, z)
    weights = torch.randn_like(expected)
    (got * weights).sum().backward()
    (expected * weights).sum().backward()
    assert_close(x.grad, z.grad, f"gradient of the images from {layer} of {name}")
    for (parameter, mine), theirs in zip(model.named_parameters(), twin.parameters(), strict=True):
        where = f"{parameter} from {layer} of {name}"
        assert (mine.grad is None) == (theirs.grad is None), where
        if mine.grad is not None:
            assert_close(mine.grad, theirs.grad, where)


def small_densenet_of_torchvision():
    return torchvision.models.DenseNet(4, (2, 2), 8, num_classes=3)


def small_transformer_of_torchvision():
    return torchvision.models.VisionTransformer(32, 16, 2, 2, 8, 12, num_classes=3)


TORCHVISIONS = {
    "resnet18": (
        lambda: get_model("resnet18", weights=None),
        ["relu", "layer1.0.relu", "layer1.1.conv2", "layer3", "avgpool"],
    ),
    "mobilenet_v2": (
        lambda: get_model("mobilenet_v2", weights=None, width_mult=0.25),
        ["features.0", "features.5.conv.1", "features.18", "classifier"],
    ),
    "densenet": (
        small_densenet_of_torchvision,
        ["features.pool0", "features.denseblock1", "features.denseblock2.denselayer1.conv1", "features"],
    ),
    "vision_transformer": (
        small_transformer_of_torchvision,
        ["conv_proj", "encoder.layers.encoder_layer_0.mlp", "encoder.layers.encoder_layer_1", "heads"],
    ),
}


@pytest.mark.parametrize("name", TORCHVISIONS)
@pytest.mark.parametrize("train", [False, True], ids=["eval", "train"])
def test_torchvisions_extractor_of_torchvisions_nets(name, train):
    # Not at the top: it can be imported only after torchvision_models has made that possible.
    from torchvision.models.feature_extraction import create_feature_extractor

    make, names = TORCHVISIONS[name]
    torch.manual_seed(0)
    net = make().train(train)
    x, start = torch.randn(2, 3, 32, 32), state(net)
    for layer in names:
        net.load_state_dict(start)
        torch.manual_seed(1)  # of dropout
        expected = create_feature_extractor(net, [layer])(x)[layer]
        moved = state(net)
        net.load_state_dict(start)
        torch.manual_seed(1)
        got = feature_extractor(net, layer)(x)
        assert torch.equal(got, expected), f"{layer} of {name}"
        for key, value in net.state_dict().items():
            assert torch.equal(value, moved[key]), f"{layer} of {name}: {key}: other layers have run"


def test_of_a_layer_that_runs_several_times_the_first_output_is_given():
    model, x = made("resnet18")
    relu, around = by_hook(model.eval(), "layer1.0.relu", x), by_hook(model, "layer1.0", x)
    assert len(relu) == 2, "the block of this test has one ReLU that runs twice"
    assert torch.equal(feature_extractor(model, "layer1.0.relu")(x), relu[0])
    assert torch.equal(feature_extractor(model, "layer1.0")(x), around[0])


def test_nothing_runs_after_the_layer():
    model, x = made("resnet18")
    model.layer4.register_forward_hook(lambda *args: pytest.fail("layer4 ran, which stands behind layer3"))
    before = state(model)
    assert feature_extractor(model.train(), "layer3")(x).shape == (4, 16, 2, 2)
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert any(key.startswith("layer3") for key in moved), "in training, averages move up to the layer"
    assert not any(key.startswith(("layer4", "fc")) for key in moved), "and not behind it"


def test_what_follows_cannot_overwrite_it():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    x = torch.randn(5, 3)
    assert torch.equal(feature_extractor(net, "0")(x), net[0](x))
    assert feature_extractor(net, "0")(x).min() < 0, "a linear layer's output, before the ReLU in place"


def test_images_the_rest_of_the_net_could_not_take():
    net = nn.Sequential(layers.Conv2d(1, 2, 3), nn.Flatten(), layers.Linear(2 * 6 * 6, 3))
    assert feature_extractor(net, "0")(torch.zeros(2, 1, 20, 20)).shape == (2, 2, 18, 18)


def test_the_model_is_shared_and_not_changed():
    model, x = made("resnet18")
    before, hooks = state(model), [len(module._forward_hooks) for module in model.modules()]
    names = [name for name, _ in model.named_modules()]
    whole = model.eval()(x)
    extractor = feature_extractor(model, "layer2")
    extractor(x)
    assert extractor.model is model
    assert [name for name, _ in model.named_modules()] == names
    assert [len(module._forward_hooks) for module in model.modules()] == hooks, "a hook was left behind"
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(model(x), whole)
    with torch.no_grad():
        model.conv1.weight.zero_()
        assert not extractor(x).equal(feature_extractor(made("resnet18")[0].eval(), "layer2")(x)), "a copy"


def test_the_hook_goes_when_the_model_fails():
    model, _ = made("resnet18")
    with pytest.raises(ValueError, match="Conv2d"):
        feature_extractor(model, "layer4")(torch.zeros(1, 5, 32, 32))
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("train", [False, True])
def test_modes_are_the_models(train):
    model, x = made("resnet18")
    model.train(train)
    model.layer1.train(not train)
    modes = [module.training for module in model.modules()]
    extractor = feature_extractor(model, "layer2")
    extractor(x)
    assert extractor.training == train
    assert [module.training for module in model.modules()] == modes, "making and using it changes no mode"
    nn.Sequential(extractor, nn.Flatten()).train(not train)
    assert all(module.training is not train for module in model.modules()), "train and eval reach the model"


def test_a_head_on_frozen_features_learns_alone():
    model, x = made("resnet18")
    extractor = feature_extractor(model, "avgpool").eval().requires_grad_(False)
    net = nn.Sequential(extractor, nn.Flatten(), layers.Linear(32, 5))
    before = state(model)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1.0)
    net(x).square().mean().backward()
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert net[2].weight.grad.abs().sum() > 0


def test_extractors_can_be_nested_and_side_by_side():
    model, x = made("resnet18")
    model.eval()
    outer = feature_extractor(model, "layer3")
    inner = feature_extractor(outer, "model.layer1")
    behind = feature_extractor(feature_extractor(model, "layer1"), "model")
    assert torch.equal(inner(x), by_hook(model, "layer1", x)[0])
    assert torch.equal(outer(x), by_hook(model, "layer3", x)[0])
    with pytest.raises(ValueError, match="'model' is no layer that the model runs"):
        behind(x)  # the inner one never lets the model come to its end


def test_a_model_that_handles_exceptions_does_not_handle_this():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            try:
                return self.layer(x)
            except Exception:
                return None

    net = Careful()
    x = torch.ones(1, 2)
    assert torch.equal(feature_extractor(net, "layer")(x), net.layer(x))


def test_several_arguments_and_outputs_that_are_no_tensors():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = layers.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x, *, key):
            return self.attention(x, key, key)[0]

    net, x, key = Two(), torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    got = feature_extractor(net, "attention")(x, key=key)
    expected = net.attention(x, key, key)
    for mine, theirs in zip(got, expected, strict=True):
        assert_close(mine, theirs, "what MultiheadAttention gives, a pair")


def test_it_is_a_module_like_others():
    model, x = made("simple_cnn")
    extractor = feature_extractor(model.eval(), "6")
    assert isinstance(extractor, FeatureExtractor)
    assert isinstance(extractor, nn.Module)
    assert list(extractor.state_dict()) == [f"model.{key}" for key in model.state_dict()]
    assert "layer='6'" in repr(extractor)
    again = pickle.loads(pickle.dumps(extractor))
    assert torch.equal(again(x), extractor(x)), "after a way through pickle"
    assert extractor.double()(x.double()).dtype == torch.float64


@pytest.mark.parametrize(
    ("error", "layer", "words"),
    [
        (ValueError, "layer5", r"must be a name in model.named_modules\(\), such as 'layer.'.* got 'layer5'"),
        (ValueError, "", "got ''"),
        (ValueError, "layer1.0.weight", "got 'layer1.0.weight'"),
        (TypeError, 3, "layer must be the name of a layer, got int"),
        (TypeError, nn.ReLU(), "layer must be the name of a layer, got ReLU"),
    ],
)
def test_bad_layers_are_named(error, layer, words):
    with pytest.raises(error, match=words):
        feature_extractor(made("resnet18")[0], layer)


def test_a_model_that_is_none_is_named():
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got function"):
        feature_extractor(lambda x: x, "0")


def test_a_layer_that_does_not_run_is_named():
    model, x = made("googlenet")
    model.eval()
    with pytest.raises(ValueError, match="'aux1' is no layer that the model runs in evaluation mode"):
        feature_extractor(model, "aux1")(x)
    assert feature_extractor(model.train(), "aux1")(x).shape == (4, 3)
