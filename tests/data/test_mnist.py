import gzip
import struct

import numpy as np
import pytest
import torch

from course_lib import data
from course_lib.data import mnist

NAMES = {"mnist": "MNIST_FILES", "fashion-mnist": "FASHION_FILES"}


def idx(array):
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    return gzip.compress(content, mtime=0)  # a time in the file would change its hash from second to second


@pytest.fixture
def small(server, cache, hasty, monkeypatch):
    """Both sets with 120 training and 30 test pictures, in which pixel (0, 1) numbers the picture."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 120), ("t10k", 30)):
        pictures = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        pictures[:, 0, 0], pictures[:, 0, 1] = 255, np.arange(n)
        arrays[f"{part}-images-idx3-ubyte.gz"] = pictures
        arrays[f"{part}-labels-idx1-ubyte.gz"] = np.arange(n, dtype=np.uint8) % 10
    for constant in NAMES.values():
        monkeypatch.setattr(mnist, constant, tuple(server.file(name, idx(a)) for name, a in arrays.items()))
    return arrays


@pytest.mark.parametrize("name", NAMES)
def test_the_test_pictures_come_as_they_are_in_the_file(small, name):
    test = data.load(name, "test")
    assert test.x.shape == (30, 1, 28, 28)
    assert (test.x.dtype, test.y.dtype) == (torch.float32, torch.int64)
    assert np.array_equal((test.x * 255).round().numpy()[:, 0], small["t10k-images-idx3-ubyte.gz"])
    assert np.array_equal(test.y.numpy(), small["t10k-labels-idx1-ubyte.gz"])
    assert test.x[0, 0, 0, 0] == 1


@pytest.mark.parametrize("name", NAMES)
def test_validation_is_a_stratified_twelfth_of_the_training_pictures(small, name):
    train, validation = data.load(name, "train"), data.load(name, "validation")
    assert (len(train), len(validation)) == (110, 10)
    assert validation.y.bincount().tolist() == [1] * 10
    numbers = [(part.x[:, 0, 0, 1] * 255).round().int().tolist() for part in (train, validation)]
    assert sorted(numbers[0] + numbers[1]) == list(range(120)), "the parts overlap or lack something"
    for part, which in zip((train, validation), numbers, strict=True):
        assert part.y.tolist() == [number % 10 for number in which], "labels went astray"


@pytest.mark.parametrize("name", NAMES)
def test_all_is_training_then_test(small, name):
    everything = data.load(name, "all")
    assert len(everything) == 150
    assert torch.equal(everything.x[120:], data.load(name, "test").x)


def test_four_files_are_downloaded_once_for_all_splits(small, server, cache):
    for split in ("train", "validation", "test", "all"):
        data.load("mnist", split)
    assert sorted(path for path, _ in server.requests) == sorted(f"/{name}" for name in small)
    assert (cache / "mnist").is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network_digits_are_named(small, server, name):
    server.close()
    with pytest.raises(data.DownloadError, match=f"cannot download '{name}'") as caught:
        data.load(name)
    assert 'data.load("digits")' in str(caught.value)


@pytest.mark.parametrize("constant", NAMES.values())
def test_the_real_files_are_four_with_two_mirrors_and_a_sha256_each(constant):
    files = getattr(mnist, constant)
    assert [file.name for file in files] == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ]
    for file in files:
        assert len(file.urls) == 2
        assert all(url.startswith("http") and url.endswith("/" + file.name) for url in file.urls)
        algorithm, digest = file.known_hash.split(":")
        assert (algorithm, len(bytes.fromhex(digest))) == ("sha256", 32)


def test_no_file_of_one_set_is_taken_for_another():
    files = mnist.MNIST_FILES + mnist.FASHION_FILES
    assert len({file.known_hash for file in files}) == 8
