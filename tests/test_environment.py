import random

import numpy as np
import pytest
import torch

from course_lib.environment import device, in_book, seed_everything

BEST = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


@pytest.mark.parametrize("name", [None, "auto"])
def test_auto_takes_the_best_device_there_is(name):
    assert device(name).type == BEST


@pytest.mark.parametrize("name", ["cpu", torch.device("cpu")])
def test_cpu_is_always_there(name):
    assert device(name) == torch.device("cpu")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_order_is_cuda_then_mps_then_cpu(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device().type == expected


def test_gpu_index_beyond_those_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match=r"'cuda:2' is not available; this machine has cuda:0, cuda:1.*cpu"):
        device("cuda:2")


@pytest.mark.parametrize("name", ["gpu", "", "cpu:x", "CUDA", 3.5])
def test_unknown_device_names_those_there_are(name):
    with pytest.raises(ValueError, match=r"unknown device .*; this machine has .*cpu"):
        device(name)


def test_missing_device_names_those_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match=r"device 'cuda' is not available; this machine has .*cpu"):
        device("cuda")


def draws(generator):
    return (
        random.random(),
        float(np.random.rand()),  # noqa: NPY002
        float(torch.rand(())),
        float(torch.rand((), generator=generator)),
    )


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, np.int64(7)])
def test_same_seed_same_numbers_everywhere(seed):
    assert draws(seed_everything(seed)) == draws(seed_everything(seed))


def test_other_seed_other_numbers_everywhere():
    assert all(a != b for a, b in zip(draws(seed_everything(0)), draws(seed_everything(1)), strict=True))


def test_returned_generator_is_independent_of_the_global_one():
    first = torch.rand(3, generator=seed_everything(5))
    generator = seed_everything(5)
    torch.rand(100)
    assert torch.equal(torch.rand(3, generator=generator), first)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True])
def test_seed_outside_the_range_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be an integer from 0"):
        seed_everything(seed)


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("0", False), ("", False), ("true", False), (None, False)]
)
def test_in_book_reads_the_environment(monkeypatch, value, expected):
    if value is None:
        monkeypatch.delenv("COURSE_BOOK", raising=False)
    else:
        monkeypatch.setenv("COURSE_BOOK", value)
    assert in_book() is expected
