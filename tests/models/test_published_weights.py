"""Published weights: the table is torchvision's, and loaded they make torchvision's networks."""

import contextlib

import pytest
import torch
from originals import assert_close
from published import EMBEDDED, NARROW, V1, same_state
from torchvision_models import get_model, get_model_weights, torchvision

from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.pretrained import load_pretrained, pretrained_names, pretrained_sheet
from course_lib.models.published_state import todays_name
from course_lib.models.published_weights import ADDRESS, PUBLISHED
from course_lib.models.resnet import resnet18
from course_lib.models.vision_transformer import VisionTransformer


def test_the_table_is_torchvisions():
    for (name, weights), entry in PUBLISHED.items():
        theirs = get_model_weights(name)[weights]
        case = f"{weights} of {name}"
        assert theirs.url == ADDRESS + entry.file, case
        assert theirs.url.endswith(f"-{entry.hash_prefix}.pth"), case
        assert len(entry.hash_prefix) == 8, case
        assert entry.accuracy == pytest.approx(theirs.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100), case
        assert entry.megabytes == round(theirs.meta["_file_size"]), case
        transforms, sheet = theirs.transforms(), pretrained_sheet(name, weights)
        expected = (transforms.resize_size, transforms.crop_size, transforms.mean, transforms.std)
        ours = sheet.preprocessing
        assert ([ours.resize], [ours.size], list(ours.mean), list(ours.std)) == expected, case
        assert transforms.interpolation.value == "bilinear", case
        assert sheet.accuracy == entry.accuracy, case
        assert entry.file in sheet.source, case


def test_no_weights_that_only_imagenet_has_seen_are_missing():
    networks = {name for name, _ in PUBLISHED}
    for name in networks:
        theirs = {each.name for each in get_model_weights(name) if each.name[:-1] == "IMAGENET1K_V"}
        assert theirs == {weights for network, weights in PUBLISHED if network == name}, name
    assert networks == set(pretrained_names()) - set(EMBEDDED)


def test_names():
    names = pretrained_names()
    assert names[: len(EMBEDDED)] == EMBEDDED, "what comes with the course stands first"
    assert names[len(EMBEDDED) :] == sorted(names[len(EMBEDDED) :])
    assert {"alexnet", "googlenet", "inception_v3", "resnet152", "densenet161", "vit_b_16"} <= set(names)


# ---- published weights are torchvision's networks


def torchvisions_with(name, state, monkeypatch, **options):
    """What torchvision itself makes of published weights, if these are they."""
    weights = get_model_weights(name)[V1]
    monkeypatch.setattr(type(weights), "get_state_dict", lambda self, *args, **kwargs: dict(state))
    return get_model(name, weights=weights, **options).eval()


def random_state(net):
    """Weights of every tensor's own, running averages that are not 0 and 1 among them."""
    generator = torch.Generator().manual_seed(0)
    state = net.state_dict()
    for key, value in state.items():
        if value.is_floating_point():
            low, high = (0.5, 1.5) if key.endswith("running_var") else (-0.1, 0.1)
            state[key] = torch.rand(value.shape, generator=generator) * (high - low) + low
    return state


def assert_same_net(net, twin, size, case):
    same_state(net, twin.state_dict())
    assert not any(module.training for module in net.modules()), f"{case}: a module is in training mode"
    x = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = twin(x)
        scale = expected.abs().max().item()
        assert_close(net(x), expected, f"{case} against torchvision", atol=1e-5 * scale)


def test_googlenet_as_torchvision_loads_it(server, cache, hasty, publish, monkeypatch):
    state = random_state(get_model("googlenet", weights=None, init_weights=False))
    publish("googlenet", state)
    for options, heads in (({}, False), ({"aux_logits": True}, True)):
        net = load_pretrained("googlenet", **options)
        with pytest.warns(UserWarning, match="auxiliary") if heads else contextlib.nullcontext():
            twin = torchvisions_with("googlenet", state, monkeypatch, **options)
        assert net.transform_input is twin.transform_input is True
        assert net.aux_logits is twin.aux_logits is heads
        assert_same_net(net, twin, 32, f"googlenet {options}")


