from collections import Counter

import pytest
import torch

from course_lib import data

SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize(("shortest", "longest"), [(3, 10), (4, 4), (11, 30)])
def test_the_answer_is_the_string_and_ends(shortest, longest):
    found = data.load("copying", n=500, shortest=shortest, longest=longest)
    assert found.x.shape == (500, longest)
    assert found.y.shape == (500, longest + 1)
    assert torch.equal(found.y[:, :-1], found.x)
    assert (found.y[:, -1] == 0).all(), "nothing says that the answer ends"
    lengths = Counter()
    for x, _ in found:
        string = found.decode(x)
        assert string.isalpha()
        assert string.islower()
        assert torch.equal(found.encode(string), x[: len(string)])
        assert (x[len(string) :] == 0).all()
        lengths[len(string)] += 1
    expected = 500 / (longest - shortest + 1)
    assert set(lengths) == set(range(shortest, longest + 1))
    assert all(abs(count - expected) < 5 * expected**0.5 for count in lengths.values()), lengths


def test_letters_are_even():
    counts = data.load("copying").x.flatten().bincount(minlength=27)[1:]
    assert ((counts / counts.sum() - 1 / 26).abs() < 0.01).all()


def test_no_string_is_in_two_splits_whatever_the_seed():
    strings = {split: set() for split in SPLITS}
    for seed in range(3):
        for split in SPLITS:
            found = data.load("copying", split, n=400, shortest=2, longest=3, seed=seed)
            here = {found.decode(x) for x in found.x}
            assert len(here) == 400, "a string came twice"
            strings[split] |= here
    assert not strings["train"] & strings["validation"]
    assert not strings["train"] & strings["test"]
    assert not strings["validation"] & strings["test"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": "all"}, "n must be a whole number of at least 1, got 'all'"),
        (
            {"n": 30, "shortest": 1, "longest": 1},
            "n must be at most about .* for 'train' of 'copying' .* got 30",
        ),
        ({"shortest": 0}, "shortest must be a whole number of at least 1, got 0"),
        ({"shortest": 5, "longest": 4}, "longest must be a whole number of at least 5, got 4"),
        ({"seed": True}, "seed must be a whole number of at least 0, got True"),
    ],
)
def test_bad_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        data.load("copying", **options)
