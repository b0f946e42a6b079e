"""load_pretrained: published weights from a server that may misbehave, and the course's own checkpoints."""

import contextlib
import hashlib
import importlib.util
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pretrain
import pytest
import torch
from originals import assert_close
from torchvision_models import get_model, get_model_weights, torchvision

from course_lib import data, training
from course_lib.data import DownloadError
from course_lib.models import embedded_weights, published_files, published_state
from course_lib.models.alexnet import alexnet
from course_lib.models.googlenet import googlenet
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.preprocessing import Preprocessing
from course_lib.models.pretrained import load_pretrained, pretrained_names, pretrained_sheet
from course_lib.models.published_state import todays_name
from course_lib.models.published_weights import ADDRESS, PUBLISHED
from course_lib.models.resnet import resnet18
from course_lib.models.vision_transformer import VisionTransformer

# The server that misbehaves on demand is that of the data sets.
_SPEC = importlib.util.spec_from_file_location("web", Path(__file__).parents[1] / "data" / "conftest.py")
web = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(web)
loopback_only, cache, hasty, server, misbehave = (
    web.loopback_only,
    web.cache,
    web.hasty,
    web.server,
    web.misbehave,
)

REPOSITORY = Path(__file__).parents[2]
EMBEDDED = ["glyphs_cifar_resnet14", "glyphs_simple_cnn"]
V1 = "IMAGENET1K_V1"
NARROW = {"width_mult": 1 / 32, "num_classes": 5}
each_of_ours = pytest.mark.parametrize("name", EMBEDDED)


@pytest.fixture
def publish(server, monkeypatch):
    """A function that puts a state on the server as the published weights of a network; returns its path."""

    def put(name, state, *behaviours, prefix=None):
        file = io.BytesIO()
        torch.save(state, file)
        body = file.getvalue()
        digits = prefix or hashlib.sha256(body).hexdigest()[:8]
        entry = replace(PUBLISHED[name, V1], file=f"{name}-{digits}.pth")
        server.put(f"/{entry.file}", body, *behaviours)
        monkeypatch.setitem(PUBLISHED, (name, V1), entry)
        monkeypatch.setattr(published_state, "ADDRESS", f"http://{server.host}/")
        return f"/{entry.file}"

    return put


@pytest.fixture
def narrow():
    torch.manual_seed(0)
    return alexnet(**NARROW).eval()


def count(server):
    return len(server.requests)


def same_state(net, state):
    got = net.state_dict()
    assert list(got) == list(state), set(got) ^ set(state)
    for key, value in state.items():
        assert torch.equal(got[key], value), key


# ---- the table of published weights


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


# ---- the way they come


def test_a_file_comes_once_and_is_kept(server, cache, hasty, publish, narrow):
    path = publish("alexnet", narrow.state_dict())
    for _ in range(2):
        same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())
    assert [each for each, _ in server.requests] == [path]
    assert (cache / "pretrained" / path[1:]).is_file()
    server.close()
    same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())  # with no network at all


def test_the_hash_in_the_name_is_checked(server, cache, hasty, publish, narrow):
    publish("alexnet", narrow.state_dict(), prefix="0123abcd")
    with pytest.raises(DownloadError, match="no sha256 hash that begins with 0123abcd"):
        load_pretrained("alexnet", **NARROW)
    assert count(server) == 3, "as often as the patience says"
    assert not cache.parent.exists(), "a failed download leaves nothing"


@pytest.mark.parametrize("way", ["truncate", "die", "corrupt", "hang", "stall", "status", "hang_up"])
def test_one_failure_is_forgiven(server, cache, hasty, publish, narrow, misbehave, way):
    behaviour = getattr(misbehave, way)
    if way in ("truncate", "die", "stall", "status"):
        behaviour = behaviour(503 if way == "status" else 1 << 16)
    publish("alexnet", narrow.state_dict(), behaviour)
    same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())
    assert count(server) == 2
    assert not list(cache.rglob("*.part"))


def test_a_broken_download_goes_on_where_it_broke(server, cache, hasty, publish, narrow, misbehave):
    publish("alexnet", narrow.state_dict(), misbehave.truncate(1 << 16))
    same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())
    assert [wanted for _, wanted in server.requests] == [None, f"bytes={1 << 16}-"]


