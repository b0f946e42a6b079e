import re

import pytest
import torch

from course_lib import data

SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize(("symbols", "distance"), [(1, 20), (3, 5), (2, 0), (1, 300)])
def test_the_answer_is_what_came_first(symbols, distance):
    n = 10 if distance == 0 else 300
    found = data.load("recall", n=n, symbols=symbols, distance=distance)
    assert found.x.shape == (n, symbols + distance)
    assert found.y.shape == (n, symbols)
    for x, y in found:
        source = found.decode(x)
        assert re.fullmatch(rf"[A-H]{{{symbols}}}[a-h]{{{distance}}}", source), source
        assert found.decode(y) == source[:symbols]
        assert torch.equal(found.encode(source), x)


def test_symbols_and_noise_are_even_and_independent():
    found = data.load("recall", n=4000, distance=8)
    counts = found.y.flatten().bincount(minlength=17)[1:9]
    assert ((counts / 4000 - 1 / 8).abs() < 0.025).all(), counts
    noise = found.x[:, 1:]
    assert ((noise.flatten().bincount(minlength=17)[9:] / 32_000 - 1 / 8).abs() < 0.01).all()
    for place in range(8):
        with_it = noise[found.y[:, 0] == 3, place].bincount(minlength=17)[9:] / counts[2]
        assert ((with_it - 1 / 8).abs() < 0.07).all(), f"letter {place} tells the symbol"


def test_no_string_is_in_two_splits_whatever_the_seed():
    strings = {split: set() for split in SPLITS}
    for seed in range(3):
        for split in SPLITS:
            found = data.load("recall", split, n=300, distance=4, seed=seed)
            here = {found.decode(x) for x in found.x}
            assert len(here) == 300, "a string came twice"
            strings[split] |= here
    assert not strings["train"] & strings["validation"]
    assert not strings["train"] & strings["test"]
    assert not strings["validation"] & strings["test"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 100, "distance": 0}, "n must be at most about .* for 'train' of 'recall' .* got 100"),
        ({"distance": -1}, "distance must be a whole number of at least 0, got -1"),
        ({"symbols": 0}, "symbols must be a whole number of at least 1, got 0"),
        ({"seed": 1.5}, "seed must be a whole number of at least 0, got 1.5"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("recall", **options)
