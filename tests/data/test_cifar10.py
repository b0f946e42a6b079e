import io
import tarfile

import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data import cifar10

BATCHES = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]


def archive(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def batches():
    """Six batches of 20 pictures as the authors lay them out: planes of red, green, blue, in a row."""
    rng = np.random.default_rng(0)
    found = {}
    for number, name in enumerate(BATCHES):
        planes = rng.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        planes[:, 0, 0, 1] = number * 20 + np.arange(20)  # the red of the second pixel numbers the picture
        found[name] = {
            "batch_label": f"batch {number}",
            "labels": [i % 10 for i in range(20)],
            "data": planes.reshape(20, 3072),
            "filenames": [f"{i}.png" for i in range(20)],
        }
    return found


@pytest.fixture
def serve(server, cache, hasty, monkeypatch, python2_pickle):
    """A function that makes the archive of these batches the CIFAR-10 of the test."""

    def serve(batches):
        content = archive({name: python2_pickle(batch) for name, batch in batches.items()})
        monkeypatch.setattr(cifar10, "CIFAR10_FILES", (server.file("cifar-10-python.tar.gz", content),))

    return serve


def test_the_test_batch_comes_as_it_is_in_the_archive(serve, batches):
    serve(batches)
    test = data.load("cifar10", "test")
    assert test.x.shape == (20, 3, 32, 32)
    assert (test.x.dtype, test.y.dtype) == (torch.float32, torch.int64)
    original = batches["test_batch"]["data"].reshape(20, 3, 32, 32)
    assert np.array_equal((test.x * 255).round().numpy(), original)
    assert test.y.tolist() == batches["test_batch"]["labels"]
    assert test.classes[int(test.y[3])] == "cat"


def test_validation_is_a_stratified_tenth_of_the_training_pictures(serve, batches):
    serve(batches)
    train, validation = data.load("cifar10", "train"), data.load("cifar10", "validation")
    assert (len(train), len(validation)) == (90, 10)
    assert validation.y.bincount().tolist() == [1] * 10
    numbers = [(part.x[:, 0, 0, 1] * 255).round().int().tolist() for part in (train, validation)]
    assert sorted(numbers[0] + numbers[1]) == list(range(100))
    for part, which in zip((train, validation), numbers, strict=True):
        assert part.y.tolist() == [number % 10 for number in which], "labels went astray"


def test_all_is_training_then_test_from_one_download(serve, batches, server):
    serve(batches)
    everything = data.load("cifar10", "all")
    assert (everything.x[:, 0, 0, 1] * 255).round().int().tolist() == list(range(120))
    assert torch.equal(everything.x[100:], data.load("cifar10", "test").x)
    assert len(server.requests) == 1


def test_nothing_is_unpacked(serve, batches, cache):
    serve(batches)
    data.load("cifar10")
    assert sorted(p.name for p in (cache / "cifar10").iterdir() if p.name != ".lock") == [
        "cifar-10-python.tar.gz"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.pop("data"), "test_batch has no array 'data'"),
        (lambda b: b.update(data=b["data"][:, :100]), "test_batch has no array 'data' of shape"),
        (
            lambda b: b.update(data=b["data"].astype("f4")),
            "test_batch has no array 'data' of shape .* type uint8",
        ),
        (lambda b: b.pop("labels"), "test_batch has no list 'labels'"),
        (lambda b: b.update(labels=[1, 2]), "one entry for each of its 20 pictures"),
    ],
)
def test_a_batch_that_is_not_what_it_should_be_is_named(serve, batches, change, message):
    change(batches["test_batch"])
    serve(batches)
    with pytest.raises(ValueError, match=message):
        data.load("cifar10", "test")


def test_a_missing_batch_is_named(serve, batches):
    del batches["data_batch_3"]
    serve(batches)
    with pytest.raises(ValueError, match=r"cifar-10-python.tar.gz: .*data_batch_3.* not found"):
        data.load("cifar10")


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b broken"])
def test_what_is_no_archive_is_named(server, cache, hasty, monkeypatch, content):
    monkeypatch.setattr(cifar10, "CIFAR10_FILES", (server.file("cifar-10-python.tar.gz", content),))
    with pytest.raises(ValueError, match=r"cifar-10-python.tar.gz is not a complete tar.gz file"):
        data.load("cifar10")


def test_an_archive_cut_short_is_named(tmp_path, batches, python2_pickle):
    whole = archive({name: python2_pickle(batch) for name, batch in batches.items()})
    path = tmp_path / "cut.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.tar.gz"):
        cifar10.read_batches(path, ["cifar-10-batches-py/test_batch"])


def test_a_batch_that_calls_something_is_refused(server, cache, hasty, monkeypatch):
    content = archive({"test_batch": b"cposix\nsystem\n(S'true'\ntR."})
    monkeypatch.setattr(cifar10, "CIFAR10_FILES", (server.file("cifar-10-python.tar.gz", content),))
    with pytest.raises(ValueError, match=r"asks for posix.system"):
        data.load("cifar10", "test")


def test_without_a_network_the_alternative_is_named(serve, batches, server):
    serve(batches)
    server.close()
    with pytest.raises(data.DownloadError, match=r'data.load\("digits"\)'):
        data.load("cifar10")


def test_the_real_archive_has_a_sha256():
    (file,) = cifar10.CIFAR10_FILES
    assert len(bytes.fromhex(file.known_hash.removeprefix("sha256:"))) == 32
    assert all(url.startswith("https://") and url.endswith("/" + file.name) for url in file.urls)