def test_a_killed_download_is_taken_up(server, cache, hasty, publish, narrow):
    path = publish("alexnet", narrow.state_dict())
    load_pretrained("alexnet", **NARROW)
    whole = cache / "pretrained" / path[1:]
    part = whole.with_name(f"{whole.name}.part")
    part.write_bytes(whole.read_bytes()[:1000])
    whole.unlink()
    same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())
    assert server.requests[-1] == (path, "bytes=1000-")
    assert not part.exists()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_nothing(server, cache, hasty, publish, narrow, monkeypatch, interruption):
    def interrupt(*args):
        raise interruption

    publish("alexnet", narrow.state_dict())
    monkeypatch.setattr(published_files, "_verify", interrupt)
    with pytest.raises(interruption):
        load_pretrained("alexnet", **NARROW)
    assert not cache.parent.exists()


def test_a_damaged_file_in_the_cache_is_fetched_again(server, cache, hasty, publish, narrow):
    path = publish("alexnet", narrow.state_dict())
    load_pretrained("alexnet", **NARROW)
    (cache / "pretrained" / path[1:]).write_bytes(b"damaged")
    same_state(load_pretrained("alexnet", **NARROW), narrow.state_dict())
    assert count(server) == 2


@pytest.mark.parametrize("how", ["closed", "404", "500"])
def test_offline_an_embedded_checkpoint_is_named(server, cache, hasty, publish, narrow, misbehave, how):
    behaviours = [] if how == "closed" else [misbehave.status(int(how))] * 9
    path = publish("alexnet", narrow.state_dict(), *behaviours)
    if how == "closed":
        server.close()
    with pytest.raises(DownloadError) as caught:
        load_pretrained("alexnet", **NARROW)
    message = str(caught.value)
    reason = {
        "closed": f"cannot reach {server.host}",
        "404": "answered 404 Not Found",
        "500": "answered 500 Internal Server Error (3 times)",
    }[how]
    needed = ("cannot download 'alexnet'", path, reason, str(cache), "COURSE_DATA")
    for words in (*needed, *(f"models.load_pretrained({name!r})" for name in EMBEDDED)):
        assert words in message, f"the message lacks {words!r}:\n{message}"
    assert count(server) == {"closed": 0, "404": 1, "500": 3}[how]
    assert not cache.parent.exists()