def test_inception_v3_as_torchvision_loads_it(server, cache, hasty, publish, monkeypatch):
    state = random_state(get_model("inception_v3", weights=None, init_weights=False))
    publish("inception_v3", state)
    net, twin = load_pretrained("inception_v3"), torchvisions_with("inception_v3", state, monkeypatch)
    assert net.transform_input is twin.transform_input is True
    assert net.aux_logits is twin.aux_logits is True
    assert_same_net(net, twin, 75, "inception_v3")


@pytest.mark.parametrize(("make", "heads"), [(googlenet, 2), (inception_v3, 1)])
def test_auxiliary_heads_can_be_left_out(server, cache, hasty, publish, make, heads):
    torch.manual_seed(0)
    whole = make(**NARROW, init_weights=False)
    publish(make.__name__, whole.state_dict())
    net = load_pretrained(make.__name__, aux_logits=False, **NARROW)
    left_out = {name for name, _ in whole.named_children()} - {name for name, _ in net.named_children()}
    assert len(left_out) == heads
    same_state(net, {k: v for k, v in whole.state_dict().items() if k.split(".")[0] not in left_out})
    assert isinstance(net.train()(torch.rand(2, 3, 75, 75)), torch.Tensor), "no heads, and so one output"
    for transform in (True, False):
        assert (
            load_pretrained(make.__name__, transform_input=transform, **NARROW).transform_input is transform
        )


def test_densenets_old_names(server, cache, hasty, publish, monkeypatch):
    state = random_state(get_model("densenet121", weights=None))
    old = {}
    for key, value in state.items():
        for layer in ("norm1", "norm2", "conv1", "conv2"):
            if "denselayer" in key:
                key = key.replace(f".{layer}.", f".{layer[:-1]}.{layer[-1]}.")
        if not key.endswith("num_batches_tracked"):  # nor was there that, in those days
            old[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    publish("densenet121", old)
    net = load_pretrained("densenet121")
    same_state(net, state)
    assert_same_net(net, torchvisions_with("densenet121", old, monkeypatch), 32, "densenet121")


def test_vision_transformers_old_names():
    torch.manual_seed(0)
    sizes = (32, 16, 2, 2, 8, 12)
    twin = torchvision.models.VisionTransformer(*sizes, num_classes=3).eval()
    state = random_state(twin)
    old = {
        key.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."): value
        for key, value in state.items()
    }
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in old
    twin.load_state_dict(dict(old))  # torchvision takes them
    net = VisionTransformer(*sizes, num_classes=3).eval()
    net.load_state_dict({todays_name(key): value for key, value in old.items()})
    assert_same_net(net, twin, 32, "a small vision transformer")


def test_mobilenet_and_todays_names_stay(server, cache, hasty, publish, monkeypatch):
    state = random_state(get_model("mobilenet_v2", weights=None))
    publish("mobilenet_v2", state)
    net = load_pretrained("mobilenet_v2")
    assert_same_net(net, torchvisions_with("mobilenet_v2", state, monkeypatch), 32, "mobilenet_v2")


@pytest.mark.parametrize("name", sorted({name for name, _ in PUBLISHED}))
def test_no_name_of_todays_is_taken_for_an_old_one(name):
    with torch.device("meta"):
        keys = list(get_model(name, weights=None).state_dict())
    assert [todays_name(key) for key in keys] == keys


def test_files_from_before_batches_were_counted(server, cache, hasty, publish):
    torch.manual_seed(0)
    state = resnet18(**NARROW).state_dict()
    publish("resnet18", {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")})
    same_state(load_pretrained("resnet18", **NARROW), state)


def test_parameters_can_be_trained(server, cache, hasty, publish, narrow):
    publish("alexnet", dict(narrow.named_parameters()))  # old files hold parameters, not tensors
    net = load_pretrained("alexnet", **NARROW)
    assert all(isinstance(each, torch.nn.Parameter) and each.requires_grad for each in net.parameters())
    net(torch.randn(2, 3, 64, 64)).sum().backward()
    assert all(each.grad is not None for each in net.parameters())
