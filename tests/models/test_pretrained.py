"""load_pretrained: published weights, from a server that may misbehave."""

import hashlib
import io
import os
from dataclasses import replace

import pytest
import torch
from published import EMBEDDED, NARROW, V1, same_state

from course_lib.data import DownloadError, download
from course_lib.models.pretrained import load_pretrained, pretrained_sheet
from course_lib.models.published_weights import PUBLISHED


def count(server):
    return len(server.requests)


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
    with pytest.raises(DownloadError, match="do not have the file's sha256 hash, 0123abcd"):
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
    monkeypatch.setattr(download, "_verify", interrupt)
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