def test_a_cache_that_cannot_be_made_is_named(server, tmp_path, hasty, publish, narrow, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    publish("alexnet", narrow.state_dict())
    with pytest.raises(DownloadError, match="the cache cannot be written"):
        load_pretrained("alexnet", **NARROW)
    assert count(server) == 0


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_code_in_a_file_is_not_run(server, cache, hasty, publish, tmp_path):
    publish("alexnet", {"features.0.weight": Trap(tmp_path / "ran")})
    with pytest.raises(DownloadError, match="was refused") as caught:
        load_pretrained("alexnet")
    assert not (tmp_path / "ran").exists()
    assert "weights_only" not in str(caught.value), "PyTorch's advice to switch the protection off"


@pytest.mark.parametrize("content", [3, [torch.zeros(2)], {"epoch": 3}], ids=str)
def test_a_file_of_something_else_is_refused(server, cache, hasty, publish, content):
    publish("alexnet", content)
    with pytest.raises(DownloadError, match="no file of weights alone"):
        load_pretrained("alexnet")


# ---- options


def test_weights_that_do_not_fit_are_named(server, cache, hasty, publish, narrow):
    publish("alexnet", narrow.state_dict())
    options = {**NARROW, "num_classes": 7}
    with pytest.raises(
        ValueError, match=r"(?s)weights of 'alexnet' do not fit .* num_classes=7.*classifier\.6"
    ):
        load_pretrained("alexnet", **options)
    state = narrow.state_dict()
    del state["classifier.6.bias"]
    publish("alexnet", state)
    with pytest.raises(ValueError, match=r"(?s)Missing key.*classifier\.6\.bias"):
        load_pretrained("alexnet", **NARROW)
    publish("alexnet", {**narrow.state_dict(), "more": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"(?s)Unexpected key.*more"):
        load_pretrained("alexnet", **NARROW)


def test_an_unknown_option_does_not_cost_a_download(server, cache, hasty, publish, narrow):
    publish("alexnet", narrow.state_dict())
    with pytest.raises(TypeError, match="colour"):
        load_pretrained("alexnet", colour=3)
    assert count(server) == 0


def test_the_second_weights_of_a_network(server, cache, hasty, publish, narrow, monkeypatch):
    publish("resnet50", {})  # sets the address
    torch.manual_seed(0)
    net = load_pretrained.__globals__["_NETWORKS"]["resnet50"](**NARROW)
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    body = file.getvalue()
    entry = PUBLISHED["resnet50", "IMAGENET1K_V2"]
    entry = replace(entry, file=f"resnet50-{hashlib.sha256(body).hexdigest()[:8]}.pth")
    monkeypatch.setitem(PUBLISHED, ("resnet50", "IMAGENET1K_V2"), entry)
    server.put(f"/{entry.file}", body)
    same_state(load_pretrained("resnet50", weights="IMAGENET1K_V2", **NARROW), net.state_dict())
    sheets = [pretrained_sheet("resnet50", weights) for weights in (None, V1, "IMAGENET1K_V2")]
    assert [sheet.preprocessing.resize for sheet in sheets] == [256, 256, 232]


@pytest.mark.parametrize("name", ["alexnet", "glyphs_simple_cnn"])
def test_device_dtype_and_the_random_generator(server, cache, hasty, publish, narrow, name):
    publish("alexnet", narrow.state_dict())
    options = NARROW if name == "alexnet" else {}
    torch.manual_seed(3)
    before = torch.get_rng_state()
    net = load_pretrained(name, dtype=torch.float64, device="cpu", **options)
    assert torch.equal(torch.get_rng_state(), before), "loading draws no random numbers"
    assert {each.dtype for each in net.parameters()} == {torch.float64}
    assert {each.device.type for each in load_pretrained(name, device="meta", **options).parameters()} == {
        "meta"
    }


@pytest.mark.parametrize(
    ("error", "arguments", "words"),
    [
        (ValueError, {"name": "resnet"}, "there is no trained 'resnet', did you mean 'resnet..'"),
        (ValueError, {"name": "glyphs_cnn"}, "did you mean 'glyphs_simple_cnn'"),
        (ValueError, {"name": "xyz"}, "there is no trained 'xyz'; known are glyphs_cifar_resnet14, "),
        (TypeError, {"name": 3}, "name must be a string such as 'resnet18', got int"),
        (
            ValueError,
            {"name": "resnet18", "weights": "IMAGENET1K_V2"},
            "weights of 'resnet18' must be one of 'IMAGENET1K_V1'; got 'IMAGENET1K_V2'",
        ),
        (
            ValueError,
            {"name": "glyphs_simple_cnn", "weights": V1},
            "weights of 'glyphs_simple_cnn' must be None, since it has only its own; got 'IMAGENET1K_V1'",
        ),
        (
            TypeError,
            {"name": "glyphs_simple_cnn", "width": 3},
            "'glyphs_simple_cnn' takes no options, .* width",
        ),
    ],
)
def test_bad_calls_are_named(error, arguments, words):
    with pytest.raises(error, match=words):
        load_pretrained(**arguments)


# ---- preprocessing


@pytest.mark.parametrize("name", ["resnet18", "inception_v3", "vit_l_16"])
@pytest.mark.parametrize("shape", [(300, 400), (500, 333), (256, 256), (100, 90), (224, 301)], ids=str)
def test_preprocessing_is_torchvisions(name, shape):
    x = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    expected = get_model_weights(name)[V1].transforms()(x)
    got = pretrained_sheet(name).preprocessing(x)
    assert_close(got, expected, f"images of {shape} prepared for {name}", atol=1e-5)


def test_preprocessing_of_images_that_have_the_size_only_standardizes():
    x = torch.rand(2, 1, 28, 28, dtype=torch.float64)
    got = Preprocessing(28, 28, (0.5,), (0.25,))(x)
    assert_close(got, (x - 0.5) / 0.25, "a 28x28 image")


@pytest.mark.parametrize(
    ("error", "images", "words"),
    [
        (TypeError, torch.zeros(1, 1, 8, 8, dtype=torch.uint8), "images must have a floating-point dtype"),
        (ValueError, torch.zeros(1, 8, 8), r"images must be \(N, C, H, W\), got shape \(1, 8, 8\)"),
        (ValueError, torch.zeros(1, 3, 8, 8), "images must have channels=1"),
    ],
)
def test_images_that_do_not_fit_are_named(error, images, words):
    with pytest.raises(error, match=words):
        Preprocessing(28, 28, (0.5,), (0.5,))(images)


# ---- the checkpoints that come with the course


def test_each_checkpoint_has_a_recipe_and_each_recipe_a_checkpoint():
    assert embedded_weights.names() == EMBEDDED == sorted(pretrain.RECIPES)


@each_of_ours
def test_the_record_is_the_recipe(name):
    sheet, recipe = pretrained_sheet(name), pretrain.RECIPES[name]
    path = embedded_weights.FOLDER / f"{name}.safetensors"
    assert path.stat().st_size < 1e6, "a checkpoint of less than 1 MB"
    expected = pretrain.record(name, recipe, sheet.classes, sheet.accuracy)
    got = dict(sheet.record)
    assert set(got.pop("versions")) == set(expected.pop("versions")), name
    assert got == json.loads(json.dumps(expected)), f"the record of {name} is not what tools/pretrain.py says"
    assert sheet.classes == data.load("glyphs", n=1).classes
    assert sheet.kind == "embedded"
    assert sheet.options == recipe.options
    assert sheet.preprocessing == Preprocessing(28, 28, (recipe.mean,), (recipe.std,))
    assert name in sheet.source


@each_of_ours
def test_the_accuracy_is_the_recorded_one(name):
    sheet, net = pretrained_sheet(name), load_pretrained(name)
    assert not any(module.training for module in net.modules())

    def accuracy_on(n, seed):
        drawn = data.load("glyphs", "test", n=n, seed=seed, **sheet.record["data_options"])
        return training.evaluate(net, (sheet.preprocessing(drawn.x), drawn.y))["accuracy"]

    n, recorded = sheet.record["held_out"], sheet.accuracy
    again = accuracy_on(n, sheet.record["seed"])
    assert abs(again - recorded) < 0.001, f"{name}: {again:.4f} on the characters that gave {recorded:.4f}"
    # On other characters of the same fonts luck is in it: four standard deviations of the difference.
    fresh = accuracy_on(1100, seed=12345)
    margin = 4 * math.sqrt(recorded * (1 - recorded) * (1 / n + 1 / 1100))
    assert abs(fresh - recorded) < margin, f"{name}: {fresh:.4f} on fresh characters, recorded {recorded:.4f}"
    assert fresh > 0.8, f"{name}: {fresh:.4f}, where chance is {1 / len(sheet.classes):.3f}"


@each_of_ours
def test_the_weights_are_tensors_that_are_all_different_from_fresh_ones(name):
    sheet, net = pretrained_sheet(name), load_pretrained(name)
    torch.manual_seed(0)
    fresh = embedded_weights.build(sheet.model, sheet.options).state_dict()
    assert list(fresh) == list(net.state_dict())
    for key, value in net.state_dict().items():
        assert value.isfinite().all(), f"{name}: {key}"
        assert not torch.equal(value, fresh[key]), f"{name}: {key} has never been trained"


@each_of_ours
def test_two_loads_share_nothing(name):
    first, second = load_pretrained(name), load_pretrained(name)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.zero_()
    assert all(parameter.abs().sum() > 0 for parameter in second.parameters())


@pytest.mark.parametrize("name", EMBEDDED)
def test_pretrain_runs_at_a_small_scale_and_repeats_itself(tmp_path, name):
    recipe = replace(pretrain.RECIPES[name], examples=110, held_out=55, epochs=1)
    states = []
    for folder in ("one", "two"):
        accuracy = pretrain.make(name, recipe, tmp_path / folder)
        path = tmp_path / folder / f"{name}.safetensors"
        states.append(embedded_weights.read_state(path))
        record = embedded_weights.read_record(path)
        assert record["held_out_accuracy"] == accuracy
        assert record["examples"] == 110
        assert record["versions"]["torch"] == torch.__version__
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), f"{name}: {key} came out differently the second time"


def test_nothing_of_torchvisions_is_needed():
    program = (
        "import sys; sys.modules['torchvision'] = None\n"
        "import torch\n"
        "from course_lib.models.pretrained import load_pretrained, pretrained_names, pretrained_sheet\n"
        "for name in pretrained_names(): pretrained_sheet(name)\n"
        "print(load_pretrained('glyphs_simple_cnn')(torch.zeros(1, 1, 28, 28)).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "(1, 55)" in done.stdout or "[1, 55]" in done.stdout


def test_the_checkpoints_are_packaged():
    assert '"**/*.safetensors"' in (REPOSITORY / "pyproject.toml").read_text()
